"""Tables in MATPOWER's columns, as equipment of a CGMES grid is added to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.formats.cgmes.grid import Frame
from gentie.quantities.findings import Finding

BASE_MVA = 100.0
POWER_COLUMNS = [1, 2, 3, 4, 8, 9]
UNLIMITED = 1e9
"""pypowsybl gives the largest number that there is where a limit is not given."""


@dataclass(eq=False)
class Tables:
    """Tables in MATPOWER's columns as equipment is added; ends are rows of the bus table."""

    row_of: dict[str, int]
    bus: Floats
    branch: list[Floats] = field(default_factory=list)
    gen: list[Floats] = field(default_factory=list)
    dcline: list[Floats] = field(default_factory=list)
    fuel: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    circuit: list[str] = field(default_factory=list)
    unit: list[str] = field(default_factory=list)
    dc: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    found: list[Finding | None] = field(default_factory=list)

    def connected(self, frame: Frame, *ends: Integers) -> Booleans:
        """(k,) equipment with all its ends at a bus; the rest is noted."""
        on = np.ones(len(frame), bool)
        for end in ends:
            on &= end >= 0
        self.left_out += [frame.identity[row] for row in np.flatnonzero(~on)]
        return on

    def add_at(self, bus: Integers, on: Booleans, column: int, amount: Floats) -> None:
        """Add to a column of the buses of connected equipment."""
        np.add.at(self.bus[:, column], bus[on], amount[on])


def add_units(
    tables: Tables,
    on: Booleans,
    output: tuple[Integers, Floats, Floats],
    limits: tuple[Floats, Floats, Floats, Floats, Floats],
    *,
    names: list[str],
    fuels: list[str],
    kind: str,
) -> None:
    """Add rows to the table of units; power per unit."""
    bus, p, q = output
    q_max, q_min, setpoint, p_max, p_min = limits
    ones = np.ones(len(bus))
    columns = [bus, p, q, q_max, q_min, setpoint, ones * BASE_MVA, ones, p_max, p_min]
    rows = np.column_stack(columns).astype(np.float64)
    power = rows[:, POWER_COLUMNS]
    is_unlimited = np.abs(power) > UNLIMITED
    rows[:, POWER_COLUMNS] = np.where(
        is_unlimited, np.copysign(np.inf, power), np.where(is_unlimited, 0.0, power) * BASE_MVA
    )
    tables.gen.append(rows[on])
    kept = np.flatnonzero(on)
    tables.unit += [names[row] for row in kept]
    tables.fuel += [fuels[row] for row in kept]
    tables.kind += [kind] * len(kept)


def add_branches(
    tables: Tables, on: Booleans, columns: list[Floats | Integers], names: tuple[str, ...]
) -> None:
    """Add rows to the table of branches, named by the grid's identities."""
    rows = np.column_stack(columns).astype(np.float64)
    tables.branch.append(rows[on])
    tables.circuit += [names[row] for row in np.flatnonzero(on)]


def hold(tables: Tables, bus: Integers) -> None:
    """Make load buses voltage-controlled."""
    kind = tables.bus[:, 1]
    kind[bus] = np.where(kind[bus] == 1, 2, kind[bus])
