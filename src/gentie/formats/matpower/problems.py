"""Reasons why a case file cannot be used, gathered while the reading goes on."""

from __future__ import annotations

from gentie.quantities.findings import BadInput, Finding

MOST_REASONS = 40
"""Reasons that are spelled out; the rest are counted."""


class Problems:
    """All that is wrong with one file, in the order found."""

    def __init__(self, file_name: str) -> None:
        """Nothing is wrong yet."""
        self.file_name = file_name
        self.findings: list[Finding] = []
        self.unsaid = 0

    def add(
        self, code: str, sentence: str, *, line: int | None = None, field: str | None = None
    ) -> None:
        """Keep one reason; the file, line and field are put before the sentence."""
        if len(self.findings) >= MOST_REASONS:
            self.unsaid += 1
            return
        where = self.file_name
        if line is not None:
            where += f", line {line}"
        if field is not None:
            where += f", field {field}"
        self.findings.append(Finding(code, f"{where}: {sentence}", where=where))

    def raise_any(self) -> None:
        """Refuse the file if anything was found.

        Raises:
            BadInput: with every reason, up to a readable number.
        """
        if not self.findings:
            return
        if self.unsaid:
            rest = (
                f"{self.file_name}: {self.unsaid:,} more reasons are not listed; mend these first."
            )
            self.findings.append(
                Finding("case.file.more", rest, count=self.unsaid, where=self.file_name)
            )
        raise BadInput(self.findings)
