"""One question to everything that can be found. Each part answers with what the asker may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from gentie.contexts.grid.reads import find_points, latest_case
from gentie.contexts.guide.reads import find_passages, find_rules
from gentie.contexts.studies.reads import find_requests, find_studies

MOST = 8
"""Rows that a group shows."""
LONGEST = 100
"""Letters of a question that are looked at."""


@dataclass(frozen=True, slots=True)
class Group:
    """What one part found.

    Attributes:
        kind: ``points``, ``requests``, ``studies``, ``guide`` or ``rules``.
        rows: the best first, at most ``MOST``.
        count: how many there are.
        has_all_words: they hold all the words that were asked for; else some of them.
    """

    kind: str
    rows: Sequence[Any]
    count: int
    has_all_words: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: groups that found something, in the order in which a page shows them."""

    words: str
    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        """How many rows all groups found."""
        return sum(group.count for group in self.groups)


def find(asked: str, *, day: date) -> Found:
    """Everything with these words.

    Args:
        asked: as a person typed it.
        day: whose rules are looked through.
    """
    words = " ".join(asked.replace("\x00", " ").split())[:LONGEST].strip()
    if not words:
        return Found("", ())
    groups = tuple(group for group in _groups(words, day) if group.count)
    # A part of the words in the guide is worth showing only where nothing has them all.
    if any(group.has_all_words for group in groups):
        groups = tuple(group for group in groups if group.has_all_words)
    return Found(words, groups)


def _groups(words: str, day: date) -> Iterable[Group]:
    yield _of_rows("points", words, _points)
    yield _of_rows("requests", words, find_requests)
    yield _of_rows("studies", words, find_studies)
    found = find_passages(words, most=MOST)
    yield Group("guide", found.passages, found.count, found.has_all_words)
    rules = find_rules(words, day=day)
    yield Group("rules", rules[:MOST], len(rules))


def _points(words: str) -> QuerySet[Any] | None:
    case = latest_case()
    return None if case is None else find_points(case, words)


def _of_rows(kind: str, words: str, look: Callable[[str], QuerySet[Any] | None]) -> Group:
    found = look(words)
    if found is None:
        return Group(kind, (), 0)
    rows = list(found[: MOST + 1])
    count = len(rows) if len(rows) <= MOST else found.count()
    return Group(kind, rows[:MOST], count)
