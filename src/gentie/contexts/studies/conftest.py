"""A private study and a real grid, with somebody of every role, asked as the application role."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from django.db import connection

from gentie.contexts.accounts.actions import create_organisation, give_grant, invite_member
from gentie.contexts.accounts.clearances import clear_for_ceii
from gentie.contexts.accounts.examples import cast
from gentie.contexts.accounts.signing_in import check_password
from gentie.contexts.grid.examples import published_small_real_case
from gentie.contexts.studies.examples import published_small_study

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"


@pytest.fixture
def world(as_application, tmp_path):
    """A private study and a real grid.

    Q10, which a scheme trips, is the first customer's, and Q09, which pays with others, the
    second's. The first lets the consultant read. Another company is cleared and owns nothing.
    """
    people = cast(by=BY, at=AT)
    first, second = people.organisations["first"], people.organisations["second"]
    cleared = create_organisation(name="Fourth Water Company", kind="customer", by=BY, at=AT)
    people.members["cleared"] = invite_member(
        email="cleared@example.org",
        name="Clara Cleared",
        organisation_id=cleared.pk,
        role="interconnection_customer",
        by=BY,
        at=AT,
    )
    clear_for_ceii(organisation_id=cleared.pk, by=BY, at=AT)
    study = published_small_study(
        tmp_path / "bundle", by=BY, at=AT, organisations={"Q10": first.pk, "Q09": second.pk}
    )
    published_small_real_case(by=BY, at=AT)
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
        _add_second_factor(people.members[word].person_id)
    check_password(email="nobody@example.org", password="wrong", at=AT)
    return SimpleNamespace(
        sql=as_application,
        people=people,
        study=study,
        grant=grant,
        acting=partial(_acting, as_application, people.members),
    )


def _add_second_factor(person_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_secondfactor (person_id, secret, last_step, confirmed_at) "
            "VALUES (%s, 'x', 0, %s)",
            [person_id, AT],
        )


@contextmanager
def _acting(sql, members, role: str):
    """One transaction as a role, undone at the end."""
    member = members.get(role)
    values = (
        (member.person_id, member.organisation_id, member.role)
        if member
        else ("", "", "program" if role == "program" else "")
    )
    with sql.transaction(force_rollback=True):
        if role != "visitor":
            for name, value in zip(("person", "organisation", "role"), values, strict=True):
                sql.execute("SELECT set_config(%s, %s, true)", [f"gentie.{name}", str(value)])
        yield sql
