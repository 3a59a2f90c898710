"""Networks for tests: shipped cases, read once in a process, and small ones made in memory.

The engines may not import the readers above them, and a test of an engine wants real cases: this
module stands outside both.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from gentie.engines.grid.network import (
    Branches,
    Buses,
    BusKind,
    DirectCurrentLines,
    Generators,
    Network,
    numbered_within_groups,
)
from gentie.workbench.cases import read_case


@cache
def read_network(source: str | Path) -> Network:
    """The network of a file or of a case that MATPOWER ships."""
    return read_case(source).network


def floats(*values: float) -> Any:
    return np.array(values, np.float64)


def table_of_buses(kinds: list[int], load: Any, **columns: Any) -> Buses:
    n = len(kinds)
    load = np.asarray(load, np.complex128)
    given_columns = {
        "shunt_mw": np.zeros(n),
        "shunt_mvar": np.zeros(n),
        "voltage_pu": np.ones(n),
        "angle_deg": np.zeros(n),
        **columns,
    }
    return Buses(
        number=np.arange(1, n + 1) * 10,
        name=("",) * n,
        kind=np.array(kinds),
        area=np.ones(n, np.int64),
        zone=np.ones(n, np.int64),
        nominal_kv=np.full(n, 138.0),
        load_mw=load.real.copy(),
        load_mvar=load.imag.copy(),
        voltage_max_pu=np.full(n, 1.1),
        voltage_min_pu=np.full(n, 0.9),
        **given_columns,
    )


def table_of_branches(ends: list[tuple[int, int]], impedance: Any, **columns: Any) -> Branches:
    m = len(ends)
    impedance = np.broadcast_to(np.asarray(impedance, np.complex128), (m,))
    given_columns = {
        "charging_pu": np.zeros(m),
        "tap_ratio": np.ones(m),
        "shift_deg": np.zeros(m),
        "rating_normal_mva": np.zeros(m),
        "in_service": np.ones(m, np.bool_),
        **columns,
    }
    pairs = np.array(ends, np.int64).reshape(-1, 2)
    return Branches(
        from_bus=pairs[:, 0].copy(),
        to_bus=pairs[:, 1].copy(),
        circuit=numbered_within_groups([frozenset(pair) for pair in ends]),
        resistance_pu=impedance.real.copy(),
        reactance_pu=impedance.imag.copy(),
        rating_long_term_mva=np.zeros(m),
        rating_emergency_mva=np.zeros(m),
        is_transformer=np.zeros(m, np.bool_),
        **given_columns,
    )


def table_of_units(
    bus: list[int], p_mw: list[float], q_range: list[tuple[float, float]], **columns: Any
) -> Generators:
    g = len(bus)
    low, high = np.array(q_range, np.float64).reshape(-1, 2).T.copy()
    given_columns = {
        "q_mvar": np.zeros(g),
        "voltage_setpoint_pu": np.ones(g),
        "in_service": np.ones(g, np.bool_),
        **columns,
    }
    return Generators(
        bus=np.array(bus, np.int64),
        unit=np.arange(1, g + 1),
        p_mw=np.array(p_mw, np.float64),
        q_max_mvar=high,
        q_min_mvar=low,
        p_max_mw=np.full(g, 1e3),
        p_min_mw=np.zeros(g),
        fuel=("",) * g,
        unit_type=("",) * g,
        **given_columns,
    )


def table_of_dc_lines(rows: list[tuple[int, int, float, float, float, float]]) -> Any:
    columns = list(zip(*rows, strict=True)) or [()] * 6
    return DirectCurrentLines(
        from_bus=np.array(columns[0], np.int64),
        to_bus=np.array(columns[1], np.int64),
        p_from_mw=np.array(columns[2], np.float64),
        p_to_mw=np.array(columns[3], np.float64),
        q_from_mvar=np.array(columns[4], np.float64),
        q_to_mvar=np.array(columns[5], np.float64),
        in_service=np.ones(len(rows), np.bool_),
    )


def network_of(
    buses: Buses, branches: Branches, units: Generators, dc_lines: Any = None
) -> Network:
    return Network("made here", 100.0, buses, branches, units, dc_lines or table_of_dc_lines([]))


@st.composite
def meshed_networks(draw: st.DrawFn) -> Network:
    """Three to nine buses in one piece, with bridges, parallel circuits, taps, shifts, ratings."""
    n = draw(st.integers(3, 9))
    part = st.floats(0.0, 1.0, allow_subnormal=False)

    def parts(count: int, low: float, high: float) -> Any:
        return low + (high - low) * np.array([draw(part) for _ in range(count)])

    ends = [(draw(st.integers(0, i - 1)), i) for i in range(1, n)]
    chord = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(
        lambda two: two[0] != two[1]
    )
    ends += draw(st.lists(chord, min_size=1, max_size=8))
    m = len(ends)
    numbers = draw(st.permutations(range(n)))
    ends = [(numbers[a], numbers[z]) for a, z in ends]
    with_unit = sorted(draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=4)))
    branches = table_of_branches(
        ends,
        1j * parts(m, 0.02, 0.3),
        tap_ratio=np.where(parts(m, 0, 1) > 0.7, parts(m, 0.9, 1.1), 1.0),
        shift_deg=np.where(parts(m, 0, 1) > 0.8, parts(m, -4.0, 4.0), 0.0),
        rating_normal_mva=np.where(parts(m, 0, 1) > 0.1, parts(m, 20.0, 200.0), 0.0),
    )
    slack = draw(st.integers(0, n - 1))
    return network_of(
        table_of_buses([3 if bus == slack else 1 for bus in range(n)], parts(n, 0.0, 60.0)),
        branches,
        table_of_units(
            with_unit, list(parts(len(with_unit), 5.0, 90.0)), [(-9.0, 9.0)] * len(with_unit)
        ),
    )


# Answers found another way


def live_ends(network: Network, opened: int = -1) -> tuple[Any, Any, Any]:
    """Rows of the branches in service (one left out), and their ends."""
    branches = network.branches
    rows = np.flatnonzero(network.is_branch_live & (np.arange(len(branches)) != opened))
    return rows, branches.from_bus[rows], branches.to_bus[rows]


def resolved_flow_mw(network: Network, injection_mw: Any, opened: int = -1) -> Any:
    """(m,) DC flows from incidence matrices and scipy's solver, with nothing of the engine.

    With ``opened`` the branch is left out and everything is solved again.
    """
    branches, n = network.branches, len(network.buses)
    rows, a, z = live_ends(network, opened)
    b = network.base_mva / (branches.reactance_pu[rows] * branches.tap_ratio[rows])
    places = np.arange(len(rows))
    incidence = sparse.csr_matrix(
        (np.r_[np.ones(len(rows)), -np.ones(len(rows))], (np.r_[places, places], np.r_[a, z])),
        shape=(len(rows), n),
    )
    pushed = b * np.deg2rad(branches.shift_deg[rows])
    keep = np.flatnonzero((network.buses.kind != BusKind.SLACK) & network.is_bus_live)
    matrix = (incidence.T @ sparse.diags(b) @ incidence)[keep][:, keep].tocsc()
    angle = np.zeros(n)
    right = (injection_mw + incidence.T @ pushed)[keep]
    angle[keep] = splu(matrix, permc_spec="MMD_AT_PLUS_A").solve(right)
    flow = np.zeros(len(branches))
    flow[rows] = b * (incidence @ angle) - pushed
    return flow


def cut_off_by(network: Network, opened: int = -1) -> Any:
    """Rows of live buses that have no path to the slack bus, by scipy's components."""
    _, a, z = live_ends(network, opened)
    n = len(network.buses)
    links = sparse.coo_matrix((np.ones(len(a)), (a, z)), shape=(n, n))
    _, part = connected_components(links, directed=False)
    slack = np.flatnonzero(network.buses.kind == BusKind.SLACK)[0]
    return np.flatnonzero(network.is_bus_live & (part != part[slack]))
