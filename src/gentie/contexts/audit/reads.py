"""Questions to the audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gentie.contexts.audit.chain import BEGINNING, digest
from gentie.contexts.audit.models import Entry


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry at which the chain does not hold, and why."""

    number: int
    reason: str


def first_break() -> Break | None:
    """The first place where the chain of digests is broken; ``None`` when it holds.

    Neglects: entries cut off at the end leave a shorter, whole chain. Keep the last digest outside
    the database to notice that.
    """
    expected_number, previous = 1, BEGINNING
    for entry in Entry.objects.order_by("number").iterator(chunk_size=5000):
        if entry.number != expected_number:
            return Break(expected_number, f"entry {expected_number} is missing")
        if entry.previous != previous:
            return Break(entry.number, f"entry {entry.number} does not follow from the one before")
        made = digest(
            number=entry.number,
            at=entry.at,
            by=entry.by,
            action=entry.action,
            subject=entry.subject,
            previous=entry.previous,
        )
        if entry.digest != made:
            return Break(entry.number, f"entry {entry.number} was changed after it was written")
        expected_number, previous = entry.number + 1, entry.digest
    return None


def entries_about(subject: str) -> Iterator[Entry]:
    """What was done to one thing, oldest first."""
    return Entry.objects.filter(subject=subject).order_by("number").iterator()


def last_entry() -> Entry | None:
    """The entry written last; its digest stands for all before it."""
    return Entry.objects.order_by("-number").first()
