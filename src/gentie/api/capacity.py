"""What each point of interconnection can still take, and what some megawatts there would do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from gentie.api.listing import Listed, Piece, listed
from gentie.api.refusing import Told, nothing_there
from gentie.contexts.grid import reads
from gentie.contexts.grid.runs import report_at
from gentie.quantities.findings import BadInput, Finding

operations = Router(tags=["Capacity"])
LARGEST_MW = 1e6


class PublishedCase(Schema):
    """The base case that capacity was published with."""

    id: int
    name: str
    operator: str
    note: str
    credit: str
    is_synthetic: bool
    sha256: str = Field(description="Of the case file.")
    rulebook: str
    rulebook_version: str
    time_zone: str
    cut_off: float = Field(description="Least distribution factor that counts, MW per MW.")
    minimum_kv: float
    emergency_multiplier: float
    published_at: datetime


class Contingency(Schema):
    """The outages after which a point meets its limits."""

    outage: str
    next_outage: str


class Point(Schema):
    """A point of interconnection and its room."""

    point: str
    bus: int
    bus_name: str
    kv: float
    area: int
    owner: str
    latitude_deg: float | None
    longitude_deg: float | None
    capacity_mw: float | None = Field(description="Null where nothing limits.")
    limiting_element: str
    next_mw: float | None
    next_element: str
    contingency: Contingency | None = Field(
        description="CEII on a real grid: null for who is not cleared."
    )


class Points(Listed[Point]):
    """A piece of the points, by bus number."""


class AskedPoints(Piece):
    """Which points."""

    kv: float | None = Field(None, description="Nominal voltage, kV.")
    area: int | None = Field(None, ge=-(2**31), lt=2**31)
    least_mw: float | None = Field(None, ge=0, le=LARGEST_MW, description="Room of at least, MW.")
    words: str = Field("", max_length=100, description="In the name, or a bus number.")


class AskedFigures(Schema):
    """What is injected."""

    mw: float = Field(description="Megawatts at the point.", allow_inf_nan=False)


@operations.get("/capacity", response=PublishedCase, summary="The published base case")
def capacity(request: HttpRequest) -> Any:
    """The base case that was published last."""
    return _case()


@operations.get("/capacity/points", response=Points, summary="Points with their room")
def points(request: HttpRequest, asked: Query[AskedPoints]) -> dict[str, Any]:
    """Every point of interconnection with its room, what limits it, and with which outage."""
    rows = reads.points_of(
        _case(),
        kv=asked.kv,
        area=asked.area,
        least_mw=asked.least_mw,
        words=asked.words.replace("\x00", ""),
    )
    return listed(rows, asked, key="bus", shown=_point)


@operations.get("/capacity/points/{int:bus}", response=Point, summary="One point")
def point(request: HttpRequest, bus: int) -> Any:
    """The point that a bus stands for."""
    found = reads.point_at(_case(), bus) if bus < 2**63 else None
    if found is None:
        raise nothing_there()
    return _point(found)


@operations.get(
    "/capacity/points/{int:bus}/figures", response=dict[str, Any], summary="What MW there would do"
)
def point_figures(request: HttpRequest, bus: int, asked: Query[AskedFigures]) -> dict[str, Any]:
    """The five figures of every facility that an injection impacts, worked out now.

    Distribution factor, MW impact, impact as a share of the limit, loading before and after.
    """
    case = _case()
    if not reads.may_ask(case):
        raise PermissionDenied(
            "Loadings of a real grid are critical energy infrastructure information (CEII), shown "
            "to cleared organisations: ask the operator for clearance."
        )
    try:
        return report_at(case, bus=bus, mw=asked.mw).as_dict()
    except BadInput as wrong:
        is_about_bus = any(one.code.startswith("capacity.bus.") for one in wrong.findings)
        raise Told(404 if is_about_bus else 422, wrong.findings) from wrong


def _point(row: Any) -> dict[str, Any]:
    own = {name: getattr(row, name) for name in Point.model_fields if name != "contingency"}
    return own | {"contingency": getattr(row, "contingency", None)}


def _case() -> Any:
    case = reads.latest_case()
    if case is None:
        raise Told(404, Finding("capacity.case.none", "No base case has been published here yet."))
    return case
