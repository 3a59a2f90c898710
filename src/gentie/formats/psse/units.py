"""Generating units of a RAW case, and the devices that hold a voltage without giving MW."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gentie.engines.grid.network import Floats, Integers
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.psse.buses import BusTable, told_where
from gentie.formats.psse.case import RawCase
from gentie.quantities.findings import Finding

COLUMNS = 10
UNLIMITED = 9998.0
"""PSS/E writes 9999 where no limit is given."""


@dataclass(eq=False)
class UnitRows:
    """Rows of the unit table: ``bus, P, Q, Qmax, Qmin, V, base, status, Pmax, Pmin``."""

    values: list[Floats] = field(default_factory=list)
    line: list[Integers] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)

    def add(
        self, columns: list[Floats | Integers], line: Integers, name: list[str], kind: str
    ) -> None:
        """Add rows given by column."""
        self.values.append(np.column_stack(columns).astype(np.float64).reshape(-1, COLUMNS))
        self.line.append(line)
        self.name += name
        self.kind += [kind] * len(name)


def add_units(case: RawCase, buses: BusTable, rows: UnitRows) -> Iterator[Finding | None]:
    """Add every generating unit; one that regulates another bus holds its own as stored."""
    unit = case.section("generator")
    row = buses.rows(unit, "I", "unit")
    on = unit.whole("STAT", 1) != 0
    own = buses.number[row]
    regulated = unit.whole("IREG", 0)
    is_remote = (regulated != 0) & (regulated != own)
    setpoint_pu = np.where(is_remote, buses.voltage_pu[row], unit.number("VS", 1.0))
    names = list(unit.text("ID", "1"))
    p_max, p_min = unit.number("PT", 9999.0), unit.number("PB", -9999.0)
    q_max, q_min = unit.number("QT", 9999.0), unit.number("QB", -9999.0)
    rows.add(
        [
            *(row, unit.number("PG", 0.0), unit.number("QG", 0.0), q_max, q_min),
            *(setpoint_pu, unit.number("MBASE", case.base_mva), on, p_max, p_min),
        ],
        unit.rows,
        names,
        "unknown",
    )
    told_names = [f"unit {name} at bus {bus}" for name, bus in zip(names, own, strict=True)]
    yield told_where(
        "case.raw.unit.remote",
        "Units in service that hold the voltage of another bus (IREG)",
        on & (row >= 0),
        is_remote,
        names=told_names,
        consequence="They hold the stored voltage of their own bus.",
    )
    step = np.hypot(unit.number("RT", 0.0), unit.number("XT", 0.0)) > 0
    yield told_where(
        "case.raw.unit.step_up",
        "Units in service with a step-up transformer of their own (RT, XT)",
        on,
        step,
        names=told_names,
        consequence="It is dropped: they stand at the bus itself.",
    )
    yield told_where(
        "case.raw.unit.unlimited",
        "Units in service whose output has no upper limit (PT is 9999 or not given)",
        on,
        p_max >= UNLIMITED,
        names=told_names,
        consequence="9,999 MW is kept as the limit.",
    )


@dataclass(frozen=True)
class Holder:
    """A device that holds the voltage of its bus with reactive power alone."""

    bus: int
    name: str
    kind: str
    setpoint_pu: float
    q_max_mvar: float
    q_min_mvar: float
    line: int


def add_holders(holders: list[Holder], buses: BusTable, rows: UnitRows) -> Iterator[Finding | None]:
    """Add FACTS devices and converters as units of 0 MW; their buses become voltage-controlled."""
    if not holders:
        return
    row = np.array([holder.bus for holder in holders], np.int64)
    zeros, ones = np.zeros(len(holders)), np.ones(len(holders))
    setpoint_pu = np.array([holder.setpoint_pu for holder in holders])
    q_max_mvar = np.array([holder.q_max_mvar for holder in holders])
    q_min_mvar = np.array([holder.q_min_mvar for holder in holders])
    for kind in sorted({holder.kind for holder in holders}):
        of = np.array([holder.kind == kind for holder in holders])
        rows.add(
            [
                *(row[of], zeros[of], zeros[of], q_max_mvar[of], q_min_mvar[of]),
                *(setpoint_pu[of], zeros[of], ones[of], zeros[of], zeros[of]),
            ],
            np.array([holder.line for holder in holders], np.int64)[of],
            [holder.name for holder in holders if holder.kind == kind],
            kind,
        )
    buses.kind[row[buses.kind[row] == 1]] = 2
    yield told(
        "case.raw.holder",
        "FACTS devices and VSC converters that hold the voltage of their bus",
        [f"{holder.name} at bus {buses.number[holder.bus]}" for holder in holders],
        "Each is a unit of 0 MW with its reactive limits.",
    )
