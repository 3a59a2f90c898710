from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from gentie.contexts.accounts.acting import VISITOR, acting_as
from gentie.contexts.audit.reads import entries_about, first_break
from gentie.contexts.grid import reads, runs
from gentie.contexts.grid.actions import keep_source, publish_case
from gentie.contexts.grid.examples import published_small_case, small_capacity, small_source
from gentie.contexts.grid.models import BaseCase, CaseFile, Drawing, PointCapacity
from gentie.quantities.findings import BadInput

AT = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db


def test_publishing_keeps_every_point_and_says_who_did_it():
    case = published_small_case(by=BY, at=AT)
    facts, points = small_capacity()
    assert (case.name, case.sha256) == (facts.name, facts.sha256)
    assert case.published_at == AT
    assert case.points.count() == len(points) > 300
    wanted = {row["point"]: row["capacity_mw"] for row in points}
    assert dict(case.points.values_list("point", "capacity_mw")) == wanted
    told = [(entry.by, entry.action, entry.at) for entry in entries_about(f"base_case:{case.pk}")]
    assert sorted(told) == [(BY, "grid.case.published", AT), (BY, "grid.case.source_kept", AT)]
    assert first_break() is None


def test_publishing_the_same_again_changes_nothing():
    first = published_small_case(by=BY, at=AT)
    again = published_small_case(by="program:other", at=datetime(2027, 1, 1, tzinfo=UTC))
    assert again == first
    assert again.published_at == AT
    assert BaseCase.objects.count() == 1
    assert len(list(entries_about(f"base_case:{first.pk}"))) == 2


def test_a_point_told_twice_is_refused_and_nothing_is_kept():
    facts, points = small_capacity()
    with pytest.raises(BadInput, match=f"{points[0]['point']} has two capacities"):
        publish_case(facts=facts, points=[*points, points[0]], by=BY, at=AT)
    assert not BaseCase.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"capacity_mw": -1.0},
        {"capacity_mw": None},
        {"limiting_element": ""},
        {"tier": "secret"},
    ],
)
def test_the_database_itself_refuses_impossible_capacities(change):
    case = published_small_case(by=BY, at=AT)
    point = case.points.filter(capacity_mw__isnull=False).first()
    with pytest.raises(IntegrityError), transaction.atomic():
        PointCapacity.objects.filter(pk=point.pk).update(**change)


def test_points_are_found_by_voltage_area_room_and_words():
    case = published_small_case(by=BY, at=AT)
    (highest, *_) = reads.voltages_of(case)
    found = reads.points_of(case, kv=highest, least_mw=100.0)
    assert found
    assert {point.kv for point in found} == {highest}
    assert min(point.capacity_mw for point in found if point.capacity_mw is not None) >= 100.0
    one = case.points.first()
    assert one in reads.points_of(case, words=f"{one.bus_name} {one.bus}")
    assert not reads.points_of(case, words="no such name")
    assert not reads.points_of(case, area=-1)


def test_every_point_with_a_limit_is_in_one_band():
    case = published_small_case(by=BY, at=AT)
    bands = reads.bands_of(reads.points_of(case))
    limited = case.points.filter(capacity_mw__isnull=False).count()
    assert sum(band.count for band in bands) == limited
    assert [band.below_mw for band in bands[:-1]] == [band.from_mw for band in bands[1:]]


def test_a_case_that_was_published_without_its_file_is_given_it_once():
    facts, points = small_capacity()
    case = publish_case(facts=facts, points=points, by=BY, at=AT)
    assert not reads.has_file(case)
    assert reads.drawings_of(case) == {}
    for _ in range(2):
        publish_case(facts=facts, points=points, by=BY, at=AT, source=small_source())
    assert CaseFile.objects.count() == 1
    assert sorted(reads.drawings_of(case)) == ["lines", "points"]
    assert len(list(entries_about(f"base_case:{case.pk}"))) == 2


def test_the_file_of_another_case_is_refused():
    case = published_small_case(by=BY, at=AT)
    CaseFile.objects.all().delete()
    with pytest.raises(BadInput, match="give the file of the published case"):
        keep_source(
            base_case=case, source=replace(small_source(), content=b"another"), by=BY, at=AT
        )
    assert not reads.has_file(case)


def test_lines_and_file_of_a_real_grid_are_guarded_and_its_points_are_public():
    facts, points = small_capacity()
    case = publish_case(
        facts=replace(facts, is_synthetic=False), points=points, by=BY, at=AT, source=small_source()
    )
    assert dict(Drawing.objects.values_list("kind", "tier")) == {
        "points": "public",
        "lines": "ceii",
    }
    assert case.file.tier == "ceii"
    point = case.points.exclude(contingency__outage="").first()
    assert (point.tier, point.contingency.tier) == ("public", "ceii")
    lines = reads.drawings_of(case)["lines"]
    with acting_as(VISITOR):
        assert sorted(reads.drawings_of(case)) == ["points"]
        assert reads.drawing("lines", lines) is None
        assert not reads.has_file(case)
        assert not reads.sees_outages_of(case)
        assert not hasattr(reads.point_at(case, point.bus), "contingency")
        assert reads.point_at(case, point.bus).capacity_mw == point.capacity_mw


def test_a_case_in_memory_answers_nobody_who_may_not_see_its_file():
    facts, points = small_capacity()
    case = publish_case(
        facts=replace(facts, is_synthetic=False), points=points, by=BY, at=AT, source=small_source()
    )
    bus = case.points.first().bus
    assert runs.report_at(case, bus=bus, mw=20.0).facilities
    with acting_as(VISITOR), pytest.raises(BadInput, match="the file is not for you"):
        runs.report_at(case, bus=bus, mw=20.0)
