"""What each role sees and changes of money, papers, messages, tokens and runs, by SQL."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.apps import apps

from gentie.contexts.accounts.examples import installed
from gentie.contexts.accounts.tokens import end_token, give_token
from gentie.contexts.documents.actions import store_document
from gentie.contexts.grid.examples import small_case
from gentie.contexts.ledger.actions import post
from gentie.contexts.notices.actions import queue
from gentie.contexts.studies.run_actions import start_run
from gentie.contexts.studies.run_examples import SLUG, ready_cluster
from gentie.contexts.studies.test_tenancy import (
    ADMINISTRATORS,
    CUSTOMERS,
    GROUND,
    OF_A_RUN,
    ROLES,
    STAFF,
    changed,
    count,
)
from gentie.quantities.money import Money

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"


@pytest.fixture
def ground(world, settings, tmp_path):
    """Each of the two customers has a notice, a document, a deposit and a request being studied."""
    settings.DATA_DIR = tmp_path
    people = world.people
    installed(by=BY, at=AT)
    for word, organisation in people.organisations.items():
        if word != "consultant":
            _add_ground(organisation.pk, is_customer=word != "operator")
    person_id = people.members["other"].person_id
    token = give_token(person_id=person_id, organisation_id=None, has_factor=False, by=BY, at=AT)
    end_token(token.text, by=BY, at=AT)
    ready_cluster(
        base_case_id=world.study.base_case_id,
        case=small_case(),
        organisation_ids=(people.organisations["first"].pk, people.organisations["second"].pk),
        at=AT,
    )
    world.run = start_run(cluster_slug=SLUG, role="program", asked_by=None, by=BY, at=AT).run
    world.run.steps.create(number=1, name="inputs", started_at=AT)
    world.run.reasons.create(number=1, code="study.run.example", sentence="An example.")
    return world


def _add_ground(organisation_id: int, *, is_customer: bool) -> None:
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


WITH_REQUESTS = ("customer", "other", "consultant")
SEEN = {
    "accounts_installation": dict.fromkeys(ROLES, "all"),
    "accounts_endedtoken": {},
    # The customers' notices are theirs alone, the operator's are its people's.
    "notices_notice": dict.fromkeys(("customer", "other", *STAFF), 1),
    "documents_document": dict.fromkeys(WITH_REQUESTS, 1) | dict.fromkeys(STAFF, "all"),
    "ledger_entry": dict.fromkeys(WITH_REQUESTS, 1) | dict.fromkeys(STAFF, "all"),
    "ledger_posting": dict.fromkeys(WITH_REQUESTS, 2) | dict.fromkeys(STAFF, "all"),
    # Whose requests are studied sees that, and how far; what goes in is the operator's alone.
    "studies_run": dict.fromkeys((*WITH_REQUESTS, *STAFF), "all"),
    **{table: dict.fromkeys(STAFF, "all") for table in OF_A_RUN},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_its_rows_and_no_others(ground, role):
    with ground.acting("program") as sql:
        whole = {table: count(sql, table) for table in GROUND}
    assert all(whole.values())
    with ground.acting(role) as sql:
        seen = {table: count(sql, table) for table in GROUND}
    expected = {table: "all" if role == "program" else SEEN[table].get(role, 0) for table in GROUND}
    assert seen == {
        table: whole[table] if rows == "all" else rows for table, rows in expected.items()
    }


CHANGES = {
    "accounts_installation": {"UPDATE": ADMINISTRATORS, "DELETE": set()},
    "accounts_endedtoken": {"UPDATE": set(), "DELETE": {"program"}},
    "notices_notice": {
        "UPDATE": {*ROLES} - {"visitor", "consultant", "cleared"},
        "DELETE": set(),
    },
    **{
        table: {"UPDATE": set(), "DELETE": set()}
        for table in ("documents_document", "ledger_entry", "ledger_posting")
    },
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_changes_only_what_its_rules_say(ground, role):
    with ground.acting(role) as sql:
        reached = {
            table: {
                verb
                for verb, statement in (
                    ("UPDATE", f"UPDATE {table} SET id = id"),
                    ("DELETE", f"DELETE FROM {table}"),
                )
                if changed(sql, statement) != 0
            }
            for table in CHANGES
        }
    assert reached == {
        table: {verb for verb, roles in verbs.items() if role in roles}
        for table, verbs in CHANGES.items()
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_run_is_moved_by_engineers_and_worked_on_by_programs(ground, role):
    moved = "UPDATE studies_run SET state = 'cancelling'"
    with ground.acting(role) as sql:
        assert changed(sql, moved) == (1 if role in {"engineer", "program"} else 0)
        for table in OF_A_RUN:
            reached = changed(sql, f"UPDATE {table} SET id = id")
            assert (reached != 0) is (role == "program" and table == "studies_runstep"), table


@pytest.mark.parametrize("role", ROLES)
def test_who_may_add_rows(ground, role):
    first, second = (ground.people.organisations[word].pk for word in ("first", "second"))
    with ground.acting("program") as sql:
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

    asked = {
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
        "run": (
            "INSERT INTO studies_run (cluster_id, state, asked_at, ended_at, claim, words, done, "
            "whole) SELECT id, 'cancelled', now(), now(), 0, '', 0, 0 FROM intake_cluster LIMIT 1"
        ),
        "step": (
            "INSERT INTO studies_runstep (run_id, number, name, state, attempts, started_at, "
            f"result_digest) VALUES ({ground.run.pk}, 2, 'grid', 'running', 1, now(), '')"
        ),
        "reason": (
            "INSERT INTO studies_runreason (run_id, number, code, sentence) "
            f"VALUES ({ground.run.pk}, 2, 'x', 'x')"
        ),
    }
    allowed = {
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
        "run": {"engineer", "program"},
        "step": {"program"},
        "reason": {"program"},
    }
    with ground.acting(role) as sql:
        found = {what: changed(sql, statement) for what, statement in asked.items()}
    assert found == {what: 1 if role in roles else "refused" for what, roles in allowed.items()}


@pytest.mark.parametrize("role", CUSTOMERS)
def test_who_has_no_request_in_a_cluster_does_not_see_its_run(ground, role):
    with ground.acting(role) as sql:
        assert count(sql, "studies_run") == (1 if role in WITH_REQUESTS else 0)
    apps.get_model("intake", "QueuePosition").objects.update(state="waiting")
    with ground.acting(role) as sql:
        assert count(sql, "studies_run") == 0
