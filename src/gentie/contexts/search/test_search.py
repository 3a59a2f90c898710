from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gentie.contexts.accounts.acting import VISITOR, Acting, acting_as
from gentie.contexts.accounts.examples import cast
from gentie.contexts.grid import reads as grid
from gentie.contexts.guide.actions import load_pages
from gentie.contexts.search.reads import LONGEST, MOST, find
from gentie.contexts.studies.examples import published_small_study
from gentie.contexts.studies.reads import sees_costs_in, study_by_slug

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
DAY = date(2026, 11, 24)
BY = "program:test"


@pytest.fixture
def study(db, tmp_path):
    load_pages(by=BY, at=AT)
    return published_small_study(tmp_path / "bundle", by=BY, at=AT)


def kinds(found) -> list[str]:
    return [group.kind for group in found.groups]


def group(found, kind: str):
    return next(one for one in found.groups if one.kind == kind)


def test_a_bus_number_finds_the_point_first_and_the_requests_at_it(study):
    request = study.requests.first()
    found = find(f"  {request.bus} ", day=DAY)
    assert found.words == str(request.bus)
    first, *_ = group(found, "points").rows
    assert first.bus == request.bus
    assert request in group(found, "requests").rows


def test_a_name_finds_the_points_that_begin_with_it_with_the_most_room_first(study):
    case = grid.latest_case()
    names = list(case.points.values_list("bus_name", flat=True))
    word = max(names, key=len).strip()[:3]
    rows = grid.find_points(case, word)
    begins = [one.bus_name.upper().startswith(word.upper()) for one in rows]
    assert begins[0]
    assert begins == sorted(begins, reverse=True)
    room = [one.capacity_mw for one, yes in zip(rows, begins, strict=True) if yes]
    assert room == sorted(room, reverse=True)
    assert {one.pk for one in rows} == {
        one.pk for one in case.points.all() if word.upper() in one.bus_name.upper()
    }


def test_a_request_and_a_study_are_found_by_name(study):
    name = study.requests.last().name
    assert group(find(name, day=DAY), "requests").rows[0].name == name
    assert group(find(study.title, day=DAY), "studies").rows == [study]


def test_a_question_is_answered_by_the_guide_and_a_key_by_the_rules(study):
    assert kinds(find("what happens when others withdraw", day=DAY)) == ["guide"]
    found = find("access.review_days", day=DAY)
    assert next(one.key for one in group(found, "rules").rows) == "access.review_days"


def test_a_part_of_the_words_counts_only_where_nothing_has_them_all(study):
    found = find("telemetry zebra", day=DAY)
    assert kinds(found) == ["guide"]
    assert not found.groups[0].has_all_words
    name = study.requests.last().name
    assert all(one.has_all_words for one in find(name, day=DAY).groups)


def test_a_group_shows_some_and_counts_all(study):
    found = find("e", day=DAY)
    for one in found.groups:
        assert len(one.rows) == min(one.count, MOST)
    assert group(found, "rules").count > MOST
    assert found.count == sum(one.count for one in found.groups)


@pytest.mark.parametrize("asked", ["", "  ", "\x00", "%_%zebra", "'; --"])
def test_nothing_is_found_for_nothing(study, asked):
    assert find(asked, day=DAY).groups == ()


def test_a_long_question_is_cut(study):
    assert len(find("zebra " * 1000, day=DAY).words) <= LONGEST


def test_an_empty_service_answers_too(db):
    assert find("zebra", day=DAY).groups == ()
    assert kinds(find("access.review_days", day=DAY)) == ["rules"]


def test_requests_of_a_private_study_are_found_by_all_and_their_costs_by_whom_they_are_for(
    db, tmp_path
):
    people = cast(by=BY, at=AT)
    first = people.organisations["first"]
    study = published_small_study(
        tmp_path / "private", by=BY, at=AT, organisations={"Q10": first.pk}
    )
    for word, sees in (("customer", True), ("other", False), ("engineer", True)):
        member = people.members[word]
        with acting_as(Acting(member.person_id, member.organisation_id, member.role)):
            assert kinds(find("Q10", day=DAY)) == ["requests"], word
            assert sees_costs_in(study_by_slug(study.slug)) is sees, word
    with acting_as(VISITOR):
        assert kinds(find("Q10", day=DAY)) == ["requests"]
        assert not sees_costs_in(study_by_slug(study.slug))
