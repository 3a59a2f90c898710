"""What a fault study needs beyond a power-flow case: machines, zero sequence, grounding.

A planning case has none of it. Every figure that it lacks is a named default (the caller takes
them from the rulebook), and a file of sequence data replaces the ones that it gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from gentie.engines.grid.network import Booleans, Columns, Floats, Integers, Network
from gentie.engines.grid.points import star_buses

INVERTER_FUELS = frozenset({"solar", "wind", "storage", "battery", "es", "wnd", "sun", "mwh"})
INVERTER_TYPES = frozenset({"PV", "W2", "W3", "W4", "WT", "BA", "ES"})


class ZeroPath(IntEnum):
    """Where a branch lets zero-sequence current through."""

    THROUGH = 0
    """From end to end: a line, an autotransformer, two grounded stars."""
    GROUND_AT_FROM = 1
    """A grounded star at ``from`` and a delta at ``to``: to ground at ``from``, open at ``to``."""
    GROUND_AT_TO = 2
    OPEN = 3


@dataclass(frozen=True, slots=True)
class SequenceDefaults:
    """What stands in for data that a case lacks; per unit of a machine's rating where not said.

    Attributes:
        machine_reactance_pu: subtransient, of synchronous machines.
        machine_rx: their resistance over their subtransient reactance.
        negative_ratio: negative-sequence reactance over the subtransient one.
        machine_power_factor: rated, of synchronous machines.
        rating_span: a machine base is believed up to this multiple of the largest output.
        step_up_reactance_pu: of the step-up transformer that a case leaves out.
        step_up_rx: its resistance over its reactance.
        inverter_current_pu: most current of an inverter in a fault, of its rated current.
        inverter_power_factor: rated.
        line_zero_reactance_ratio: zero over positive sequence, lines.
        line_zero_resistance_ratio: likewise.
        transformer_zero_ratio: zero over positive sequence, transformers.
        minimum_kv: below it a transformer's side is a delta towards a unit, or a grounded star
            under a delta towards load.
    """

    machine_reactance_pu: float
    machine_rx: float
    negative_ratio: float
    machine_power_factor: float
    rating_span: float
    step_up_reactance_pu: float
    step_up_rx: float
    inverter_current_pu: float
    inverter_power_factor: float
    line_zero_reactance_ratio: float
    line_zero_resistance_ratio: float
    transformer_zero_ratio: float
    minimum_kv: float


@dataclass(frozen=True, eq=False)
class UnitSequence(Columns):
    """One row per unit of the network, (g,) each; per unit of ``rating_mva``."""

    rating_mva: Floats
    power_factor: Floats
    is_inverter: Booleans
    resistance_pu: Floats
    subtransient_pu: Floats
    negative_resistance_pu: Floats
    negative_reactance_pu: Floats
    zero_resistance_pu: Floats
    zero_reactance_pu: Floats
    """``inf`` where no zero-sequence current can reach ground through the unit."""
    step_up_resistance_pu: Floats
    step_up_reactance_pu: Floats
    """In series with the machine where the case leaves the transformer out, else 0."""
    current_limit_pu: Floats
    """Of an inverter, of its rated current; 0 for a machine."""


@dataclass(frozen=True, eq=False)
class BranchSequence(Columns):
    """One row per branch of the network, (m,) each; per unit on the network's base."""

    zero_resistance_pu: Floats
    zero_reactance_pu: Floats
    zero_path: Integers
    rating_mva: Floats
    """Of transformers; 0 where unknown."""
    star_bus: Integers
    """Row of the star point of a three-winding transformer's leg, else -1."""


@dataclass(frozen=True, eq=False)
class SequenceData:
    """What is known and what is assumed of every unit and branch.

    Attributes:
        units: by the network's row.
        branches: by the network's row.
        is_unit_given: (g,) impedances are from a file, not defaults.
        is_branch_given: (m,) likewise, zero sequence.
    """

    units: UnitSequence
    branches: BranchSequence
    is_unit_given: Booleans
    is_branch_given: Booleans


def default_sequence_data(network: Network, defaults: SequenceDefaults) -> SequenceData:
    """Sequence data of a case that has none.

    A unit that stands at a bus of ``minimum_kv`` or more is taken to have a step-up transformer
    that the case leaves out: its reactance stands in series, and its grounded star carries zero
    sequence. A unit below that voltage stands behind a step-up of the case, and its own neutral
    carries none. Transformers: both sides at or above ``minimum_kv``, or both of one voltage,
    let zero sequence through; with one side below, a delta faces the unit where a unit stands there,
    else the delta is on the high side. Of a three-winding transformer the leg of the lowest
    voltage is a delta and grounds the star point.

    Args:
        network: the case.
        defaults: figures.

    Neglects: neutral impedances, generators with grounded neutrals, zero sequence of cables,
        mutual coupling of parallel lines.
    Follows: common practice of drawing sequence networks (Anderson, "Analysis of Faulted Power
        Systems", 1973); the figures are the rulebook's.
    """
    return SequenceData(
        units=_units(network, defaults),
        branches=_branches(network, defaults),
        is_unit_given=np.zeros(len(network.generators), np.bool_),
        is_branch_given=np.zeros(len(network.branches), np.bool_),
    )


def inverter_units(network: Network) -> Booleans:
    """(g,) units that face the grid with an inverter, by fuel or type as the case says."""
    units = network.generators
    return np.array(
        [
            fuel.lower() in INVERTER_FUELS or unit_type.upper() in INVERTER_TYPES
            for fuel, unit_type in zip(units.fuel, units.unit_type, strict=True)
        ],
        np.bool_,
    ).reshape(len(units))


def _units(network: Network, defaults: SequenceDefaults) -> UnitSequence:
    units = network.generators
    g = len(units)
    is_inverter = inverter_units(network)
    power_factor = np.where(
        is_inverter, defaults.inverter_power_factor, defaults.machine_power_factor
    )
    output = np.where(np.isfinite(units.p_max_mw), np.maximum(units.p_max_mw, 0.0), 0.0)
    output = np.maximum(output, np.abs(units.p_mw))
    machine_base = units.machine_base_mva
    is_believed = (machine_base >= output) & (machine_base <= defaults.rating_span * output)
    rating = np.where(is_believed, machine_base, output / power_factor)
    is_direct = network.buses.nominal_kv[units.bus] >= defaults.minimum_kv
    step_up = np.where(is_direct, defaults.step_up_reactance_pu, 0.0)
    x = np.full(g, defaults.machine_reactance_pu)
    return UnitSequence(
        rating_mva=rating,
        power_factor=power_factor,
        is_inverter=is_inverter,
        resistance_pu=x * defaults.machine_rx,
        subtransient_pu=x,
        negative_resistance_pu=x * defaults.machine_rx,
        negative_reactance_pu=x * defaults.negative_ratio,
        zero_resistance_pu=np.where(is_direct, step_up * defaults.step_up_rx, np.inf),
        zero_reactance_pu=np.where(is_direct, step_up, np.inf),
        step_up_resistance_pu=step_up * defaults.step_up_rx,
        step_up_reactance_pu=step_up,
        current_limit_pu=np.where(is_inverter, defaults.inverter_current_pu, 0.0),
    )


def _branches(network: Network, defaults: SequenceDefaults) -> BranchSequence:
    branches, buses = network.branches, network.buses
    a, z = branches.from_bus, branches.to_bus
    star = star_buses(network)
    at_star = np.where(star[a], a, np.where(star[z], z, -1))
    star_bus = np.where(network.is_branch_live & (star[a] != star[z]), at_star, -1)
    is_transformer = branches.is_transformer
    r_ratio = np.where(is_transformer, 1.0, defaults.line_zero_resistance_ratio)
    x_ratio = np.where(is_transformer, 1.0, defaults.line_zero_reactance_ratio)
    r_ratio = np.where(is_transformer, defaults.transformer_zero_ratio, r_ratio)
    x_ratio = np.where(is_transformer, defaults.transformer_zero_ratio, x_ratio)

    kv_a, kv_z = buses.nominal_kv[a], buses.nominal_kv[z]
    low = defaults.minimum_kv
    has_unit = np.zeros(len(buses), np.bool_)
    has_unit[network.generators.bus[network.is_generator_live]] = True
    path = np.full(len(branches), int(ZeroPath.THROUGH))
    step = is_transformer & (star_bus < 0) & (kv_a > 0) & (kv_z > 0) & (kv_a != kv_z)
    for lower, kv_low, kv_high, ground_high, ground_low in (
        (a, kv_a, kv_z, ZeroPath.GROUND_AT_TO, ZeroPath.GROUND_AT_FROM),
        (z, kv_z, kv_a, ZeroPath.GROUND_AT_FROM, ZeroPath.GROUND_AT_TO),
    ):
        here = step & (kv_low < low) & (kv_low < kv_high)
        path[here] = np.where(has_unit[lower[here]], int(ground_high), int(ground_low))
    _ground_lowest_leg(path, star_bus, network)
    return BranchSequence(
        zero_resistance_pu=branches.resistance_pu * r_ratio,
        zero_reactance_pu=branches.reactance_pu * x_ratio,
        zero_path=path,
        rating_mva=np.where(is_transformer, branches.rating_normal_mva, 0.0),
        star_bus=star_bus,
    )


def _ground_lowest_leg(path: Integers, star_bus: Integers, network: Network) -> None:
    """Make the lowest-voltage leg of every star point a delta, in place."""
    branches, kv = network.branches, network.buses.nominal_kv
    leg = np.flatnonzero(star_bus >= 0)
    star_is_from = branches.from_bus[leg] == star_bus[leg]
    outer = np.where(star_is_from, branches.to_bus[leg], branches.from_bus[leg])
    order = np.lexsort((leg, kv[outer], star_bus[leg]))
    first = np.ones(len(order), np.bool_)
    first[1:] = star_bus[leg[order[1:]]] != star_bus[leg[order[:-1]]]
    lowest = order[first]
    path[leg[lowest]] = np.where(
        star_is_from[lowest], int(ZeroPath.GROUND_AT_FROM), int(ZeroPath.GROUND_AT_TO)
    )
