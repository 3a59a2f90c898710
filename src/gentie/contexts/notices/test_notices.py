from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction

from gentie.contexts.accounts.acting import VISITOR, Acting, acting_as
from gentie.contexts.accounts.examples import cast
from gentie.contexts.notices import reads
from gentie.contexts.notices.actions import mark_read, queue
from gentie.contexts.notices.models import Notice
from gentie.quantities.findings import BadInput

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
WORDS = {
    "code": "intake.request.accepted",
    "title": "Your request is complete",
    "body": "Request 7 is complete. It takes part in Cluster 1.",
    "subject": "request:7",
    "address": "/requests/7/",
    "by": BY,
    "at": AT,
}

Entry = apps.get_model("audit", "Entry")

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


def as_member(people, word: str) -> acting_as:
    member = people.members[word]
    return acting_as(Acting(member.person_id, member.organisation_id, member.role))


def told(people, word: str = "first", **changed: object) -> int:
    return queue(organisation_id=people.organisations[word].pk, **WORDS | changed)


def test_a_notice_is_kept_as_it_was_said_until_it_is_read(people):
    first = people.organisations["first"].pk
    earlier = told(people)
    later = told(people, title="The window closes", at=AT + timedelta(days=1))
    told(people, "second")
    assert [one.pk for one in reads.notices_of(organisation_id=first)] == [later, earlier]
    assert reads.unread_count(organisation_id=first) == 2
    assert mark_read(notice_ids=[earlier], by=BY, at=AT + timedelta(hours=1)) == 1
    assert mark_read(notice_ids=[earlier, later], by=BY, at=AT + timedelta(days=2)) == 1
    assert Notice.objects.get(pk=earlier).read_at == AT + timedelta(hours=1)
    assert reads.unread_count(organisation_id=first) == 0
    assert [one.pk for one in reads.notices_about("request:7")] == [later, earlier + 2, earlier]
    said = list(Entry.objects.filter(action__startswith="notice.").values_list("action", flat=True))
    assert said == ["notice.queued"] * 3 + ["notice.read"] * 2


def test_a_notice_to_one_person_is_not_the_colleagues(people):
    carla = people.members["customer"]
    mine = told(people, person_id=carla.person_id)
    words = {"organisation_id": carla.organisation_id}
    assert reads.unread_count(**words, person_id=carla.person_id) == 1
    assert reads.unread_count(**words, person_id=carla.person_id + 1000) == 0
    with acting_as(Acting(carla.person_id + 1000, carla.organisation_id, carla.role)):
        assert not reads.notices_of(**words, person_id=carla.person_id).exists()
        with pytest.raises(BadInput), transaction.atomic():
            mark_read(notice_ids=[mine], by="person:1", at=AT)


@pytest.mark.parametrize("word", ["customer", "engineer", None])
def test_whoever_acts_tells_others_what_the_sender_need_not_see(people, word):
    with as_member(people, word) if word else acting_as(VISITOR):
        number = told(people, "second")
        assert not Notice.objects.filter(pk=number).exists()
    assert Notice.objects.get(pk=number).organisation == people.organisations["second"]


def test_nobody_marks_what_another_was_told(people):
    mine, theirs = told(people), told(people, "second")
    before = Entry.objects.count()
    with as_member(people, "customer"), pytest.raises(BadInput) as refused, transaction.atomic():
        mark_read(notice_ids=[mine, theirs], by="person:1", at=AT)
    assert refused.value.findings[0].code == "notices.unknown"
    assert Entry.objects.count() == before
    assert not Notice.objects.exclude(read_at=None).exists()


def test_every_reason_against_a_notice_is_told_and_nothing_kept(people):
    before = Entry.objects.count()
    with pytest.raises(BadInput) as refused:
        told(people, title=" ", body="", code="Code", subject="7", address="//elsewhere.example/")
    assert [finding.code for finding in refused.value.findings] == [
        "notices.title",
        "notices.body",
        "notices.code",
        "notices.subject",
        "notices.address",
    ]
    for address in ("https://elsewhere.example/", "/\\elsewhere.example", "", "requests/"):
        with pytest.raises(BadInput):
            told(people, address=address)
    assert (Notice.objects.count(), Entry.objects.count()) == (0, before)


def test_nobody_receives_for_an_organisation_that_is_not_there(people):
    with transaction.atomic():
        queue(organisation_id=0, **WORDS)
        with connection.cursor() as cursor, pytest.raises(IntegrityError):
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("column", ["title", "body", "address", "code", "created_at", "person_id"])
def test_what_was_said_is_never_changed(people, column):
    told(people, person_id=people.members["customer"].person_id)
    value = {"created_at": "now()", "person_id": "NULL"}.get(column, f"{column} || 'x.x'")
    with (
        pytest.raises(DatabaseError, match="stays as it was said"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE notices_notice SET {column} = {value}")
