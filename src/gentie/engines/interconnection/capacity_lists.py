"""Which pairs of element and outage can limit any of the asked points, sorted for the walk.

The chain of bounds, all of them proven and none estimated:

1. Every point has the limits with nothing out, and with the worst outage of each element. The
   second lowest of different elements, ``U``, is an upper bound of what it is asked for.
2. ``U |h_m|`` over all points is how far anybody can push element ``m`` or outage ``c``: pairs
   beyond both are never looked at again by anyone, and are not kept.
3. Where a point pushes an element nearly to its limit with nothing out (by ``NEAR`` of what is
   left), all pairs would have to be kept; there the point walks the element's whole row instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from gentie.engines.grid.contingencies import NO_OUTAGE, blocks_by_position
from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.engines.interconnection.capacity_pairs import (
    factors_of_pairs,
    list_pairs,
    sorted_lists,
)
from gentie.engines.interconnection.capacity_points import MARGIN, reach_of_points
from gentie.engines.interconnection.published import PublishedCase

NEAR = 0.05
"""Share of an element's room with nothing out that stays between its lists and its row.

More makes the lists shorter and more rows walked; the answer is the same for any value."""

PAIRS_AT_FIRST = 32
"""Pairs by element for which room is made before it is known how many there are."""


@dataclass(frozen=True, eq=False)
class PairLists:
    """Pairs that can limit a point.

    Attributes:
        worst: (k,) place of each element's worst outage; -1 where there is none.
        worst_factor: (k,) its outage factor.
        outage_scale: (k,) ``1 / (1 - own factor)``; 0 for what is not opened.
        listed_until: (2, k) caps by side and element beyond which the row has to be walked.
        by_element: starts, outages, factors and keys.
        by_outage: starts, elements, factors and keys.
        is_capped: (p,) points that have a second limit without any list.
    """

    worst: Integers
    worst_factor: Floats
    outage_scale: Floats
    listed_until: Floats
    by_element: tuple[Any, ...]
    by_outage: tuple[Any, ...]
    is_capped: Booleans


@dataclass(frozen=True, eq=False)
class Elements:
    """The monitored elements as the loops take them; places are rows of ``monitored``."""

    case: PublishedCase
    points: Integers
    cut_off: float

    @property
    def model_arguments(self) -> tuple[Any, ...]:
        """Solver, ends and susceptances."""
        model, monitored = self.case.model, self.case.monitored
        return (
            model.solve_arguments,
            model.from_position[monitored],
            model.to_position[monitored],
            model.susceptance_mw_per_rad[monitored],
        )

    @property
    def point_arguments(self) -> tuple[Any, ...]:
        """Displaced fleet, and the points' places in the factor."""
        case = self.case
        return case.fleet_factor[case.monitored], case.model.factor.position[self.points]

    @property
    def limit_arguments(self) -> tuple[Any, ...]:
        """Flows, limits and cut-off."""
        case = self.case
        return (
            case.flow_mw[case.monitored],
            case.normal_limit_mw,
            case.post_limit_mw,
            self.cut_off,
        )

    @property
    def order(self) -> Integers:
        """Points so that neighbours stand together."""
        return np.argsort(self.case.model.factor.position[self.points], kind="stable")


def pair_lists(elements: Elements, *, threads: int) -> PairLists:
    """Find the pairs that can limit one of the points.

    Args:
        elements: of the case, with the points and the cut-off.
        threads: numba threads.
    """
    case = elements.case
    k = len(case.monitored)
    worst, worst_factor = _worst_outages(elements)
    element_reach, outage_reach = np.zeros((threads, 2, k)), np.zeros((threads, 2, k))
    is_capped = np.zeros(len(elements.points), np.bool_)
    reach_of_points(
        *elements.model_arguments,
        *elements.point_arguments,
        elements.order,
        *elements.limit_arguments,
        worst,
        worst_factor,
        element_reach,
        outage_reach,
        is_capped,
    )
    beyond = 1.0 + 3.0 * MARGIN
    reach = element_reach.max(axis=0) * beyond + MARGIN
    flow = case.flow_mw[case.monitored]
    left = np.stack([case.post_limit_mw - flow, case.post_limit_mw + flow])
    is_by_row = (left > 0.0) & (reach > (1.0 - NEAR) * left)
    listed_until = np.where(is_by_row, (1.0 - NEAR) * left, reach)
    outage_scale, by_element, by_outage = _listed(
        elements, listed_until, outage_reach.max(axis=0) * beyond + MARGIN, threads
    )
    return PairLists(
        worst,
        worst_factor,
        outage_scale,
        np.where(is_by_row, listed_until, np.inf),
        by_element,
        by_outage,
        is_capped,
    )


def set_threads(threads: int) -> int:
    """Ask numba for that many threads, as far as it has them."""
    threads = max(1, min(threads, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(threads)
    return threads


def _worst_outages(elements: Elements) -> tuple[Integers, Floats]:
    """Place and factor of the outage that loads each element most in the published case."""
    case = elements.case
    k = len(case.monitored)
    row = case.base.worst_outage
    worst = np.where(row == NO_OUTAGE, -1, np.searchsorted(case.monitored, row))
    known = np.flatnonzero(worst >= 0)
    known = known[np.argsort(worst[known], kind="stable")]
    outages = np.unique(worst[known])
    start = np.searchsorted(worst[known], np.append(outages, k))
    order, first = blocks_by_position(case.model, case.monitored[outages])
    factor = np.zeros(k)
    factor[known] = factors_of_pairs(*elements.model_arguments, outages, order, first, start, known)
    return worst, factor


def _listed(
    elements: Elements, listed_until: Floats, outage_reach: Floats, threads: int
) -> tuple[Floats, tuple[Any, ...], tuple[Any, ...]]:
    """Scales of the outages, and the sorted lists by element and by outage."""
    case = elements.case
    k = len(case.monitored)
    places = np.searchsorted(case.monitored, case.outages)
    order, first = blocks_by_position(case.model, case.outages)
    room = max(1024, PAIRS_AT_FIRST * k // threads)
    while True:
        outage_scale = np.zeros(k)
        ids = [np.empty((threads, room, 2), np.int32) for _ in range(2)]
        values = [np.empty((threads, room, 2)) for _ in range(2)]
        counts = np.zeros((threads, 2), np.int64)
        list_pairs(
            *elements.model_arguments,
            *elements.limit_arguments[:1],
            case.post_limit_mw,
            places,
            order,
            first,
            listed_until,
            outage_reach,
            outage_scale,
            ids[0],
            values[0],
            ids[1],
            values[1],
            counts,
        )
        if counts.max(initial=0) <= room:
            break
        room = int(counts.max())
    lists = []
    for which in range(2):
        kept = [ids[which][thread, : counts[thread, which]] for thread in range(threads)]
        kept_values = [values[which][thread, : counts[thread, which]] for thread in range(threads)]
        pairs, numbers = np.concatenate(kept), np.concatenate(kept_values)
        lists.append(sorted_lists(pairs[:, 0], pairs[:, 1], numbers, 2 * k))
    return outage_scale, lists[0], lists[1]
