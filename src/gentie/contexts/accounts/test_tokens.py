from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing

from gentie.contexts.accounts import tokens
from gentie.contexts.accounts.acting import Acting
from gentie.contexts.accounts.actions import (
    deactivate_person,
    invite_member,
    remove_member,
    set_password,
)
from gentie.contexts.accounts.examples import cast
from gentie.contexts.accounts.models import EndedToken, Membership
from gentie.contexts.accounts.roles import Role
from gentie.contexts.accounts.tokens import LASTS, end_token, give_token, has_factor, read_token
from gentie.contexts.audit.reads import entries_about, last_entry
from gentie.quantities.findings import BadInput, Finding

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


def given(member, **more):
    words = {"organisation_id": member.organisation_id, "has_factor": False, **more}
    return give_token(person_id=member.person_id, by=BY, at=AT, **words)


def test_a_token_says_on_whose_behalf_it_asks(people):
    member = people.members["customer"]
    token = given(member)
    acting = Acting(member.person_id, member.organisation_id, Role.CUSTOMER)
    assert (token.acting, token.until) == (acting, AT + LASTS)
    assert read_token(token.text, at=AT) == token
    assert not has_factor(token.text)
    assert [one.action for one in entries_about(f"person:{member.person_id}")][-1] == "token.given"


def test_a_token_is_good_until_its_end_and_not_at_it(people):
    token = given(people.members["customer"])
    last = AT + LASTS - timedelta(seconds=1)
    assert read_token(token.text, at=last) == replace(token, until=AT + LASTS)
    assert read_token(token.text, at=AT + LASTS) == tokens.OVER


def test_no_two_tokens_are_alike_and_ending_one_leaves_the_other(people):
    first, second = (given(people.members["customer"]) for _ in range(2))
    assert first.text != second.text
    end_token(first.text, by=BY, at=AT)
    assert read_token(first.text, at=AT) == tokens.OVER
    assert read_token(second.text, at=AT) == second


def test_ending_twice_is_written_down_once_and_what_is_over_is_forgotten(people):
    token = given(people.members["customer"])
    end_token(token.text, by=BY, at=AT)
    entry = last_entry()
    assert entry.action == "token.ended"
    end_token(token.text, by=BY, at=AT)
    assert last_entry() == entry
    later = given(people.members["customer"], until=AT + 3 * LASTS)
    end_token(later.text, by=BY, at=AT + 2 * LASTS)
    assert EndedToken.objects.count() == 1


@pytest.mark.parametrize("text", ["", "x", "x.y.z", "\x00", "é" * 50])
def test_what_was_not_given_here_is_refused(people, text):
    assert read_token(text, at=AT) == tokens.UNKNOWN


def test_a_token_that_was_changed_or_signed_for_something_else_is_refused(people):
    token = given(people.members["customer"])
    held = signing.loads(token.text, salt=tokens.SALT)
    assert read_token(f"{token.text[:-1]}{'A' if token.text[-1] != 'A' else 'B'}", at=AT) == (
        tokens.UNKNOWN
    )
    assert read_token(signing.dumps(held, salt="other"), at=AT) == tokens.UNKNOWN
    assert read_token(signing.dumps(held), at=AT) == tokens.UNKNOWN


def test_a_token_holds_no_secret(people):
    member = people.members["customer"]
    held = signing.loads(given(member).text, salt=tokens.SALT)
    assert set(held) == {"id", "person", "organisation", "factor", "password", "until"}
    member.person.refresh_from_db()
    assert held["password"] not in (
        member.person.password,
        member.person.get_session_auth_hash(),
    )


def test_a_new_password_ends_every_token(people):
    member = people.members["customer"]
    token = given(member)
    set_password(person_id=member.person_id, password="another pass phrase", by=BY, at=AT)
    assert read_token(token.text, at=AT) == tokens.OVER


def test_who_was_deactivated_is_let_in_no_longer(people):
    member = people.members["customer"]
    token = given(member)
    deactivate_person(person_id=member.person_id, by=BY, at=AT)
    assert read_token(token.text, at=AT) == tokens.OVER
    with pytest.raises(BadInput):
        given(member)


def test_who_left_the_organisation_acts_for_it_no_longer(people):
    member = people.members["customer"]
    token = given(member)
    remove_member(membership_id=member.pk, by=BY, at=AT)
    refused = read_token(token.text, at=AT)
    assert isinstance(refused, Finding)
    assert refused.code == "accounts.organisation.not_yours"


def test_a_token_of_no_organisation_is_not_one_for_an_organisation_joined_later(people):
    member = people.members["customer"]
    remove_member(membership_id=member.pk, by=BY, at=AT)
    token = given(member, organisation_id=None)
    assert token.acting == Acting(member.person_id)
    assert read_token(token.text, at=AT) == token
    invite_member(
        email=member.person.email,
        name="",
        organisation_id=member.organisation_id,
        role=Role.CUSTOMER,
        by=BY,
        at=AT,
    )
    assert read_token(token.text, at=AT) == tokens.OVER


def test_an_organisation_of_others_gives_no_token(people):
    other = people.organisations["second"].pk
    before = last_entry()
    with pytest.raises(BadInput) as refused:
        given(people.members["customer"], organisation_id=other)
    assert [one.code for one in refused.value.findings] == ["accounts.organisation.not_yours"]
    assert last_entry() == before


@pytest.mark.parametrize("word", ["specialist", "engineer", "administrator"])
def test_a_role_of_the_operator_needs_the_second_factor(people, word):
    member = people.members[word]
    with pytest.raises(BadInput) as refused:
        given(member)
    assert [one.code for one in refused.value.findings] == ["accounts.token.second_factor"]
    token = given(member, has_factor=True)
    assert has_factor(token.text)
    assert read_token(token.text, at=AT).acting.role == member.role


def test_a_role_that_became_the_operators_needs_it_too(people):
    member = people.members["customer"]
    token = given(member)
    operator = people.organisations["operator"]
    Membership.objects.filter(pk=member.pk).delete()
    Membership.objects.filter(person_id=member.person_id).delete()
    invite_member(
        email=member.person.email,
        name="",
        organisation_id=operator.pk,
        role=Role.ENGINEER,
        by=BY,
        at=AT,
    )
    assert isinstance(read_token(token.text, at=AT), Finding)
