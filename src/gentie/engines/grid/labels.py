"""What the file that a case came from calls its elements, where that is more than our own names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.network import Columns, Floats, Integers, Network


@dataclass(frozen=True, eq=False)
class ShuntParts(Columns):
    """One row per shunt in service, which the network holds as one sum by bus."""

    bus: Integers
    """Row of the bus in ``Buses``."""
    name: tuple[str, ...]
    is_switched: tuple[bool, ...]
    mw: Floats
    """Consumed at 1 pu voltage."""
    mvar: Floats
    """Injected at 1 pu voltage."""


@dataclass(frozen=True)
class ThreeWinding:
    """A three-winding transformer, which the network holds as three legs of a star."""

    buses: tuple[int, int, int]
    circuit: str
    branches: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Labels:
    """The file's own names of a network's rows.

    Attributes:
        circuit: (m,) circuit of each branch between its two buses.
        unit: (g,) each unit at its bus.
        dc_line: (d,) each DC line.
        shunts: the shunts that the network sums by bus.
        three_winding: stars of three branches.
    """

    circuit: tuple[str, ...]
    unit: tuple[str, ...]
    dc_line: tuple[str, ...]
    shunts: ShuntParts
    three_winding: tuple[ThreeWinding, ...] = ()


def plain_labels(network: Network) -> Labels:
    """Labels of a case that numbers its elements: circuits and units by number, shunts by bus."""
    buses, lines = network.buses, network.dc_lines
    rows = np.flatnonzero((buses.shunt_mw != 0) | (buses.shunt_mvar != 0))
    return Labels(
        circuit=tuple(map(str, network.branches.circuit.tolist())),
        unit=tuple(map(str, network.generators.unit.tolist())),
        dc_line=tuple(str(place + 1) for place in range(len(lines))),
        shunts=ShuntParts(
            bus=rows,
            name=("1",) * len(rows),
            is_switched=(False,) * len(rows),
            mw=buses.shunt_mw[rows],
            mvar=buses.shunt_mvar[rows],
        ),
    )
