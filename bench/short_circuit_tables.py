"""A case and its sequence data as the plain tables that ``pandapower_faults`` takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gentie.engines.grid.network import Network
from gentie.engines.grid.short_circuit_data import SequenceData, ZeroPath
from gentie.engines.grid.short_circuit_networks import Method, machine_rows, series_impedances


def comparable(data: SequenceData) -> SequenceData:
    """The data without what pandapower's machines cannot have: step-ups of their own, inverters."""
    none = np.zeros(len(data.units))
    units = replace(
        data.units,
        step_up_resistance_pu=none,
        step_up_reactance_pu=none.copy(),
        zero_resistance_pu=np.full(len(none), np.inf),
        zero_reactance_pu=np.full(len(none), np.inf),
        current_limit_pu=none.copy(),
    )
    return replace(data, units=units)


def plain_tables(network: Network, data: SequenceData) -> dict[str, Any]:
    """Live buses renumbered from 0, lines, transformers, impedances and machines.

    Legs of three-winding transformers go as impedances that hold their correction already, since
    a leg may be negative; so do transformers without a rating. Taps are neutral, as IEC 60909 wants.
    """
    buses, branches, units = network.buses, network.branches, data.units
    bus = np.flatnonzero(network.is_bus_live)
    place = np.full(len(buses), -1, np.int64)
    place[bus] = np.arange(len(bus))
    a, z = place[branches.from_bus], place[branches.to_bus]
    kv = np.where(buses.nominal_kv > 0, buses.nominal_kv, 1.0)[bus]
    live = network.is_branch_live & (a != z)
    given = data.branches
    is_rated = (given.star_bus < 0) & (given.rating_mva > 0) & (branches.reactance_pu > 0)
    line = np.flatnonzero(live & ~branches.is_transformer)
    two = np.flatnonzero(live & branches.is_transformer & is_rated)
    other = np.flatnonzero(live & branches.is_transformer & ~is_rated)
    leg = series_impedances(network, data, Method.IEC).branch
    from_is_high = kv[a[two]] >= kv[z[two]]
    path = given.zero_path[two]
    at_high = np.where(from_is_high, ZeroPath.GROUND_AT_FROM, ZeroPath.GROUND_AT_TO)
    group = np.where(path == at_high, 1, 2)
    group[path == ZeroPath.THROUGH] = 0
    group[path == ZeroPath.OPEN] = 3
    row = np.flatnonzero(network.is_generator_live & machine_rows(data))
    return {
        "base_mva": network.base_mva,
        "bus_kv": kv,
        "line_from": a[line],
        "line_to": z[line],
        "line_r": branches.resistance_pu[line],
        "line_x": branches.reactance_pu[line],
        "line_r0": given.zero_resistance_pu[line],
        "line_x0": given.zero_reactance_pu[line],
        "transformer_high": np.where(from_is_high, a[two], z[two]),
        "transformer_low": np.where(from_is_high, z[two], a[two]),
        "transformer_mva": given.rating_mva[two],
        "transformer_r": branches.resistance_pu[two],
        "transformer_x": branches.reactance_pu[two],
        "transformer_r0": given.zero_resistance_pu[two],
        "transformer_x0": given.zero_reactance_pu[two],
        "transformer_group": group,
        "impedance_from": a[other],
        "impedance_to": z[other],
        "impedance_r": leg[other].real,
        "impedance_x": leg[other].imag,
        "unit_bus": place[network.generators.bus[row]],
        "unit_mva": units.rating_mva[row],
        "unit_x": units.subtransient_pu[row],
        "unit_r": units.resistance_pu[row],
        "unit_power_factor": units.power_factor[row],
    }
