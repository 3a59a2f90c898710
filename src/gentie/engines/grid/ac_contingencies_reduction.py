"""From states to what is kept of them: the order of work, worst loadings, pairs above a limit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gentie.engines.grid.ac_contingencies_fallback import FullSolution
from gentie.engines.grid.ac_contingencies_grid import FrozenGrid
from gentie.engines.grid.ac_contingencies_islands import NOWHERE
from gentie.engines.grid.ac_contingencies_keeping import PENDING, Kept, Watch
from gentie.engines.grid.ac_contingencies_outages import Outages
from gentie.engines.grid.lanes import LANES
from gentie.engines.grid.network import Floats, Integers


class Pairs(NamedTuple):
    """Branches above the threshold: (p, 2) outage and place of the branch, (p,) squared loading."""

    places: Integers
    squares: Floats


class WorstOfBranch(NamedTuple):
    """(k,) squared worst loading of every live branch, and the outage that does it."""

    squares: Floats
    outage: Integers


def sequence_of_work(outages: Outages) -> Integers:
    """Outages in the order in which blocks take them: alike in difficulty, branches before units.

    A block runs until its slowest outages are few; equals together waste the fewest steps.
    """
    simulated = np.flatnonzero(outages.reason == 0)
    a = outages.arrays
    difficulty = -np.nan_to_num(a.difficulty[simulated], nan=np.inf)
    is_unit = outages.branch[simulated] == NOWHERE
    return np.asarray(simulated[np.lexsort((a.point[simulated], difficulty, is_unit))])


def watch_of(
    frozen: FrozenGrid, outages: Outages, monitored: Integers, limit_mva: Floats, above: float
) -> Watch:
    """What the kernel needs to work out loadings; branches that are not watched weigh nothing."""
    inverse = np.zeros(len(frozen.network.branches))
    with np.errstate(divide="ignore"):
        inverse[monitored] = (frozen.network.base_mva / np.asarray(limit_mva, float)) ** 2
    weight = np.where(np.isfinite(inverse), inverse, 0.0)[frozen.branch]
    room_at = np.flatnonzero(outages.headroom_pu > 0)
    return Watch(
        near=frozen.near,
        far=frozen.far,
        coefficient=np.column_stack([frozen.power, weight]),
        voltage=frozen.voltage_pu[:, None].copy(),
        visit=outages.visit,
        sequence=outages.sequence,
        headroom_at=room_at,
        headroom=outages.headroom_pu[room_at],
        above=float(above) ** 2,
    )


def nothing_kept(count: int, n: int, stored: Integers) -> Kept:
    """Empty results for so many outages, with room for the voltages of some of them."""
    slot = np.full(count, NOWHERE, np.int64)
    slot[np.sort(stored)] = np.arange(len(stored))
    return Kept(
        status=np.full(count, PENDING, np.int64),
        iterations=np.zeros(count, np.int64),
        worst=np.zeros(count),
        worst_at=np.full(count, NOWHERE, np.int64),
        lowest=np.full(count, np.nan),
        lowest_at=np.full(count, NOWHERE, np.int64),
        highest=np.full(count, np.nan),
        highest_at=np.full(count, NOWHERE, np.int64),
        slot=slot,
        stored=np.empty((len(stored), 2, -(-n // LANES) * LANES), np.float32),
    )


def merged(best: Floats, best_outage: Integers) -> tuple[Floats, Integers]:
    """Largest value of each column; among equal ones the first outage."""
    worst = best.max(axis=0, initial=0.0)
    none = np.iinfo(np.int64).max
    first = np.where((best == worst) & (best_outage >= 0), best_outage, none).min(axis=0)
    return worst, np.where(first == none, NOWHERE, first)


def keep_full(
    frozen: FrozenGrid,
    outages: Outages,
    watch: Watch,
    kept: Kept,
    worst: WorstOfBranch,
    full: FullSolution,
    c: int,
) -> Pairs:
    """Reduce a full solution as the kernel reduces its lanes; its pairs above the threshold."""
    squares = watch.coefficient[:, 8] * squared_powers(frozen, full.voltage_pu, full.angle_rad)
    if outages.arrays.scanned[c] != NOWHERE:
        squares[outages.arrays.scanned[c]] = 0.0
    if len(squares) and squares.max() > 0.0:
        kept.worst_at[c] = squares.argmax()
        kept.worst[c] = squares.max()
    is_live = full.voltage_pu > 0
    kept.lowest_at[c] = np.where(is_live, full.voltage_pu, np.inf).argmin()
    kept.highest_at[c] = full.voltage_pu.argmax()
    kept.lowest[c] = full.voltage_pu[kept.lowest_at[c]]
    kept.highest[c] = full.voltage_pu[kept.highest_at[c]]
    if kept.slot[c] != NOWHERE:
        row = kept.stored[kept.slot[c]]
        row[0, : len(is_live)] = np.where(is_live, full.angle_rad - frozen.angle_rad, 0.0)
        row[1, : len(is_live)] = full.voltage_pu / frozen.voltage_pu - 1.0
    better = (squares > worst.squares) | ((squares == worst.squares) & (c < worst.outage))
    better &= squares > 0.0
    worst.squares[better] = squares[better]
    worst.outage[better] = c
    over = np.flatnonzero(squares > watch.above)
    return Pairs(np.column_stack([np.full(len(over), c), over]), squares[over])


def squared_powers(frozen: FrozenGrid, voltage_pu: Floats, angle_rad: Floats) -> Floats:
    """(k,) squared apparent power of every live branch, the larger of its ends, pu²."""
    grown = voltage_pu / frozen.voltage_pu
    near, far = frozen.near, frozen.far
    turn = np.exp(1j * ((angle_rad - frozen.angle_rad)[near] - (angle_rad - frozen.angle_rad)[far]))
    s_ff, s_ft, s_tt, s_tf = (
        frozen.power[:, k] + 1j * frozen.power[:, k + 1] for k in (0, 2, 4, 6)
    )
    both = grown[near] * grown[far]
    at_near = s_ff * grown[near] ** 2 + s_ft * both * turn
    at_far = s_tt * grown[far] ** 2 + s_tf * both * np.conj(turn)
    return np.asarray(np.maximum(np.abs(at_near), np.abs(at_far)) ** 2)
