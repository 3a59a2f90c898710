"""The tables of a study as another program would read them: out of a bundle, or of a run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.bundle import changed_files, inputs_of, read_manifest
from gentie.workbench.study import Inputs, StudyRun

NAMES = ("constraints", "upgrades", "requests", "ledger")

Row = Mapping[str, str]


@dataclass(frozen=True)
class StudyTables:
    """What two studies are compared by.

    Attributes:
        name: of the study, for sentences.
        constraints: rows of the table of that name, cells as they are written.
        upgrades: likewise.
        requests: likewise.
        ledger: likewise.
        summary: the document.
    """

    name: str
    constraints: tuple[Row, ...]
    upgrades: tuple[Row, ...]
    requests: tuple[Row, ...]
    ledger: tuple[Row, ...]
    summary: Mapping[str, Any]


def sound_inputs_of(folder: Path) -> Inputs:
    """The inputs of a bundle from which another study may be made.

    Raises:
        BadInput: the folder holds no bundle, or an input is not as its manifest lists it.
    """
    changed = changed_files(folder, read_manifest(folder))
    wrong = [finding for finding in changed if finding.where.startswith("inputs/")]
    if wrong:
        raise BadInput(wrong)
    return inputs_of(folder)


def tables_of(run: StudyRun, name: str) -> StudyTables:
    """The tables of a study that has been run."""
    found = {file: content for file, (_, content) in run.results.files().items()}
    return _tables(name, found)


def tables_in(folder: Path) -> StudyTables:
    """The tables of a bundle.

    Raises:
        BadInput: the folder holds no bundle, or a table is missing or damaged.
    """
    read_manifest(folder)
    found: dict[str, bytes] = {}
    reasons = []
    for name in (*(f"{one}.csv" for one in NAMES), "summary.json"):
        path = folder / "results" / name
        try:
            found[name] = path.read_bytes()
        except OSError:
            reasons.append(
                Finding("bundle.file.missing", f"{path} is missing from the bundle.", where=name)
            )
    if reasons:
        raise BadInput(reasons)
    try:
        return _tables(folder.name, found)
    except (ValueError, KeyError, csv.Error) as cause:
        raise BadInput(
            Finding(
                "bundle.damaged",
                f"The results in {folder} are damaged and cannot be read: {cause}.",
            )
        ) from cause


def _tables(name: str, files: Mapping[str, bytes]) -> StudyTables:
    rows = {
        one: tuple(csv.DictReader(io.StringIO(files[f"{one}.csv"].decode(), newline="")))
        for one in NAMES
    }
    return StudyTables(name=name, summary=json.loads(files["summary.json"]), **rows)
