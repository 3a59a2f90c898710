"""Reading a RAW file into sections of records."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePath

from gentie.formats.matpower.decoding import decoded
from gentie.formats.matpower.problems import Problems
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.layout import REVISIONS, TITLES, fields, sections
from gentie.formats.psse.records import Section, values_of

KIND = "a PSS/E case (.raw)"
HEADER_LINES = 3
LARGEST_BASE_MVA = 1e6
_BEGIN = re.compile(r"BEGIN\s+(?P<title>[A-Z -]+?)(?:\s+DATA)?\s*$")
_END = re.compile(r"\s*0\s*(/.*)?$|\s*0\s+\D.*$")
_WRITTEN_BY = re.compile(r"PSS\S*E\D{0,4}-(?P<revision>\d\d)")
"""What PSS/E writes behind the base of its older files: `/ PSS/E-30.3`."""
STANZAS = ("gne", "substation", "system")
"""Sections whose records have lines of several kinds; their lines are counted, not taken apart."""


def read_raw(content: bytes, file_name: str) -> RawCase:
    """Read a PSS/E RAW case, revisions 30 to 35.

    Args:
        content: of the file.
        file_name: for messages.

    Returns:
        The case, every section as text.

    Raises:
        BadInput: the file is not a RAW case, of another revision, or ends too early.

    Neglects: node-breaker data of substations, which are counted.
    Follows: PSS/E Program Operation Manual, "Power Flow Raw Data File Contents".
    """
    text, encoding = decoded(content, file_name, kind=KIND)
    lines = text.splitlines()
    problems = Problems(file_name)
    if text.lstrip().startswith("{"):
        problems.add(
            "case.raw.rawx",
            "this is an extensible RAW file (.rawx). Save it from PSS/E as a RAW file of revision 35.",
        )
        problems.raise_any()
    header = 0
    while header < len(lines) and (not lines[header].strip() or lines[header].startswith("@!")):
        header += 1
    base_mva, revision = _identified(lines[header] if header < len(lines) else "", problems)
    case = RawCase(
        name=PurePath(file_name).stem or file_name,
        file_name=file_name,
        digest=hashlib.sha256(content).hexdigest(),
        revision=revision,
        base_mva=base_mva,
        problems=problems,
        encoding=encoding,
    )
    _Walk(case, lines, header + HEADER_LINES).run()
    problems.raise_any()
    return case


def _identified(line: str, problems: Problems) -> tuple[float, int]:
    """Power base and revision of the first line.

    Raises:
        BadInput: the line is no case identification, or of a revision that is not read.
    """
    values = [value.strip() for value in values_of(line)]
    try:
        change, base_mva = int(values[0]), float(values[1])
        is_case = change in (0, 1) and 0 < base_mva <= LARGEST_BASE_MVA
    except (IndexError, ValueError):
        is_case = False
    if not is_case:
        problems.add(
            "case.raw.kind",
            "this is not a PSS/E case: its first line does not say `0, base MVA, revision`. "
            "Give a RAW file as PSS/E writes it.",
            line=1,
        )
        problems.raise_any()
    if change == 1:
        problems.add(
            "case.raw.change",
            "this file adds to another case (its first value is 1). Give a whole case, which "
            "begins with 0.",
            line=1,
        )
    said = values[2] if len(values) > 2 else ""
    if not said and (written := _WRITTEN_BY.search(line)):
        said = written.group("revision")
    revision = int(float(said)) if re.fullmatch(r"\d+(\.\d*)?", said) else 0
    if revision not in REVISIONS:
        told = f"the file is of revision {said[:10]!r}" if said else "the file says no revision"
        problems.add(
            "case.raw.revision",
            f"{told}, and revisions 30 to 35 are read. Save it from PSS/E as revision 33.",
            line=1,
        )
    problems.raise_any()
    return base_mva, revision


class _Walk:
    """Goes through the lines of a file, section by section."""

    def __init__(self, case: RawCase, lines: list[str], start: int) -> None:
        self.case = case
        self.lines = lines
        self.at = start
        self.order = sections(case.revision)
        self.seen: set[str] = set()

    def run(self) -> None:
        """Read every section up to the line `Q` or the end of the file."""
        place = 0
        while place < len(self.order):
            if self.is_over():
                self.too_early(self.order[place], place)
                return
            name = self.order[place]
            following = self.section(name)
            if following is None:
                return
            place += 1
            if following in self.order:
                place = self.order.index(following)
            if place < len(self.order) and self.at >= len(self.lines):
                self.too_early(self.order[place], place)
                return

    def is_over(self) -> bool:
        """Only blank lines, or the line `Q`, are left."""
        while self.at < len(self.lines) and not self.lines[self.at].strip():
            self.at += 1
        return self.at < len(self.lines) and self.lines[self.at].strip().upper() == "Q"

    def too_early(self, name: str, place: int) -> None:
        """The file ends where a section should begin: refused before the transformers' end."""
        if place <= self.order.index("transformer"):
            self.problem_end(name)
        elif not self.is_over():
            self.case.ended_at = self.order[place - 1]

    def problem_end(self, name: str) -> None:
        self.case.problems.add(
            "case.raw.end",
            f"the file ends in the section of {name} data. Give the whole file; a RAW case goes on "
            "to the line Q.",
            line=len(self.lines),
        )

    def section(self, name: str) -> str | None:
        """Read one section; gives the section that its last line announces, `None` at the end."""
        layout = fields(name, self.case.revision)
        section = Section(name, layout, self.case.problems)
        count, first = 0, 0
        is_read = bool(layout) and name not in STANZAS
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip() or line.lstrip().startswith("@!"):
                self.at += 1
                continue
            if _END.match(line) or line.strip().upper() == "Q":
                if line.strip().upper() != "Q":
                    self.at += 1
                self.keep(section, count, first, is_read=is_read)
                return _announced(line)
            first = first or self.at + 1
            count += 1
            if not is_read:
                self.at += 1
            elif not self.record(section):
                return None
        self.problem_end(name)
        return None

    def keep(self, section: Section, count: int, first: int, *, is_read: bool) -> None:
        if section.name in self.seen:
            self.case.problems.add(
                "case.raw.twice",
                f"the section of {section.name} data comes a second time. Keep one.",
                line=first or self.at,
            )
        self.seen.add(section.name)
        if is_read:
            self.case.sections[section.name] = section
        elif count:
            self.case.passed[section.name] = (first, count)

    def record(self, section: Section) -> bool:
        """Read the lines of one record; whether the file has all of them."""
        begun = self.at
        values = values_of(self.lines[self.at])
        taken = [values]
        for _ in range(1, _lines_of(section.name, values)):
            self.at += 1
            if self.at >= len(self.lines):
                self.problem_end(section.name)
                return False
            taken.append(values_of(self.lines[self.at]))
        self.at += 1
        section.records.append(taken)
        section.line.append(begun + 1)
        return True


def _lines_of(section: str, values: list[str]) -> int:
    """How many lines a record takes."""
    if section == "transformer":
        third = values[2].strip() if len(values) > 2 else ""
        return 4 if third in ("", "0") else 5
    if section == "multi-terminal dc":
        parts = [value.strip() for value in values[1:4]]
        return 1 + sum(int(part) for part in parts if part.isdigit())
    return 3 if section in ("two-terminal dc", "vsc dc") else 1


def _announced(line: str) -> str:
    """The section that a terminator's comment says begins."""
    found = _BEGIN.search(line.upper().rstrip())
    return TITLES.get(found.group("title").strip(), "") if found else ""
