"""What inverters add to a fault: limited currents, not voltages behind impedances."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from gentie.engines.grid.network import Floats, Integers
from gentie.engines.grid.symmetric_factor import Complexes

TURNS = 200
"""Most passes of the fixed point of one fault."""

SETTLED = 1e-6
"""What the inverters would still change of the fault current, of it, when a fault is settled."""


@dataclass(frozen=True, slots=True)
class InverterControl:
    """How inverters answer a low voltage.

    Attributes:
        threshold_pu: voltage below which they add reactive current.
        gain: current in per unit of the rated one for each per unit of voltage below that.
        memory_pu: voltage below which they lean on the angle from before the fault, all the more
            the lower it is: behind a resistive path no angle of their own would hold.
    """

    threshold_pu: float
    gain: float
    memory_pu: float


@dataclass(frozen=True, eq=False)
class Inverters:
    """Buses with inverters, and how faults see them.

    Attributes:
        place: (j,) of the bus among the live buses.
        rated_pu: (j,) rated current of all inverters there, pu of the network's base.
        limit_pu: (j,) most current of them.
        columns: (k, j) positive-sequence transfer impedances to them.
    """

    place: Integers
    rated_pu: Floats
    limit_pu: Floats
    columns: Complexes


def added_at_most(inverters: Inverters, rows: Integers, total_impedance: Complexes) -> Floats:
    """Positive-sequence current that inverters add, all at their limit and all in phase, pu.

    ``Σ_j |Z_kj| I_j / |Z_k|`` with ``Z_k`` the impedance of the fault.

    Args:
        inverters: all of them.
        rows: (f,) places of the faults.
        total_impedance: (f,) of ``short_circuit_faults``; infinite where nothing flows.

    Neglects: angles, and that far inverters see too little to reach their limit: an upper bound.
    Follows: IEC 60909-0:2016, 7.2.1 and 7.4, power stations with full-size converters.
    """
    pushed = np.abs(inverters.columns[rows]) @ inverters.limit_pu
    return np.where(np.isfinite(total_impedance), pushed / np.abs(total_impedance), 0.0)


def current_with_inverters(
    inverters: Inverters,
    rows: Integers,
    total_impedance: Complexes,
    prefault_pu: Complexes,
    control: InverterControl,
) -> tuple[Complexes, Integers]:
    """Positive-sequence fault current where inverters answer the voltage that they see, pu.

    With fault current ``I`` at ``k`` and inverter currents ``i_j``, the inverters' voltages are
    ``V_j = E_j + Σ_l Z_jl i_l - Z_jk I`` and ``I = (E_k + Σ_j Z_kj i_j) / Z``. Each inverter adds
    ``min(limit, gain (threshold - |V_j|) rated)``, lagging ``V_j + max(0, 1 - |V_j| / memory) E_j``
    by a right angle. The two are solved by turns, in steps ``1 / (1 + Σ_l |Z_jl| gain_l)`` so that a stiff control in a
    weak grid does not swing. Who sees no low voltage without the others' current is left out.

    Args:
        inverters: all of them.
        rows: (f,) places of the faults.
        total_impedance: (f,) of ``short_circuit_faults``; infinite where nothing flows.
        prefault_pu: (k,) voltages before the fault.
        control: of every inverter.

    Returns:
        (f,) complex current, and the places of faults that did not settle: theirs is the upper
        bound of ``added_at_most``.

    Neglects: active current in the fault, current before the fault, negative-sequence current of
        inverters, time: the settled state of the control.
    Follows: superposition of limited current sources, as in the reports of IEEE PES on modelling
        inverter-based resources in short-circuit studies.
    """
    flows = np.isfinite(total_impedance)
    z = np.where(flows, total_impedance, 1.0)
    between = inverters.columns[inverters.place]
    current, settled = _settle(
        *(inverters.columns[rows], between, z, prefault_pu[rows], prefault_pu[inverters.place]),
        *(inverters.limit_pu, inverters.rated_pu * control.gain),
        *(control.threshold_pu, control.memory_pu),
    )
    current[~flows] = 0.0
    left = np.flatnonzero(flows & ~settled)
    if len(left):
        alone = prefault_pu[rows[left]] / z[left]
        most = np.abs(alone) + added_at_most(inverters, rows[left], z[left])
        current[left] = alone * most / np.abs(alone)
    return current, rows[left]


@numba.njit(cache=True)
def _settle(to_fault, between, total, fault_voltage, voltage, limit, slope, threshold, memory):  # type: ignore[no-untyped-def]
    """The fixed point of every fault, one after the other."""
    faults, count = to_fault.shape
    current = np.empty(faults, np.complex128)
    settled = np.ones(faults, np.bool_)
    given = np.empty(count, np.complex128)
    wanted = np.empty(count, np.complex128)
    step = np.empty(count)
    active = np.empty(count, np.int64)
    for f in range(faults):
        now = fault_voltage[f] / total[f]
        used = 0
        for j in range(count):
            if abs(voltage[j] - to_fault[f, j] * now) < threshold:
                active[used] = j
                given[used] = 0.0
                used += 1
        for s in range(used):
            stiffness = 1.0
            for t in range(used):
                stiffness += abs(between[active[s], active[t]]) * slope[active[t]]
            step[s] = 1.0 / stiffness
        done = used == 0
        turn = 0
        while not done and turn < TURNS:
            turn += 1
            left = 0.0
            for s in range(used):
                j = active[s]
                v = voltage[j] - to_fault[f, j] * now
                for t in range(used):
                    v += between[j, active[t]] * given[t]
                size = abs(v)
                amount = min(limit[j], max(0.0, slope[j] * (threshold - size)))
                if size < memory:
                    v += (1.0 - size / memory) * voltage[j]
                wanted[s] = -1j * amount * v / abs(v) if v != 0.0 else 0.0j
                left += abs(to_fault[f, j] * (wanted[s] - given[s]))
            pushed = 0.0j
            for s in range(used):
                given[s] += step[s] * (wanted[s] - given[s])
                pushed += to_fault[f, active[s]] * given[s]
            now = (fault_voltage[f] + pushed) / total[f]
            done = left <= SETTLED * abs(fault_voltage[f])
        current[f] = now
        settled[f] = done
    return current, settled
