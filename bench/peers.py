"""A network as other programs take it."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from gentie.engines.grid.network import Booleans, Integers, Network


def as_matpower(network: Network) -> dict[str, Any]:
    """MATPOWER's tables, for a program that takes them; DC lines must be idle."""
    buses, branches, units = network.buses, network.branches, network.generators
    if network.dc_lines.p_from_mw.any():
        raise ValueError("DC lines that carry power are not handed on")
    number = buses.number
    nothing = np.zeros(len(branches))
    return {
        "baseMVA": network.base_mva,
        "bus": np.column_stack(
            [
                *(number, buses.kind, buses.load_mw, buses.load_mvar, buses.shunt_mw),
                *(buses.shunt_mvar, buses.area, buses.voltage_pu, buses.angle_deg),
                *(buses.nominal_kv, buses.zone, buses.voltage_max_pu, buses.voltage_min_pu),
            ]
        ),
        "gen": np.column_stack(
            [
                *(number[units.bus], units.p_mw, units.q_mvar, units.q_max_mvar),
                *(units.q_min_mvar, units.voltage_setpoint_pu, np.full(len(units), 100.0)),
                *(units.in_service, units.p_max_mw, units.p_min_mw),
            ]
        ),
        "branch": np.column_stack(
            [
                *(number[branches.from_bus], number[branches.to_bus], branches.resistance_pu),
                *(branches.reactance_pu, branches.charging_pu, nothing, nothing, nothing),
                *(np.where(is_plain(network), 0.0, branches.tap_ratio), branches.shift_deg),
                branches.in_service,
            ]
        ),
    }


def is_plain(network: Network) -> Booleans:
    """(m,) branches that lightsim2grid keeps as lines; the others are its transformers."""
    return np.asarray((network.branches.tap_ratio == 1) & (network.branches.shift_deg == 0))


def lightsim2grid_order(network: Network) -> Integers:
    """(m,) our branch row for each of lightsim2grid's branches: its lines, then transformers."""
    plain = is_plain(network)
    return np.concatenate([np.flatnonzero(plain), np.flatnonzero(~plain)])


def lightsim2grid_model(network: Network) -> Any:
    """The network in lightsim2grid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightsim2grid.network import init_from_matpower

        return init_from_matpower(as_matpower(network))


def powsybl_network(network: Network, folder: Path) -> tuple[Any, list[str], list[str]]:
    """The network in pypowsybl, by way of a MATPOWER file, and its names of our rows.

    Args:
        network: without DC lines that carry power, no two lines of one pair of buses turned around.
        folder: for the file.

    Returns:
        The network, the identity of each branch, the identity of each unit.
    """
    import pypowsybl
    from scipy.io import savemat

    tables = as_matpower(network)
    m, g = len(network.branches), len(network.generators)
    case = {
        "version": "2",
        "baseMVA": network.base_mva,
        "bus": np.hstack([tables["bus"], np.tile([1.1, 0.9], (len(network.buses), 1))]),
        "gen": np.hstack([tables["gen"], np.zeros((g, 11))]),
        "branch": np.hstack([tables["branch"], np.tile([-360.0, 360.0], (m, 1))]),
    }
    savemat(folder / "case.mat", {"mpc": case})
    theirs = pypowsybl.network.load(str(folder / "case.mat"))
    by_ends = defaultdict(list)
    for table in (
        theirs.get_lines(all_attributes=True),
        theirs.get_2_windings_transformers(all_attributes=True),
    ):
        for name, one, other in zip(
            table.index, table.bus_breaker_bus1_id, table.bus_breaker_bus2_id, strict=True
        ):
            by_ends[frozenset((one, other))].append(name)
    units = theirs.get_generators(all_attributes=True)
    by_bus = defaultdict(list)
    for name, bus in zip(units.index, units.bus_breaker_bus_id, strict=True):
        by_bus[bus].append(name)
    number = network.buses.number
    branches = network.branches
    taken: Counter[frozenset[str]] = Counter()
    names = []
    for a, z in zip(number[branches.from_bus], number[branches.to_bus], strict=True):
        ends = frozenset((f"BUS-{a}", f"BUS-{z}"))
        names.append(by_ends[ends][taken[ends]])
        taken[ends] += 1
    at = number[network.generators.bus]
    return (
        theirs,
        names,
        [by_bus[f"BUS-{bus}"][unit - 1] for bus, unit in zip(at, network.generators.unit)],
    )
