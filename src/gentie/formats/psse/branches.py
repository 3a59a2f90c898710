"""Lines, switching devices and transformers of a RAW case as rows of one branch table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gentie.engines.grid.network import Floats, Integers
from gentie.formats.psse.buses import BusTable, told_where
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.records import Section
from gentie.quantities.findings import Finding

COLUMNS = 11
CLOSED_PU = 1e-4
"""Reactance of a closed switching device that gives none."""


@dataclass(eq=False)
class BranchRows:
    """Rows of the branch table as sections add them; ends are rows of the bus table.

    A row is ``from, to, r, x, b, three ratings, ratio, shift, status``, per unit and degrees.
    """

    values: list[Floats] = field(default_factory=list)
    line: list[Integers] = field(default_factory=list)
    circuit: list[str] = field(default_factory=list)

    def add(self, columns: list[Floats | Integers], line: Integers, circuit: list[str]) -> None:
        """Add rows given by column."""
        self.values.append(np.column_stack(columns).astype(np.float64).reshape(-1, COLUMNS))
        self.line.append(line)
        self.circuit += circuit

    def __len__(self) -> int:
        """Number of rows so far."""
        return len(self.circuit)


def add_lines(case: RawCase, buses: BusTable, rows: BranchRows) -> Iterator[Finding | None]:
    """Add every line; shunts at its ends become shunts of the buses."""
    line = case.section("branch")
    a, z = buses.rows(line, "I", "branch"), buses.rows(line, "J", "branch")
    refuse_loops(line, a, z, "branch")
    on = line.whole("ST", 1) != 0
    zeros = np.zeros(len(line))
    circuit = list(line.text("CKT", "1"))
    rows.add(
        [
            *(a, z, line.number("R", 0.0), line.number("X", 0.0), line.number("B", 0.0)),
            *(*ratings(line, case.revision), zeros, zeros, on),
        ],
        line.rows,
        circuit,
    )
    shunted = np.zeros(len(line), bool)
    for bus, conductance, susceptance in ((a, "GI", "BI"), (z, "GJ", "BJ")):
        g_pu, b_pu = line.number(conductance, 0.0), line.number(susceptance, 0.0)
        take = on & (bus >= 0)
        np.add.at(buses.shunt_mw, bus[take], g_pu[take] * case.base_mva)
        np.add.at(buses.shunt_mvar, bus[take], b_pu[take] * case.base_mva)
        shunted |= (g_pu != 0) | (b_pu != 0)
    yield told_where(
        "case.raw.branch.end_shunt",
        "Lines in service with shunts at their ends (GI to BJ)",
        on,
        shunted,
        names=pair_names(line, circuit),
        consequence="These are shunts of the buses and stay when the line is taken out.",
    )


def add_switching_devices(
    case: RawCase, buses: BusTable, rows: BranchRows
) -> Iterator[Finding | None]:
    """Add breakers and disconnectors of revisions 34 and 35 as branches of next to no impedance."""
    device = case.section("switching device")
    a, z = buses.rows(device, "I", "switching device"), buses.rows(device, "J", "switching device")
    refuse_loops(device, a, z, "switching device")
    on = device.whole("STAT", 1) != 0
    x_pu = device.number("X", CLOSED_PU)
    x_pu = np.where(x_pu == 0, CLOSED_PU, x_pu)
    zeros = np.zeros(len(device))
    circuit = list(device.text("CKT", "1"))
    rows.add(
        [*(a, z, zeros, x_pu, zeros), *ratings(device, 34), *(zeros, zeros, on)],
        device.rows,
        circuit,
    )
    yield told_where(
        "case.raw.switching_device",
        "Switching devices (breakers and disconnectors)",
        np.ones(len(device), bool),
        np.ones(len(device), bool),
        names=pair_names(device, circuit),
        consequence=f"They are lines with their own reactance, {CLOSED_PU:g} pu where the file gives none.",
    )


def ratings(section: Section, revision: int, *, at: int = 0) -> tuple[Floats, Floats, Floats]:
    """Normal, long-term and emergency rating, MVA; 0 for none."""
    names = ("RATEA", "RATEB", "RATEC") if revision < 34 else ("RATE1", "RATE2", "RATE3")
    first, second, third = (section.number(name, 0.0, at=at) for name in names)
    return first, second, third


def refuse_loops(section: Section, a: Integers, z: Integers, thing: str) -> None:
    """Tell every branch that begins and ends at one bus."""
    for place in np.flatnonzero((a == z) & (a >= 0)):
        section.problems.add(
            "case.raw.loop",
            f"the {thing} begins and ends at one bus. Mend one end or take the record out.",
            line=section.line[place],
            field=f"{section.name} J",
        )


def pair_names(section: Section, circuit: list[str]) -> list[str]:
    """``1-2 circuit 1`` for each record."""
    return [
        f"{a}-{z.lstrip('-')} circuit {name}"
        for a, z, name in zip(section.text("I"), section.text("J"), circuit, strict=True)
    ]
