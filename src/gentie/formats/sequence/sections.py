"""The lines of a sequence file, by section and with their fields."""

from __future__ import annotations

import csv
import re
from enum import StrEnum

from gentie.quantities.findings import BadInput, Finding

LARGEST_BYTES = 100_000_000
OLDEST, NEWEST = 30, 36
MERGED_MACHINES = 35
"""From this revision on one record holds all impedances of a machine."""


class Section(StrEnum):
    """The sections that are read; every other one is skipped."""

    MACHINE = "machine"
    MACHINE_POSITIVE = "machine, positive"
    MACHINE_NEGATIVE = "machine, negative"
    MACHINE_ZERO = "machine, zero"
    BRANCH = "branch, zero"
    MUTUAL = "mutual, zero"
    TRANSFORMER = "transformer, zero"
    OTHER = "other"


IN_ORDER = (
    Section.MACHINE_POSITIVE,
    Section.MACHINE_NEGATIVE,
    Section.MACHINE_ZERO,
    Section.OTHER,
    Section.OTHER,
    Section.BRANCH,
    Section.MUTUAL,
    Section.TRANSFORMER,
)
"""Before the merged machines, where a heading says nothing."""


def sections_of(content: bytes, file_name: str) -> tuple[int, list[tuple[Section, int, list[str]]]]:
    """Revision, and every record with its section and line.

    Raises:
        BadInput: this is no sequence file, or of a revision that is not read.
    """
    if len(content) > LARGEST_BYTES:
        raise BadInput(
            Finding(
                "sequence.large",
                f"{file_name}: the file has more than 100 MB, which is not read.",
                where=file_name,
            )
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    revision = 0
    place = -1
    section = Section.OTHER
    records: list[tuple[Section, int, list[str]]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("@!"):
            continue
        body, _, remark = line.partition("/")
        if revision == 0:
            revision = _revision(body, file_name)
            if revision < MERGED_MACHINES:
                place, section = 0, IN_ORDER[0]
            continue
        if body.strip().strip("'\"") == "Q":
            break
        if body.strip() == "0":
            place += 1
            section = _section_after(remark.upper(), revision, place)
            continue
        if section is not Section.OTHER:
            fields = next(csv.reader([body], quotechar="'", skipinitialspace=True))
            records.append((section, number, [field.strip() for field in fields]))
    if revision == 0:
        raise BadInput(
            Finding(
                "sequence.empty",
                f"{file_name}: the file is empty. Give a sequence file (.seq).",
                where=file_name,
            )
        )
    return revision, records


def _revision(body: str, file_name: str) -> int:
    fields = [field.strip() for field in body.split(",")]
    if len(fields) < 2 or not fields[1].isdigit():
        raise BadInput(
            Finding(
                "sequence.head",
                f"{file_name}: the first line does not tell the revision (0, 33 for instance). Write "
                "the file again with its revision.",
                where=file_name,
            )
        )
    revision = int(fields[1])
    if not OLDEST <= revision <= NEWEST:
        raise BadInput(
            Finding(
                "sequence.revision",
                f"{file_name}: revision {revision} is not read; {OLDEST} to {NEWEST} are. Write the "
                "file in one of those.",
                where=file_name,
            )
        )
    return revision


def _section_after(remark: str, revision: int, place: int) -> Section:
    """The section that a heading begins, else the next in order."""
    begun = re.search(r"BEGIN(.*)", remark)
    if begun is None:
        known = revision < MERGED_MACHINES and place < len(IN_ORDER)
        return IN_ORDER[place] if known else Section.OTHER
    words = begun[1].replace("-", "").replace(" ", "")
    if "SHUNT" in words or "LOAD" in words or "INDUCTION" in words:
        return Section.OTHER
    if "MUTUAL" in words:
        return Section.MUTUAL
    if "NONTRANSFORMER" in words or "BRANCH" in words:
        return Section.BRANCH
    if "TRANSFORMER" in words:
        return Section.TRANSFORMER
    if "GEN" in words or "MACHINE" in words:
        if revision >= MERGED_MACHINES:
            return Section.MACHINE
        for sign, section in (
            ("NEG", Section.MACHINE_NEGATIVE),
            ("ZERO", Section.MACHINE_ZERO),
            ("POS", Section.MACHINE_POSITIVE),
        ):
            if sign in words:
                return section
    return Section.OTHER
