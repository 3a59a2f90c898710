"""Two- and three-winding transformers of a RAW case as branches; three windings as a star."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gentie.engines.grid.labels import ThreeWinding
from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.psse.branches import BranchRows, pair_names, ratings, refuse_loops
from gentie.formats.psse.buses import BusTable, told_where
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.correction import CorrectionTable, correction_tables
from gentie.formats.psse.records import Section
from gentie.quantities.findings import Finding

STAR_NOMINAL_KV = 1.0
"""Of a star point, where no voltage class is studied; its legs are per unit and do not need it."""
Tables = dict[int, CorrectionTable]
WINDING_OUT = {2: 1, 3: 2, 4: 0}
"""Status of a three-winding transformer with one winding out, and the winding's place."""


@dataclass(frozen=True, eq=False)
class Stars:
    """Buses added for three-winding transformers, one for each."""

    number: Integers
    line: Integers
    name: tuple[str, ...]
    is_live: Booleans
    like: Integers
    """Row of the bus of the first winding, whose area and zone the star takes."""
    voltage_pu: Floats
    angle_deg: Floats


def of_some(section: Section, is_wanted: Booleans) -> Section:
    """The section with some of its records only."""
    keep = np.flatnonzero(is_wanted)
    return Section(
        section.name,
        section.lines,
        section.problems,
        [section.records[row] for row in keep],
        [section.line[row] for row in keep],
    )


def winding_ratio(section: Section, at: int, bus: Integers, buses: BusTable) -> Floats:
    """Ratio of a winding per unit of its bus's base voltage (CW 1, 2 and 3)."""
    code = section.whole("CW", 1)
    base_kv = np.where(buses.nominal_kv[bus] > 0, buses.nominal_kv[bus], 1.0)
    default = np.where(code == 2, base_kv, 1.0)
    given = section.number("WINDV", default, at=at)
    nominal_kv = section.number("NOMV", 0.0, at=at)
    nominal_kv = np.where(nominal_kv > 0, nominal_kv, base_kv)
    return np.select([code == 2, code == 3], [given / base_kv, given * nominal_kv / base_kv], given)


def pair_impedance(
    section: Section, pair: str, base_mva: float, like: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Resistance and reactance between two windings, per unit of the case's base (CZ 1, 2, 3).

    Args:
        section: of transformers.
        pair: ``1-2``, ``2-3`` or ``3-1``.
        base_mva: of the case.
        like: nominal voltage of the pair's first winding and base voltage of its bus, kV.

    Returns:
        Per unit of the case's base and of the bus's base voltage.
    """
    code = section.whole("CZ", 1)
    r, x = section.number(f"R{pair}", 0.0, at=1), section.number(f"X{pair}", 0.0, at=1)
    own_mva = section.number(f"SBASE{pair}", base_mva, at=1)
    own_mva = np.where(own_mva > 0, own_mva, base_mva)
    r_loss = r / (own_mva * 1e6)
    x_loss = np.sqrt(np.maximum(x**2 - r_loss**2, 0.0)) * np.sign(x)
    r, x = np.where(code == 3, r_loss, r), np.where(code == 3, x_loss, x)
    nominal_kv, base_kv = like
    scale = np.where(code == 1, 1.0, base_mva / own_mva * (nominal_kv / base_kv) ** 2)
    return r * scale, x * scale


def _voltages(section: Section, at: int, bus: Integers, buses: BusTable) -> tuple[Floats, Floats]:
    base_kv = np.where(buses.nominal_kv[bus] > 0, buses.nominal_kv[bus], 1.0)
    nominal_kv = section.number("NOMV", 0.0, at=at)
    return np.where(nominal_kv > 0, nominal_kv, base_kv), base_kv


def add_transformers(
    case: RawCase,
    buses: BusTable,
    rows: BranchRows,
    three: list[ThreeWinding],
) -> Iterator[Finding | Stars | None]:
    """Add all transformers; the stars of those with three windings are given beside findings."""
    section = case.section("transformer")
    tables = correction_tables(case)
    has_three = section.whole("K", 0) != 0
    seen = Seen()
    _two(case, of_some(section, ~has_three), buses, rows, tables=tables, seen=seen)
    yield from _three(
        case, of_some(section, has_three), buses, rows, three=three, tables=tables, seen=seen
    )
    yield from _findings(seen)


def _two(
    case: RawCase,
    section: Section,
    buses: BusTable,
    rows: BranchRows,
    *,
    tables: Tables,
    seen: Seen,
) -> None:
    a, z = buses.rows(section, "I", "transformer"), buses.rows(section, "J", "transformer")
    refuse_loops(section, a, z, "transformer")
    on = section.whole("STAT", 1) != 0
    first, second = winding_ratio(section, 2, a, buses), winding_ratio(section, 3, z, buses)
    refuse_ratios(section, (first, second))
    second = np.where(second > 0, second, 1.0)
    r, x = pair_impedance(section, "1-2", case.base_mva, _voltages(section, 2, a, buses))
    r, x = corrected(section, 2, first / second, r, x, tables=tables, seen=seen)
    circuit = list(section.text("CKT", "1"))
    rows.add(
        [
            *(a, z, r * second**2, x * second**2, np.zeros(len(section))),
            *ratings(section, case.revision, at=2),
            *(first / second, section.number("ANG", 0.0, at=2), on),
        ],
        section.rows,
        circuit,
    )
    names = pair_names(section, circuit)
    _look(case, section, names, on=on, bus=a, buses=buses, seen=seen, windings=1)


def _three(
    case: RawCase,
    section: Section,
    buses: BusTable,
    rows: BranchRows,
    *,
    three: list[ThreeWinding],
    tables: Tables,
    seen: Seen,
) -> Iterator[Finding | Stars | None]:
    count = len(section)
    ends = [buses.rows(section, name, "transformer") for name in ("I", "J", "K")]
    status = section.whole("STAT", 1)
    pairs = [
        pair_impedance(section, pair, case.base_mva, _voltages(section, at, bus, buses))
        for pair, at, bus in (("1-2", 2, ends[0]), ("2-3", 3, ends[1]), ("3-1", 4, ends[2]))
    ]
    highest = int(buses.number.max(initial=0))
    start = max(1_000_001, highest + 1)
    stars = Stars(
        number=start + np.arange(count),
        line=section.rows,
        name=tuple(f"star {name}".strip() for name in section.text("NAME")),
        is_live=status != 0,
        like=ends[0],
        voltage_pu=section.number("VMSTAR", 1.0, at=1),
        angle_deg=section.number("ANSTAR", 0.0, at=1),
    )
    yield stars
    star_row = len(buses.number) + np.arange(count)
    circuit = list(section.text("CKT", "1"))
    begin = len(rows)
    for leg in range(3):
        # z1 = (z12 + z31 - z23) / 2 and so on round: the star that a triangle of tests gives
        own, other, opposite = pairs[leg], pairs[leg - 1], pairs[(leg + 1) % 3]
        r, x = ((own[part] + other[part] - opposite[part]) / 2 for part in (0, 1))
        ratio = winding_ratio(section, 2 + leg, ends[leg], buses)
        refuse_ratios(section, (ratio,))
        r, x = corrected(section, 2 + leg, ratio, r, x, tables=tables, seen=seen)
        is_out = np.array([WINDING_OUT.get(int(one)) == leg for one in status], bool)
        rows.add(
            [
                *(ends[leg], star_row, r, x, np.zeros(count)),
                *ratings(section, case.revision, at=2 + leg),
                *(ratio, section.number("ANG", 0.0, at=2 + leg), (status != 0) & ~is_out),
            ],
            section.rows,
            circuit,
        )
    numbers = [section.whole(name, 0) for name in ("I", "J", "K")]
    three += [
        ThreeWinding(
            (int(numbers[0][row]), int(numbers[1][row]), int(numbers[2][row])),
            circuit[row],
            (begin + row, begin + count + row, begin + 2 * count + row),
        )
        for row in range(count)
    ]
    names = [f"{a}-{b}-{c} circuit {name}" for a, b, c, name in zip(*numbers, circuit, strict=True)]
    yield told_where(
        "case.raw.transformer.three_winding",
        "Three-winding transformers",
        np.ones(count, bool),
        np.ones(count, bool),
        names=names,
        consequence=f"Each is a star of three transformers at a bus of its own, numbered from {start} on.",
    )
    _look(case, section, names, on=status != 0, bus=ends[0], buses=buses, seen=seen, windings=3)


def corrected(
    section: Section,
    at: int,
    ratio: Floats,
    r: Floats,
    x: Floats,
    *,
    tables: Tables,
    seen: Seen,
) -> tuple[Floats, Floats]:
    """Impedances times the factors of the tables that their windings name (TAB)."""
    number = section.whole("TAB", 0, at=at)
    shift_deg = section.number("ANG", 0.0, at=at)
    r, x = r.copy(), x.copy()
    for row in np.flatnonzero(number):
        table = tables.get(int(number[row]))
        if table is None:
            section.problems.add(
                "case.raw.correction_missing",
                f"impedance correction table {number[row]} is not in the case. Add it, or write TAB 0.",
                line=section.line[row] + at,
                field="transformer TAB",
            )
            continue
        factor = table.at(float(ratio[row]), float(shift_deg[row]))
        impedance = complex(r[row], x[row]) * factor
        r[row], x[row] = impedance.real, impedance.imag
        buses = "-".join(
            str(one) for one in section.records[row][0][:3] if one.strip() not in ("", "0")
        )
        seen.corrected.append(f"{' '.join(buses.split())}, by {abs(factor):g}")
    return r, x


def refuse_ratios(section: Section, ratios: tuple[Floats, ...]) -> None:
    """Tell every winding whose ratio is not above 0."""
    for row in np.flatnonzero(np.any([ratio <= 0 for ratio in ratios], axis=0)):
        section.problems.add(
            "case.raw.ratio",
            "a winding's ratio (WINDV) is not above 0. Write a ratio as CW says.",
            line=section.line[row],
            field="transformer WINDV",
        )


@dataclass
class Seen:
    """Names of the transformers in service that have something to be told of."""

    magnetising: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    controlling: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


def _look(
    case: RawCase,
    section: Section,
    names: list[str],
    *,
    on: Booleans,
    bus: Integers,
    buses: BusTable,
    seen: Seen,
    windings: int,
) -> None:
    """Move the magnetising branches to the buses; note what is frozen or dropped."""
    code = section.whole("CM", 1)
    mag1, mag2 = section.number("MAG1", 0.0), section.number("MAG2", 0.0)
    own_mva = section.number("SBASE1-2", case.base_mva, at=1)
    nominal_kv, base_kv = _voltages(section, 2, bus, buses)
    to_bus = (base_kv / nominal_kv) ** 2
    loss_mw = np.where(code == 2, mag1 / 1e6 * to_bus, mag1 * case.base_mva)
    exciting_mva = np.abs(mag2) * own_mva
    inductive_mvar = -np.sqrt(np.maximum(exciting_mva**2 - (mag1 / 1e6) ** 2, 0.0)) * to_bus
    mvar = np.where(code == 2, inductive_mvar, mag2 * case.base_mva)
    take = on & (bus >= 0)
    np.add.at(buses.shunt_mw, bus[take], loss_mw[take])
    np.add.at(buses.shunt_mvar, bus[take], mvar[take])

    def note(to: list[str], is_so: Booleans) -> None:
        to.extend(names[row] for row in np.flatnonzero(is_so))

    note(seen.magnetising, take & ((loss_mw != 0) | (mvar != 0)))
    ats = range(2, 2 + windings)
    control = np.array([section.whole("COD", 0, at=at) for at in ats])
    for number in range(1, 6):
        note(seen.controlling[number], on & (control == number).any(axis=0))


def _findings(seen: Seen) -> Iterator[Finding | None]:
    stay = "They stay at their stored ratio and angle."
    yield told(
        "case.raw.transformer.magnetising",
        "Transformers in service with a magnetising branch (MAG1, MAG2)",
        seen.magnetising,
        "It is a shunt of the first winding's bus and stays when the transformer is taken out.",
    )
    yield told(
        "case.raw.transformer.correction",
        "Windings of transformers whose impedance follows a table (TAB)",
        seen.corrected,
        "The table's factor at the stored position is used.",
    )
    yield told(
        "case.raw.transformer.voltage_control",
        "Transformers in service that control the voltage of a bus (COD is 1)",
        seen.controlling[1],
        stay,
    )
    yield told(
        "case.raw.transformer.reactive_control",
        "Transformers in service that control a reactive flow (COD is 2)",
        seen.controlling[2],
        stay,
    )
    yield told(
        "case.raw.transformer.active_control",
        "Transformers in service that control an active flow (COD is 3)",
        seen.controlling[3],
        stay,
    )
    yield told(
        "case.raw.transformer.dc_control",
        "Transformers in service that control a converter of a DC line (COD is 4)",
        seen.controlling[4],
        stay,
    )
    yield told(
        "case.raw.transformer.asymmetric_control",
        "Transformers in service that control an active flow asymmetrically (COD is 5)",
        seen.controlling[5],
        stay,
    )
