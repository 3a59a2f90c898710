"""A small published case: real figures, made in a moment."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from gentie.contexts.grid.actions import CaseFacts, publish_case
from gentie.contexts.grid.models import BaseCase
from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.cases import Case, read_case
from gentie.workbench.tables import Cell

CASE = "case_ACTIVSg500"


@cache
def small_case() -> Case:
    """A synthetic grid of 500 buses, read once."""
    return read_case(CASE)


@cache
def small_capacity() -> tuple[CaseFacts, list[dict[str, Cell]]]:
    """What ``publish_case`` takes for it."""
    from gentie.contexts.grid.runs import capacity_rows

    return capacity_rows(small_case(), load_rulebook(), load_grid_profile(CASE))


def published_small_case(*, by: str, at: datetime) -> BaseCase:
    """The small case, published."""
    facts, points = small_capacity()
    return publish_case(facts=facts, points=points, by=by, at=at)
