"""What each role sees and changes of intake's rows, by SQL as the application role."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest

from gentie.contexts.accounts.actions import give_grant
from gentie.contexts.accounts.examples import cast
from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.examples import example_cluster, example_draft

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"
CUSTOMERS = ("customer", "other", "consultant")
STAFF = ("specialist", "engineer", "administrator")
ROLES = ("visitor", *CUSTOMERS, *STAFF, "program")
TABLES = (
    "intake_answer",
    "intake_cluster",
    "intake_filing",
    "intake_queueposition",
    "intake_request",
    "intake_typed",
)


@pytest.fixture
def world(as_application):
    """Two customers with a draft and a filed request each; the first lets the consultant read."""
    people = cast(by=BY, at=AT)
    case = published_small_case(by=BY, at=AT)
    cluster = example_cluster(case, by=BY, at=AT)
    drafts = {}
    for word in ("customer", "other"):
        member = people.members[word]
        for _ in range(2):
            drafts[word] = example_draft(
                cluster,
                organisation_id=member.organisation_id,
                person_id=member.person_id,
                by=BY,
                at=AT,
                bus=case.points.first().bus,
            )
        submit_request(
            request_id=drafts[word].pk - 1,
            role="program",
            person_id=member.person_id,
            by=BY,
            at=AT,
        )
    give_grant(
        owner_id=people.organisations["first"].pk,
        receiver_id=people.organisations["consultant"].pk,
        scope="read",
        from_at=AT - timedelta(days=3650),
        until_at=None,
        given_by=None,
        by=BY,
        at=AT,
    )
    return SimpleNamespace(sql=as_application, people=people, drafts=drafts, cluster=cluster)


@contextmanager
def acting(world, role: str):
    """One transaction as a role, undone at the end."""
    member = world.people.members.get(role)
    values = (
        (member.person_id, member.organisation_id, member.role)
        if member
        else ("", "", "program" if role == "program" else "")
    )
    with world.sql.transaction(force_rollback=True):
        for name, value in zip(("person", "organisation", "role"), values, strict=True):
            world.sql.execute("SELECT set_config(%s, %s, true)", [f"gentie.{name}", str(value)])
        yield world.sql


def reached(sql, statement: str) -> int | str:
    try:
        with sql.transaction():
            return sql.execute(statement).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return "refused"


def test_every_table_is_in_this_test_and_its_rules_are_forced(as_application):
    said = as_application.execute(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class "
        "WHERE relkind = 'r' AND relname LIKE 'intake\\_%'"
    ).fetchall()
    assert sorted(said) == [(table, True, True) for table in TABLES]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_its_requests_and_what_is_public(world, role):
    with acting(world, role) as sql:
        seen = {
            table: sql.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES
        }
        own = sql.execute(
            "SELECT count(*) FROM intake_request WHERE organisation_id = %s",
            [world.people.organisations["first"].pk],
        ).fetchone()[0]
    with acting(world, "program") as sql:
        answers = sql.execute(
            "SELECT count(*) FROM intake_answer WHERE request_id = %s",
            [world.drafts["customer"].pk],
        ).fetchone()[0]
    requests = 0 if role == "visitor" else 2 if role in CUSTOMERS else 4
    assert seen == {
        "intake_answer": requests * answers,
        "intake_cluster": 1,
        "intake_filing": requests // 2,
        "intake_queueposition": 2,
        "intake_request": requests,
        "intake_typed": requests * answers,
    }
    assert own == (0 if role in {"visitor", "other"} else 2)


# table → how many rows each role changes; a role that is absent changes none.
OWN = {"customer": 2, "other": 2, "program": 4}
CHANGES = {
    "intake_cluster": dict.fromkeys((*STAFF, "program"), 1),
    "intake_request": OWN,
    "intake_answer": OWN,
    "intake_queueposition": {"customer": 1, "other": 1} | dict.fromkeys((*STAFF, "program"), 2),
    "intake_filing": {},
    "intake_typed": {},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_changes_only_its_own(world, role):
    with acting(world, "program") as sql:
        answers = sql.execute(
            "SELECT count(*) FROM intake_answer WHERE request_id = %s",
            [world.drafts["customer"].pk],
        ).fetchone()[0]
    expected = {table: rows.get(role, 0) for table, rows in CHANGES.items()}
    expected["intake_answer"] *= answers
    with acting(world, role) as sql:
        assert {table: reached(sql, f"UPDATE {table} SET id = id") for table in CHANGES} == expected
        assert {table: reached(sql, f"DELETE FROM {table}") for table in TABLES} == dict.fromkeys(
            TABLES, 0
        )


@pytest.mark.parametrize("role", ROLES)
def test_who_may_add_rows(world, role):
    first = world.people.organisations["first"].pk
    draft, other = world.drafts["customer"].pk, world.drafts["other"].pk

    def answer(request: int) -> str:
        return (
            "INSERT INTO intake_answer (request_id, field, text, revision, at) "
            f"VALUES ({request}, 'x', '', 1, now())"
        )

    asked = {
        "cluster": (
            "INSERT INTO intake_cluster (slug, name, mark, state, opens_at, closes_at, rulebook, "
            "rulebook_version, rulebook_digest, rulebook_files, base_case_id) "
            "SELECT 'x', 'X', 'X', state, opens_at, closes_at, rulebook, rulebook_version, "
            "rulebook_digest, rulebook_files, base_case_id FROM intake_cluster"
        ),
        "request": (
            "INSERT INTO intake_request (organisation_id, cluster_id, state, made_at) "
            f"VALUES ({first}, {world.cluster.pk}, 'draft', now())"
        ),
        "answer": answer(draft),
        "answer of another": answer(other),
        "typed": (
            "INSERT INTO intake_typed (request_id, field, text, revision, at) "
            f"VALUES ({draft}, 'x', '', 0, now())"
        ),
    }
    first_only = {"customer", "program"}
    allowed = {
        "cluster": {*STAFF, "program"},
        "request": first_only,
        "answer": first_only,
        "answer of another": {"other", "program"},
        "typed": first_only,
    }
    with acting(world, role) as sql:
        found = {what: reached(sql, statement) for what, statement in asked.items()}
    assert found == {what: 1 if role in roles else "refused" for what, roles in allowed.items()}
