"""Reading a PowerModels JSON case: PowerIO turns it into MATPOWER's tables, which we read.

PowerIO's answer is checked: nothing that the file counts may be missing from the tables.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import powerio

from gentie.formats.matpower.case import MatpowerCase, Table
from gentie.formats.matpower.decoding import decoded
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.matpower.reader import read_matpower
from gentie.quantities.findings import BadInput, Finding

KIND = "a PowerModels case (.json)"
COUNTED = (("bus", "bus"), ("branch", "branch"), ("gen", "gen"), ("dcline", "dcline"))
_LINE = re.compile(r", line \d+")
UNUSED = (("storage", "storage units"), ("switch", "switches"))


def read_powermodels(content: bytes, file_name: str) -> tuple[MatpowerCase, tuple[Finding, ...]]:
    """Read a PowerModels JSON case.

    Args:
        content: of the file.
        file_name: for messages.

    Returns:
        The case in MATPOWER's tables, and what was lost on the way to them.

    Raises:
        BadInput: the file is not such a case, or something of it did not arrive.

    Neglects: storage and switches, which are counted.
    """
    text, _ = decoded(content, file_name, kind=KIND)
    said = _said(text, file_name)
    try:
        module = powerio.parse(
            io.StringIO(text), format="powermodels-json", name=PurePath(file_name).name
        )
        result = powerio.emit(module, "matpower")
    except ValueError as cause:
        raise BadInput(
            Finding(
                "case.powermodels.unread",
                f"{file_name}: the case cannot be read ({_one_line(cause)}). Mend it, or write it "
                "again with PowerModels.export_file.",
                where=file_name,
            )
        ) from cause
    case = _tables(result.artifacts[0].text, file_name)
    missing = [
        f"{len(_rows(said, key)):,} of {key} and {_count(case, table):,} arrived"
        for key, table in COUNTED
        if len(_rows(said, key)) != _count(case, table)
    ]
    if missing:
        raise BadInput(
            Finding(
                "case.powermodels.lost",
                f"{file_name}: not all of the case can be read: it has {'; '.join(missing)}. Write it "
                "again with PowerModels.export_file, or give it in another format.",
                where=file_name,
            )
        )
    diagnostics = (*module.diagnostics, *result.diagnostics)
    notes = {str(one.code) for one in diagnostics} - {"EMIT.MATPOWER.VALUE_COLLAPSED"}
    uneven = uneven_branches(said)
    return _with_end_shunts(case, uneven), tuple(_findings(said, uneven, sorted(notes)))


def _tables(text: str, file_name: str) -> MatpowerCase:
    """The tables that PowerIO made; a refusal does not name lines of a text that nobody has."""
    try:
        return read_matpower(text.encode(), file_name)
    except BadInput as refusal:
        raise BadInput(
            replace(
                one, sentence=_LINE.sub("", one.sentence, count=1), where=_LINE.sub("", one.where)
            )
            for one in refusal.findings
        ) from refusal


def uneven_branches(said: dict[str, Any]) -> list[dict[str, Any]]:
    """Branches in service whose two ends are not alike: conductance, or unequal charging."""
    return [
        one
        for one in _rows(said, "branch")
        if one.get("br_status", 1)
        and (one.get("g_fr") or one.get("g_to") or one.get("b_fr", 0) != one.get("b_to", 0))
    ]


def _with_end_shunts(case: MatpowerCase, uneven: list[dict[str, Any]]) -> MatpowerCase:
    """What half the charging at each end does not say, as shunts of the buses.

    Follows: PowerModels' branch model: the ``from`` end stands before the ratio.
    """
    if not uneven:
        return case
    bus = case.bus.values.copy()
    row_of = {int(number): row for row, number in enumerate(bus[:, 0])}
    for one in uneven:
        half = (one.get("b_fr", 0.0) + one.get("b_to", 0.0)) / 2
        for end, ratio in (("fr", one.get("tap") or 1.0), ("to", 1.0)):
            row = row_of[int(one["f_bus" if end == "fr" else "t_bus"])]
            bus[row, 4] += one.get(f"g_{end}", 0.0) / ratio**2 * case.base_mva
            bus[row, 5] += (one.get(f"b_{end}", 0.0) - half) / ratio**2 * case.base_mva
    return replace(case, tables=case.tables | {"bus": Table("bus", bus, case.bus.line)})


def _said(text: str, file_name: str) -> dict[str, Any]:
    """The file as JSON.

    Raises:
        BadInput: it is no JSON, or no PowerModels case.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as cause:
        line = getattr(cause, "lineno", 1)
        raise BadInput(
            Finding(
                "case.powermodels.json",
                f"{file_name}, line {line}: this is not JSON that can be read to its end. Give the "
                "whole file.",
                where=file_name,
            )
        ) from cause
    if not isinstance(said, dict) or not isinstance(said.get("bus"), dict):
        raise BadInput(
            Finding(
                "case.powermodels.kind",
                f"{file_name}: this is not a PowerModels case: it has no table `bus`. Give a case as "
                "PowerModels.export_file writes it.",
                where=file_name,
            )
        )
    if said.get("multinetwork"):
        raise BadInput(
            Finding(
                "case.powermodels.several",
                f"{file_name}: the file holds several networks (multinetwork). Give one of them.",
                where=file_name,
            )
        )
    return said


def _rows(said: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = said.get(key) or {}
    listed = list(rows.values()) if isinstance(rows, dict) else []
    return [one for one in listed if isinstance(one, dict)]


def _count(case: MatpowerCase, table: str) -> int:
    return len(case.tables[table]) if table in case.tables else 0


def _one_line(cause: Exception) -> str:
    text = " ".join(str(cause).split())
    return text if len(text) <= 160 else text[:160] + "…"


def _findings(
    said: dict[str, Any], uneven: list[dict[str, Any]], notes: list[str]
) -> Iterator[Finding]:
    """What PowerIO says of the way, and what the tables cannot hold."""
    found = [
        told(
            "case.powermodels.unused",
            f"Rows of {what}",
            [str(one.get("index", "")) for one in _rows(said, key)],
            "They are kept in the file; studies do not use them.",
        )
        for key, what in UNUSED
    ]
    found.append(
        told(
            "case.powermodels.end_shunt",
            "Branches in service whose ends differ or lose power (g_fr, g_to, b_fr, b_to)",
            [f"{one.get('f_bus')}-{one.get('t_bus')}" for one in uneven],
            "What differs is a shunt of the buses and stays when the branch is taken out.",
        )
    )
    found.append(
        told(
            "case.powermodels.noted",
            "Notes of PowerIO, which reads the file",
            notes,
            "See its documentation for what they mean.",
        )
    )
    yield from (one for one in found if one is not None)
