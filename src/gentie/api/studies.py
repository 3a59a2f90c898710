"""Published studies: what limits, what is built, what each request pays and why."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import Field

from gentie.api import studied
from gentie.api.listing import Piece, listed
from gentie.api.refusing import nothing_there
from gentie.contexts.studies import reads

operations = Router(tags=["Studies"])
STUDY = "/studies/{slug:slug}"


class AskedConstraints(Piece):
    """Which constraints."""

    condition: str = Field("", description="peak-reliability or peak-deliverability.")
    treatment: str = ""


class AskedUpgrades(Piece):
    """Which upgrades."""

    cost_class: str = ""
    kind: str = ""


class AskedRequests(Piece):
    """Which requests."""

    owner: str = Field("", description="Transmission owner at whose points they are.")
    technology: str = ""
    deliverability: str = Field("", description="full or energy_only.")


def _study(slug: str) -> Any:
    found = reads.study_by_slug(slug)
    if found is None:
        raise nothing_there()
    return found


def _there(found: Any) -> Any:
    if found is None:
        raise nothing_there()
    return found


@operations.get("/studies", response=studied.Studies, summary="Studies")
def studies(request: HttpRequest, piece: Query[Piece]) -> dict[str, Any]:
    """Studies that were published, the latest first."""
    return listed(reads.studies(), piece, key="-pk")


@operations.get(STUDY, response=studied.WholeStudy, summary="One study")
def study(request: HttpRequest, slug: str) -> dict[str, Any]:
    """What the cluster is, what it needs, and as much of what it costs as the asker may know."""
    found = _study(slug)
    own = {name: getattr(found, name) for name in studied.Study.model_fields}
    return own | {"summary": {**found.summary, "cost": reads.costs_of(found)}}


@operations.get(
    f"{STUDY}/assumptions", response=studied.Assumptions, summary="What a study rests on"
)
def study_assumptions(request: HttpRequest, slug: str) -> dict[str, Any]:
    """Rules with their standing, and what the case lacked."""
    found = _study(slug)
    return {"assumptions": found.assumptions, "fidelity": reads.fidelity_of(found)}


@operations.get(f"{STUDY}/constraints", response=studied.Constraints, summary="Constraints")
def constraints(request: HttpRequest, slug: str, asked: Query[AskedConstraints]) -> dict[str, Any]:
    """What the cluster overloads."""
    rows = reads.constraints_of(_study(slug), condition=asked.condition, treatment=asked.treatment)
    return listed(rows, asked, key="number", shown=studied.constraint)


@operations.get(
    f"{STUDY}/constraints/{{int:number}}",
    response=studied.WholeConstraint,
    summary="One constraint",
)
def constraint(request: HttpRequest, slug: str, number: int) -> dict[str, Any]:
    """A constraint, who shares it and by how much, and what is built for it."""
    found = _there(reads.constraint_by_number(_study(slug), number))
    picture = studied.beside(found, "picture")
    return {
        **studied.constraint(found),
        "shares": [studied.share(row) for row in reads.shares_of(found)],
        "upgrades": [one.number for one in found.upgrades.all()],
        "picture": picture.content if picture else None,
    }


@operations.get(f"{STUDY}/upgrades", response=studied.Upgrades, summary="Upgrades")
def upgrades(request: HttpRequest, slug: str, asked: Query[AskedUpgrades]) -> dict[str, Any]:
    """What is built."""
    rows = reads.upgrades_of(_study(slug), cost_class=asked.cost_class, kind=asked.kind)
    return listed(rows, asked, key="number", shown=studied.upgrade)


@operations.get(
    f"{STUDY}/upgrades/{{int:number}}", response=studied.WholeUpgrade, summary="One upgrade"
)
def upgrade(request: HttpRequest, slug: str, number: int) -> dict[str, Any]:
    """An upgrade and the constraints that it serves."""
    found = _there(reads.upgrade_by_number(_study(slug), number))
    return {
        **studied.upgrade(found),
        "constraints": [one.number for one in found.constraints.all()],
    }


@operations.get(
    f"{STUDY}/upgrades/{{int:number}}/ledger",
    response=studied.Ledger,
    summary="Who pays for an upgrade",
)
def upgrade_ledger(request: HttpRequest, slug: str, number: int) -> dict[str, Any]:
    """Rows of the ledger that the asker may see, the largest first, with their sum."""
    found = _there(reads.upgrade_by_number(_study(slug), number))
    return studied.ledger(list(reads.ledger_of_upgrade(found).select_related("upgrade")))


@operations.get(f"{STUDY}/requests", response=studied.Requests, summary="Requests and their costs")
def requests(request: HttpRequest, slug: str, asked: Query[AskedRequests]) -> dict[str, Any]:
    """What every request pays that the asker may see."""
    rows = reads.requests_of(
        _study(slug),
        owner=asked.owner,
        technology=asked.technology,
        deliverability=asked.deliverability,
    )
    return listed(rows, asked, key="number", shown=studied.request)


@operations.get(
    f"{STUDY}/requests/{{str:name}}", response=studied.WholeRequest, summary="One request"
)
def request_costs(request: HttpRequest, slug: str, name: str) -> dict[str, Any]:
    """A request, what it pays, and the constraints that it reaches."""
    found = _there(reads.request_by_name(_study(slug), name))
    return {
        **studied.request(found),
        "reaches": [
            studied.share(row) for row in reads.reached_by(found).select_related("request")
        ],
    }


@operations.get(
    f"{STUDY}/requests/{{str:name}}/ledger",
    response=studied.Ledger,
    summary="What a request pays for",
)
def request_ledger(request: HttpRequest, slug: str, name: str) -> dict[str, Any]:
    """Rows of the ledger of one request, the dearest first, with their sum."""
    found = _there(reads.request_by_name(_study(slug), name))
    return studied.ledger(list(reads.ledger_of_request(found).select_related("request")))


@operations.get(f"{STUDY}/schemes", response=studied.Schemes, summary="Remedial action")
def schemes(request: HttpRequest, slug: str, piece: Query[Piece]) -> dict[str, Any]:
    """Outages after which some requests are tripped."""
    return listed(reads.schemes_of(_study(slug)), piece, key="number", shown=studied.scheme)


@operations.get(
    f"{STUDY}/bundle.zip",
    summary="The bundle",
    openapi_extra={
        "responses": {
            200: {
                "description": "The bundle",
                "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            }
        }
    },
)
def bundle(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All inputs and results as a zip archive, for `gentie study verify`."""
    found = _study(slug)
    file = reads.bundle_file(found)
    if file is None:
        raise PermissionDenied(
            _(
                "The bundle of this study holds the case file and the costs of every request: it "
                "is the operator's."
            )
        )
    if not file.is_file():
        raise nothing_there()
    return FileResponse(
        file.open("rb"),
        as_attachment=True,
        filename=f"{found.slug}-{found.bundle_digest[:12]}.zip",
        content_type="application/zip",
    )
