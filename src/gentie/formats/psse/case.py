"""A RAW case as its file says it: every section as text, nothing interpreted yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from gentie.formats.matpower.problems import Problems
from gentie.formats.psse.layout import fields
from gentie.formats.psse.records import Section


@dataclass
class RawCase:
    """Everything that a RAW file says.

    Attributes:
        name: of the file without its ending.
        file_name: of the file, for messages.
        digest: SHA-256 of the file's bytes.
        revision: of the format, 30 to 35.
        base_mva: power base.
        problems: gets the reasons why a value cannot be used.
        sections: those that the file has, by name.
        passed: records by section of those that are not read.
        ended_at: the section after which the file ended without `Q`, empty where it has one.
        encoding: how the text was decoded.
    """

    name: str
    file_name: str
    digest: str
    revision: int
    base_mva: float
    problems: Problems
    sections: dict[str, Section] = field(default_factory=dict)
    passed: dict[str, tuple[int, int]] = field(default_factory=dict)
    ended_at: str = ""
    encoding: str = "utf-8"

    def section(self, name: str) -> Section:
        """A section, empty where the file has none."""
        found = self.sections.get(name)
        return found or Section(name, fields(name, self.revision), self.problems)
