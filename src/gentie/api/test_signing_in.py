"""Signing in by program: the waits, codes and refusals of the page, and a token in place of a cookie."""

from __future__ import annotations

from datetime import UTC, datetime

import pyotp
import pytest

from gentie.api.examples import errors, got, send, token_for
from gentie.contexts.accounts.actions import invite_member, set_password
from gentie.contexts.accounts.examples import PASSWORD, cast
from gentie.contexts.accounts.signing_in import new_secret, set_up_second_factor
from gentie.contexts.audit.reads import entries_about

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    return cast(by=BY, at=AT)


def signing(word: str, **more) -> dict[str, object]:
    return {"email": f"{word}@example.org", "password": PASSWORD, **more}


def test_a_password_gives_a_token_and_no_cookie(client, people):
    answer = send(client, "POST", "/sign-in", signing("customer"))
    assert answer.status_code == 200
    assert not answer.cookies
    given = answer.json()
    assert given["organisation"] == people.organisations["first"].pk
    mine = got(client, "/account", given["token"])
    assert (mine["name"], mine["role"]) == ("Carla Customer", "interconnection_customer")
    assert mine["token_until"] == given["until"]
    actions = [one.action for one in entries_about(f"person:{mine['id']}")]
    assert actions[-2:] == ["token.given", "person.signed_in"]


def test_an_answer_to_who_is_signed_in_is_kept_by_nobody(client, people):
    answer = send(client, "GET", "/account", token=token_for(people.members["customer"]))
    assert "no-store" in answer["Cache-Control"]


def test_a_wrong_password_is_told_as_the_page_tells_it_and_makes_wait(client, people):
    for _ in range(5):
        answer = send(client, "POST", "/sign-in", signing("customer", password="wrong"))
        assert (answer.status_code, errors(answer)) == (401, ["accounts.sign_in.refused"])
    answer = send(client, "POST", "/sign-in", signing("customer"))
    assert (answer.status_code, errors(answer)) == (401, ["accounts.sign_in.too_many"])


def test_a_role_of_the_operator_needs_a_code_each_time(client, people):
    member = people.members["engineer"]
    none = send(client, "POST", "/sign-in", signing("engineer"))
    assert (none.status_code, errors(none)) == (401, ["api.sign_in.no_second_factor"])
    secret = new_secret()
    at = datetime.now(UTC)
    code = pyotp.TOTP(secret).at(int(at.timestamp()) - 30)
    assert (
        set_up_second_factor(person_id=member.person_id, secret=secret, code=code, by=BY, at=at)
        is None
    )
    missing = send(client, "POST", "/sign-in", signing("engineer"))
    assert (missing.status_code, errors(missing)) == (401, ["api.sign_in.code_missing"])
    wrong = send(client, "POST", "/sign-in", signing("engineer", code=code))
    assert (wrong.status_code, errors(wrong)) == (401, ["accounts.second_factor.refused"])
    right = pyotp.TOTP(secret).at(int(datetime.now(UTC).timestamp()))
    given = send(client, "POST", "/sign-in", signing("engineer", code=right))
    assert given.json()["role"] == "planning_engineer"
    again = send(client, "POST", "/sign-in", signing("engineer", code=right))
    assert errors(again) == ["accounts.second_factor.refused"]


def test_what_was_sent_wrong_is_told_all_at_once_and_not_repeated(client, people):
    answer = send(client, "POST", "/sign-in", {"password": ["my secret"], "organisation": "x"})
    assert answer.status_code == 422
    told = answer.json()["errors"]
    assert {one["code"] for one in told} == {"api.field"}
    assert {one["where"] for one in told} == {"email", "password", "organisation"}
    assert "my secret" not in answer.text
    broken = client.generic("POST", "/api/v1/sign-in", "{", "application/json")
    assert (broken.status_code, errors(broken)) == (400, ["api.body"])


def test_acting_for_another_organisation_gives_another_token_and_ends_the_one_sent(client, people):
    member, second = people.members["customer"], people.organisations["second"]
    invite_member(
        email=member.person.email,
        name="",
        organisation_id=second.pk,
        role=member.role,
        by=BY,
        at=AT,
    )
    token = token_for(member)
    until = got(client, "/account", token)["token_until"]
    foreign = {"organisation": people.organisations["consultant"].pk}
    refused = send(client, "PUT", "/account/organisation", foreign, token)
    assert (refused.status_code, errors(refused)) == (422, ["accounts.organisation.not_yours"])
    answer = send(client, "PUT", "/account/organisation", {"organisation": second.pk}, token)
    given = answer.json()
    assert given["until"] == until
    assert got(client, "/account", given["token"])["organisation"] == second.pk
    assert send(client, "GET", "/account", token=token).status_code == 401


def test_a_session_changes_its_organisation_too(signed_in, people):
    member, second = people.members["customer"], people.organisations["second"]
    invite_member(
        email=member.person.email,
        name="",
        organisation_id=second.pk,
        role=member.role,
        by=BY,
        at=AT,
    )
    client = signed_in(member)
    given = send(client, "PUT", "/account/organisation", {"organisation": second.pk}).json()
    assert (given["token"], given["until"]) == ("", None)
    assert got(client, "/account")["organisation"] == second.pk


def test_a_deactivated_person_and_a_new_password_end_what_was_given(client, people):
    member = people.members["customer"]
    token = token_for(member)
    set_password(person_id=member.person_id, password="another pass phrase", by=BY, at=AT)
    answer = send(client, "GET", "/account", token=token)
    assert (answer.status_code, errors(answer)) == (401, ["accounts.token.over"])


def test_an_account_lists_grants_of_its_organisation_and_people_are_the_administrators(
    client, people
):
    mine = got(client, "/account", token_for(people.members["customer"]))
    assert mine["grants"] == []
    assert [one["name"] for one in mine["memberships"]] == ["First Sun Projects"]
    token = token_for(people.members["administrator"], has_factor=True)
    everybody = got(client, "/people", token)["items"]
    assert [one["name"] for one in everybody] == [
        "Example Grid Operator",
        "First Sun Projects",
        "Second Wind Company",
        "Third Party Engineers",
    ]
    assert sorted(one["name"] for one in everybody[0]["members"]) == [
        "Ada Administrator",
        "Enno Engineer",
        "Sara Specialist",
    ]
