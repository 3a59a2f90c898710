"""A network as Newton's method sees it: live buses in elimination order, and their admittances.

Per unit on the network's base. Everything here stays fixed while a power flow is solved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from gentie.engines.grid.network import Booleans, BusKind, Floats, Integers, Network

Complexes = npt.NDArray[np.complex128]
Sides = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class SolvableGrid:
    """Live buses in elimination order, (k,) each, and the admittances between them, (z,) each."""

    bus: Integers
    """Row in the network's table."""
    position: Integers
    """(n,) place in the elimination order, -1 where isolated."""
    is_slack: Booleans
    is_controlled: Booleans
    """A live unit holds the voltage here (slack buses too)."""
    setpoint_pu: Floats
    q_max_pu: Floats
    q_min_pu: Floats
    fixed_pu: Complexes
    """Injection without the reactive power of controlled buses."""
    row: Integers
    column: Integers
    admittance: Complexes
    diagonal: Integers
    """Where (i, i) stands among the z entries."""
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    place: tuple[Integers, Integers, Integers, Integers]
    """(z,) where dP/dangle, dQ/dangle, dP/dvoltage, dQ/dvoltage go in the Jacobian."""


def grid_of(network: Network) -> SolvableGrid:
    """The network's live buses in elimination order, with everything that stays fixed."""
    buses, units, dc, branches = (
        network.buses,
        network.generators,
        network.dc_lines,
        network.branches,
    )
    n, base = len(buses), network.base_mva
    live = network.is_bus_live
    unit = np.flatnonzero(network.is_generator_live)
    unit_bus = units.bus[unit]

    has_unit = np.zeros(n, np.bool_)
    has_unit[unit_bus] = True
    is_slack = buses.kind == BusKind.SLACK
    controlled = ((buses.kind == BusKind.VOLTAGE_CONTROLLED) & has_unit) | is_slack
    setpoint = buses.voltage_pu.copy()
    setpoint[unit_bus[::-1]] = units.voltage_setpoint_pu[unit[::-1]]  # the first unit stays

    injection: Complexes = np.where(live, -(buses.load_mw + 1j * buses.load_mvar), 0.0)
    injection = injection + sum_by(
        unit_bus,
        units.p_mw[unit] + 1j * np.where(controlled[unit_bus], 0.0, units.q_mvar[unit]),
        n,
    )
    on = np.flatnonzero(dc.in_service)
    injection = injection + sum_by(dc.from_bus[on], -dc.p_from_mw[on] + 1j * dc.q_from_mvar[on], n)
    injection = injection + sum_by(dc.to_bus[on], dc.p_to_mw[on] + 1j * dc.q_to_mvar[on], n)

    bus = np.flatnonzero(live)
    compact = np.full(n, -1, np.int64)
    compact[bus] = np.arange(len(bus))
    k = len(bus)
    line = np.flatnonzero(network.is_branch_live)
    a, z = compact[branches.from_bus[line]], compact[branches.to_bus[line]]
    order = _elimination_order(a, z, k)
    bus = bus[order]
    position = np.full(n, -1, np.int64)
    position[bus] = np.arange(k)

    a, z = position[branches.from_bus[line]], position[branches.to_bus[line]]
    own = np.arange(k)
    shunt = (buses.shunt_mw + 1j * buses.shunt_mvar)[bus] / base
    y_aa, y_az, y_za, y_zz = (y[line] for y in branch_admittances(network))
    key = np.concatenate([own * k + own, a * k + a, z * k + a, a * k + z, z * k + z])
    values = np.concatenate([shunt, y_aa, y_az, y_za, y_zz])
    entries, inverse = np.unique(key, return_inverse=True)
    column, row = np.divmod(entries, k)
    admittance = sum_by(inverse, values, len(entries))
    indptr, indices, place = _jacobian_pattern(row, column, k)
    return SolvableGrid(
        bus=bus,
        position=position,
        is_slack=is_slack[bus],
        is_controlled=controlled[bus],
        setpoint_pu=setpoint[bus],
        q_max_pu=(np.bincount(unit_bus, units.q_max_mvar[unit], n) / base)[bus],
        q_min_pu=(np.bincount(unit_bus, units.q_min_mvar[unit], n) / base)[bus],
        fixed_pu=injection[bus] / base,
        row=row,
        column=column,
        admittance=admittance,
        diagonal=np.flatnonzero(row == column),
        indptr=indptr,
        indices=indices,
        place=place,
    )


def branch_admittances(network: Network) -> tuple[Complexes, Complexes, Complexes, Complexes]:
    """Two-port admittances of every branch, zero where it is not live.

    With series admittance y = 1/(r + jx), charging b and complex ratio t = tap·exp(j·shift) on the
    ``from`` side: I_from = (y + jb/2)/tap² V_from - y/conj(t) V_to and
    I_to = -y/t V_from + (y + jb/2) V_to.

    Returns:
        (m,) each: from-from, from-to, to-from, to-to; pu.

    Neglects: magnetising conductance, unequal charging at the two ends.
    Follows: the usual pi model, as in the MATPOWER manual's branch model.
    """
    branches = network.branches
    live = network.is_branch_live
    impedance = np.where(live, branches.resistance_pu + 1j * branches.reactance_pu, 1.0)
    series = np.where(live, 1.0 / impedance, 0.0)
    at_to = series + np.where(live, 0.5j * branches.charging_pu, 0.0)
    tap = np.where(live, branches.tap_ratio, 1.0)
    ratio = tap * np.exp(1j * np.deg2rad(branches.shift_deg))
    return at_to / tap**2, -series / np.conj(ratio), -series / ratio, at_to


def sum_by(index: Integers, values: Complexes, size: int) -> Complexes:
    """Sums of complex values with the same index, (size,)."""
    real = np.bincount(index, values.real, size)
    return np.asarray(real + 1j * np.bincount(index, values.imag, size))


def _elimination_order(from_bus: Integers, to_bus: Integers, k: int) -> Integers:
    """Buses in the order in which eliminating them fills in little.

    SuperLU's minimum degree on the bus graph is borrowed: a matrix of that pattern is factored
    once, at a quarter of the Jacobian's size, and its order kept for every Jacobian to come.
    """
    own = np.arange(k)
    row = np.concatenate([own, from_bus, to_bus])
    column = np.concatenate([own, to_bus, from_bus])
    degree = np.bincount(np.concatenate([from_bus, to_bus]), minlength=k)
    value = np.concatenate([degree + 1.0, np.full(2 * len(from_bus), -1.0)])
    laplacian = csc_array(coo_array((value, (row, column)), shape=(k, k)))
    factor = splu(
        laplacian,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.asarray(np.argsort(factor.perm_c))


def _jacobian_pattern(
    row: Integers, column: Integers, k: int
) -> tuple[
    npt.NDArray[np.int32], npt.NDArray[np.int32], tuple[Integers, Integers, Integers, Integers]
]:
    """Pattern in CSC of a matrix with one 2 x 2 block for every entry of the bus matrix."""
    degree = np.bincount(column, minlength=k)
    first = np.concatenate([[0], np.cumsum(degree)])[:-1]
    within = np.arange(len(row)) - first[column]
    top_left = 4 * first[column] + 2 * within
    top_right = top_left + 2 * degree[column]
    indptr = np.concatenate([[0], np.cumsum(np.repeat(2 * degree, 2))])
    indices = np.empty(4 * len(row), np.int32)
    indices[top_left] = indices[top_right] = 2 * row
    indices[top_left + 1] = indices[top_right + 1] = 2 * row + 1
    return indptr.astype(np.int32), indices, (top_left, top_left + 1, top_right, top_right + 1)
