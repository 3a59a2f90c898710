"""From the sections of a RAW case to the tables that a network is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.labels import Labels, ShuntParts, ThreeWinding
from gentie.engines.grid.network import Floats, Integers
from gentie.formats.matpower.case import MatpowerCase, Table
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.psse.branches import BranchRows, add_lines, add_switching_devices
from gentie.formats.psse.buses import (
    VOLTAGE_MAX_PU,
    VOLTAGE_MIN_PU,
    BusTable,
    Shunts,
    add_loads,
    add_shunts,
    bus_table,
)
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.direct_current import DcLine, two_terminal_lines, vsc_lines
from gentie.formats.psse.facts import add_facts
from gentie.formats.psse.multi_terminal import add_multi_terminal
from gentie.formats.psse.transformers import STAR_NOMINAL_KV, Stars, add_transformers
from gentie.formats.psse.units import Holder, UnitRows, add_holders, add_units
from gentie.quantities.findings import Finding

LARGEST_BUS_NUMBER = 999_997


@dataclass(frozen=True, eq=False)
class RawTables:
    """What a network is made of, in MATPOWER's columns.

    Attributes:
        case: the tables; each row knows its line of the RAW file.
        labels: the file's own names of the rows.
        findings: what was dropped, defaulted or assumed on the way to the tables.
    """

    case: MatpowerCase
    labels: Labels
    findings: tuple[Finding, ...]


def raw_tables(raw: RawCase) -> RawTables:
    """Make the tables of a RAW case.

    Args:
        raw: as read.

    Returns:
        The tables, labels and findings.

    Raises:
        BadInput: all reasons found, each with file, line, field and what to do.

    Neglects: control of taps, shunts and converters, which stay as stored; induction
        machines and user-defined devices, which are counted.
    Follows: PSS/E Program Operation Manual, "Power Flow Raw Data File Contents".
    """
    buses = bus_table(raw)
    _check_buses(raw, buses)
    found: list[Finding | None] = []
    shunts: list[Shunts] = []
    rows, units = BranchRows(), UnitRows()
    three: list[ThreeWinding] = []
    holders: list[Holder] = []
    dc_lines: list[DcLine] = []
    stars: list[Stars] = []

    def take(source: Iterator[Finding | Stars | DcLine | None]) -> None:
        for one in source:
            if isinstance(one, DcLine):
                dc_lines.append(one)
            elif isinstance(one, Stars):
                stars.append(one)
            else:
                found.append(one)

    take(add_loads(raw, buses))
    take(add_shunts(raw, buses, shunts))
    take(add_units(raw, buses, units))
    take(add_lines(raw, buses, rows))
    take(add_switching_devices(raw, buses, rows))
    take(add_transformers(raw, buses, rows, three))
    take(two_terminal_lines(raw, buses))
    take(add_multi_terminal(raw, buses))
    take(vsc_lines(raw, buses, holders))
    take(add_facts(raw, buses, rows, holders))
    take(add_holders(holders, buses, units))
    take(_file_findings(raw))
    raw.problems.raise_any()
    return RawTables(
        case=_case(raw, buses, stars[0], rows=rows, units=units, dc_lines=dc_lines),
        labels=Labels(
            circuit=tuple(rows.circuit),
            unit=tuple(units.name),
            dc_line=tuple(line.name for line in dc_lines),
            shunts=ShuntParts(
                bus=np.concatenate([part.bus for part in shunts]),
                name=tuple(name for part in shunts for name in part.name),
                is_switched=tuple(bool(one) for part in shunts for one in part.is_switched),
                mw=np.concatenate([part.mw for part in shunts]),
                mvar=np.concatenate([part.mvar for part in shunts]),
            ),
            three_winding=tuple(three),
        ),
        findings=tuple(finding for finding in found if finding is not None),
    )


def _check_buses(raw: RawCase, buses: BusTable) -> None:
    """Tell buses that no case can have: none, out of range, twice, of an unknown type."""
    problems = raw.problems
    problems.raise_any()
    if not len(buses.number):
        problems.add("case.raw.bus.none", "the case has no bus. Give at least one.", field="bus")
    first: dict[int, int] = {}
    for number, kind, line in zip(
        buses.number.tolist(), buses.kind.tolist(), buses.line.tolist(), strict=True
    ):
        if not 0 < number <= LARGEST_BUS_NUMBER:
            problems.add(
                "case.raw.bus.number",
                f"the bus number {number} is not from 1 to {LARGEST_BUS_NUMBER:,}. Mend it.",
                line=line,
                field="bus I",
            )
        elif number in first:
            problems.add(
                "case.raw.bus.twice",
                f"bus {number} is already on line {first[number]}. Give each bus its own number.",
                line=line,
                field="bus I",
            )
        if kind not in (1, 2, 3, 4):
            problems.add(
                "case.raw.bus.kind",
                f"bus type {kind} is not known. Write 1 (load), 2 (voltage held), 3 (slack) or 4 "
                "(isolated).",
                line=line,
                field="bus IDE",
            )
        first.setdefault(number, line)
    problems.raise_any()


def _case(
    raw: RawCase,
    buses: BusTable,
    stars: Stars,
    *,
    rows: BranchRows,
    units: UnitRows,
    dc_lines: list[DcLine],
) -> MatpowerCase:
    count = len(stars.number)
    none = np.zeros(count)
    bus = np.column_stack(
        [
            np.concatenate([own, of_stars])
            for own, of_stars in (
                (buses.number, stars.number),
                (buses.kind, np.where(stars.is_live, 1, 4)),
                (buses.load_mw, none),
                (buses.load_mvar, none),
                (buses.shunt_mw, none),
                (buses.shunt_mvar, none),
                (buses.area, buses.area[stars.like]),
                (buses.voltage_pu, stars.voltage_pu),
                (buses.angle_deg, stars.angle_deg),
                (buses.nominal_kv, np.full(count, STAR_NOMINAL_KV)),
                (buses.zone, buses.zone[stars.like]),
                (buses.voltage_max_pu, none),
                (buses.voltage_min_pu, none),
            )
        ]
    ).astype(np.float64)
    number = bus[:, 0]
    branch = _stacked(rows.values, 11)
    branch[:, 0], branch[:, 1] = number[branch[:, 0].astype(int)], number[branch[:, 1].astype(int)]
    gen = _stacked(units.values, 10)
    gen[:, 0] = number[gen[:, 0].astype(int)]
    dcline = np.array(
        [
            (
                *(number[line.from_bus], number[line.to_bus], line.is_on),
                *(line.p_from_mw, line.p_to_mw, line.q_from_mvar, line.q_to_mvar),
            )
            for line in dc_lines
        ]
    ).reshape(-1, 7)
    tables = {
        "bus": Table("bus", bus, np.concatenate([buses.line, stars.line])),
        "gen": Table("gen", gen, _lines(units.line)),
        "branch": Table("branch", branch, _lines(rows.line)),
        "dcline": Table(
            "dcline", dcline.astype(np.float64), np.array([one.line for one in dc_lines], np.int64)
        ),
    }
    return MatpowerCase(
        name=raw.name,
        file_name=raw.file_name,
        digest=raw.digest,
        version="2",
        base_mva=raw.base_mva,
        tables=tables,
        names={
            "bus_name": (*buses.name, *stars.name),
            "gentype": tuple(units.kind),
        },
        encoding=raw.encoding,
    )


def _stacked(parts: list[Floats], columns: int) -> Floats:
    return np.concatenate(parts) if parts else np.zeros((0, columns))


def _lines(parts: list[Integers]) -> Integers:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


DROPPED = {
    "gne": "user-defined devices (GNE): they give and take nothing",
    "substation": "substations: breakers and busbars are not read, buses are as the case has them",
}


def _file_findings(raw: RawCase) -> Iterator[Finding | None]:
    """What is said of the file itself."""
    passed = [
        f"{DROPPED[name]} ({count} lines from line {line})"
        for name, (line, count) in raw.passed.items()
        if name in DROPPED
    ]
    yield told(
        "case.raw.dropped", "Kinds of data that are not read", passed, "They are kept in the file."
    )
    machines = raw.section("induction machine")
    on = [
        f"machine {name} at bus {bus}"
        for bus, name, status in zip(
            machines.text("I"), machines.text("ID", "1"), machines.whole("STAT", 1), strict=True
        )
        if status
    ]
    yield told(
        "case.raw.induction", "Induction machines in service", on, "They give and take nothing."
    )
    bus = raw.section("bus")
    unlimited = [
        f"bus {number}"
        for number, high, low in zip(bus.text("I"), bus.text("NVHI"), bus.text("NVLO"), strict=True)
        if not (high and low)
    ]
    yield told(
        "case.raw.voltage_limits",
        "Buses without voltage limits (NVHI, NVLO)",
        unlimited,
        f"{VOLTAGE_MIN_PU:g} to {VOLTAGE_MAX_PU:g} pu are assumed.",
    )
    if raw.ended_at:
        yield Finding(
            "case.raw.no_end",
            f"The file ends after the section of {raw.ended_at} data and without the line Q; the "
            "sections that would follow are taken as empty.",
        )
