"""Reasons why a file of requests cannot be used."""

from __future__ import annotations

from gentie.quantities.findings import BadInput, Finding

MOST_REASONS = 40


class Reasons:
    """What is wrong with the file, up to a readable number of reasons."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self.findings: list[Finding] = []
        self.unsaid = 0

    def add(self, code: str, sentence: str, line: int | None = None, field: str = "") -> None:
        """Keep one reason; the file, line and field are put before the sentence."""
        if len(self.findings) >= MOST_REASONS:
            self.unsaid += 1
            return
        where = self.file_name
        where += f", line {line}" if line is not None else ""
        where += f", field {field}" if field else ""
        self.findings.append(Finding(code, f"{where}: {sentence}", where=where))

    def raise_any(self) -> None:
        """Refuse the file if anything was found.

        Raises:
            BadInput: with every reason, up to a readable number.
        """
        if self.unsaid:
            rest = (
                f"{self.file_name}: {self.unsaid:,} more reasons are not listed; mend these first."
            )
            self.findings.append(Finding("requests.more", rest, self.unsaid, self.file_name))
        if self.findings:
            raise BadInput(self.findings)
