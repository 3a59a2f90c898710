"""A network as other programs take it."""

from __future__ import annotations

import warnings
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
