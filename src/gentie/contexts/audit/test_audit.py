from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from gentie.contexts.audit.actions import record
from gentie.contexts.audit.chain import BEGINNING, digest
from gentie.contexts.audit.models import Entry
from gentie.contexts.audit.reads import Break, entries_about, first_break

AT = datetime(2026, 11, 22, 17, 0, 0, 123456, tzinfo=UTC)


def written(count: int = 3) -> None:
    with transaction.atomic():
        for number in range(count):
            record(
                by="person:1",
                action="study.published",
                subject=f"study:{number}",
                at=AT + timedelta(seconds=number),
            )


@pytest.mark.django_db
def test_entries_are_numbered_and_chained_in_the_order_of_writing():
    written()
    first, second, third = Entry.objects.all()
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert first.previous == BEGINNING
    assert second.previous == first.digest
    assert third.previous == second.digest
    assert first_break() is None


@pytest.mark.django_db
def test_the_database_and_python_make_the_same_digest_also_from_another_time_zone():
    pacific = timezone(timedelta(hours=-8))
    with transaction.atomic():
        record(by="person:1", action="a.b", subject="x:1", at=AT.astimezone(pacific))
    entry = Entry.objects.get()
    assert entry.digest == digest(
        number=1, at=AT, by="person:1", action="a.b", subject="x:1", previous=BEGINNING
    )


@pytest.mark.django_db
def test_what_was_done_to_one_thing():
    written()
    assert [entry.subject for entry in entries_about("study:1")] == ["study:1"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'other.thing' WHERE number = 2",
        "DELETE FROM audit_entry WHERE number = 3",
        "TRUNCATE audit_entry",
    ],
)
def test_the_database_refuses_to_rewrite_the_audit_even_for_its_owner(statement):
    written()
    before = list(Entry.objects.values_list())
    refused = pytest.raises(DatabaseError, match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(Entry.objects.values_list()) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE audit_entry SET action = 'other.thing' WHERE number = 2",
            Break(2, "entry 2 was changed after it was written"),
        ),
        ("DELETE FROM audit_entry WHERE number = 2", Break(2, "entry 2 is missing")),
        ("DELETE FROM audit_entry WHERE number = 1", Break(1, "entry 1 is missing")),
        (
            "UPDATE audit_entry SET previous = repeat('f', 64) WHERE number = 3",
            Break(3, "entry 3 does not follow from the one before"),
        ),
    ],
)
def test_who_gets_past_the_triggers_is_found_by_the_chain(statement, found):
    written()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        cursor.execute(statement)
    assert first_break() == found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("by", "action", "subject"),
    [
        ("Jane Doe", "study.published", "study:1"),
        ("person:1", "published", "study:1"),
        ("person:1", "study.published", "the study of spring"),
        ("person:jane@example.org", "study.published", "study:1"),
    ],
)
def test_only_ids_and_dotted_words_are_recorded(by, action, subject):
    with pytest.raises(IntegrityError), transaction.atomic():
        record(by=by, action=action, subject=subject, at=AT)
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        record(by="person:1", action="a.b", subject="x:1", at=AT.replace(tzinfo=None))
    assert not Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_needs_the_transaction_of_what_it_tells_of():
    with pytest.raises(transaction.TransactionManagementError):
        record(by="person:1", action="a.b", subject="x:1", at=AT)
    assert not Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_make_one_chain():
    def write() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    record(by="person:1", action="a.b", subject="x:1", at=AT)
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert Entry.objects.count() == 80
    assert first_break() is None


def test_the_application_role_adds_and_reads_but_changes_neither_rows_nor_tables(as_application):
    as_application.execute(
        'INSERT INTO audit_entry ("at", "by", action, subject) '
        "VALUES (now(), 'person:1', 'a.b', 'x:1')"
    )
    assert as_application.execute("SELECT count(*) FROM audit_entry").fetchone() == (1,)
    for statement in (
        "UPDATE audit_entry SET action = 'c.d'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TABLE audit_entry",
        "CREATE TABLE mine (a int)",
        "SET ROLE gentie_owner",
    ):
        with pytest.raises(psycopg.Error):
            as_application.execute(statement)
    rights = as_application.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
        "WHERE rolname = current_user"
    ).fetchone()
    assert rights == (False, False, False, False)
    assert Entry.objects.get().action == "a.b"
    assert first_break() is None


words = st.text(alphabet="ab:1", max_size=4)


@given(one=st.tuples(words, words, words), other=st.tuples(words, words, words))
def test_different_entries_never_read_the_same(one, other):
    made = [
        digest(number=1, at=AT, by=a, action=b, subject=c, previous=BEGINNING)
        for a, b, c in (one, other)
    ]
    assert (made[0] == made[1]) == (one == other)
