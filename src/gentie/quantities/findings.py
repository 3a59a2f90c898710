"""Findings: what was seen, said in one sentence, with a code that never changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know, as a value.

    Attributes:
        code: stable dotted code, e.g. ``case.branch.unrated``.
        sentence: what, where, and what to do, with the figures in it.
        count: how many rows of the input it speaks of.
        where: the file, line or element it was seen at, empty when it is about the whole.
    """

    code: str
    sentence: str
    count: int = 1
    where: str = ""

    def as_dict(self) -> dict[str, object]:
        """The finding as plain data for JSON."""
        return asdict(self)


class BadInput(Exception):
    """The input cannot be used; every reason found is in ``findings``."""

    def __init__(self, findings: Finding | Iterable[Finding]) -> None:
        """Keep all reasons; a single finding counts as one reason."""
        self.findings = (findings,) if isinstance(findings, Finding) else tuple(findings)
        super().__init__(" ".join(finding.sentence for finding in self.findings))

    def __reduce__(self) -> tuple[type[BadInput], tuple[tuple[Finding, ...]]]:
        """Survive the trip out of a worker process."""
        return type(self), (self.findings,)
