"""What each role sees and changes of each private table, by SQL as the application role."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest
from django.apps import apps
from django.db import transaction

from gentie.contexts.accounts.actions import give_grant
from gentie.contexts.accounts.examples import cast, installed
from gentie.contexts.accounts.signing_in import check_password
from gentie.contexts.accounts.tokens import end_token, give_token
from gentie.contexts.documents.actions import store_document
from gentie.contexts.grid.examples import small_case
from gentie.contexts.ledger.actions import post
from gentie.contexts.notices.actions import queue
from gentie.contexts.studies.examples import published_small_study
from gentie.contexts.studies.models import LedgerRow, StudiedRequest, Study
from gentie.contexts.studies.run_actions import start_run
from gentie.contexts.studies.run_examples import SLUG, ready_cluster
from gentie.quantities.money import Money

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
ROLES = (
    "visitor",
    "customer",
    "other",
    "consultant",
    "specialist",
    "engineer",
    "administrator",
    "program",
)
PRIVATE = (
    "accounts_person",
    "accounts_organisation",
    "accounts_membership",
    "accounts_grant",
    "accounts_secondfactor",
    "accounts_failedsignin",
    "accounts_installation",
    "notices_notice",
    "documents_document",
    "ledger_entry",
    "ledger_posting",
    "accounts_endedtoken",
    "studies_study",
    "studies_studiedrequest",
    "studies_ledgerrow",
    "studies_upgrade",
    "studies_constraint",
    "studies_constraintrequest",
    "studies_picture",
    "studies_scheme",
    "studies_constraint_upgrades",
    "studies_scheme_requests",
    "studies_run",
    "studies_runinputs",
    "studies_runstep",
    "studies_runreason",
)
OF_A_RUN = ("studies_runinputs", "studies_runstep", "studies_runreason")


@pytest.fixture
def world(as_application, tmp_path, settings):
    """A private study: the first request is the first customer's, the second the second's.

    The first customer lets the consultant read. Each of the two has a notice, a document and a
    deposit, and the operator has a notice.
    """
    settings.DATA_DIR = tmp_path
    people = cast(by=BY, at=AT)
    installed(by=BY, at=AT)
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    first, second = people.organisations["first"], people.organisations["second"]
    with transaction.atomic():
        Study.objects.update(is_shown_in_full=False)
        StudiedRequest.objects.update(is_shown_in_full=False)
        StudiedRequest.objects.filter(number=1).update(organisation=first)
        StudiedRequest.objects.filter(number=2).update(organisation=second)
    grant = give_grant(
        owner_id=first.pk,
        receiver_id=people.organisations["consultant"].pk,
        scope="read",
        from_at=AT - timedelta(days=3650),
        until_at=None,
        given_by=None,
        by=BY,
        at=AT,
    )
    for word in ("customer", "engineer"):
        add_second_factor(people.members[word].person_id)
    ready_cluster(
        base_case_id=study.base_case_id,
        case=small_case(),
        organisation_ids=(first.pk, second.pk),
        at=AT,
    )
    run = start_run(cluster_slug=SLUG, role="program", asked_by=None, by=BY, at=AT).run
    run.steps.create(number=1, name="inputs", started_at=AT)
    run.reasons.create(number=1, code="study.run.example", sentence="An example.")
    check_password(email="nobody@example.org", password="wrong", at=AT)
    for word, organisation in people.organisations.items():
        if word != "consultant":
            add_ground(organisation.pk, is_customer=word != "operator")
    person_id = people.members["other"].person_id
    token = give_token(person_id=person_id, organisation_id=None, has_factor=False, by=BY, at=AT)
    end_token(token.text, by=BY, at=AT)
    return SimpleNamespace(sql=as_application, people=people, study=study, grant=grant, run=run)


def add_second_factor(person_id: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_secondfactor (person_id, secret, last_step, confirmed_at) "
            "VALUES (%s, 'x', 0, %s)",
            [person_id, AT],
        )


def add_ground(organisation_id: int, *, is_customer: bool) -> None:
    """A notice, and for a customer a document and a deposit."""
    subject, words = f"request:{organisation_id}", {"by": BY, "at": AT}
    queue(
        organisation_id=organisation_id,
        code="a.b",
        title="A title",
        body="A body.",
        subject=subject,
        address="/",
        **words,
    )
    if not is_customer:
        return
    store_document(
        subject=subject,
        kind="diagram",
        organisation_id=organisation_id,
        file_name="diagram.txt",
        content=b"One line.",
        **words,
    )
    post(
        subject=subject,
        organisation_id=organisation_id,
        kind="deposit_invoiced",
        postings={"receivable": Money.of(5, "USD"), "deposits_held": Money.of(-5, "USD")},
        **words,
    )


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
        if role != "visitor":
            for name, value in zip(("person", "organisation", "role"), values, strict=True):
                world.sql.execute("SELECT set_config(%s, %s, true)", [f"gentie.{name}", str(value)])
        yield world.sql


def count(sql, table: str) -> int:
    return sql.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def changed(sql, statement: str) -> int | str:
    """Rows that a statement reached, or why it was stopped."""
    try:
        with sql.transaction():
            return sql.execute(statement).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return "refused"
    except (
        psycopg.errors.ForeignKeyViolation,
        psycopg.errors.RestrictViolation,
        psycopg.errors.UniqueViolation,
    ):
        return "reached"


def test_every_private_table_is_in_this_test_and_its_rules_are_forced(as_application):
    said = as_application.execute(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class "
        "WHERE relkind = 'r' AND relname ~ '^(accounts|notices|documents|ledger|studies)_'"
    ).fetchall()
    assert sorted(said) == sorted((table, True, True) for table in PRIVATE)


# What a role sees: "all" of the table, or so many rows.
OF_THE_STUDY = (
    "studies_study",
    "studies_upgrade",
    "studies_constraint",
    "studies_constraintrequest",
    "studies_picture",
    "studies_scheme",
    "studies_constraint_upgrades",
    "studies_scheme_requests",
)
CUSTOMERS, STAFF = ("customer", "other", "consultant"), ("specialist", "engineer", "administrator")
SEEN = {
    "accounts_person": dict.fromkeys(CUSTOMERS, 1) | dict.fromkeys(STAFF, "all"),
    "accounts_organisation": {"visitor": 1, "customer": 3, "other": 2, "consultant": 3}
    | dict.fromkeys(STAFF, "all"),
    "accounts_membership": dict.fromkeys(CUSTOMERS, 1) | dict.fromkeys(STAFF, "all"),
    "accounts_grant": {"customer": 1, "consultant": 1} | dict.fromkeys(STAFF, "all"),
    "accounts_secondfactor": {"customer": 1, "engineer": 1},
    "accounts_failedsignin": {},
    "accounts_installation": dict.fromkeys(ROLES, "all"),
    # The customers' notices are theirs alone, the operator's are its people's.
    "notices_notice": dict.fromkeys(("customer", "other", *STAFF), 1),
    "documents_document": dict.fromkeys(CUSTOMERS, 1) | dict.fromkeys(STAFF, "all"),
    "ledger_entry": dict.fromkeys(CUSTOMERS, 1) | dict.fromkeys(STAFF, "all"),
    "ledger_posting": dict.fromkeys(CUSTOMERS, 2) | dict.fromkeys(STAFF, "all"),
    "accounts_endedtoken": {},
    "studies_studiedrequest": dict.fromkeys(CUSTOMERS, 1) | dict.fromkeys(STAFF, "all"),
    **{table: dict.fromkeys((*CUSTOMERS, *STAFF), "all") for table in OF_THE_STUDY},
    # Whose requests are studied sees that, and how far; what goes in is the operator's alone.
    "studies_run": dict.fromkeys((*CUSTOMERS, *STAFF), "all"),
    **{table: dict.fromkeys(STAFF, "all") for table in OF_A_RUN},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_its_rows_and_no_others(world, role):
    with acting(world, "program") as sql:
        whole = {table: count(sql, table) for table in PRIVATE}
        rows_of = {
            number: sql.execute(
                "SELECT count(*) FROM studies_ledgerrow l JOIN studies_studiedrequest r "
                "ON r.id = l.request_id WHERE r.number = %s",
                [number],
            ).fetchone()[0]
            for number in (1, 2)
        }
    assert all(whole.values())
    assert whole["studies_studiedrequest"] > 2
    expected = {table: SEEN.get(table, {}).get(role, 0) for table in PRIVATE}
    expected["studies_ledgerrow"] = (
        rows_of[1]
        if role in {"customer", "consultant"}
        else rows_of[2]
        if role == "other"
        else "all"
        if role in STAFF
        else 0
    )
    if role == "program":
        expected = dict.fromkeys(PRIVATE, "all")
    with acting(world, role) as sql:
        seen = {table: count(sql, table) for table in PRIVATE}
    assert seen == {
        table: whole[table] if rows == "all" else rows for table, rows in expected.items()
    }


# Which roles change rows that they see, by verb; everybody else reaches none.
PUBLISHERS = {"engineer", "administrator", "program"}
ADMINISTRATORS = {"administrator", "program"}
CHANGES = {
    "accounts_person": {"UPDATE": {*ROLES} - {"visitor"}, "DELETE": set()},
    "accounts_organisation": {"UPDATE": ADMINISTRATORS, "DELETE": set()},
    "accounts_membership": {"UPDATE": ADMINISTRATORS, "DELETE": ADMINISTRATORS},
    "accounts_grant": {"UPDATE": {"customer", "program"}, "DELETE": set()},
    "accounts_secondfactor": {"UPDATE": {"customer", "engineer", "program"}, "DELETE": {"program"}},
    "accounts_failedsignin": {"UPDATE": set(), "DELETE": {"program"}},
    "accounts_installation": {"UPDATE": ADMINISTRATORS, "DELETE": set()},
    "notices_notice": {"UPDATE": {*ROLES} - {"visitor", "consultant"}, "DELETE": set()},
    **{
        table: {"UPDATE": set(), "DELETE": set()}
        for table in ("documents_document", "ledger_entry", "ledger_posting")
    },
    "accounts_endedtoken": {"UPDATE": set(), "DELETE": {"program"}},
    **{
        table: {"UPDATE": PUBLISHERS, "DELETE": PUBLISHERS}
        for table in PRIVATE
        if table.startswith("studies_") and not table.startswith("studies_run")
    },
    "studies_run": {"UPDATE": {"engineer", "program"}, "DELETE": set()},
    "studies_runinputs": {"UPDATE": set(), "DELETE": set()},
    "studies_runstep": {"UPDATE": {"program"}, "DELETE": set()},
    "studies_runreason": {"UPDATE": set(), "DELETE": set()},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_changes_only_what_its_rules_say(world, role):
    reached = {}
    with acting(world, role) as sql:
        for table in PRIVATE:
            reached[table] = {
                "UPDATE": changed(sql, f"UPDATE {table} SET id = id"),
                "DELETE": changed(sql, f"DELETE FROM {table}"),
            }
            # What was deleted and held by nothing must be there again for the next table.
    found = {table: {v for v, n in verbs.items() if n != 0} for table, verbs in reached.items()}
    expected = {
        table: {verb for verb, roles in verbs.items() if role in roles}
        for table, verbs in CHANGES.items()
    }
    assert found == expected


@pytest.mark.parametrize("role", ROLES)
def test_who_may_add_rows(world, role):
    first, second, consultant = (
        world.people.organisations[word].pk for word in ("first", "second", "consultant")
    )
    person = world.people.members["customer"].person_id
    with acting(world, "program") as sql:
        (old_entry,) = sql.execute(
            "SELECT id FROM ledger_entry WHERE organisation_id = %s", [first]
        ).fetchone()

    def document(organisation: int) -> str:
        return (
            "INSERT INTO documents_document (organisation_id, subject, kind, version, file_name, "
            "media_type, sha256, size_bytes, stored_at, by) VALUES "
            f"({organisation}, 'request:{organisation}', 'lease', 1, 'a.txt', 'text/plain', "
            "repeat('a', 64), 1, now(), 'person:1')"
        )

    def entry(organisation: int, kind: str) -> str:
        return (
            "INSERT INTO ledger_entry (organisation_id, subject, kind, at, by, memo, figures, "
            f"posting_count) VALUES ({organisation}, 'request:1', '{kind}', now(), 'person:1', '', "
            "'{}', 2)"
        )

    def posting(account: str, amount: int, currency: str = "EUR") -> str:
        return (
            "INSERT INTO ledger_posting (entry_id, account, amount, currency) "
            f"VALUES ({old_entry}, '{account}', {amount}, '{currency}')"
        )

    def grant(owner: int, receiver: int) -> str:
        return (
            "INSERT INTO accounts_grant (owner_id, receiver_id, scope, from_at) "
            f"VALUES ({owner}, {receiver}, 'act', now())"
        )

    asked = {
        "own grant": grant(first, second),
        "a grant of another": grant(second, first),
        "a grant of the consultant": grant(consultant, second),
        "membership": (
            "INSERT INTO accounts_membership "
            "(person_id, organisation_id, organisation_kind, role, created_at) VALUES "
            f"({person}, {second}, 'customer', 'interconnection_customer', now())"
        ),
        "organisation": (
            "INSERT INTO accounts_organisation (name, kind, created_at) "
            "VALUES ('New', 'customer', now())"
        ),
        "person": (
            "INSERT INTO accounts_person (password, email, name, is_active, created_at) "
            "VALUES ('', 'new@example.org', 'New', true, now())"
        ),
        "failure": "INSERT INTO accounts_failedsignin (who, at) VALUES ('x', now())",
        "notice": (
            "INSERT INTO notices_notice (organisation_id, code, subject, title, body, address, "
            f"created_at) VALUES ({second}, 'a.b', 'x:1', 'A', 'B', '/', now())"
        ),
        "own document": document(first),
        "a document of another": document(second),
        "own deposit": entry(first, "deposit_invoiced"),
        "own payment": entry(first, "payment_received"),
        "a deposit of another": entry(second, "deposit_invoiced"),
        "a posting of a deposit": posting("receivable", 1),
        "cash in a deposit": posting("cash", 1),
        "a deposit turned round": posting("receivable", -1, "GBP"),
        "ended token": "INSERT INTO accounts_endedtoken (token, until) VALUES ('x', now())",
        "scheme": (
            "INSERT INTO studies_scheme (study_id, number, outage, tripped_mw, elements, tier) "
            f"VALUES ({world.study.pk}, 999, 'x', 1, '{{}}', 'ceii')"
        ),
        "run": (
            "INSERT INTO studies_run (cluster_id, state, asked_at, ended_at, claim, words, done, "
            "whole) SELECT id, 'cancelled', now(), now(), 0, '', 0, 0 FROM intake_cluster LIMIT 1"
        ),
        "step": (
            "INSERT INTO studies_runstep (run_id, number, name, state, attempts, started_at, "
            f"result_digest) VALUES ({world.run.pk}, 2, 'grid', 'running', 1, now(), '')"
        ),
        "reason": (
            "INSERT INTO studies_runreason (run_id, number, code, sentence) "
            f"VALUES ({world.run.pk}, 2, 'x', 'x')"
        ),
    }
    allowed = {
        "own grant": {"customer", "program"},
        "a grant of another": {"other", "program"},
        "a grant of the consultant": {"consultant", "program"},
        "membership": ADMINISTRATORS,
        "organisation": ADMINISTRATORS,
        "person": ADMINISTRATORS,
        "failure": {"program"},
        "notice": {*ROLES},
        "own document": {"customer", *STAFF, "program"},
        "a document of another": {"other", *STAFF, "program"},
        "own deposit": {"customer", *STAFF, "program"},
        "own payment": {*STAFF, "program"},
        "a deposit of another": {"other", *STAFF, "program"},
        "a posting of a deposit": {"customer", *STAFF, "program"},
        "cash in a deposit": {*STAFF, "program"},
        "a deposit turned round": {*STAFF, "program"},
        "ended token": {"program"},
        "scheme": PUBLISHERS,
        "run": {"engineer", "program"},
        "step": {"program"},
        "reason": {"program"},
    }
    with acting(world, role) as sql:
        found = {what: changed(sql, statement) for what, statement in asked.items()}
    assert found == {what: 1 if role in roles else "refused" for what, roles in allowed.items()}


@pytest.mark.parametrize("role", CUSTOMERS)
def test_who_has_no_request_in_a_cluster_does_not_see_its_run(world, role):
    with acting(world, role) as sql:
        assert count(sql, "studies_run") == 1
    apps.get_model("intake", "QueuePosition").objects.update(state="waiting")
    with acting(world, role) as sql:
        assert count(sql, "studies_run") == 0


def test_a_grant_holds_from_its_beginning_to_its_end_and_not_when_revoked(world):
    def seen() -> int:
        with acting(world, "consultant") as sql:
            return count(sql, "studies_studiedrequest")

    Grant = apps.get_model("accounts", "Grant")
    there = Grant.objects.filter(pk=world.grant.pk)
    assert seen() == 1
    there.update(until_at=AT - timedelta(days=3649))
    assert seen() == 0
    there.update(until_at=None, from_at=datetime(9000, 1, 1, tzinfo=UTC))
    assert seen() == 0
    there.update(from_at=AT - timedelta(days=3650), revoked_at=AT)
    assert seen() == 0


def test_a_grant_cannot_be_turned_to_the_favour_of_who_received_it(world):
    with acting(world, "consultant") as sql:
        assert changed(sql, "UPDATE accounts_grant SET scope = 'act'") == 0
    with acting(world, "customer") as sql:
        other = world.people.organisations["second"].pk
        assert changed(sql, f"UPDATE accounts_grant SET owner_id = {other}") == "refused"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE studies_studiedrequest DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE studies_studiedrequest NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY studies_studiedrequest_seen ON studies_studiedrequest",
        "CREATE POLICY mine ON studies_studiedrequest USING (true)",
        "CREATE OR REPLACE FUNCTION gentie_role() RETURNS text LANGUAGE sql AS 'SELECT 1'",
        "TRUNCATE accounts_grant CASCADE",
        "SET ROLE gentie_owner",
        "SET SESSION AUTHORIZATION gentie_owner",
    ],
)
def test_the_application_role_cannot_switch_the_rules_off(world, statement):
    with acting(world, "administrator") as sql:
        assert changed(sql, statement) == "refused"
    world.sql.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        count(world.sql, "studies_studiedrequest")


def test_who_acted_is_forgotten_at_the_end_of_the_transaction(world):
    with acting(world, "program") as sql:
        assert count(sql, "studies_studiedrequest") > 0
    assert count(world.sql, "studies_studiedrequest") == 0


def test_a_study_of_a_synthetic_grid_is_everybodys(as_application, tmp_path):
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    assert study.is_shown_in_full
    assert count(as_application, "studies_studiedrequest") == study.requests.count() > 0
    assert count(as_application, "studies_ledgerrow") == LedgerRow.objects.count() > 0
    assert count(as_application, "studies_picture") > 0


def test_a_request_cannot_be_shown_when_its_study_is_not(world):
    world.sql.execute("SELECT set_config('gentie.role', 'planning_engineer', false)")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        world.sql.execute("UPDATE studies_studiedrequest SET is_shown_in_full = true")
