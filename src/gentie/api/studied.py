"""What the interface tells of a study: one schema for each kind of row.

What the asker may not see is ``null``: another's costs, and critical energy infrastructure
information (CEII) such as outages and limits.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ninja import Schema
from pydantic import Field

from gentie.api.listing import Listed

MONEY = "In the study's currency."
CEII = "CEII: null for who is not cleared."
PRIVATE = "Private: null for others than its owner and the operator."


class Study(Schema):
    """A published study."""

    slug: str
    title: str
    bundle_digest: str = Field(description="SHA-256 of the bundle's manifest.")
    inputs_digest: str
    base_case_id: int
    rulebook_version: str
    rulebook_digest: str
    engine_version: str
    policy: str
    currency: str
    is_shown_in_full: bool = Field(description="Everybody sees every row.")
    published_at: datetime


class Studies(Listed[Study]):
    """A piece of the studies, the latest first."""


class WholeStudy(Study):
    """A study with its summary and what it rests on."""

    summary: dict[str, Any]


class Assumptions(Schema):
    """What a study rests on."""

    assumptions: list[dict[str, Any]] = Field(description="Rules with their standing.")
    fidelity: list[dict[str, Any]] | None = Field(
        description=f"What was dropped, defaulted or assumed when the case was read. {CEII}"
    )


class Costs(Schema):
    """What a request pays."""

    reliability_cost: Decimal = Field(description=MONEY)
    local_delivery_cost: Decimal = Field(description=MONEY)
    switchyard_cost: Decimal = Field(description=MONEY)
    own_cost: Decimal = Field(description=MONEY)
    total_cost: Decimal = Field(description=MONEY)
    cost_per_kw: float


class RequestCosts(Schema):
    """A request with its costs."""

    number: int
    name: str
    bus: int
    point: str
    bus_name: str
    kv: float
    area: int
    owner: str
    technologies: str
    net_mw: float
    deliverability: str
    study_mw: float
    costs: Costs | None = Field(description=PRIVATE)


class Requests(Listed[RequestCosts]):
    """A piece of the requests, in the natural order of their names."""


class LedgerRow(Schema):
    """What one request owes of one upgrade, and the arithmetic."""

    request: str
    upgrade: int = Field(description="Number of the upgrade.")
    basis: str
    distribution_factor: float
    mw: float
    impact_mw: float
    impact_sum_mw: float
    share: Decimal
    amount: Decimal = Field(description=MONEY)


class Ledger(Schema):
    """All rows of a ledger, with their sum."""

    rows: list[LedgerRow]
    amount: Decimal = Field(description=MONEY)


class Share(Schema):
    """How much of a constraint is one request's."""

    request: str
    constraint: int = Field(description="Number of the constraint.")
    distribution_factor: float
    impact_mw: float
    impact_percent: float | None = Field(description=f"Of the limit. {CEII}")


class Contingency(Schema):
    """The outage that overloads an element most, and the limit that then applies."""

    identity: str
    outage: str
    limit_mw: float
    outages: int


class Constraint(Schema):
    """An element that the cluster overloads, with the outage that does it most."""

    number: int
    condition: str
    element: str
    from_name: str
    to_name: str
    kv: float
    before_percent: float
    with_percent: float
    after_percent: float
    arose_from_upgrades: bool
    treatment: str
    basis: str
    request_count: int
    contingency: Contingency | None = Field(description=CEII)


class Constraints(Listed[Constraint]):
    """A piece of the constraints, by number."""


class Estimate(Schema):
    """What an upgrade is estimated to cost."""

    cost: Decimal = Field(description=MONEY)
    miles: float | None


class Reason(Schema):
    """Under which outage an upgrade was called for, and the ratings that it changes."""

    called_for_by: str
    loading_percent: float | None
    rating_before_mva: float | None
    rating_after_mva: float | None


class Upgrade(Schema):
    """Something to be built, with its estimate."""

    number: int
    identity: str
    kind: str
    cost_class: str
    element: str
    point: str
    kv: float | None
    payers: int
    estimate: Estimate | None = Field(description=f"Private: for who pays some of it. {MONEY}")
    reason: Reason | None = Field(description=CEII)


class Upgrades(Listed[Upgrade]):
    """A piece of the upgrades, by number."""


class WholeConstraint(Constraint):
    """A constraint, who shares it, and what is built for it."""

    shares: list[Share]
    upgrades: list[int] = Field(description="Numbers of the upgrades.")
    picture: dict[str, Any] | None = Field(description=f"Of the small network around it. {CEII}")


class WholeUpgrade(Upgrade):
    """An upgrade and the constraints that it serves."""

    constraints: list[int] = Field(description="Numbers of the constraints.")


class WholeRequest(RequestCosts):
    """A request and the constraints that it reaches."""

    reaches: list[Share]


class SchemeContingency(Schema):
    """The outage that sets a scheme off, and what it protects."""

    outage: str
    elements: list[str]


class Scheme(Schema):
    """A remedial action scheme: which requests an outage trips."""

    number: int
    tripped_mw: float = Field(description="Of the requests that are told.")
    requests: list[str] = Field(description="Those that the asker may know of.")
    contingency: SchemeContingency | None = Field(description=CEII)


class Schemes(Listed[Scheme]):
    """A piece of the schemes, by number."""


def beside(row: Any, name: str) -> Any:
    """What stands beside a row; None for who may not see it."""
    return getattr(row, name, None)


def request(row: Any) -> dict[str, Any]:
    """A request with its costs."""
    return _shown(row, RequestCosts, "costs")


def constraint(row: Any) -> dict[str, Any]:
    """A constraint with its contingency."""
    return _shown(row, Constraint, "contingency")


def upgrade(row: Any) -> dict[str, Any]:
    """An upgrade with its estimate and its reason."""
    return _shown(row, Upgrade, "estimate", "reason")


def _shown(row: Any, schema: type[Schema], *parts: str) -> dict[str, Any]:
    own = {name: getattr(row, name) for name in schema.model_fields if name not in parts}
    return own | {part: beside(row, part) for part in parts}


def share(row: Any) -> dict[str, Any]:
    """A share with the names of its ends."""
    return {
        "request": row.request.name,
        "constraint": row.constraint.number,
        "distribution_factor": row.distribution_factor,
        "impact_mw": row.impact_mw,
        "impact_percent": getattr(row, "impact_percent", None),
    }


def ledger(rows: list[Any]) -> dict[str, Any]:
    """Rows of a ledger with their sum."""
    return {
        "rows": [
            {
                "request": row.request.name,
                "upgrade": row.upgrade.number,
                **{
                    name: getattr(row, name)
                    for name in LedgerRow.model_fields
                    if name not in {"request", "upgrade"}
                },
            }
            for row in rows
        ],
        "amount": sum((row.amount for row in rows), Decimal("0.00")),
    }


def scheme(row: Any) -> dict[str, Any]:
    """A scheme with the names of the requests that it trips."""
    return {
        "number": row.number,
        "tripped_mw": row.tripped_mw,
        "requests": [one.name for one in row.requests.all()],
        "contingency": beside(row, "contingency"),
    }
