from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from gentie.contexts.accounts import actions, reads, signing_in
from gentie.contexts.accounts.acting import (
    AS_PROGRAM,
    ASK,
    VISITOR,
    Acting,
    acting_as,
)
from gentie.contexts.accounts.examples import PASSWORD, cast
from gentie.contexts.accounts.models import Grant, Membership, Organisation, Person
from gentie.quantities.findings import BadInput, Finding

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"

Entry = apps.get_model("audit", "Entry")

pytestmark = pytest.mark.django_db


def rows() -> tuple[int, ...]:
    return tuple(
        model.objects.count() for model in (Person, Organisation, Membership, Grant, Entry)
    )


def codes(refused: pytest.ExceptionInfo[BadInput]) -> list[str]:
    return [finding.code for finding in refused.value.findings]


def test_every_action_is_in_the_audit_by_ids():
    people = cast(by=BY, at=AT)
    first, second = people.organisations["first"], people.organisations["second"]
    given = actions.give_grant(
        owner_id=first.pk,
        receiver_id=second.pk,
        scope="read",
        from_at=AT,
        until_at=None,
        given_by=people.members["customer"].person_id,
        by=BY,
        at=AT,
    )
    actions.revoke_grant(grant_id=given.pk, by=BY, at=AT)
    actions.deactivate_person(person_id=people.members["other"].person_id, by=BY, at=AT)
    actions.remove_member(membership_id=people.members["consultant"].pk, by=BY, at=AT)
    said = list(Entry.objects.values_list("action", flat=True))
    assert said[:4] == ["organisation.created"] * 4
    assert said[-4:] == ["grant.given", "grant.revoked", "person.deactivated", "membership.ended"]
    assert said.count("person.created") == said.count("membership.created") == 6


def test_all_reasons_against_a_membership_are_told_and_nothing_changes():
    people = cast(by=BY, at=AT)
    before = rows()
    with pytest.raises(BadInput) as refused:
        actions.invite_member(
            email=" CUSTOMER@example.org ",
            name="",
            organisation_id=people.organisations["first"].pk,
            role="administrator",
            by=BY,
            at=AT,
        )
    assert codes(refused) == [
        "accounts.membership.role_does_not_fit",
        "accounts.membership.twice",
    ]
    assert "First Sun Projects is a customer" in str(refused.value)
    with pytest.raises(BadInput) as refused:
        actions.invite_member(
            email="nobody", name=" ", organisation_id=0, role="king", by=BY, at=AT
        )
    assert codes(refused) == [
        "accounts.organisation.unknown",
        "accounts.person.email",
        "accounts.person.unnamed",
    ]
    assert rows() == before


def test_an_installation_has_one_operator_and_a_name_once():
    cast(by=BY, at=AT)
    before = rows()
    with pytest.raises(BadInput) as refused:
        actions.create_organisation(name="Second Wind Company", kind="operator", by=BY, at=AT)
    assert codes(refused) == [
        "accounts.organisation.taken",
        "accounts.organisation.second_operator",
    ]
    assert rows() == before


def test_grants_that_make_no_sense_are_refused_with_every_reason():
    people = cast(by=BY, at=AT)
    first = people.organisations["first"].pk
    with pytest.raises(BadInput) as refused:
        actions.give_grant(
            owner_id=first,
            receiver_id=first,
            scope="all",
            from_at=AT,
            until_at=AT,
            given_by=None,
            by=BY,
            at=AT,
        )
    assert codes(refused) == [
        "accounts.grant.oneself",
        "accounts.grant.scope",
        "accounts.grant.period",
    ]
    assert not Grant.objects.exists()


def test_two_grants_may_follow_each_other_but_not_overlap():
    people = cast(by=BY, at=AT)
    words = {
        "owner_id": people.organisations["first"].pk,
        "receiver_id": people.organisations["consultant"].pk,
        "scope": "read",
        "given_by": None,
        "by": BY,
        "at": AT,
    }
    day = timedelta(days=1)
    actions.give_grant(from_at=AT, until_at=AT + day, **words)
    actions.give_grant(from_at=AT + day, until_at=AT + 2 * day, **words)
    with pytest.raises(BadInput) as refused:
        actions.give_grant(from_at=AT + day / 2, until_at=None, **words)
    assert codes(refused) == ["accounts.grant.twice"]
    assert Grant.objects.count() == 2
    # Two that press at the same moment: the database has the last word.
    first = Grant.objects.earliest("from_at")
    with pytest.raises(IntegrityError, match="accounts_grant_once_at_a_time"), transaction.atomic():
        Grant.objects.create(
            owner_id=first.owner_id,
            receiver_id=first.receiver_id,
            scope="act",
            from_at=AT,
            until_at=None,
        )


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE accounts_person SET email = upper(email)", "accounts_email_in_lower_case"),
        ("UPDATE accounts_person SET email = 'customer@example.org'", "accounts_person_email"),
        (
            "UPDATE accounts_membership SET role = 'administrator'",
            "accounts_membership_role_fits",
        ),
        (
            "UPDATE accounts_membership SET role = 'administrator', organisation_kind = 'operator'",
            "accounts_membership_kind_is_the_organisations",
        ),
        ("UPDATE accounts_organisation SET kind = 'operator'", "accounts_one_operator"),
    ],
)
def test_the_database_refuses_what_would_open_doors(statement, constraint):
    cast(by=BY, at=AT)
    with (
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_nobody_deactivates_oneself_or_the_last_administrator():
    people = cast(by=BY, at=AT)
    ada = people.members["administrator"].person_id
    with pytest.raises(BadInput) as refused:
        actions.deactivate_person(person_id=ada, by=f"person:{ada}", at=AT)
    assert codes(refused) == ["accounts.person.oneself", "accounts.person.last_administrator"]
    assert Person.objects.get(pk=ada).is_active
    with pytest.raises(BadInput) as refused:
        actions.deactivate_person(person_id=0, by=BY, at=AT)
    assert codes(refused) == ["accounts.person.unknown"]


def test_a_weak_password_is_refused_with_every_reason():
    person = cast(by=BY, at=AT).members["customer"].person
    person.refresh_from_db()
    kept = person.password
    with pytest.raises(BadInput) as refused:
        actions.set_password(person_id=person.pk, password="12345", by=BY, at=AT)
    assert len(refused.value.findings) == 3
    person.refresh_from_db()
    assert person.password == kept


# ------------------------------------------------------------------------------------ signing in


def tried(password: str, at: datetime = AT, email: str = "customer@example.org") -> object:
    return signing_in.check_password(email=email, password=password, at=at)


def test_a_password_is_asked_however_the_address_is_typed():
    person = cast(by=BY, at=AT).members["customer"].person
    assert tried(PASSWORD, email=" Customer@Example.ORG") == person
    assert tried("another") == tried(PASSWORD, email="nobody@example.org")
    assert isinstance(tried("another"), Finding)


def test_after_five_failures_the_right_password_waits_too_and_then_opens():
    person = cast(by=BY, at=AT).members["customer"].person
    for second in range(5):
        assert tried("wrong", AT + timedelta(seconds=second)) == signing_in.TURNED_DOWN
    refused = tried(PASSWORD, AT + timedelta(minutes=5))
    assert isinstance(refused, Finding)
    assert refused.sentence == "5 tries failed within 15 minutes. Try again in 10 minutes."
    assert isinstance(tried(PASSWORD, email="other@example.org"), Person)
    assert tried(PASSWORD, AT + timedelta(minutes=15)) == person
    assert tried("wrong", AT + timedelta(minutes=15)) == signing_in.TURNED_DOWN


def test_who_is_deactivated_or_has_no_password_does_not_come_in():
    people = cast(by=BY, at=AT)
    actions.deactivate_person(person_id=people.members["customer"].person_id, by=BY, at=AT)
    assert tried(PASSWORD) == signing_in.TURNED_DOWN
    actions.invite_member(
        email="new@example.org",
        name="Nora New",
        organisation_id=people.organisations["first"].pk,
        role="interconnection_customer",
        by=BY,
        at=AT,
    )
    assert tried("", email="new@example.org") == signing_in.TURNED_DOWN


def test_a_code_is_good_once_and_only_about_now():
    person = cast(by=BY, at=AT).members["engineer"].person_id
    secret = signing_in.new_secret()
    app = pyotp.TOTP(secret)

    def checked(code: str, at: datetime) -> Finding | None:
        return signing_in.check_code(person_id=person, code=code, at=at)

    assert checked(app.at(AT), AT) == signing_in.WRONG_CODE
    words = {"person_id": person, "secret": secret, "by": BY, "at": AT}
    assert signing_in.set_up_second_factor(code="000", **words) == signing_in.WRONG_CODE
    assert signing_in.set_up_second_factor(code=app.at(AT), **words) is None
    again = signing_in.set_up_second_factor(code=app.at(AT), **words)
    assert again is not None
    assert again.code == "accounts.second_factor.there"
    assert checked(app.at(AT), AT) == signing_in.WRONG_CODE
    later = AT + timedelta(minutes=1)
    code = app.at(later)
    assert checked(f" {code[:3]} {code[3:]} ", later) is None
    assert checked(code, later) == signing_in.WRONG_CODE
    assert checked(app.at(later - timedelta(minutes=5)), later) == signing_in.WRONG_CODE
    for _ in range(3):
        assert checked("123", later) == signing_in.WRONG_CODE
    refused = checked(app.at(later), later)
    assert refused is not None
    assert refused.code == "accounts.sign_in.too_many"


# ---------------------------------------------------------------------------------------- acting


def asked() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(ASK)
        return cursor.fetchone()


def test_who_acts_is_set_for_a_while_and_then_as_before():
    with acting_as(Acting(1, 2, "interconnection_customer")):
        assert asked() == ("1", "2", "interconnection_customer")
        with acting_as(VISITOR):
            assert asked() == ("", "", "")
        with pytest.raises(ZeroDivisionError), acting_as(AS_PROGRAM):
            raise ZeroDivisionError
        assert asked() == ("1", "2", "interconnection_customer")
    assert asked() == ("", "", "program")


def test_a_person_acts_for_one_organisation_at_a_time():
    people = cast(by=BY, at=AT)
    carla = people.members["customer"]
    second = actions.invite_member(
        email="customer@example.org",
        name="",
        organisation_id=people.organisations["second"].pk,
        role="interconnection_customer",
        by=BY,
        at=AT,
    )
    first_choice = Acting(carla.person_id, carla.organisation_id, carla.role)
    assert reads.acting_of(carla.person_id) == first_choice
    assert reads.acting_of(carla.person_id, organisation_id=0) == first_choice
    assert (
        reads.acting_of(carla.person_id, organisation_id=second.organisation_id).organisation
        == second.organisation_id
    )
    actions.deactivate_person(person_id=carla.person_id, by=BY, at=AT)
    assert reads.acting_of(carla.person_id) == VISITOR
