"""PSS/E contingency description files (``.con``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from gentie.engines.grid.contingency_list import (
    Category,
    Contingency,
    ContingencyList,
    Element,
    ElementKind,
)
from gentie.engines.grid.labels import Labels
from gentie.engines.grid.network import Network
from gentie.formats.contingencies.matching import Names, NoElement
from gentie.formats.matpower.decoding import decoded
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.matpower.problems import Problems
from gentie.quantities.findings import Finding

KIND = "a PSS/E contingency file (.con)"
MOST_GENERATED = 1_000_000
_WORD = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^\s'\"]+)")
_BRANCH = re.compile(
    r"(?:DISCONNECT|OPEN|TRIP) (?:BRANCH|LINE|TRANSFORMER|CIRCUIT) FROM BUS (?P<a>\d+) TO BUS (?P<b>\d+)"
    r"(?: TO BUS (?P<c>\d+))?(?: (?:CIRCUIT|CKT|CKTID) (?P<id>\S+))?"
)
_THREE = re.compile(
    r"(?:DISCONNECT|OPEN|TRIP) THREEWINDING AT BUS (?P<a>\d+) TO BUS (?P<b>\d+) TO BUS (?P<c>\d+)"
    r"(?: (?:CIRCUIT|CKT|CKTID) (?P<id>\S+))?"
)
_UNIT = re.compile(
    r"(?:REMOVE|DISCONNECT|TRIP) (?:UNIT|MACHINE) (?P<id>\S+) (?:FROM|AT) BUS (?P<a>\d+)"
)
_SHUNT = re.compile(
    r"(?:REMOVE|DISCONNECT) (?P<kind>SHUNT|SWSHUNT)(?: (?P<id>\S+))? (?:FROM|AT) BUS (?P<a>\d+)"
)
_WHOLE_BUS = re.compile(r"(?:DISCONNECT|TRIP) BUS (?P<a>\d+)")
_POLE = re.compile(r"BLOCK (?:TWOTERMDC|VSCDC|DC)(?: LINE)? (?P<id>.+)")
_MANY = re.compile(
    r"(?P<how>SINGLE|DOUBLE|PARALLEL) (?P<what>BRANCH|LINE|UNIT|MACHINE)(?:S|ES)? "
    r"(?:IN (?P<of>AREA|ZONE|KV|SYSTEM|SUBSYSTEM)(?: (?P<one>\S+))?|FROM BUS (?P<bus>\d+))"
)
_TAKES_PART = (
    *("SET", "CHANGE", "ALTER", "MODIFY", "INCREASE", "RAISE", "DECREASE", "REDUCE", "MOVE", "ADD"),
    "CLOSE",
)
_LOAD = re.compile(r"REMOVE LOAD\b")


@dataclass
class _Described:
    """A contingency as its lines come in."""

    name: str
    line: int
    actions: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class _Reading:
    """What has been understood of one file so far."""

    names: Names
    problems: Problems
    made: dict[str, Contingency] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    without_file: list[str] = field(default_factory=list)
    current: _Described | None = None
    has_any: bool = False
    is_over: bool = False

    def take(self, line: str, number: int) -> None:
        """Understand one line."""
        words = _words(line)
        if not words:
            return
        first = words[0].upper()
        if self.is_over:
            self.note(
                "contingencies.con.after_end",
                f"`{line.strip()[:60]}` stands behind the END of the file. Take it out, or the END.",
                number,
            )
        elif first == "CONTINGENCY":
            self.begin(" ".join(words[1:]).strip(), number)
        elif first == "END":
            self.end()
        elif self.current is not None:
            self.current.actions.append((" ".join(words), number))
        else:
            self.generate(" ".join(words).upper(), line, number)

    def note(self, code: str, sentence: str, line: int) -> None:
        """Keep one reason."""
        self.problems.add(code, sentence, line=line)

    def begin(self, name: str, number: int) -> None:
        """A contingency begins."""
        self.has_any = True
        self.not_ended()
        if not name:
            self.note("contingencies.con.name", "this contingency has no name. Give one.", number)
        self.current = _Described(name, number)

    def end(self) -> None:
        """A contingency ends, or the file."""
        self.has_any = True
        if self.current is None:
            self.is_over = True
            return
        if self.current.name:
            _keep(self, self.current)
        self.current = None

    def not_ended(self) -> None:
        """Tell a contingency that is still open."""
        if self.current is not None:
            self.note(
                "contingencies.con.end",
                f"contingency {self.current.name} has no END. Write END behind its last line.",
                self.current.line,
            )

    def generate(self, words: str, line: str, number: int) -> None:
        """A command outside any contingency makes many."""
        self.has_any = True
        if _MANY.fullmatch(words):
            _many(self, words, number)
            return
        self.note(
            "contingencies.con.command",
            f"`{line.strip()[:60]}` is not understood. Begin with CONTINGENCY and a name, or write "
            "SINGLE BRANCH IN AREA and a number.",
            number,
        )


def read_con(content: bytes, file_name: str, network: Network, labels: Labels) -> ContingencyList:
    """Read a contingency file against a case.

    Args:
        content: of the file.
        file_name: for messages.
        network: the case that it is for.
        labels: the case's own names, of circuits and units above all.

    Returns:
        The contingencies; those that name what the case does not have, or that change instead of
        taking out, are counted with their reason.

    Raises:
        BadInput: the file is not understood; all reasons, each with its line.

    Neglects: subsystem files, changes of load and generation, closing of branches.
    Follows: PSS/E Program Operation Manual, "Contingency Description Data File Contents".
    """
    text, _ = decoded(content, file_name, kind=KIND)
    problems = Problems(file_name)
    reading = _Reading(Names.of(network, labels), problems)
    for number, line in enumerate(text.splitlines(), 1):
        reading.take(line, number)
    reading.not_ended()
    if not reading.has_any:
        problems.add("contingencies.con.none", f"the file names no contingency. Give {KIND}.")
    problems.raise_any()
    return ContingencyList(tuple(reading.made.values()), labels.shunts, tuple(_left(reading)))


def _words(line: str) -> list[str]:
    """Words of a line; comments begin with COM or behind a slash."""
    words = []
    for found in _WORD.finditer(line):
        quoted = found.group(1) if found.group(1) is not None else found.group(2)
        if quoted is not None:
            words.append(quoted.strip())
            continue
        word = found.group(3)
        if word.startswith("/"):
            break
        words.append(word)
    return [] if words and words[0].upper() in ("COM", "COMMENT") else words


def _keep(reading: _Reading, described: _Described) -> None:
    """Make one contingency, or say why it is none."""
    name, line, actions = described.name, described.line, described.actions
    if name in reading.made:
        reading.problems.add(
            "contingencies.con.twice",
            f"contingency {name} is described a second time. Give each its own name.",
            line=line,
        )
        return
    elements: list[Element] = []
    for action, number in actions:
        try:
            found = _elements(reading.names, action)
        except NoElement as cause:
            reading.missing.append(f"{name}: {cause}")
            return
        if found is None:
            if action.split()[0].upper() in _TAKES_PART or _LOAD.match(action.upper()):
                reading.unsupported.append(f"{name}: {action}")
                return
            reading.problems.add(
                "contingencies.con.action",
                f"`{action[:60]}` is not understood. Write, for one, OPEN BRANCH FROM BUS 1 TO BUS 2 "
                "CIRCUIT 1, or REMOVE UNIT 1 FROM BUS 1.",
                line=number,
            )
            return
        elements += found
    if not elements:
        reading.problems.add(
            "contingencies.con.empty",
            f"contingency {name} takes nothing out. Name what it does, or take it out.",
            line=line,
        )
        return
    reading.made[name] = Contingency(name, Category.GIVEN, tuple(dict.fromkeys(elements)))


def _elements(names: Names, action: str) -> tuple[Element, ...] | None:
    """What an action takes out, ``None`` for one that is not understood.

    Raises:
        NoElement: the case does not have it in service.
    """
    words = " ".join(action.upper().split())
    for pattern in (_BRANCH, _THREE):
        if found := pattern.fullmatch(words):
            given = (found.group("a"), found.group("b"), found.group("c"))
            return names.line(tuple(int(one) for one in given if one), found.group("id") or "1")
    if found := _UNIT.fullmatch(words):
        return names.machine(int(found.group("a")), found.group("id"))
    if found := _SHUNT.fullmatch(words):
        is_switched = found.group("kind") == "SWSHUNT"
        return names.shunt(int(found.group("a")), found.group("id") or "", is_switched=is_switched)
    if found := _WHOLE_BUS.fullmatch(words):
        return names.whole_bus(int(found.group("a")))
    if found := _POLE.fullmatch(words):
        return names.pole(found.group("id"))
    return None


# ------------------------------------------------------------------- commands that make many


def _many(reading: _Reading, words: str, line: int) -> None:
    found = _MANY.fullmatch(words)
    assert found is not None
    of, one = found.group("of"), found.group("one")
    if of == "SUBSYSTEM" or (of == "SYSTEM" and one is not None):
        reading.without_file.append(f"line {line}: {words}")
        return
    network = reading.names.network
    wanted = _buses(network, of, one, found.group("bus"))
    if wanted is None:
        reading.problems.add(
            "contingencies.con.number",
            f"`{words[:60]}` needs a number behind {of}. Write the number of an area or zone, or a "
            "voltage in kV.",
            line=line,
        )
        return
    is_unit = found.group("what") in ("UNIT", "MACHINE")
    singles = list(_units(network, wanted) if is_unit else _lines(reading.names, wanted))
    how = found.group("how")
    sets: list[tuple[tuple[str, ...], tuple[Element, ...]]]
    if how == "SINGLE":
        sets = [((name,), (element,)) for name, element in singles]
    else:
        pairs = combinations(singles, 2)
        if how == "DOUBLE" and len(singles) * (len(singles) - 1) // 2 > MOST_GENERATED:
            reading.problems.add(
                "contingencies.con.many",
                f"`{words[:60]}` makes more than {MOST_GENERATED:,} contingencies. Name a smaller area.",
                line=line,
            )
            return
        sets = [
            ((first[0], second[0]), (first[1], second[1]))
            for first, second in pairs
            if how == "DOUBLE" or _is_parallel(network, first[1], second[1])
        ]
    for names, elements in sets:
        name = f"{how} {' + '.join(names)}"
        reading.made.setdefault(name, Contingency(name, Category.GIVEN, elements))


def _buses(
    network: Network, of: str | None, one: str | None, bus: str | None
) -> Callable[[int], bool] | None:
    """Whether a bus row is meant; ``None`` where the number is missing."""
    buses = network.buses
    if bus is not None:
        row = network.bus_row.get(int(bus), -1)
        return lambda place: place == row
    if of == "SYSTEM":
        return lambda _: True
    try:
        number = float(one or "")
    except ValueError:
        return None
    column = {"AREA": buses.area, "ZONE": buses.zone, "KV": buses.nominal_kv}[of or "AREA"]
    meant = np.isclose(column, number)
    return lambda place: bool(meant[place])


def _lines(names: Names, wanted: Callable[[int], bool]) -> Iterator[tuple[str, Element]]:
    network = names.network
    branches = network.branches
    for row in np.flatnonzero(network.is_branch_live).tolist():
        if wanted(int(branches.from_bus[row])) or wanted(int(branches.to_bus[row])):
            yield network.element_ids[row], Element(ElementKind.BRANCH, row)


def _units(network: Network, wanted: Callable[[int], bool]) -> Iterator[tuple[str, Element]]:
    for row in np.flatnonzero(network.is_generator_live).tolist():
        if wanted(int(network.generators.bus[row])):
            yield network.unit_ids[row], Element(ElementKind.UNIT, row)


def _is_parallel(network: Network, first: Element, second: Element) -> bool:
    branches = network.branches
    if first.kind is not ElementKind.BRANCH:
        return bool(network.generators.bus[first.row] == network.generators.bus[second.row])
    ends = [
        {int(branches.from_bus[one.row]), int(branches.to_bus[one.row])} for one in (first, second)
    ]
    return ends[0] == ends[1]


def _left(reading: _Reading) -> Iterator[Finding]:
    """What is not studied, by reason."""
    found = (
        told(
            "contingencies.con.missing",
            "Contingencies that name what the case does not have in service",
            reading.missing,
            "They are not studied.",
        ),
        told(
            "contingencies.con.unsupported",
            "Contingencies that change load or generation, or close a branch",
            reading.unsupported,
            "They are not studied: only what is taken out can be.",
        ),
        told(
            "contingencies.con.subsystem",
            "Commands for a subsystem, which another file describes",
            reading.without_file,
            "They are not studied; name areas, zones or kV instead.",
        ),
    )
    yield from (one for one in found if one is not None)
