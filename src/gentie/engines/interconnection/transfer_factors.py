"""Transfer factors of a published case before anything is built, kept for every study of it.

They cost one solve for each element and each bus and depend on the case alone. Studies of the same
case share them: what a study builds it builds into a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np

from gentie.engines.grid.linear import BLOCK, LinearModel, solve_outages
from gentie.engines.grid.network import Floats, Integers
from gentie.engines.interconnection.published import PublishedCase


@dataclass(frozen=True, eq=False)
class TransferFactors:
    """Angles across the studied elements; never changed in place.

    Attributes:
        case: the published case.
        row: (e,) branch rows of the elements, monitored ones and their star legs.
        transfer: (e, e) radians across element ``i`` per MW sent through the ends of ``j``.
        bus: (q,) bus rows of the columns of ``injection``, ascending.
        injection: (e, q) radians per MW injected at a bus and taken out at the slack.
    """

    case: PublishedCase
    row: Integers
    transfer: Floats
    bus: Integers
    injection: Floats

    def holding(self, bus_rows: Integers) -> TransferFactors:
        """The same with a column for each of these buses; only the missing ones are solved for."""
        missing = np.setdiff1d(bus_rows, self.bus)
        if len(missing) == 0:
            return self
        bus = np.concatenate([self.bus, missing])
        order = np.argsort(bus)
        columns = np.hstack([self.injection, _injected(self.case.model, self.row, missing)])
        return replace(self, bus=bus[order], injection=columns[:, order])

    def columns(self, bus_rows: Integers) -> Floats:
        """(e, k) columns of these buses, a copy.

        Raises:
            KeyError: one is not held.
        """
        place = np.searchsorted(self.bus, bus_rows)
        if np.any(self.bus[np.minimum(place, len(self.bus) - 1)] != bus_rows):
            raise KeyError(np.setdiff1d(bus_rows, self.bus).tolist())
        return np.take(self.injection, place, axis=1)


def transfer_factors(case: PublishedCase, bus_rows: Integers) -> TransferFactors:
    """The factors of a published case, with columns for these buses.

    Args:
        case: the published case.
        bus_rows: where a study injects; in any order.

    Neglects: what the linear model neglects.
    Follows: ``ElementTable``'s definitions.
    """
    row = studied_rows(case)
    branches = case.network.branches
    transfer = _solved(case.model, row, branches.from_bus[row], branches.to_bus[row])
    bus = np.unique(bus_rows)
    return TransferFactors(case, row, transfer, bus, _injected(case.model, row, bus))


def studied_rows(case: PublishedCase) -> Integers:
    """(e,) branch rows of the monitored elements and of the legs of their star points."""
    roles = case.roles
    stars = np.unique(roles.star_bus[case.monitored])
    legs = roles.is_star_leg & ~roles.is_step_up & np.isin(roles.star_bus, stars[stars >= 0])
    return np.union1d(case.monitored, np.flatnonzero(legs & case.network.is_branch_live))


def _injected(model: LinearModel, row: Integers, bus_rows: Integers) -> Floats:
    return _solved(model, row, bus_rows, np.full(len(bus_rows), -1))


def _solved(model: LinearModel, row: Integers, from_bus: Integers, to_bus: Integers) -> Floats:
    """(e, k) angles across branches per MW from one bus to another; -1 for the slack."""
    position = np.append(model.factor.position, np.int32(len(model.factor.inverse_diagonal)))
    start, end = position[from_bus], position[to_bus]
    first = np.minimum(start, end).astype(np.int64)
    order = np.argsort(first, kind="stable")
    found = np.empty((len(row), len(from_bus)))
    _across(
        *model.solve_arguments,
        start,
        end,
        order,
        first[order][::BLOCK].copy(),
        model.from_position[row],
        model.to_position[row],
        found,
    )
    return found


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _across(  # type: ignore[no-untyped-def]
    column_start,
    row,
    value,
    inverse_diagonal,
    start,
    end,
    order,
    first,
    from_position,
    to_position,
    found,
):
    """Solve block by block and keep the angle across every element."""
    # The last row stands for the slack and is never written.
    block = np.zeros((len(inverse_diagonal) + 1, BLOCK))
    everything = np.arange(len(order))
    for number in range(len(first)):
        width = solve_outages(
            column_start,
            row,
            value,
            inverse_diagonal,
            start,
            end,
            everything,
            order,
            number,
            first[number],
            block,
        )
        for i in range(len(from_position)):
            for w in range(width):
                found[i, order[number * BLOCK + w]] = (
                    block[from_position[i], w] - block[to_position[i], w]
                )
