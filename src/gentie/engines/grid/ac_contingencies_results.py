"""What an AC contingency analysis gives: one row for every outage, one for every branch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from gentie.engines.grid.ac_contingencies_grid import FrozenGrid
from gentie.engines.grid.ac_contingencies_islands import NOWHERE
from gentie.engines.grid.ac_contingencies_keeping import SOLVED, Kept
from gentie.engines.grid.ac_contingencies_outages import Outages
from gentie.engines.grid.ac_contingencies_reduction import Pairs, WorstOfBranch, squared_powers
from gentie.engines.grid.network import Booleans, Floats, Integers


class OutageStatus(IntEnum):
    """How an outage ended."""

    SOLVED = 0
    ISLANDED = 1
    """Part of the grid was lost; the rest is solved."""
    DIVERGED = 2
    """No solution, neither with frozen factors nor by full Newton."""
    NOT_SIMULATED = 3


@dataclass(frozen=True, eq=False)
class StoredVoltages:
    """Every voltage of every solved outage, as single-precision changes from the base state.

    Attributes:
        slot: (c,) row of each outage in ``change``, -1 where nothing was stored.
        change: (s, 2, n) change of angle (rad) and relative change of voltage, by place.
        bus: (n,) row of the bus at each place.
        base_voltage_pu: (n,) by place.
        base_angle_rad: (n,) by place.
        rows: buses of the network.
    """

    slot: Integers
    change: npt.NDArray[np.float32]
    bus: Integers
    base_voltage_pu: Floats
    base_angle_rad: Floats
    rows: int

    def of(self, outage: int) -> tuple[Floats, Floats]:
        """Voltages (pu) and angles (deg) by bus row after an outage; ``nan`` where there is none.

        Neglects: that a change is stored to 6e-8 of itself; a change of 0.1 pu is off by 6e-9 pu.
        """
        voltage, angle = np.full(self.rows, np.nan), np.full(self.rows, np.nan)
        if self.slot[outage] == NOWHERE:
            return voltage, angle
        turn, growth = self.change[self.slot[outage]].astype(np.float64)
        is_live = growth > -1.0
        voltage[self.bus] = np.where(is_live, self.base_voltage_pu * (1.0 + growth), np.nan)
        angle[self.bus] = np.where(is_live, np.rad2deg(self.base_angle_rad + turn), np.nan)
        return voltage, angle


@dataclass(frozen=True, eq=False)
class AcContingencies:
    """Results of an AC contingency analysis; loadings are shares of the limit (1.0 = at it).

    Outages are (c,): the branches in the order given, then the units. Where an outage has no
    solution its figures are ``nan`` and its rows -1.

    Attributes:
        branch: (c,) row of the branch opened, -1 for a unit.
        unit: (c,) row of the unit lost, -1 for a branch.
        status: (c,) ``OutageStatus``.
        reason: (c,) ``Reason`` why it was not simulated.
        iterations: (c,) solves with the frozen factors, or Newton steps where ``by_newton``.
        by_newton: (c,) handed to full Newton.
        sides_changed: (c,) buses that changed between set-point and reactive limit.
        worst_loading: (c,) worst loading that the outage causes.
        worst_branch: (c,) row of the branch that has it; -1 where none is watched.
        lowest_voltage_pu: (c,) of the part that stays.
        lowest_bus: (c,) its row.
        highest_voltage_pu: (c,) likewise.
        highest_bus: (c,) its row.
        lost_buses: (c,) how many are cut off.
        lost_load_mw: (c,) load cut off.
        lost_generation_mw: (c,) output cut off, or of the unit lost.
        picked_up_mw: (c,) made up by the units that stay, by their headroom.
        monitored: (k,) branch rows watched.
        base_loading: (k,) loading with nothing out, of the normal limit.
        branch_worst_loading: (k,) worst loading after any outage, of the post-contingency limit.
        branch_worst_outage: (k,) the outage (a place in the c rows); -1 where none loads it.
        pair_outage: (p,) outage of each pair above the threshold.
        pair_branch: (p,) row of its branch.
        pair_loading: (p,) its loading, in the order of outage, then branch.
        lost_bus_rows: the rows that each islanding outage cuts off, by outage.
        voltages: of all buses after all outages, where they were asked for.
    """

    branch: Integers
    unit: Integers
    status: Integers
    reason: Integers
    iterations: Integers
    by_newton: Booleans
    sides_changed: Integers
    worst_loading: Floats
    worst_branch: Integers
    lowest_voltage_pu: Floats
    lowest_bus: Integers
    highest_voltage_pu: Floats
    highest_bus: Integers
    lost_buses: Integers
    lost_load_mw: Floats
    lost_generation_mw: Floats
    picked_up_mw: Floats
    monitored: Integers
    base_loading: Floats
    branch_worst_loading: Floats
    branch_worst_outage: Integers
    pair_outage: Integers
    pair_branch: Integers
    pair_loading: Floats
    lost_bus_rows: dict[int, tuple[int, ...]]
    voltages: StoredVoltages | None

    def __post_init__(self) -> None:
        """Make every array read-only."""
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def count(self, status: OutageStatus) -> int:
        """How many outages ended so."""
        return int((self.status == status).sum())


def results_of(
    frozen: FrozenGrid,
    outages: Outages,
    kept: Kept,
    worst: WorstOfBranch,
    pairs: list[Pairs],
    *,
    monitored: Integers,
    normal_limit_mva: Floats,
    by_newton: Integers,
    sides_changed: Integers,
) -> AcContingencies:
    """The results in the rows and units of the network."""
    network, count = frozen.network, len(outages.branch)
    base = network.base_mva
    is_solved = kept.status == SOLVED
    lost = {
        c: frozen.bus[outages.lost(c)]
        for c in np.flatnonzero(outages.arrays.lost_last >= outages.arrays.lost_first).tolist()
    }
    status = np.where(is_solved, OutageStatus.SOLVED, OutageStatus.DIVERGED)
    status[list(lost)] = np.where(
        is_solved[list(lost)], OutageStatus.ISLANDED, OutageStatus.DIVERGED
    )
    status[outages.reason != 0] = OutageStatus.NOT_SIMULATED
    load, generation = _load_and_generation(frozen)
    lost_load, lost_generation = np.zeros(count), np.zeros(count)
    is_unit = outages.unit != NOWHERE
    lost_generation[is_unit] = frozen.flow.unit_p_mw[outages.unit[is_unit]]
    for c, rows in lost.items():
        lost_load[c], lost_generation[c] = load[rows].sum(), generation[rows].sum()
    place = np.full(len(network.branches), NOWHERE, np.int64)
    place[frozen.branch] = np.arange(len(frozen.branch))
    at = place[monitored]
    watched = at != NOWHERE
    apparent = np.zeros(len(network.branches))
    apparent[frozen.branch] = base * np.sqrt(
        squared_powers(frozen, frozen.voltage_pu, frozen.angle_rad)
    )
    places = np.concatenate([one.places for one in pairs])
    loading = np.sqrt(np.concatenate([one.squares for one in pairs]))
    pair_branch = frozen.branch[places[:, 1]]
    sequence = np.lexsort((pair_branch, places[:, 0]))

    def row_of(table: Integers, at_place: Integers) -> Integers:
        return np.where(is_solved & (at_place >= 0), table[np.maximum(at_place, 0)], NOWHERE)

    def figure(values: Floats) -> Floats:
        return np.where(is_solved, values, np.nan)

    return AcContingencies(
        branch=outages.branch,
        unit=outages.unit,
        status=status,
        reason=outages.reason,
        iterations=kept.iterations,
        by_newton=np.isin(np.arange(count), by_newton),
        sides_changed=sides_changed,
        worst_loading=figure(np.sqrt(kept.worst)),
        worst_branch=row_of(frozen.branch, kept.worst_at),
        lowest_voltage_pu=figure(kept.lowest),
        lowest_bus=row_of(frozen.bus, kept.lowest_at),
        highest_voltage_pu=figure(kept.highest),
        highest_bus=row_of(frozen.bus, kept.highest_at),
        lost_buses=np.maximum(outages.arrays.lost_last - outages.arrays.lost_first + 1, 0),
        lost_load_mw=lost_load,
        lost_generation_mw=lost_generation,
        picked_up_mw=base * outages.shared_pu,
        monitored=monitored,
        base_loading=apparent[monitored] / np.asarray(normal_limit_mva, float),
        branch_worst_loading=np.where(watched, np.sqrt(worst.squares[at]), 0.0),
        branch_worst_outage=np.where(watched, worst.outage[at], NOWHERE),
        pair_outage=places[sequence, 0],
        pair_branch=pair_branch[sequence],
        pair_loading=loading[sequence],
        lost_bus_rows={c: tuple(sorted(rows.tolist())) for c, rows in lost.items()},
        voltages=StoredVoltages(
            np.where(is_solved, kept.slot, NOWHERE),
            kept.stored[:, :, : len(frozen.bus)],
            frozen.bus,
            frozen.voltage_pu,
            frozen.angle_rad,
            len(network.buses),
        )
        if len(kept.stored)
        else None,
    )


def _load_and_generation(frozen: FrozenGrid) -> tuple[Floats, Floats]:
    """(rows,) load and solved output of every bus, MW."""
    network = frozen.network
    generation = np.zeros(len(network.buses))
    live = network.is_generator_live
    np.add.at(generation, network.generators.bus[live], frozen.flow.unit_p_mw[live])
    return network.buses.load_mw, generation
