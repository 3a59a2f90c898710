"""What the interface tells of a study: one schema for each kind of row."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ninja import Schema
from pydantic import Field

from gentie.api.listing import Listed

MONEY = "In the study's currency."


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
    fidelity: list[dict[str, Any]] = Field(
        description="What was dropped, defaulted or assumed when the case was read."
    )


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
    reliability_cost: Decimal = Field(description=MONEY)
    local_delivery_cost: Decimal = Field(description=MONEY)
    switchyard_cost: Decimal = Field(description=MONEY)
    own_cost: Decimal = Field(description=MONEY)
    total_cost: Decimal = Field(description=MONEY)
    cost_per_kw: float


class Requests(Listed[RequestCosts]):
    """A piece of the requests, in the natural order of their names."""


class LedgerRow(Schema):
    """What one request owes of one upgrade, and the arithmetic."""

    request: str
    upgrade: int = Field(description="Number of the upgrade.")
    called_for_by: str
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
    impact_percent: float


class Constraint(Schema):
    """An element that the cluster overloads, with the outage that does it most."""

    number: int
    identity: str
    condition: str
    element: str
    outage: str
    from_name: str
    to_name: str
    kv: float
    limit_mw: float
    before_percent: float
    with_percent: float
    after_percent: float
    outages: int
    arose_from_upgrades: bool
    treatment: str
    basis: str
    request_count: int


class Constraints(Listed[Constraint]):
    """A piece of the constraints, by number."""


class Upgrade(Schema):
    """Something to be built, with its estimate."""

    number: int
    identity: str
    kind: str
    cost_class: str
    element: str
    point: str
    called_for_by: str
    loading_percent: float | None
    kv: float | None
    miles: float | None
    rating_before_mva: float | None
    rating_after_mva: float | None
    cost: Decimal = Field(description=MONEY)
    payers: int


class Upgrades(Listed[Upgrade]):
    """A piece of the upgrades, by number."""


class WholeConstraint(Constraint):
    """A constraint, who shares it, and what is built for it."""

    shares: list[Share]
    upgrades: list[int] = Field(description="Numbers of the upgrades.")
    picture: dict[str, Any] | None = Field(description="Of the small network around it.")


class WholeUpgrade(Upgrade):
    """An upgrade and the constraints that it serves."""

    constraints: list[int] = Field(description="Numbers of the constraints.")


class WholeRequest(RequestCosts):
    """A request and the constraints that it reaches."""

    reaches: list[Share]


class Scheme(Schema):
    """A remedial action scheme: which requests an outage trips."""

    number: int
    outage: str
    tripped_mw: float
    elements: list[str]
    requests: list[str]


class Schemes(Listed[Scheme]):
    """A piece of the schemes, by number."""


def share(row: Any) -> dict[str, Any]:
    """A share with the names of its ends."""
    return {
        "request": row.request.name,
        "constraint": row.constraint.number,
        "distribution_factor": row.distribution_factor,
        "impact_mw": row.impact_mw,
        "impact_percent": row.impact_percent,
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
        "outage": row.outage,
        "tripped_mw": row.tripped_mw,
        "elements": row.elements,
        "requests": [one.name for one in row.requests.all()],
    }
