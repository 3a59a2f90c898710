"""From the bytes of a ``.m`` file to the case that it says, or every reason why not."""

from __future__ import annotations

import hashlib
import re

import numpy as np

from gentie.formats.matpower.arithmetic import NotArithmetic, arithmetic
from gentie.formats.matpower.case import Applied, Dropped, MatpowerCase, Table, empty_table
from gentie.formats.matpower.checks import check_tables
from gentie.formats.matpower.columns import COLUMNS, CONSTANT_LISTS, NAME_LISTS
from gentie.formats.matpower.decoding import decoded
from gentie.formats.matpower.lines import Lines, Opening, Statement
from gentie.formats.matpower.problems import Problems
from gentie.formats.matpower.scaling import SCALING, scaled
from gentie.formats.matpower.tables import Rows, pass_over, read_names, read_numbers

_FUNCTION = re.compile(r"function\s+(?P<out>\[[^\]]*\]|\w+)\s*=\s*(?P<name>\w+)\s*(?:\(\s*\))?")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z]\w*(?:\.\w+)*)\s*=(?!=)\s*(?P<value>.+)", re.DOTALL)
_CONSTANTS = re.compile(r"\[(?P<names>[^\]]*)\]\s*=\s*(?P<list>idx_\w+)")
ENDS = ("end", "endfunction", "return")

_BLOCK = re.compile(r"(?:if|for|while|switch|try)\b")


def read_matpower(content: bytes, file_name: str) -> MatpowerCase:
    """Read a MATPOWER case, format version 2.

    Args:
        content: of the file.
        file_name: for messages.

    Returns:
        The case, every table raw.

    Raises:
        BadInput: all reasons found, each with file, line, field and what to do.

    Neglects: MATLAB beyond tables, single numbers and the scaling of whole columns by a single
        number; any other statement that computes is refused, never passed over.
    """
    text, encoding = decoded(content, file_name)
    reading = _Reading(text, file_name)
    reading.run()
    problems = reading.problems
    if not reading.is_case:
        problems.raise_any()
    reading.require_tables()
    check_tables(reading.tables, reading.names, problems, reading.broken)
    problems.raise_any()
    return MatpowerCase(
        name=reading.name,
        file_name=file_name,
        digest=hashlib.sha256(content).hexdigest(),
        version=reading.version,
        base_mva=reading.base_mva or 0.0,
        tables=reading.tables,
        names=reading.names,
        dropped=tuple(reading.dropped),
        applied=tuple(reading.applied),
        skipped=tuple(reading.skipped),
        encoding=encoding,
    )


class _Reading:
    """What has been understood of one file so far."""

    def __init__(self, text: str, file_name: str) -> None:
        self.source = Lines(text)
        self.problems = Problems(file_name)
        self.name = ""
        self.out = ""
        self.is_case = True
        self.version = ""
        self.base_mva: float | None = None
        self.known: dict[str, float] = {}
        self.tables: dict[str, Table] = {}
        self.broken: dict[str, np.ndarray] = {}
        self.names: dict[str, tuple[str, ...]] = {}
        self.seen: dict[str, int] = {}
        self.dropped: list[Dropped] = []
        self.applied: list[Applied] = []
        self.skipped: list[Applied] = []

    def run(self) -> None:
        """Go through the file from its first line to its last."""
        found = self.source.next()
        while found is not None and self.is_case:
            if isinstance(found, Opening):
                self.table(found)
            else:
                self.statement(found)
            found = self.source.next()
        if not self.out and self.is_case:
            self.not_a_case(1, "it has no line `function mpc = NAME`")

    def not_a_case(self, line: int, reason: str) -> None:
        self.is_case = False
        self.problems.findings.clear()
        self.problems.add(
            "case.file.kind",
            f"this is not a MATPOWER case: {reason}. "
            "Give a case file in MATPOWER's format version 2 (.m).",
            line=line,
        )

    def refuse(self, statement: Statement, reason: str) -> None:
        text = " ".join(statement.text.split())
        text = text if len(text) <= 100 else text[:100] + "…"
        self.problems.add(
            "case.statement",
            f"the statement `{text}` {reason}. "
            "Load the case in MATPOWER and save it with savecase, which writes plain tables.",
            line=statement.line,
        )

    # ------------------------------------------------------------------------------ tables

    def field(self, name: str, line: int) -> str | None:
        """The name behind ``mpc.``, ``None`` for a variable that is not of the case."""
        if not self.out:
            self.not_a_case(line, "it has no line `function mpc = NAME` before its first statement")
            return None
        if not name.startswith(self.out + "."):
            return None
        field = name.removeprefix(self.out + ".")
        if field in self.seen:
            self.problems.add(
                "case.table.twice",
                f"{name} is given a second time, first on line {self.seen[field]}. Keep one.",
                line=line,
                field=field,
            )
        self.seen[field] = line
        return field

    def table(self, opening: Opening) -> None:
        field = self.field(opening.name, opening.line)
        if not self.is_case:
            return
        if field in COLUMNS and opening.bracket == "[":
            rows = read_numbers(self.source, field, self.problems)
            self.keep(field, rows)
        elif field in NAME_LISTS and opening.bracket == "{":
            names = read_names(self.source, field, self.problems)
            self.names[field] = tuple(names)
        elif field in COLUMNS or field in NAME_LISTS or field in ("baseMVA", "version"):
            pass_over(self.source, opening.name, opening.bracket, self.problems)
            wanted = "a table in [ ]" if field in COLUMNS else "a list of texts in { }"
            if field in ("baseMVA", "version"):
                wanted = "one value without brackets"
            self.problems.add(
                "case.table.kind",
                f"{opening.name} must be {wanted}.",
                line=opening.line,
                field=field,
            )
        else:
            rows_passed = pass_over(self.source, opening.name, opening.bracket, self.problems)
            self.dropped.append(Dropped(field or opening.name, opening.line, rows_passed))
            if self.after_table() and field is not None:
                self.source.next()  # whatever is done to a table that nobody uses
            return
        if after := self.after_table():
            statement = Statement(f"{opening.name} = {opening.bracket} … {after}", self.source.line)
            self.refuse(statement, "computes with a whole table")
            self.source.rest = None

    def after_table(self) -> str:
        """What stands behind a table's end and is not the end of its statement."""
        after = (self.source.rest or "").split("%")[0].strip()
        return after if self.source.is_closed and not after.startswith((";", ",")) else ""

    def keep(self, name: str, rows: Rows) -> None:
        if len(rows.line):
            self.tables[name] = Table(name, rows.values, rows.line)
        else:
            self.tables[name] = empty_table(name, len(COLUMNS[name]))
        self.broken[name] = rows.is_broken

    def require_tables(self) -> None:
        """Tell which of the tables that every case needs are missing or empty."""
        for name in ("bus", "gen", "branch"):
            if name not in self.tables:
                self.problems.add(
                    f"case.{name}.missing",
                    f"the table {self.out}.{name} is missing. Add it, or give the whole file.",
                    field=name,
                )
                self.tables[name] = empty_table(name, len(COLUMNS[name]))
            elif not len(self.tables[name]) and name == "bus":
                self.problems.add(
                    "case.bus.empty",
                    f"the table {self.out}.bus has no rows. Give at least one bus.",
                    line=self.seen[name],
                    field=name,
                )
        if "baseMVA" not in self.seen:
            self.problems.add(
                "case.base.missing",
                f"the power base is missing. Add {self.out}.baseMVA = 100; or what the case uses.",
                field="baseMVA",
            )

    # -------------------------------------------------------------------------- statements

    def statement(self, statement: Statement) -> None:
        text = statement.text
        if text.startswith("function"):
            self.begin(statement)
        elif text in ENDS:
            self.finish(statement)
        elif text == "define_constants":
            for constants in CONSTANT_LISTS.values():
                self.known.update(constants)
        elif not self.out:
            self.not_a_case(
                statement.line, "it has no line `function mpc = NAME` before its first statement"
            )
        elif match := _CONSTANTS.fullmatch(text):
            self.constants(statement, match.group("names"), match.group("list"))
        elif match := SCALING.fullmatch(text):
            self.scale(statement, match)
        elif match := _ASSIGNMENT.fullmatch(text):
            self.assign(statement, match.group("name"), match.group("value").strip())
        elif _BLOCK.match(text):
            self.block(statement)
        else:
            self.refuse(statement, "is not understood")

    def begin(self, statement: Statement) -> None:
        match = _FUNCTION.fullmatch(statement.text)
        if self.out:
            self.refuse(statement, "begins a second function")
        elif match is None:
            self.not_a_case(
                statement.line, f"the line `{statement.text[:60]}` does not begin a case"
            )
        elif match.group("out").startswith("["):
            self.is_case = False
            self.problems.add(
                "case.version",
                "this case is written in MATPOWER's format version 1. "
                "Load it in MATPOWER and save it with savecase, which writes version 2.",
                line=statement.line,
            )
        elif match.group("out") == "chgtab":
            self.not_a_case(statement.line, "it is a table of changes or outages (chgtab)")
        else:
            self.out, self.name = match.group("out"), match.group("name")

    def finish(self, statement: Statement) -> None:
        """The function ends here; MATLAB would not come to anything that follows."""
        while (found := self.source.next()) is not None:
            if not isinstance(found, Statement) or found.text not in ENDS:
                self.refuse(statement, "ends the case before the end of the file")
                self.is_case = False
                return

    def constants(self, statement: Statement, names: str, name_list: str) -> None:
        """``[PQ, PV, …] = idx_bus``: each name gets the number at its place."""
        values = list(CONSTANT_LISTS.get(name_list, {}).values())
        wanted = names.replace(",", " ").split()
        if len(wanted) > len(values):
            self.refuse(statement, "asks for column numbers that are not known")
            return
        self.known.update(zip(wanted, values, strict=False))

    def value(self, text: str) -> float:
        return arithmetic(text, self.known, self.cell)

    def cell(self, name: str, row: int, column: int) -> float:
        """``mpc.bus(row, column)``, both counted from 1."""
        table = self.tables.get(name.removeprefix(self.out + "."))
        if table is None or not (0 < row <= len(table) and 0 < column <= table.values.shape[1]):
            raise NotArithmetic(name)
        return float(table.values[row - 1, column - 1])

    def assign(self, statement: Statement, name: str, value: str) -> None:
        """``NAME = VALUE`` for one number or one text."""
        field = self.field(name, statement.line) if "." in name else None
        if name == self.out:
            if re.fullmatch(r"struct(\(\s*\))?", value) and not self.tables:
                return
            self.refuse(statement, "replaces the whole case")
        elif field == "version":
            self.declare_version(statement, value)
        elif field == "baseMVA":
            self.declare_base(statement, value)
        elif field in COLUMNS or field in NAME_LISTS:
            self.refuse(statement, "computes a whole table")
        elif field is not None:
            self.dropped.append(Dropped(field, statement.line, 1))
        elif "." in name:
            self.dropped.append(Dropped(name, statement.line, 1))
        else:
            try:
                self.known[name] = self.value(value)
            except NotArithmetic:
                self.refuse(statement, "computes something that is not a single number")

    def declare_version(self, statement: Statement, value: str) -> None:
        self.version = value.strip("'\" ")
        if self.version == "2":
            return
        self.problems.add(
            "case.version",
            f"the case says format version {self.version[:20]!r} and only version 2 is read. "
            "Load it in MATPOWER and save it with savecase.",
            line=statement.line,
            field="version",
        )

    def declare_base(self, statement: Statement, value: str) -> None:
        try:
            self.base_mva = self.value(value)
        except NotArithmetic:
            self.base_mva = None
        if self.base_mva is None or not 0 < self.base_mva < float("inf"):
            self.problems.add(
                "case.base",
                f"the power base {value[:40]!r} is not a number above 0. "
                "Write the base in MVA, usually 100.",
                line=statement.line,
                field="baseMVA",
            )
        else:
            self.known[f"{self.out}.baseMVA"] = self.base_mva

    def scale(self, statement: Statement, match: re.Match[str]) -> None:
        """``mpc.T(:, COLUMNS) = mpc.T(:, COLUMNS) / FACTOR``, for every row of a table."""
        table = self.tables.get(match.group("table"))
        if match.group("to") != self.out or table is None:
            self.refuse(statement, "changes a table that has not been read")
            return
        try:
            self.tables[table.name] = scaled(table, match, self.value)
        except NotArithmetic:
            self.refuse(statement, "computes a table in a way that is not understood")
            return
        self.applied.append(Applied(" ".join(statement.text.split()), statement.line))

    def block(self, statement: Statement) -> None:
        """Pass over ``if NAME … end`` where the file itself sets NAME to 0; refuse others."""
        match = re.fullmatch(r"if\s*\(?\s*(\w+)\s*\)?", statement.text)
        is_false = match is not None and self.known.get(match.group(1)) == 0
        depth = 1
        while depth:
            found = self.source.next()
            if found is None:
                break
            if isinstance(found, Opening):
                pass_over(self.source, found.name, found.bracket, self.problems)
                continue
            depth += bool(_BLOCK.match(found.text)) - (re.match(r"end\w*$", found.text) is not None)
            if depth == 1 and re.match(r"else", found.text):
                is_false = False
        if is_false and not depth:
            self.skipped.append(Applied(statement.text, statement.line))
        else:
            self.refuse(statement, "begins a block that is not understood")
