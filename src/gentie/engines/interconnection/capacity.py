"""How much can connect at a point before the first element reaches a limit.

For a point with factors ``h`` (MW on a branch per MW injected, fleet displaced) the injection
that brings element ``m`` to its limit after outage ``c`` is

    (limit_m - sign * (f_m + L_mc f_c)) / |h_m + L_mc h_c|,

and the capacity is the least of these over all pairs that the injection reaches by the cut-off.

**Exact pruning.** Nothing is dropped without a bound: see ``capacity_lists`` for which pairs are
kept and ``capacity_points`` for how a point walks them. A point for which the limits with nothing
out give no bound to begin with is done pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.contingencies import NO_OUTAGE, blocks_by_position
from gentie.engines.grid.linear import BLOCK
from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.engines.interconnection.capacity_kernels import SAME_MW, scan_pairs, two_lowest
from gentie.engines.interconnection.capacity_lists import Elements, pair_lists, set_threads
from gentie.engines.interconnection.capacity_points import settle_points
from gentie.engines.interconnection.published import AT_LIMIT, PublishedCase

ROUNDING = 1e-9
"""Distribution factors below this are nothing but rounding: they never limit anything."""

POINTS_AT_ONCE = 2048
"""Points between two reports of progress."""


@dataclass(frozen=True, eq=False)
class Capacity:
    """Capacity of points, (p,) each, in the order asked.

    Attributes:
        bus_row: where it is injected.
        capacity_mw: MW before the first limit; infinite where nothing limits.
        branch_row: element that limits; -1 where nothing does.
        outage_row: the outage with which it does; ``NO_OUTAGE`` for the base case.
        next_mw: MW at which the next other element reaches a limit.
        next_branch_row: that element.
        next_outage_row: its outage.
        by_brute_force: how many points had no bound to begin with.
    """

    bus_row: Integers
    capacity_mw: Floats
    branch_row: Integers
    outage_row: Integers
    next_mw: Floats
    next_branch_row: Integers
    next_outage_row: Integers
    by_brute_force: int


@dataclass(frozen=True, eq=False)
class ElementLimits:
    """One point against every monitored element, (k,) each.

    Attributes:
        capacity_mw: MW that brings the element to its limit, over all its outages.
        outage_row: the outage with which it does.
        after_loading: worst loading with the asked MW, among pairs reached by the cut-off that
            were within their limit before.
        after_outage_row: the outage of that loading.
        is_reached: there is such a pair.
    """

    capacity_mw: Floats
    outage_row: Integers
    after_loading: Floats
    after_outage_row: Integers
    is_reached: Booleans


@dataclass(frozen=True, slots=True)
class ImpactedFacility:
    """The five figures of one element for one injection, with the outage they are about.

    Attributes:
        branch_row: the element.
        outage_row: the outage, ``NO_OUTAGE`` for the base case.
        distribution_factor: MW on the element per MW injected, positive along its flow after.
        impact_mw: distribution factor times the injection.
        limit_mw: the limit that applies.
        impact_percent: impact over the limit.
        before_percent: loading before.
        after_percent: loading after.
    """

    branch_row: int
    outage_row: int
    distribution_factor: float
    impact_mw: float
    limit_mw: float
    impact_percent: float
    before_percent: float
    after_percent: float


def capacity_of(
    case: PublishedCase,
    bus_rows: Integers,
    *,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Capacity:
    """Capacity of each of these buses, one at a time, exact.

    Args:
        case: the published case.
        bus_rows: (p,) where to inject.
        threads: numba threads; the result is the same for any number.
        progress: told how many of the points are done, and of how many.

    Neglects: what ``analyse_contingencies`` neglects; the MW of other requests.
    Follows: one-step linear transfer limits, as injection heat maps use them.
    """
    bus_rows = np.asarray(bus_rows, np.int64)
    count = len(bus_rows)
    threads = set_threads(threads)
    elements = Elements(case, bus_rows, least_factor(case))
    lists = pair_lists(elements, threads=threads)
    found = _Found(count)
    settled = elements.order[lists.is_capped[elements.order]]
    for start in range(0, len(settled), POINTS_AT_ONCE):
        part = settled[start : start + POINTS_AT_ONCE]
        settle_points(
            *elements.model_arguments,
            *elements.point_arguments,
            part,
            *elements.limit_arguments,
            lists.worst,
            lists.worst_factor,
            lists.outage_scale,
            lists.listed_until,
            *lists.by_element,
            *lists.by_outage,
            found.lowest,
            found.elements,
            found.outages,
            threads,
        )
        if progress:
            progress(start + len(part), count)
    redo = np.flatnonzero(~lists.is_capped)
    for start in range(0, len(redo), BLOCK):
        some = redo[start : start + BLOCK]
        limit, limit_at, *_ = _scan_every_pair(case, bus_rows[some], mw=0.0, threads=threads)
        found.take_lowest(some, limit, limit_at)
        if progress:
            progress(len(settled) + start + len(some), count)
    return found.capacity(case, bus_rows, len(redo))


def capacity_pair_by_pair(case: PublishedCase, bus_rows: Integers, *, threads: int = 2) -> Capacity:
    """The same answer as ``capacity_of`` from every pair, without bounds or stored factors."""
    bus_rows = np.asarray(bus_rows, np.int64)
    limit, limit_at, *_ = _scan_every_pair(case, bus_rows, mw=0.0, threads=threads)
    found = _Found(len(bus_rows))
    found.take_lowest(np.arange(len(bus_rows)), limit, limit_at)
    return found.capacity(case, bus_rows, len(bus_rows))


def element_limits(
    case: PublishedCase, bus_row: int, *, mw: float, threads: int = 2
) -> ElementLimits:
    """Every pair of the case against one injection.

    Args:
        case: the published case.
        bus_row: where to inject.
        mw: the injection for which loadings are told.
        threads: numba threads.
    """
    limit, limit_at, after, after_at, reached = _scan_every_pair(
        case, np.array([bus_row]), mw=mw, threads=threads
    )
    row = np.append(case.monitored, NO_OUTAGE)
    return ElementLimits(limit[0], row[limit_at[0]], after[0], row[after_at[0]], reached[0])


def impacted_facilities(
    case: PublishedCase, bus_row: int, *, mw: float, threads: int = 2
) -> tuple[ImpactedFacility, ...]:
    """Elements that the injection reaches by the cut-off, each with its worst outage after.

    Pairs above their limit before the injection are set apart here as everywhere.

    Returns:
        Highest loading after the injection first; equal ones as they stand in the case.
    """
    limits = element_limits(case, bus_row, mw=mw, threads=threads)
    places = np.flatnonzero(limits.is_reached)
    places = places[np.argsort(-np.round(limits.after_loading[places], 9), kind="stable")]
    factor = case.distribution_factors(np.array([bus_row]))[:, 0]
    outage_factors: dict[int, Floats] = {}
    found = []
    for place in places:
        branch, outage = int(case.monitored[place]), int(limits.after_outage_row[place])
        flow, share, limit = case.flow_mw[branch], factor[branch], case.normal_limit_mw[place]
        if outage != NO_OUTAGE:
            if outage not in outage_factors:
                outage_factors[outage] = case.model.outage_factors(outage)
            moved = outage_factors[outage][branch]
            flow, share = flow + moved * case.flow_mw[outage], share + moved * factor[outage]
            limit = case.post_limit_mw[place]
        after = flow + mw * share
        sign = 1.0 if after >= 0 else -1.0
        found.append(
            ImpactedFacility(
                branch_row=branch,
                outage_row=outage,
                distribution_factor=float(sign * share),
                impact_mw=float(sign * share * mw),
                limit_mw=float(limit),
                impact_percent=float(100 * sign * share * mw / limit),
                before_percent=float(100 * abs(flow) / limit),
                after_percent=float(100 * abs(after) / limit),
            )
        )
    return tuple(found)


def least_factor(case: PublishedCase) -> float:
    """The cut-off, or what is more than rounding where the cut-off is zero."""
    return max(case.screening.cut_off, ROUNDING)


def _factors_at(case: PublishedCase, bus_rows: Integers) -> Floats:
    """(p, k) distribution factors of injections on the monitored elements."""
    monitored = case.monitored
    factors = case.model.transfer_factors(bus_rows)[monitored].T - case.fleet_factor[monitored]
    return np.ascontiguousarray(factors)


class _Found:
    """The two lowest limits of points as they are found: MW, places of elements and outages."""

    def __init__(self, count: int) -> None:
        self.lowest = np.full((count, 2), np.inf)
        self.elements = np.full((count, 2), -1, np.int64)
        self.outages = np.full((count, 2), NO_OUTAGE, np.int64)

    def take_lowest(self, points: Integers, limit: Floats, limit_at: Integers) -> None:
        """Keep the two lowest of (q, k) limits of these points."""
        for row, place in enumerate(points):
            two_lowest(
                limit[row],
                limit_at[row],
                self.lowest[place],
                self.elements[place],
                self.outages[place],
            )

    def capacity(self, case: PublishedCase, bus_rows: Integers, by_brute_force: int) -> Capacity:
        """The same with rows of the case."""
        row = np.append(case.monitored, NO_OUTAGE)
        return Capacity(
            bus_row=bus_rows,
            capacity_mw=self.lowest[:, 0],
            branch_row=row[self.elements[:, 0]],
            outage_row=row[self.outages[:, 0]],
            next_mw=self.lowest[:, 1],
            next_branch_row=row[self.elements[:, 1]],
            next_outage_row=row[self.outages[:, 1]],
            by_brute_force=by_brute_force,
        )


def _scan_every_pair(
    case: PublishedCase, bus_rows: Integers, *, mw: float, threads: int
) -> tuple[Floats, Integers, Floats, Integers, Booleans]:
    """(p, k) least MW and its outage, loading after and its outage, and what is reached."""
    threads = set_threads(threads)
    monitored = case.monitored
    shape = (threads, len(bus_rows), len(monitored))
    lowest, lowest_at = np.full(shape, np.inf), np.full(shape, NO_OUTAGE, np.int64)
    after, after_at = np.zeros(shape), np.full(shape, NO_OUTAGE, np.int64)
    reached = np.zeros(shape, np.bool_)
    order, starts = blocks_by_position(case.model, case.outages)
    scan_pairs(
        *case.model.solve_arguments,
        case.model.from_position[monitored],
        case.model.to_position[monitored],
        case.model.susceptance_mw_per_rad[monitored],
        case.flow_mw[monitored],
        case.normal_limit_mw,
        case.post_limit_mw,
        np.searchsorted(monitored, case.outages),
        order,
        starts,
        _factors_at(case, bus_rows),
        mw,
        least_factor(case),
        lowest,
        lowest_at,
        after,
        after_at,
        reached,
    )
    limit, limit_at = _merge(lowest, lowest_at, 1.0, SAME_MW)
    load, load_at = _merge(after, after_at, -1.0, AT_LIMIT)
    return limit, limit_at, load, load_at, np.asarray(reached.any(axis=0))


def _merge(values: Floats, places: Integers, sign: float, same: float) -> tuple[Floats, Integers]:
    """Best of the threads (least of ``sign * value``); among equal ones the first outage."""
    best = (sign * values).min(axis=0)
    with np.errstate(invalid="ignore"):
        is_best = (sign * values <= best + same) | (sign * values == best)
    first = np.where(is_best, places, np.iinfo(np.int64).max).min(axis=0)
    return sign * best, first
