"""What a person should know of a short-circuit study: refusals, defaults, doubts."""

from __future__ import annotations

import numpy as np

from gentie.engines.grid.network import Integers, Network
from gentie.engines.grid.short_circuit import FaultModel, ShortCircuit
from gentie.engines.grid.short_circuit_data import SequenceData
from gentie.engines.grid.short_circuit_networks import machine_rows
from gentie.quantities.findings import Finding

NAMED_IN_FINDINGS = 5

LARGEST_RESIDUAL = 1e-6
"""Above it the arithmetic has lost digits that a current is read to."""


def refusals(network: Network, data: SequenceData) -> list[Finding]:
    """Why faults of this case cannot be worked out at all; all reasons at once."""
    found = []
    branches, units, given = network.branches, data.units, data.branches
    live = network.is_branch_live
    joined = live & (branches.from_bus != branches.to_bus)
    for what, r, x in (
        ("", branches.resistance_pu, branches.reactance_pu),
        ("zero-sequence ", given.zero_resistance_pu, given.zero_reactance_pu),
    ):
        bad = np.flatnonzero(joined & ~(np.isfinite(r) & np.isfinite(x) & (np.hypot(r, x) > 0)))
        if len(bad):
            named = ", ".join(network.element_ids[row] for row in bad[:NAMED_IN_FINDINGS])
            found.append(
                Finding(
                    "short_circuit.branch.impedance",
                    f"{len(bad)} branches in service have no finite {what}impedance ({named}): give "
                    "them one, small for a tie.",
                    len(bad),
                )
            )
    untapped = np.flatnonzero(live & ~(branches.tap_ratio > 0))
    if len(untapped):
        named = ", ".join(network.element_ids[row] for row in untapped[:NAMED_IN_FINDINGS])
        found.append(
            Finding(
                "short_circuit.branch.tap",
                f"{len(untapped)} branches have a tap ratio that is not positive ({named}): a line "
                "has 1.",
                len(untapped),
            )
        )
    machine = network.is_generator_live & machine_rows(data)
    x = units.subtransient_pu + units.step_up_reactance_pu
    x2 = units.negative_reactance_pu + units.step_up_reactance_pu
    bad = np.flatnonzero(machine & ~((x > 0) & (x2 > 0) & np.isfinite(x) & np.isfinite(x2)))
    if len(bad):
        named = ", ".join(network.unit_ids[row] for row in bad[:NAMED_IN_FINDINGS])
        found.append(
            Finding(
                "short_circuit.unit.reactance",
                f"{len(bad)} machines have a reactance that is not above 0 ({named}): correct the "
                "sequence data.",
                len(bad),
            )
        )
    if not machine.any():
        found.append(
            Finding(
                "short_circuit.machine.none",
                f"{network.name} has no synchronous machine in service, and inverters alone form no "
                "voltage to fault. Put a machine or an equivalent of the neighbours in service.",
            )
        )
    return found


def remarks(model: FaultModel, data: SequenceData, found: ShortCircuit) -> list[Finding]:
    """What was assumed, what is missing, and what is doubtful."""
    network = model.network
    told = []

    def say(code: str, sentence: str, count: int) -> None:
        if count:
            told.append(Finding(code, sentence, count))

    live = network.is_generator_live
    machine, inverter = live & ~data.units.is_inverter, live & data.units.is_inverter
    assumed = int((machine & ~data.is_unit_given).sum())
    say(
        "short_circuit.unit.assumed",
        f"Machines with impedances by default: {assumed:,} of {int(machine.sum()):,}.",
        assumed,
    )
    say(
        "short_circuit.unit.inverter",
        f"Units taken as inverters, by their fuel or type: {int(inverter.sum()):,}.",
        int(inverter.sum()),
    )
    step_up = int((live & (data.units.step_up_reactance_pu > 0)).sum())
    say(
        "short_circuit.unit.step_up",
        f"Units given a step-up transformer that the case leaves out: {step_up:,}.",
        step_up,
    )
    unrated = int((live & ~(data.units.rating_mva > 0)).sum())
    say(
        "short_circuit.unit.unrated",
        f"Units without any output, left out since nothing tells their size: {unrated:,}.",
        unrated,
    )
    assumed = int((network.is_branch_live & ~data.is_branch_given).sum())
    say(
        "short_circuit.branch.assumed",
        f"Lines and transformers with zero sequence and windings by default: {assumed:,} of "
        f"{int(network.is_branch_live.sum()):,}.",
        assumed,
    )
    bus = model.networks.bus
    dark = bus[~np.isfinite(model.networks.positive.impedance_pu)]
    say(
        "short_circuit.bus.no_source",
        f"Buses that no machine feeds, without a current: {_named(network, dark)}.",
        len(dark),
    )
    unknown = bus[~(network.buses.nominal_kv[bus] > 0)]
    say(
        "short_circuit.bus.voltage",
        f"Buses without a nominal voltage, whose current cannot be told in kA: "
        f"{_named(network, unknown)}.",
        len(unknown),
    )
    say(
        "short_circuit.inverter.unsettled",
        "Buses where the inverters' control finds no rest; all of them count there with their "
        f"most current, in phase: {_named(network, found.unsettled)}.",
        len(found.unsettled),
    )
    if found.largest_residual > LARGEST_RESIDUAL:
        told.append(
            Finding(
                "short_circuit.residual",
                f"The sequence networks lose digits: a bus is off by {found.largest_residual:.1e} of "
                "itself. Look for branches of nearly no impedance beside very long ones.",
            )
        )
    return told


def singular(network: Network, row: int) -> Finding:
    """One sentence on a sequence network that has no factor."""
    return Finding(
        "short_circuit.singular",
        f"The impedances around bus {network.buses.number[row]} cancel, and no fault can be worked "
        "out. Look for a negative reactance beside an equal positive one.",
    )


def _named(network: Network, rows: Integers) -> str:
    """The first few bus numbers, and how many more there are."""
    text = ", ".join(str(int(network.buses.number[row])) for row in rows[:NAMED_IN_FINDINGS])
    more = len(rows) - NAMED_IN_FINDINGS
    return f"{text} and {more:,} more" if more > 0 else text
