"""Reactive limits inside a block of outages: which buses change sides, and what that takes.

A bus that may change sides has one *control* and one *output*. Where the base state holds its
voltage, the control is its voltage and the output its units' reactive power; where the base state
has it at a limit, the control is that power and the output its voltage. A bus that left its base
side asks for a value of its output; which controls give it is known from the base state's response
of every output to every control. What the response leaves, the next step corrects.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from gentie.engines.grid.ac_contingencies_grid import HELD, SLACK, FrozenGrid
from gentie.engines.grid.ac_contingencies_outages import OutageArrays
from gentie.engines.grid.lane_flows import add_edges, begin_injections
from gentie.engines.grid.lane_solves import eliminate, substitute
from gentie.engines.grid.lanes import LANES, lane_array
from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.engines.grid.reactive_limits import RELEASES_PER_BUS

MOST_CHANGES = 400
"""Buses that may leave their base side in one outage before it is solved by full Newton."""
PROBE_PU = 1e-4
"""Size of the step by which responses are measured."""
HOLDS, AT_MAX, AT_MIN = 0, 1, -1


class ReactiveArrays(NamedTuple):
    """Buses that may change sides, (s,) each.

    Attributes:
        bus: place.
        base_side: ``HOLDS``, ``AT_MAX`` or ``AT_MIN``.
        base_q: reactive output of the units in the base state, pu.
        q_max: pu.
        q_min: pu.
        to_setpoint: relative change of voltage that meets the set-point; 0 where it is held.
        response: (s, s) output by control, single precision.
        enforced: limits are watched; else buses change sides only when they lose their units.
    """

    bus: Integers
    base_side: npt.NDArray[np.int64]
    base_q: Floats
    q_max: Floats
    q_min: Floats
    to_setpoint: Floats
    response: npt.NDArray[np.float32]
    enforced: bool


class Changes(NamedTuple):
    """Who left the base side in each outage, filled while it is solved.

    Attributes:
        listed: (c,) buses in the list.
        which: (c, MOST_CHANGES) rows of ``ReactiveArrays``.
        side: (c, MOST_CHANGES) where they are now.
        releases: (c, MOST_CHANGES) times that they got their set-point back.
    """

    listed: Integers
    which: npt.NDArray[np.int32]
    side: npt.NDArray[np.int8]
    releases: npt.NDArray[np.int8]


def reactive_arrays(
    frozen: FrozenGrid, *, enforced: bool, units_are_lost: Booleans
) -> tuple[ReactiveArrays, Integers]:
    """Buses that may change sides.

    Args:
        frozen: the base state.
        enforced: reactive limits are kept.
        units_are_lost: (n,) places where an outage takes a unit.

    Returns:
        The arrays, and (n,) the row of each place in them, -1 where it has none.
    """
    order = frozen.grid.position[frozen.bus]
    grid = frozen.grid
    high, low = grid.q_max_pu[order], grid.q_min_pu[order]
    is_controlled = grid.is_controlled[order] & (frozen.kind != SLACK)
    is_rigid = high == low
    may_change = is_controlled & (high >= low) & ~is_rigid if enforced else is_controlled & False
    may_change |= is_controlled & units_are_lost & (frozen.kind == HELD)
    bus = np.flatnonzero(may_change)
    flow, rows = frozen.flow, frozen.bus[bus]
    side = np.where(flow.at_max_reactive[rows], AT_MAX, HOLDS)
    side[flow.at_min_reactive[rows]] = AT_MIN
    index = np.full(len(frozen.bus), -1, np.int64)
    index[bus] = np.arange(len(bus))
    setpoint = grid.setpoint_pu[order][bus] / frozen.voltage_pu[bus] - 1.0
    response = np.zeros((len(bus), len(bus)), np.float32)
    _responses(frozen.arrays, bus, side, response)
    return ReactiveArrays(
        bus=bus,
        base_side=side.astype(np.int64),
        base_q=np.where(
            side == HOLDS, frozen.generated_q_pu[bus], np.where(side > 0, high[bus], low[bus])
        ),
        q_max=high[bus],
        q_min=low[bus],
        to_setpoint=np.where(side == HOLDS, 0.0, setpoint),
        response=response,
        enforced=enforced,
    ), index


def no_changes(count: int) -> Changes:
    """Empty lists for so many outages."""
    return Changes(
        np.zeros(count, np.int64),
        np.zeros((count, MOST_CHANGES), np.int32),
        np.zeros((count, MOST_CHANGES), np.int8),
        np.zeros((count, MOST_CHANGES), np.int8),
    )


@numba.njit(cache=True, nogil=True)
def _responses(frozen, bus, base_side, response):  # type: ignore[no-untyped-def]
    """Change of every output for a unit of every control, sixteen controls at a time."""
    n = len(frozen.own)
    right = lane_array(2 * n, 4).view(np.float32).reshape(n, 2, LANES)
    state = lane_array(2 * n, 8).view(np.float64).reshape(n, 2, LANES)
    change = lane_array(2 * n, 8).view(np.float64).reshape(n, 2, LANES)
    widest = lane_array(1, 8).view(np.float64)
    start = frozen.column_start
    for first in range(0, len(bus), LANES):
        right[:] = 0.0
        count = min(LANES, len(bus) - first)
        for w in range(count):
            right[bus[first + w], 1, w] = 1.0
        for j in range(n):
            eliminate(
                right.ctypes.data,
                frozen.row.ctypes.data,
                frozen.lower.ctypes.data,
                start[j],
                start[j + 1],
                j,
            )
        for j in range(n - 1, -1, -1):
            substitute(
                right.ctypes.data,
                right.ctypes.data,
                frozen.row.ctypes.data,
                frozen.upper.ctypes.data,
                frozen.inverse_diagonal.ctypes.data,
                start[j],
                start[j + 1],
                j,
            )
        for i in range(n):
            for k in range(2):
                for w in range(LANES):
                    state[i, k, w] = PROBE_PU * right[i, k, w]
        begin_injections(
            state.ctypes.data, change.ctypes.data, frozen.own.ctypes.data, np.int64(0), n
        )
        add_edges(
            state.ctypes.data,
            change.ctypes.data,
            frozen.near.ctypes.data,
            frozen.far.ctypes.data,
            frozen.coefficient.ctypes.data,
            widest.ctypes.data,
            np.int64(0),
            len(frozen.near),
        )
        for s in range(len(bus)):
            for w in range(count):
                if base_side[s] == 0:
                    response[s, first + w] = change[bus[s], 1, w] / PROBE_PU
                else:
                    response[s, first + w] = right[bus[s], 1, w]


@numba.njit(cache=True, nogil=True)
def limits_of(reactive, outages, c, s):  # type: ignore[no-untyped-def]
    """Upper and lower limit of a bus in an outage."""
    if outages.limited[c] == s:
        return outages.limit_max[c], outages.limit_min[c]
    return reactive.q_max[s], reactive.q_min[s]


@numba.njit(cache=True, nogil=True)
def begin_changes(reactive, outages, changes, c):  # type: ignore[no-untyped-def]
    """A bus that loses a unit has other limits from the start; without units it holds nothing."""
    changes.listed[c] = 0
    s = outages.limited[c]
    if s < 0:
        return
    high, low = limits_of(reactive, outages, c, s)
    if high > low and reactive.base_side[s] == 0:
        return
    changes.which[c, 0] = s
    changes.side[c, 0] = reactive.base_side[s] if high > low else 1
    changes.releases[c, 0] = 0 if high > low else RELEASES_PER_BUS
    changes.listed[c] = 1


@numba.njit(cache=True, nogil=True)
def ask_of_changed(reactive, outages, changes, c, w, state, change, generated, error):  # type: ignore[no-untyped-def]
    """What each changed bus still lacks, into ``error``; its own mismatch is set accordingly.

    Returns:
        The largest of what is lacking.
    """
    worst = 0.0
    for k in range(changes.listed[c]):
        s = changes.which[c, k]
        i = reactive.bus[s]
        side = changes.side[c, k]
        high, low = limits_of(reactive, outages, c, s)
        limit = high if side > 0 else low
        generated[k] = reactive.base_q[s] + change[i, 1, w]
        if reactive.base_side[s] == 0:
            error[k] = limit - generated[k] if side != 0 else -state[i, 1, w]
            worst = max(worst, abs(error[k]))
        elif side == 0:
            error[k] = reactive.to_setpoint[s] - state[i, 1, w]
            change[i, 1, w] = 0.0
            worst = max(worst, abs(error[k]))
        else:
            error[k] = 0.0
            change[i, 1, w] -= limit - reactive.base_q[s]
    return worst


@numba.njit(cache=True, nogil=True)
def steer(reactive, changes, c, w, error, right):  # type: ignore[no-untyped-def]
    """Set the controls of the changed buses so that their outputs meet what is asked."""
    count = changes.listed[c]
    asked = np.empty(count, np.int64)
    n = 0
    for k in range(count):
        s = changes.which[c, k]
        if (reactive.base_side[s] == 0) == (changes.side[c, k] != 0):
            asked[n] = k
            n += 1
        elif reactive.base_side[s] == 0:
            right[reactive.bus[s], 1, w] = error[k]
    if n == 0:
        return
    matrix = np.empty((n, n))
    wanted = np.empty(n)
    for a in range(n):
        s = changes.which[c, asked[a]]
        wanted[a] = error[asked[a]]
        for k in range(count):
            other = changes.which[c, k]
            if reactive.base_side[other] == 0 and changes.side[c, k] == 0:
                wanted[a] -= reactive.response[s, other] * error[k]
        for b in range(n):
            matrix[a, b] = reactive.response[s, changes.which[c, asked[b]]]
    _eliminate_dense(matrix, wanted)
    for a in range(n):
        right[reactive.bus[changes.which[c, asked[a]]], 1, w] = wanted[a]


@numba.njit(cache=True, nogil=True)
def _eliminate_dense(matrix, right):  # type: ignore[no-untyped-def]
    """Solve in place, largest pivot first: unlike a library's, the same bits on any thread."""
    n = len(right)
    for j in range(n):
        pivot = j
        for i in range(j + 1, n):
            if abs(matrix[i, j]) > abs(matrix[pivot, j]):
                pivot = i
        if pivot != j:
            for k in range(j, n):
                matrix[j, k], matrix[pivot, k] = matrix[pivot, k], matrix[j, k]
            right[j], right[pivot] = right[pivot], right[j]
        if matrix[j, j] == 0.0:
            continue
        for i in range(j + 1, n):
            factor = matrix[i, j] / matrix[j, j]
            if factor != 0.0:
                for k in range(j + 1, n):
                    matrix[i, k] -= factor * matrix[j, k]
                right[i] -= factor * right[j]
    for j in range(n - 1, -1, -1):
        value = right[j]
        for k in range(j + 1, n):
            value -= matrix[j, k] * right[k]
        right[j] = value / matrix[j, j] if matrix[j, j] != 0.0 else 0.0


@numba.njit(cache=True, nogil=True)
def change_sides(reactive, outages, changes, visit, c, w, margin, state, change, generated):  # type: ignore[no-untyped-def]
    """Let buses past a limit, or past their set-point at one, change sides.

    Returns:
        How many did; -1 when the list is full.
    """
    moved = 0
    for k in range(changes.listed[c]):
        s = changes.which[c, k]
        high, low = limits_of(reactive, outages, c, s)
        side = changes.side[c, k]
        past = state[reactive.bus[s], 1, w] - reactive.to_setpoint[s]
        if side == 0:
            if generated[k] > high + margin:
                changes.side[c, k] = 1
                moved += 1
            elif generated[k] < low - margin:
                changes.side[c, k] = -1
                moved += 1
        elif changes.releases[c, k] < RELEASES_PER_BUS and side * past > margin:
            changes.side[c, k] = 0
            changes.releases[c, k] += 1
            moved += 1
    if not reactive.enforced:
        return moved
    listed = changes.listed[c]
    for s in range(len(reactive.bus)):
        i = reactive.bus[s]
        high, low = limits_of(reactive, outages, c, s)
        side = reactive.base_side[s]
        if side == 0:
            output = reactive.base_q[s] + change[i, 1, w]
            wanted = 1 if output > high + margin else (-1 if output < low - margin else 0)
        else:
            past = state[i, 1, w] - reactive.to_setpoint[s]
            wanted = 0 if side * past > margin else side
        if wanted == side:
            continue
        if outages.lost_first[c] <= visit[i] <= outages.lost_last[c]:
            continue
        is_listed = False
        for k in range(listed):
            is_listed = is_listed or changes.which[c, k] == s
        if is_listed:
            continue
        if changes.listed[c] == MOST_CHANGES:
            return -1
        k = changes.listed[c]
        changes.which[c, k] = s
        changes.side[c, k] = wanted
        changes.releases[c, k] = 1 if wanted == 0 else 0
        changes.listed[c] += 1
        moved += 1
    return moved


def changed_sides(changes: Changes, reactive: ReactiveArrays, outages: OutageArrays) -> Integers:
    """(c,) buses that end on another side than in the base state, those without units left out."""
    is_listed = np.arange(MOST_CHANGES) < changes.listed[:, None]
    which = np.where(is_listed, changes.which, 0)
    if not len(reactive.bus):
        return np.zeros(len(changes.listed), np.int64)
    moved = is_listed & (changes.side != reactive.base_side[which])
    moved &= which != outages.limited[:, None]
    return np.asarray(moved.sum(axis=1), np.int64)
