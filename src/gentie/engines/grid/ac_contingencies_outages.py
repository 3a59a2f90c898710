"""What every outage takes away: a branch, a unit, or all that hangs behind a branch.

The pick-up rule. What an outage takes from the supply of the part that stays (a unit's output, or
what came in over a branch whose far side is lost) is made up by the units that stay, in proportion
to their headroom ``p_max - p``, each at most by its own; with ``PickUp.SLACK``, by the slack alone.
The slack takes the rest, a surplus, and the change of losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

import numpy as np

from gentie.engines.grid.ac_contingencies_corrections import branch_corrections
from gentie.engines.grid.ac_contingencies_grid import SLACK, FrozenGrid
from gentie.engines.grid.ac_contingencies_islands import NOWHERE, Tree, depth_first
from gentie.engines.grid.network import Floats, Integers


class PickUp(StrEnum):
    """Who makes up for lost supply."""

    HEADROOM = "headroom"
    SLACK = "slack"


class Reason(IntEnum):
    """Why an outage is not simulated."""

    NONE = 0
    OUT_OF_SERVICE = 1
    """It is out of service already, or at an isolated bus."""
    LAST_SLACK_UNIT = 2
    """Nothing would be left to balance its part of the grid."""
    NO_EFFECT = 3
    """The branch joins a bus to itself."""
    ISLANDING_OFF = 4
    """It cuts something off, and the caller wanted such outages left out."""
    DC_LINES = 5
    """It cuts off one end of more than one DC line."""
    SLACK_CUT_OFF = 6
    """It cuts the slack off from most of the grid, which nothing would then balance."""


class OutageArrays(NamedTuple):
    """What the kernels read, (c,) each unless said; places are buses in elimination order.

    Attributes:
        near: place of the ``from`` end; any bus where no branch is opened.
        far: place of the ``to`` end.
        power: (c, 8) s_ff, s_ft, s_tt, s_tf of the branch, 0 where none is opened.
        scanned: the branch's place among the live ones, -1 where none is opened.
        grounded: 1 where the ``to`` side is lost, 2 where the ``from`` side is, else 0.
        lost_first: first depth-first number of what is lost.
        lost_last: last one; smaller than the first where nothing is lost.
        point: place whose injection changes.
        point_p: by how much, pu.
        point_q: likewise, reactive.
        picked_up: pu for each pu of headroom.
        limited: bus of ``ReactiveArrays`` that loses a unit, -1 where none does.
        limit_max: what its units can still give, pu.
        limit_min: what its units can still take, pu.
        correction: (c, 4, 4) C in J^-1 + J^-1 E C E' J^-1, the inverse without the branch.
        first_right: (c, 4) right-hand side at the ends from the base state.
        difficulty: size of the first step at the ends; not a number where C does not exist.
    """

    near: Integers
    far: Integers
    power: Floats
    scanned: Integers
    grounded: Integers
    lost_first: Integers
    lost_last: Integers
    point: Integers
    point_p: Floats
    point_q: Floats
    picked_up: Floats
    limited: Integers
    limit_max: Floats
    limit_min: Floats
    correction: Floats
    first_right: Floats
    difficulty: Floats


@dataclass(frozen=True, eq=False)
class Outages:
    """Outages to be simulated, and those that are not.

    Attributes:
        branch: (c,) row of the branch opened, -1 for a unit.
        unit: (c,) row of the unit lost, -1 for a branch.
        reason: (c,) why it is not simulated, 0 where it is.
        arrays: for the kernels.
        sequence: (n,) places in depth-first order from the slack buses.
        visit: (n,) depth-first number of each place.
        headroom_pu: (n,) of live units, by place.
        shared_pu: (c,) supply made up by headroom.
    """

    branch: Integers
    unit: Integers
    reason: Integers
    arrays: OutageArrays
    sequence: Integers
    visit: Integers
    headroom_pu: Floats
    shared_pu: Floats

    def lost(self, c: int) -> Integers:
        """Places that outage ``c`` cuts off."""
        return self.sequence[self.arrays.lost_first[c] : self.arrays.lost_last[c] + 1]


def outages_of(
    frozen: FrozenGrid,
    reactive_index: Integers,
    *,
    branches: Integers,
    units: Integers,
    pick_up: PickUp,
    simulate_islanding: bool,
    enforce_reactive_limits: bool,
) -> Outages:
    """Work out what each outage takes away.

    Args:
        frozen: the base state.
        reactive_index: (n,) place in ``ReactiveArrays`` of buses that may change sides, else -1.
        branches: rows to open one by one.
        units: rows to lose one by one.
        pick_up: who makes up for lost supply.
        simulate_islanding: solve what stays where something is cut off.
        enforce_reactive_limits: units that stay at a bus keep to their limits.

    Returns:
        The outages, branches first.
    """
    tree = depth_first(frozen)
    made = _Outages(frozen, reactive_index, tree, len(branches) + len(units), pick_up)
    place_of = np.full(len(frozen.network.branches), NOWHERE, np.int64)
    place_of[frozen.branch] = np.arange(len(frozen.branch))
    for c, row in enumerate(np.asarray(branches, np.int64).tolist()):
        made.open_branch(c, int(place_of[row]), simulate_islanding)
    for c, row in enumerate(np.asarray(units, np.int64).tolist(), start=len(branches)):
        made.lose_unit(c, row, enforce_reactive_limits)
    return made.finished(np.asarray(branches, np.int64), np.asarray(units, np.int64))


class _Outages:
    """The arrays while they are filled."""

    def __init__(
        self,
        frozen: FrozenGrid,
        reactive_index: Integers,
        tree: Tree,
        count: int,
        pick_up: PickUp,
    ) -> None:
        self.frozen, self.tree, self.reactive_index = frozen, tree, reactive_index
        network = frozen.network
        units, base, n = network.generators, network.base_mva, len(frozen.bus)
        self.live_unit = np.flatnonzero(network.is_generator_live)
        self.unit_place = frozen.place[units.bus]
        room = np.maximum(units.p_max_mw - frozen.flow.unit_p_mw, 0.0) / base
        if pick_up is PickUp.SLACK:
            room = np.zeros(len(units))
        self.unit_room = np.where(network.is_generator_live & np.isfinite(room), room, 0.0)
        self.headroom: Floats = np.bincount(
            self.unit_place[self.live_unit], self.unit_room[self.live_unit], n
        ).astype(np.float64)
        self.headroom_before = np.concatenate([[0.0], np.cumsum(self.headroom[tree.sequence])])
        self.units_at = np.bincount(self.unit_place[self.live_unit], minlength=n)
        self.q_max = np.bincount(
            self.unit_place[self.live_unit], units.q_max_mvar[self.live_unit] / base, n
        )
        self.q_min = np.bincount(
            self.unit_place[self.live_unit], units.q_min_mvar[self.live_unit] / base, n
        )
        self.reason = np.zeros(count, np.int64)
        self.shared = np.zeros(count)
        self.a = OutageArrays(
            near=np.zeros(count, np.int64),
            far=np.zeros(count, np.int64),
            power=np.zeros((count, 8)),
            scanned=np.full(count, NOWHERE, np.int64),
            grounded=np.zeros(count, np.int64),
            lost_first=np.zeros(count, np.int64),
            lost_last=np.full(count, NOWHERE, np.int64),
            point=np.zeros(count, np.int64),
            point_p=np.zeros(count),
            point_q=np.zeros(count),
            picked_up=np.zeros(count),
            limited=np.full(count, NOWHERE, np.int64),
            limit_max=np.zeros(count),
            limit_min=np.zeros(count),
            correction=np.zeros((count, 4, 4)),
            first_right=np.zeros((count, 4)),
            difficulty=np.zeros(count),
        )

    def open_branch(self, c: int, scanned: int, simulate_islanding: bool) -> None:  # noqa: FBT001
        if scanned == NOWHERE:
            self.reason[c] = Reason.OUT_OF_SERVICE
            return
        frozen, a = self.frozen, self.a
        near, far = int(frozen.near[scanned]), int(frozen.far[scanned])
        if near == far:
            self.reason[c] = Reason.NO_EFFECT
            return
        a.near[c], a.far[c], a.scanned[c] = near, far, scanned
        a.power[c] = frozen.power[scanned]
        behind = int(self.tree.entering[scanned])
        if behind == NOWHERE:
            return
        first, last = int(self.tree.visit[behind]), int(self.tree.last[behind])
        a.lost_first[c], a.lost_last[c] = first, last
        a.grounded[c] = 1 if behind == far else 2
        if not simulate_islanding:
            self.reason[c] = Reason.ISLANDING_OFF
            return
        if 2 * (last - first + 1) > len(frozen.bus):
            self.reason[c] = Reason.SLACK_CUT_OFF
            return
        p = a.power[c]
        into_lost = p[0] + p[2] if behind == far else p[4] + p[6]
        there = self.headroom_before[last + 1] - self.headroom_before[first]
        self._pick_up(c, -into_lost, float(self.headroom_before[-1] - there))
        self._drop_dc_lines(c)

    def lose_unit(self, c: int, row: int, enforced: bool) -> None:  # noqa: FBT001
        frozen, a, base = self.frozen, self.a, self.frozen.network.base_mva
        if not frozen.network.is_generator_live[row]:
            self.reason[c] = Reason.OUT_OF_SERVICE
            return
        place = int(self.unit_place[row])
        is_alone = self.units_at[place] == 1
        if frozen.kind[place] == SLACK and is_alone:
            self.reason[c] = Reason.LAST_SLACK_UNIT
            return
        units, flow = frozen.network.generators, frozen.flow
        p = flow.unit_p_mw[row] / base
        own = self.unit_room[row]
        self._pick_up(c, p, float(self.headroom_before[-1] - own))
        a.near[c] = a.far[c] = a.point[c] = place
        a.point_p[c] = -p - a.picked_up[c] * own
        is_controlled = self.frozen.grid.is_controlled[self.frozen.grid.position[frozen.bus[place]]]
        if not is_controlled:
            a.point_q[c] = -units.q_mvar[row] / base
        elif frozen.kind[place] != SLACK and (is_alone or enforced):
            index = int(self.reactive_index[place])
            high, low = units.q_max_mvar[row] / base, units.q_min_mvar[row] / base
            if index == NOWHERE:  # at its only output: one unit's part of it goes
                a.point_q[c] = -(frozen.generated_q_pu[place] if is_alone else high)
            else:
                a.limited[c] = index
                a.limit_max[c] = 0.0 if is_alone else self.q_max[place] - high
                a.limit_min[c] = 0.0 if is_alone else self.q_min[place] - low

    def _pick_up(self, c: int, wanted_pu: float, headroom_pu: float) -> None:
        """Part of every unit's headroom that is used; nothing for a surplus."""
        if wanted_pu > 0.0 and headroom_pu > 1e-12:
            self.a.picked_up[c] = min(1.0, wanted_pu / headroom_pu)
            self.shared[c] = min(headroom_pu, wanted_pu)

    def _drop_dc_lines(self, c: int) -> None:
        """A DC line with one end lost gives nothing at the other."""
        network, base = self.frozen.network, self.frozen.network.base_mva
        dc = network.dc_lines
        on = np.flatnonzero(dc.in_service)
        if not len(on):
            return
        visit, a = self.tree.visit, self.a
        ends = self.frozen.place[np.column_stack([dc.from_bus[on], dc.to_bus[on]])]
        number = np.where(ends >= 0, visit[ends], NOWHERE)
        is_lost = (number >= a.lost_first[c]) & (number <= a.lost_last[c])
        half = np.flatnonzero((is_lost.sum(axis=1) == 1) & (ends >= 0).all(axis=1))
        if len(half) > 1:
            self.reason[c] = Reason.DC_LINES
        elif len(half):
            line, stays = on[half[0]], int(is_lost[half[0], 0])
            given = (-dc.p_from_mw[line], dc.p_to_mw[line])[stays] / base
            reactive = (dc.q_from_mvar[line], dc.q_to_mvar[line])[stays] / base
            a.point[c] = ends[half[0], stays]
            a.point_p[c], a.point_q[c] = -given, -reactive

    def finished(self, branches: Integers, units: Integers) -> Outages:
        frozen, a = self.frozen, self.a
        branch_corrections(
            a.near,
            a.far,
            a.power,
            a.scanned,
            a.grounded,
            frozen.kind,
            frozen.pattern.column_start,
            frozen.pattern.row,
            *frozen.inverse,
            a.correction,
            a.first_right,
            a.difficulty,
        )
        none = np.full(len(units), NOWHERE, np.int64)
        return Outages(
            branch=np.concatenate([branches, none]),
            unit=np.concatenate([np.full(len(branches), NOWHERE, np.int64), units]),
            reason=self.reason,
            arrays=a,
            sequence=self.tree.sequence,
            visit=self.tree.visit,
            headroom_pu=self.headroom,
            shared_pu=self.shared,
        )
