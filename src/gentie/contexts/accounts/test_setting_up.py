from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from gentie.contexts.accounts import actions, reads
from gentie.contexts.accounts.models import Installation, Membership, Organisation, Person
from gentie.contexts.accounts.setting_up import set_up_installation, why_not_fresh
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
WORDS = {
    "name": "Prairie Grid Operator",
    "note": "On paper.",
    "rulebook": "california",
    "time_zone": "America/Denver",
    "closing_hour": time(17, 0),
    "holidays": (date(2026, 12, 25), date(2026, 1, 1)),
    "currency": "USD",
    "is_demonstration": False,
    "administrator_name": "Ada Administrator",
    "administrator_email": "ADA@prairie.example",
    "by": BY,
    "at": AT,
}

Entry = apps.get_model("audit", "Entry")

pytestmark = pytest.mark.django_db


def rows() -> tuple[int, ...]:
    return tuple(
        model.objects.count() for model in (Installation, Organisation, Person, Membership, Entry)
    )


def codes(**changed: object) -> list[str]:
    before = rows()
    with pytest.raises(BadInput) as refused:
        set_up_installation(**WORDS | changed)
    assert rows() == before
    return [finding.code for finding in refused.value.findings]


def test_an_installation_is_set_up_with_its_operator_and_administrator():
    assert reads.installation() is None
    made = set_up_installation(**WORDS)
    found = reads.installation()
    assert found == made.installation
    assert found.organisation == reads.operator_organisation()
    assert found.rulebook_version == load_rulebook().version
    assert found.holidays == [date(2026, 1, 1), date(2026, 12, 25)]
    assert found.closing_hour == time(17, 0)
    assert made.administrator.role == "administrator"
    assert [one.email for one in reads.people_with_role("administrator")] == ["ada@prairie.example"]
    assert not made.administrator.person.has_usable_password()
    assert list(Entry.objects.values_list("action", "subject"))[-1] == (
        "installation.set_up",
        "installation:1",
    )


def test_a_second_one_is_refused():
    set_up_installation(**WORDS)
    assert codes() == ["accounts.installation.twice"]
    assert [reason.code for reason in why_not_fresh("ada@prairie.example")] == [
        "accounts.installation.twice",
        "accounts.installation.known_person",
    ]


def test_an_operator_that_is_there_is_taken_with_its_administrator():
    operator = actions.create_organisation(name=WORDS["name"], kind="operator", by=BY, at=AT)
    ada = actions.invite_member(
        email="ada@prairie.example",
        name="Ada Administrator",
        organisation_id=operator.pk,
        role="administrator",
        by=BY,
        at=AT,
    )
    assert codes(name="Another") == ["accounts.installation.other_operator"]
    assert why_not_fresh("new@prairie.example")[0].code == "accounts.installation.other_operator"
    made = set_up_installation(**WORDS)
    assert (made.installation.organisation, made.administrator) == (operator, ada)
    assert Organisation.objects.count() == Membership.objects.count() == 1


def test_everything_that_cannot_hold_is_told_at_once():
    assert codes(
        rulebook="texas",
        currency="dollars",
        time_zone="Pacific",
        closing_hour=time(17, 0, tzinfo=UTC),
        holidays=(date(2026, 1, 1), date(2026, 1, 1)),
    ) == [
        "installation.rulebook",
        "installation.currency_code",
        "installation.time_zone",
        "installation.closing_hour",
        "installation.holiday_twice",
    ]
    assert codes(currency="EUR") == ["installation.currency"]
    assert codes(administrator_email="nobody", administrator_name=" ") == [
        "accounts.person.email",
        "accounts.person.unnamed",
    ]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE accounts_installation SET id = 2", "accounts_one_installation"),
        (
            (
                "UPDATE accounts_installation SET organisation_id = "
                "(SELECT max(id) FROM accounts_organisation)"
            ),
            "kind_is_the_organisations",
        ),
        (
            "UPDATE accounts_installation SET organisation_kind = 'customer'",
            "accounts_installation_is_the_operators",
        ),
        ("UPDATE accounts_installation SET currency = 'usd'", "accounts_installation_currency"),
    ],
)
def test_the_database_keeps_it_one_row_of_the_operator(statement, constraint):
    set_up_installation(**WORDS)
    actions.create_organisation(name="A customer", kind="customer", by=BY, at=AT)
    with (
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
