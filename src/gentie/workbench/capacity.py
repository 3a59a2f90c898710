"""What the points of a case can take, as every door tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from gentie.engines.interconnection.capacity import (
    Capacity,
    capacity_of,
    capacity_pair_by_pair,
    impacted_facilities,
)
from gentie.engines.interconnection.published import PublishedCase
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import GridProfile
from gentie.workbench.tables import Column, Table, Tier, table

CAPACITY_MW, FIGURE = 3, 6
"""Decimals of capacities, and of the five figures."""

NO_RATING = (
    "No line or transformer of the studied areas has a rating, so nothing limits and the capacity "
    "is left blank."
)


@dataclass(frozen=True, slots=True)
class Facility:
    """The five figures of one impacted facility; see ``ImpactedFacility``."""

    element: str
    outage: str
    distribution_factor: float
    impact_mw: float
    impact_percent: float
    before_percent: float
    after_percent: float


@dataclass(frozen=True, slots=True)
class PointReport:
    """What one point takes, and what some MW there would do.

    Attributes:
        case, sha256, rulebook: what it was asked of.
        bus: as asked.
        point: the point of interconnection that the bus belongs to.
        point_bus: number of the bus that stands for the point; the MW are injected there.
        mw: as asked.
        within_limits: the MW bring nothing above its limit that was not above it before.
        limit_mw: most that the point takes; None where nothing limits.
        limiting_element: what limits it; None where nothing does.
        outage: with which outage; ``base`` for none.
        next_limit_mw: where the next other element reaches a limit.
        next_limiting_element: that element.
        next_outage: its outage.
        facilities: reached by the cut-off, the highest loading after first.
        cut_off: least distribution factor that counts.
        emergency_multiplier: assumption about limits after an outage.
        note: what a reader must know; empty for nothing.
    """

    case: str
    sha256: str
    rulebook: str
    bus: int
    point: str
    point_bus: int
    mw: float
    within_limits: bool
    limit_mw: float | None
    limiting_element: str | None
    outage: str | None
    next_limit_mw: float | None
    next_limiting_element: str | None
    next_outage: str | None
    facilities: tuple[Facility, ...]
    cut_off: float
    emergency_multiplier: float
    note: str

    def as_dict(self) -> dict[str, object]:
        """The report as plain data for JSON."""
        return asdict(self)


MAP_COLUMNS = (
    Column("bus", "number of the bus that stands for the point"),
    Column("capacity_mw", "MW before the first limit; blank where nothing limits", CAPACITY_MW),
    Column("limiting_element", "what reaches its limit first"),
    Column("outage", "with which outage; base for none"),
    Column("next_mw", "MW at which the next other element does", CAPACITY_MW),
    Column("next_element", "that element"),
    Column("next_outage", "its outage"),
    Column("point", "identity of the point in this case"),
    Column("name", "of the bus in the case"),
    Column("kv", "nominal voltage", 3),
    Column("area", "of the case"),
    Column("owner", "transmission owner of the area"),
    Column("latitude_deg", "where it is known", 6),
    Column("longitude_deg", "where it is known", 6),
)


def capacity_map(
    published: PublishedCase,
    profile: GridProfile,
    *,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Table:
    """Capacity of every studied point, one row each, by the number of its bus.

    Args:
        published: the published case.
        profile: gives owners and places.
        threads: numba threads.
        progress: told how many of the points are done, and of how many.
    """
    principal = published.points.principal_bus[published.studied_points]
    order = np.argsort(published.network.buses.number[principal])
    rows, points = principal[order], published.studied_points[order]
    found = capacity_of(published, rows, threads=threads, progress=progress)
    buses = published.network.buses
    nowhere = (None, None)
    return table(
        "capacity",
        Tier.PUBLIC,
        MAP_COLUMNS,
        (
            (
                int(buses.number[row]),
                *_limit(published, found, place),
                published.points.identity(int(point)),
                buses.name[row],
                float(buses.nominal_kv[row]),
                int(buses.area[row]),
                profile.owners[int(buses.area[row])].name
                if int(buses.area[row]) in profile.owners
                else "",
                *profile.coordinates.get(int(buses.number[row]), nowhere),
            )
            for place, (row, point) in enumerate(zip(rows, points, strict=True))
        ),
    )


def capacity_at(
    published: PublishedCase,
    *,
    bus: int,
    mw: float,
    rulebook_version: str,
    threads: int = 2,
) -> PointReport:
    """What one point takes, and the five figures of everything that some MW there impact.

    Args:
        published: the published case.
        bus: number of a bus of the point.
        mw: injected there.
        rulebook_version: named in the report.
        threads: numba threads.

    Raises:
        BadInput: there is no such bus or point, or the MW are not a positive number.
    """
    network, points = published.network, published.points
    row = network.bus_row.get(bus)
    if row is None:
        raise BadInput(
            Finding("capacity.bus.unknown", f"{network.name} has no bus {bus}; name another one.")
        )
    point = int(points.point_of_bus[row])
    if point < 0:
        raise BadInput(
            Finding(
                "capacity.bus.no_point",
                f"Bus {bus} of {network.name} is isolated or the star point of a transformer; "
                "nothing can connect there. Name another bus.",
            )
        )
    if point not in set(published.studied_points.tolist()):
        raise BadInput(_not_studied(published, bus, row))
    if not (np.isfinite(mw) and mw > 0):
        raise BadInput(
            Finding("capacity.mw", f"{mw:g} MW cannot be injected; give a number above zero.")
        )
    principal = int(points.principal_bus[point])
    found = capacity_pair_by_pair(published, np.array([principal]), threads=threads)
    limit_mw, element, outage, next_mw, next_element, next_outage = _limit(published, found, 0)
    facilities = tuple(
        Facility(
            element=published.element(one.branch_row),
            outage=published.element(one.outage_row),
            distribution_factor=round(one.distribution_factor, FIGURE),
            impact_mw=round(one.impact_mw, FIGURE),
            impact_percent=round(one.impact_percent, FIGURE),
            before_percent=round(one.before_percent, FIGURE),
            after_percent=round(one.after_percent, FIGURE),
        )
        for one in impacted_facilities(published, principal, mw=mw, threads=threads)
    )
    return PointReport(
        case=network.name,
        sha256=network.digest,
        rulebook=rulebook_version,
        bus=bus,
        point=points.identity(point),
        point_bus=int(network.buses.number[principal]),
        mw=mw,
        within_limits=bool(mw <= found.capacity_mw[0]),
        limit_mw=limit_mw,
        limiting_element=element,
        outage=outage,
        next_limit_mw=next_mw,
        next_limiting_element=next_element,
        next_outage=next_outage,
        facilities=facilities,
        cut_off=published.screening.cut_off,
        emergency_multiplier=published.screening.emergency_multiplier,
        note="" if len(published.monitored) else NO_RATING,
    )


def _limit(
    published: PublishedCase, found: Capacity, place: int
) -> tuple[float | None, str | None, str | None, float | None, str | None, str | None]:
    """The two limits of one point, with names; None where nothing limits."""
    first: tuple[float | None, str | None, str | None] = (None, None, None)
    second = first
    if np.isfinite(found.capacity_mw[place]):
        first = (
            round(float(found.capacity_mw[place]), CAPACITY_MW),
            published.element(int(found.branch_row[place])),
            published.element(int(found.outage_row[place])),
        )
    if np.isfinite(found.next_mw[place]):
        second = (
            round(float(found.next_mw[place]), CAPACITY_MW),
            published.element(int(found.next_branch_row[place])),
            published.element(int(found.next_outage_row[place])),
        )
    return (*first, *second)


def _not_studied(published: PublishedCase, bus: int, row: int) -> Finding:
    buses, screening = published.network.buses, published.screening
    area, kv = int(buses.area[row]), float(buses.nominal_kv[row])
    if screening.areas and area not in screening.areas:
        listed = ", ".join(str(number) for number in screening.areas)
        return Finding(
            "capacity.bus.elsewhere",
            f"Bus {bus} is in area {area}, and areas {listed} are studied; name another bus, or "
            "other areas with --areas.",
        )
    return Finding(
        "capacity.bus.voltage",
        f"Bus {bus} is at {kv:g} kV, below the {screening.minimum_kv:g} kV from which on points "
        "are studied; name a bus of a higher voltage.",
    )
