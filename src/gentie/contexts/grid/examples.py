"""A small published case: real figures, made in a moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

from gentie.contexts.grid.actions import CaseFacts, CaseSource, publish_case
from gentie.contexts.grid.models import BaseCase
from gentie.rulebook.book import GridProfile, load_grid_profile, load_rulebook
from gentie.workbench.cases import Case, read_case
from gentie.workbench.tables import Cell

CASE = "case_ACTIVSg500"


@cache
def small_case() -> Case:
    """A synthetic grid of 500 buses, read once."""
    return read_case(CASE)


@cache
def small_profile() -> GridProfile:
    """Its profile, with invented places: its buses row by row, 23 in each."""
    numbers = sorted(int(bus) for bus in small_case().network.buses.number)
    return replace(
        load_grid_profile(CASE),
        is_synthetic=True,
        coordinates={
            bus: (33.0 + place // 23 * 0.1, -82.0 + place % 23 * 0.1)
            for place, bus in enumerate(numbers)
        },
    )


@cache
def small_capacity() -> tuple[CaseFacts, list[dict[str, Cell]]]:
    """What ``publish_case`` takes for it."""
    from gentie.contexts.grid.runs import capacity_rows

    return capacity_rows(small_case(), load_rulebook(), small_profile())


@cache
def small_source() -> CaseSource:
    """What the map and questions with MW are made of."""
    from gentie.contexts.grid.runs import case_source

    return case_source(small_case(), load_rulebook(), small_profile(), small_capacity()[1])


def published_small_case(*, by: str, at: datetime) -> BaseCase:
    """The small case, published."""
    facts, points = small_capacity()
    return publish_case(facts=facts, points=points, by=by, at=at, source=small_source())


def published_small_real_case(*, by: str, at: datetime) -> BaseCase:
    """The small case, published as if its grid were a real one."""
    facts, points = small_capacity()
    return publish_case(
        facts=replace(facts, is_synthetic=False),
        points=points,
        by=by,
        at=at,
        source=small_source(),
    )
