"""Buses of a RAW case, with what stands at them: loads, shunts and switched shunts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.records import Section
from gentie.quantities.findings import Finding

VOLTAGE_MAX_PU = 1.1
VOLTAGE_MIN_PU = 0.9


@dataclass(eq=False)
class BusTable:
    """The buses, and sums at each of them that sections add to as they are read."""

    number: Integers
    line: Integers
    name: tuple[str, ...]
    kind: Integers
    area: Integers
    zone: Integers
    nominal_kv: Floats
    voltage_pu: Floats
    angle_deg: Floats
    voltage_max_pu: Floats
    voltage_min_pu: Floats
    load_mw: Floats
    load_mvar: Floats
    shunt_mw: Floats
    shunt_mvar: Floats

    def __post_init__(self) -> None:
        """Know each bus by its number."""
        self.row_of = {int(number): row for row, number in enumerate(self.number)}

    def rows(self, section: Section, name: str, thing: str, *, at: int = 0) -> Integers:
        """Rows of the buses that a field names; -1 where the case has none, told as a problem."""
        numbers = np.abs(section.whole(name, 0, at=at))
        rows = np.array([self.row_of.get(int(number), -1) for number in numbers], np.int64)
        for place in np.flatnonzero(rows < 0):
            section.problems.add(
                "case.raw.bus_unknown",
                f"the {thing} stands at bus {numbers[place]}, which the case does not have. "
                "Add the bus or mend the number.",
                line=section.line[place] + at,
                field=f"{section.name} {name}",
            )
        return rows


def bus_table(case: RawCase) -> BusTable:
    """The buses alone; GL and BL of revision 30 included."""
    bus = case.section("bus")
    count = len(bus)
    area, zone = bus.whole("AREA", 1), bus.whole("ZONE", 1)
    return BusTable(
        number=bus.whole("I", 0),
        line=bus.rows,
        name=bus.text("NAME"),
        kind=bus.whole("IDE", 1),
        area=area,
        zone=zone,
        nominal_kv=bus.number("BASKV", 0.0),
        voltage_pu=bus.number("VM", 1.0),
        angle_deg=bus.number("VA", 0.0),
        voltage_max_pu=bus.number("NVHI", VOLTAGE_MAX_PU),
        voltage_min_pu=bus.number("NVLO", VOLTAGE_MIN_PU),
        load_mw=np.zeros(count),
        load_mvar=np.zeros(count),
        shunt_mw=bus.number("GL", 0.0),
        shunt_mvar=bus.number("BL", 0.0),
    )


def add_loads(case: RawCase, buses: BusTable) -> Iterator[Finding | None]:
    """Add every load: constant power, constant admittance as a shunt, constant current frozen."""
    load = case.section("load")
    row = buses.rows(load, "I", "load")
    on = (load.whole("STATUS", 1) != 0) & (row >= 0)
    current = np.hypot(load.number("IP", 0.0), load.number("IQ", 0.0))
    admittance = np.hypot(load.number("YP", 0.0), load.number("YQ", 0.0))
    made_mw = load.number("DGENP", 0.0) * (load.whole("DGENM", 0) != 0)
    made_mvar = load.number("DGENQ", 0.0) * (load.whole("DGENM", 0) != 0)
    voltage_pu = buses.voltage_pu[row]
    mw = load.number("PL", 0.0) + load.number("IP", 0.0) * voltage_pu - made_mw
    mvar = load.number("QL", 0.0) + load.number("IQ", 0.0) * voltage_pu - made_mvar
    np.add.at(buses.load_mw, row[on], mw[on])
    np.add.at(buses.load_mvar, row[on], mvar[on])
    np.add.at(buses.shunt_mw, row[on], load.number("YP", 0.0)[on])
    np.add.at(buses.shunt_mvar, row[on], load.number("YQ", 0.0)[on])
    names = _names(load, "ID", "load")
    yield told_where(
        "case.raw.load.off",
        "Loads out of service",
        row >= 0,
        ~on,
        names=names,
        consequence="They are left out.",
    )
    yield told_where(
        "case.raw.load.current",
        "Loads with a constant-current part (IP, IQ)",
        on,
        current > 0,
        names=names,
        consequence="That part is frozen at the stored voltage, as constant power.",
    )
    yield told_where(
        "case.raw.load.admittance",
        "Loads with a constant-admittance part (YP, YQ)",
        on,
        admittance > 0,
        names=names,
        consequence="That part is a shunt of the bus, as exact as in the file.",
    )
    yield told_where(
        "case.raw.load.generation",
        "Loads with generation of their own (DGENP, DGENQ)",
        on,
        (made_mw != 0) | (made_mvar != 0),
        names=names,
        consequence=f"Its {made_mw[on].sum():,.1f} MW are taken off the load.",
    )


@dataclass(frozen=True, eq=False)
class Shunts:
    """Every shunt in service, before they are summed by bus."""

    bus: Integers
    name: tuple[str, ...]
    is_switched: Booleans
    mw: Floats
    mvar: Floats


def add_shunts(case: RawCase, buses: BusTable, out: list[Shunts]) -> Iterator[Finding | None]:
    """Add fixed shunts, and switched shunts frozen at their stored value."""
    fixed = case.section("fixed shunt")
    row = buses.rows(fixed, "I", "shunt")
    on = (fixed.whole("STATUS", 1) != 0) & (row >= 0)
    _add(out, buses, row[on], _kept(fixed.text("ID", "1"), on), section=fixed, on=on)
    names = _names(fixed, "ID", "shunt")
    yield told_where(
        "case.raw.shunt.off",
        "Shunts out of service",
        row >= 0,
        ~on,
        names=names,
        consequence="They are left out.",
    )

    switched = case.section("switched shunt")
    row = buses.rows(switched, "I", "switched shunt")
    on = (switched.whole("STAT", 1) != 0) & (row >= 0)
    _add(out, buses, row[on], _kept(switched.text("ID", "1"), on), section=switched, on=on)
    mode = switched.whole("MODSW", 1)
    names = _names(switched, "ID", "switched shunt")
    moves = on & (mode != 0)
    yield told_where(
        "case.raw.switched_shunt.frozen",
        "Switched shunts in service that move by themselves (MODSW is not 0)",
        on,
        moves,
        names=names,
        consequence="They stay at their stored value (BINIT), "
        f"{switched.number('BINIT', 0.0)[moves].sum():,.1f} Mvar in all.",
    )
    yield told_where(
        "case.raw.switched_shunt.off",
        "Switched shunts out of service",
        row >= 0,
        ~on,
        names=names,
        consequence="They are left out.",
    )


def _add(
    out: list[Shunts],
    buses: BusTable,
    row: Integers,
    name: tuple[str, ...],
    *,
    section: Section,
    on: Booleans,
) -> None:
    is_switched = section.name == "switched shunt"
    mw = np.zeros(len(row)) if is_switched else section.number("GL", 0.0)[on]
    mvar = section.number("BINIT" if is_switched else "BL", 0.0)[on]
    np.add.at(buses.shunt_mw, row, mw)
    np.add.at(buses.shunt_mvar, row, mvar)
    out.append(Shunts(row, name, np.full(len(row), is_switched), mw, mvar))


def _kept(names: tuple[str, ...], on: Booleans) -> tuple[str, ...]:
    return tuple(name for name, is_on in zip(names, on, strict=True) if is_on)


def _names(section: Section, identity: str, thing: str) -> list[str]:
    return [
        f"{thing} {name} at bus {bus}"
        for bus, name in zip(section.text("I"), section.text(identity, "1"), strict=True)
    ]


def told_where(
    code: str,
    what: str,
    among: Booleans,
    is_seen: Booleans,
    *,
    names: list[str],
    consequence: str,
) -> Finding | None:
    """A finding on the records that are among some and where something is seen."""
    seen = [names[row] for row in np.flatnonzero(among & is_seen)]
    return told(code, what, seen, consequence)
