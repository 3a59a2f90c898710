"""What the fidelity report says of disconnected parts and of slack buses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gentie.engines.grid.network import BusKind, Network
from gentie.formats.matpower.building import Reference
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.fidelity.sentences import NAMED, told
from gentie.quantities.findings import Finding


def cut_off_finding(case: MatpowerCase, network: Network, reference: Reference) -> Finding | None:
    """Parts without a slack bus: which, how large, and that they are not studied."""
    numbers, part = network.buses.number, reference.part
    count = len(numbers)
    units = network.generators
    was_live = case.bus.values[:, 1] != BusKind.ISOLATED
    on = units.in_service & was_live[units.bus]
    size = np.bincount(part[was_live], minlength=count)
    load_mw = np.bincount(part, weights=network.buses.load_mw * was_live, minlength=count)
    output_mw = np.bincount(part[units.bus[on]], weights=units.p_mw[on], minlength=count)
    largest = sorted(reference.cut_off, key=lambda label: (-size[label], label))[:NAMED]
    names = [
        f"{size[label]:,} {'bus' if size[label] == 1 else 'buses'} at bus {numbers[label]} with "
        f"{load_mw[label]:,.1f} MW of load and {output_mw[label]:,.1f} MW of generation"
        for label in largest
    ]
    return told(
        "case.part.cut_off",
        "Parts without a path to a slack bus",
        names,
        "They are not studied: their buses are taken as isolated.",
        total=len(reference.cut_off),
    )


def part_findings(
    case: MatpowerCase, network: Network, reference: Reference
) -> Iterator[Finding | None]:
    """All that is said of parts and slack buses."""
    numbers = network.buses.number
    yield cut_off_finding(case, network, reference)
    slacks = np.flatnonzero(network.buses.kind == BusKind.SLACK)
    if len(slacks) > 1:
        yield told(
            "case.part.several",
            "Parts that are not connected by AC and have a slack bus each",
            [f"slack bus {numbers[row]}" for row in slacks],
            "Each is balanced by its own slack bus.",
        )
    yield told(
        "case.slack.several",
        "Slack buses (type 3) beyond the first of their part",
        [f"bus {numbers[row]}" for row in reference.demoted],
        "They hold their voltage and no longer balance.",
    )
    yield told(
        "case.slack.chosen",
        "Slack buses chosen at the largest unit in service, since the case names none with a unit",
        [f"bus {numbers[row]}" for row in reference.chosen],
        "They balance their part.",
    )
    yield told(
        "case.slack.without_unit",
        "Slack buses without a unit in service in their whole part",
        [f"bus {numbers[row]}" for row in reference.without_unit],
        "They balance their part as an outside source would.",
    )
