"""MATPOWER tables of contingencies (``contab_….m``, format chgtab)."""

from __future__ import annotations

import re

from gentie.engines.grid.contingency_list import (
    Category,
    Contingency,
    ContingencyList,
    Element,
    ElementKind,
)
from gentie.engines.grid.labels import Labels
from gentie.engines.grid.network import Network
from gentie.formats.matpower.decoding import decoded
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.matpower.problems import Problems

KIND = "a MATPOWER table of contingencies (chgtab, .m)"
CONSTANTS = {
    "CT_TBUS": 1,
    "CT_TGEN": 2,
    "CT_TBRCH": 3,
    "CT_TAREABUS": 4,
    "CT_TAREAGEN": 5,
    "CT_TAREABRCH": 6,
    "CT_TLOAD": 7,
    "CT_TAREALOAD": 8,
    "CT_TGENCOST": 9,
    "CT_TAREAGENCOST": 10,
    "CT_REP": 1,
    "CT_REL": 2,
    "CT_ADD": 3,
    "BR_STATUS": 11,
    "GEN_STATUS": 8,
}
GEN, BRANCH = 2, 3
STATUS = {GEN: 8, BRANCH: 11}
REPLACE = 1
_BEGIN = re.compile(r"function\s+(?P<out>\w+)\s*=\s*\w+")
_TABLE = re.compile(r"(?P<name>\w+)\s*=\s*\[(?P<rows>.*?)\]", re.DOTALL)
COLUMNS = ("label", "probability", "table", "row", "column", "change", "value")


def read_contab(
    content: bytes, file_name: str, network: Network, labels: Labels
) -> ContingencyList:
    """Read a table of contingencies against the MATPOWER case that it is for.

    Args:
        content: of the file.
        file_name: for messages.
        network: the case; rows are those of its tables.
        labels: give the shunts.

    Returns:
        One contingency for each label that takes branches or units out; other changes are counted.

    Raises:
        BadInput: the file is not such a table; all reasons, each with its line.

    Neglects: probabilities; changes of anything but the status of branches and units.
    Follows: MATPOWER's function ``apply_changes``.
    """
    text, _ = decoded(content, file_name, kind=KIND)
    problems = Problems(file_name)
    plain = re.sub(r"%[^\n]*", "", text)
    begun, table = _BEGIN.search(plain), _TABLE.search(plain)
    if begun is None or table is None or table.group("name") != begun.group("out"):
        problems.add("contingencies.contab.kind", f"this is not a table of changes. Give {KIND}.")
        problems.raise_any()
    assert table is not None
    first = plain.count("\n", 0, table.start("rows")) + 1
    by_label: dict[str, list[Element]] = {}
    other: dict[str, int] = {}
    for place, line in enumerate(table.group("rows").splitlines()):
        for row in line.split(";"):
            words = row.replace(",", " ").split()
            if words:
                _row(words, first + place, network, problems, by_label=by_label, other=other)
    problems.raise_any()
    missing = [
        f"contingency {label}"
        for label, elements in by_label.items()
        if not elements and label not in other
    ]
    made = tuple(
        Contingency(f"contingency {label}", Category.GIVEN, tuple(dict.fromkeys(elements)))
        for label, elements in by_label.items()
        if elements and label not in other
    )
    found = (
        told(
            "contingencies.contab.other",
            "Contingencies that change something other than the status of branches and units",
            [f"contingency {label} on line {line}" for label, line in other.items()],
            "They are not studied.",
        ),
        told(
            "contingencies.contab.out",
            "Contingencies of what is already out of service",
            missing,
            "They are not studied.",
        ),
    )
    return ContingencyList(made, labels.shunts, tuple(one for one in found if one is not None))


def _row(
    words: list[str],
    line: int,
    network: Network,
    problems: Problems,
    *,
    by_label: dict[str, list[Element]],
    other: dict[str, int],
) -> None:
    """Take one change in."""
    try:
        values = [float(CONSTANTS.get(word, word)) for word in words]
    except ValueError:
        values = []
    if len(values) != len(COLUMNS):
        problems.add(
            "contingencies.contab.row",
            f"`{' '.join(words)[:60]}` is not a change of {len(COLUMNS)} numbers "
            f"({', '.join(COLUMNS)}). Mend it.",
            line=line,
        )
        return
    table, row, column, change, value = (int(one) for one in values[2:])
    label = f"{values[0]:.12g}"
    elements = by_label.setdefault(label, [])
    if table not in STATUS or column != STATUS[table] or change != REPLACE or value != 0:
        other.setdefault(label, line)
        return
    is_branch = table == BRANCH
    count = len(network.branches) if is_branch else len(network.generators)
    if not 1 <= row <= count:
        problems.add(
            "contingencies.contab.element",
            f"row {row} is not in the case, which has {count:,} "
            f"{'branches' if is_branch else 'units'}. Give the case that the table is for.",
            line=line,
        )
        return
    live = network.is_branch_live if is_branch else network.is_generator_live
    if live[row - 1]:
        kind = ElementKind.BRANCH if is_branch else ElementKind.UNIT
        elements.append(Element(kind, row - 1))
