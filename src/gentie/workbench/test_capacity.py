"""The map and the check of one point, as every door tells them."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from gentie.engines.interconnection.published import PublishedCase
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.capacity import (
    MAP_COLUMNS,
    NO_RATING,
    PointReport,
    capacity_at,
    capacity_map,
)
from gentie.workbench.cases import case_from, read_case
from gentie.workbench.examples import small_case
from gentie.workbench.publication import published_case
from gentie.workbench.tables import Tier
from gentie.workbench.test_publication import MIXED

EVERYWHERE = load_grid_profile("nothing")


@pytest.fixture(scope="module")
def rts() -> PublishedCase:
    return published_case(small_case(), load_rulebook(), EVERYWHERE)


@pytest.fixture(scope="module")
def mixed() -> PublishedCase:
    return published_case(case_from(MIXED, "mixed.m"), load_rulebook(), EVERYWHERE, areas=(1,))


@pytest.fixture(scope="module")
def unrated() -> PublishedCase:
    return published_case(read_case("case118"), load_rulebook(), EVERYWHERE)


def at(published: PublishedCase, bus: int, mw: float = 10.0) -> PointReport:
    return capacity_at(published, bus=bus, mw=mw, rulebook_version="paper-1")


def refused(published: PublishedCase, bus: int, mw: float = 10.0) -> str:
    with pytest.raises(BadInput) as refusal:
        at(published, bus, mw)
    (finding,) = refusal.value.findings
    return finding.sentence


# --------------------------------------------------------------------------------- the map


def test_every_studied_point_has_a_row_by_the_number_of_its_bus(rts: PublishedCase) -> None:
    found = capacity_map(rts, EVERYWHERE)
    assert found.tier is Tier.PUBLIC
    assert [column.name for column in found.columns][:4] == [
        "bus",
        "capacity_mw",
        "limiting_element",
        "outage",
    ]
    buses = [row["bus"] for row in found.as_dicts()]
    assert len(buses) == len(rts.studied_points) == 73
    assert buses == sorted(buses)
    for row in found.as_dicts():
        assert row["point"] == f"point:{row['bus']}"
        assert row["capacity_mw"] is None or 0 <= row["capacity_mw"] <= row["next_mw"]


def test_threads_and_progress(rts: PublishedCase) -> None:
    told: list[tuple[int, int]] = []
    found = capacity_map(
        rts, EVERYWHERE, threads=1, progress=lambda done, whole: told.append((done, whole))
    )
    assert found == capacity_map(rts, EVERYWHERE, threads=2)
    assert told[-1] == (73, 73)


def test_the_check_of_a_point_agrees_with_the_map(rts: PublishedCase) -> None:
    rows = [row for row in capacity_map(rts, EVERYWHERE).as_dicts() if row["capacity_mw"]]
    assert len(rows) >= 40
    for row in rows[::8]:
        report = at(rts, int(str(row["bus"])), float(str(row["capacity_mw"])) - 0.1)
        assert report.within_limits
        assert report.limit_mw == row["capacity_mw"]
        assert (report.limiting_element, report.outage) == (row["limiting_element"], row["outage"])
        assert report.next_limit_mw == row["next_mw"]
        over = at(rts, int(str(row["bus"])), float(str(row["capacity_mw"])) + 0.1)
        assert not over.within_limits
        (limiting,) = [one for one in over.facilities if one.element == row["limiting_element"]]
        assert limiting.after_percent > 100
        is_set_apart = limiting.before_percent > 100
        assert is_set_apart or limiting.outage == row["outage"]


def test_only_the_studied_areas_and_voltages_are_mapped(mixed: PublishedCase) -> None:
    assert [row["bus"] for row in capacity_map(mixed, EVERYWHERE).as_dicts()] == [1, 2, 4]


def test_nothing_limits_an_unrated_case_and_the_map_is_blank(unrated: PublishedCase) -> None:
    found = capacity_map(unrated, EVERYWHERE)
    assert len(found.rows) == 118
    for row in csv.DictReader(io.StringIO(found.as_csv().decode())):
        blank = ("capacity_mw", "limiting_element", "outage", "next_mw", "next_element")
        assert [row[name] for name in blank] == [""] * 5
        assert row["name"]
    assert {row["capacity_mw"] for row in found.as_dicts()} == {None}


def test_every_column_says_what_it_is() -> None:
    assert all(column.says for column in MAP_COLUMNS)
    assert len({column.name for column in MAP_COLUMNS}) == len(MAP_COLUMNS)


# ------------------------------------------------------------------------------- one point


def test_a_report_for_programs(rts: PublishedCase) -> None:
    report = at(rts, 114, 100.0)
    answer = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert set(answer) >= {
        "within_limits",
        "limit_mw",
        "limiting_element",
        "outage",
        "next_limit_mw",
        "facilities",
    }
    assert (answer["bus"], answer["point"], answer["rulebook"]) == (114, "point:114", "paper-1")
    assert answer["sha256"] == small_case().sha256
    assert answer["note"] == ""
    assert (answer["cut_off"], answer["emergency_multiplier"]) == (0.03, 1.15)


def test_the_five_figures_fit_together(rts: PublishedCase) -> None:
    report = at(rts, 114, 100.0)
    assert report.facilities
    for facility in report.facilities:
        assert abs(facility.distribution_factor) >= 0.03 - 1e-6
        assert abs(facility.impact_mw) == pytest.approx(
            100 * abs(facility.distribution_factor), abs=1e-3
        )
        assert facility.after_percent - facility.before_percent == pytest.approx(
            facility.impact_percent, abs=1e-3
        )
    after = [facility.after_percent for facility in report.facilities]
    assert after == sorted(after, reverse=True)


def test_an_unrated_case_has_no_limit_and_says_so(unrated: PublishedCase) -> None:
    report = at(unrated, 10, 5000.0)
    assert report.within_limits
    assert report.limit_mw is None
    assert (report.limiting_element, report.outage, report.next_limit_mw) == (None, None, None)
    assert report.facilities == ()
    assert report.note == NO_RATING
    assert json.loads(json.dumps(report.as_dict()))["limit_mw"] is None


@pytest.mark.parametrize(
    ("bus", "sentence"),
    [
        (77, "mixed has no bus 77; name another one."),
        (
            9,
            (
                "Bus 9 of mixed is isolated or the star point of a transformer; nothing can connect "
                "there. Name another bus."
            ),
        ),
        (
            3,
            (
                "Bus 3 is in area 2, and areas 1 are studied; name another bus, or other areas with "
                "--areas."
            ),
        ),
        (
            5,
            (
                "Bus 5 is at 34.5 kV, below the 69 kV from which on points are studied; name a bus of "
                "a higher voltage."
            ),
        ),
    ],
)
def test_a_bus_where_nothing_can_be_asked(mixed: PublishedCase, bus: int, sentence: str) -> None:
    assert refused(mixed, bus) == sentence


@pytest.mark.parametrize(
    ("mw", "said"), [(0.0, "0"), (-5.0, "-5"), (math.nan, "nan"), (math.inf, "inf")]
)
def test_mw_that_cannot_be_injected(mixed: PublishedCase, mw: float, said: str) -> None:
    assert refused(mixed, 2, mw) == f"{said} MW cannot be injected; give a number above zero."
