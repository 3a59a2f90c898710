"""Signing in and out, my account, and for which organisation I act."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import logout
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from gentie.api.asking import held_token, now, who_asks
from gentie.api.refusing import Told
from gentie.contexts.accounts import reads, signing_in
from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.accounts.tokens import Token, end_token, give_token, has_factor
from gentie.quantities.findings import BadInput, Finding

operations = Router(tags=["Account"])


class SigningIn(Schema):
    """What a person signs in with."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)
    code: str = Field(
        "", max_length=20, description="From the authenticator app, where one is set up."
    )
    organisation: int | None = Field(
        None, description="For which organisation the token acts; the first one by default."
    )


class GivenToken(Schema):
    """A token: send it as `Authorization: Bearer TOKEN`."""

    token: str = Field(description="Empty where a session was changed instead.")
    until: datetime | None = Field(description="When it is over.")
    organisation: int | None
    role: str


class MyMembership(Schema):
    """What I do for an organisation."""

    organisation: int
    name: str
    kind: str
    role: str


class MyGrant(Schema):
    """A grant that my organisation gave or received."""

    id: int
    owner: str
    receiver: str
    scope: str
    from_at: datetime
    until_at: datetime | None


class Account(Schema):
    """Who I am here."""

    id: int
    name: str
    email: str
    organisation: int | None = Field(description="For which I act now.")
    role: str
    has_second_factor: bool
    token_until: datetime | None = Field(description="When the token is over that was sent.")
    memberships: list[MyMembership]
    grants: list[MyGrant]


class Chosen(Schema):
    """The organisation to act for."""

    organisation: int


@operations.post("/sign-in", response=GivenToken, summary="Sign in")
def sign_in(request: HttpRequest, given: SigningIn) -> GivenToken:
    """A token for some hours, in exchange for a password and, where it is needed, a code.

    The same waits hold as on the page: after five failures within a quarter of an hour.
    """
    at = now()
    found = signing_in.check_password(email=given.email, password=given.password, at=at)
    if isinstance(found, Finding):
        raise Told(401, found)
    with acting_as(AS_PROGRAM):
        has_one = reads.has_second_factor(found.pk)
        needs_one = reads.needs_second_factor(found.pk)
    if needs_one and not has_one:
        raise Told(
            401,
            Finding(
                "api.sign_in.no_second_factor",
                "Your role needs a second factor, and none is set up: sign in once on the page, "
                "which sets one up.",
            ),
        )
    if has_one:
        if not given.code:
            raise Told(
                401,
                Finding(
                    "api.sign_in.code_missing",
                    "Send the code that your authenticator app shows as “code” too.",
                    where="code",
                ),
            )
        wrong = signing_in.check_code(person_id=found.pk, code=given.code, at=at)
        if wrong is not None:
            raise Told(401, wrong)
    token = give_token(
        person_id=found.pk,
        organisation_id=given.organisation,
        has_factor=has_one,
        by=f"person:{found.pk}",
        at=at,
    )
    with acting_as(AS_PROGRAM):
        signing_in.note_sign_in(person_id=found.pk, at=at)
    return _told(token)


@operations.post("/sign-out", response={204: None}, summary="Sign out")
def sign_out(request: HttpRequest) -> Status[None]:
    """The token that was sent is good no longer; without one, the browser's session ends."""
    token = held_token(request)
    if token is None:
        logout(request)
    else:
        end_token(token.text, by=token.acting.by, at=now())
    return Status(204, None)


@operations.get("/account", response=Account, summary="My account")
def account(request: HttpRequest) -> dict[str, object]:
    """Who I am, for whom I may act, and which grants my organisation gave and received."""
    acting = who_asks(request)
    assert acting.person is not None
    person = reads.person_by_id(acting.person)
    assert person is not None
    token = held_token(request)
    shows_grants = acting.organisation is not None and not acting.is_operator
    return {
        "id": person.pk,
        "name": person.name,
        "email": person.email,
        "organisation": acting.organisation,
        "role": acting.role,
        "has_second_factor": reads.has_second_factor(person.pk),
        "token_until": token.until if token else None,
        "memberships": [
            {
                "organisation": one.organisation_id,
                "name": one.organisation.name,
                "kind": one.organisation.kind,
                "role": one.role,
            }
            for one in reads.memberships_of(person.pk)
        ],
        "grants": [
            {
                "id": one.pk,
                "owner": one.owner.name,
                "receiver": one.receiver.name,
                "scope": one.scope,
                "from_at": one.from_at,
                "until_at": one.until_at,
            }
            for one in (reads.grants_with(acting.organisation or 0) if shows_grants else ())
        ],
    }


@operations.put(
    "/account/organisation", response=GivenToken, summary="Act for another organisation"
)
def choose_organisation(request: HttpRequest, chosen: Chosen) -> GivenToken:
    """Act for another of my organisations from now on.

    Who sent a token gets another one, good until the same time; the one that was sent ends.
    """
    acting = who_asks(request)
    assert acting.person is not None
    mine = {one.organisation_id: one.role for one in reads.memberships_of(acting.person)}
    if chosen.organisation not in mine:
        raise BadInput(
            Finding(
                "accounts.organisation.not_yours",
                "You are no member of this organisation: choose one of those that your account "
                "lists.",
                where="organisation",
            )
        )
    held = held_token(request)
    if held is None:
        request.session["organisation"] = chosen.organisation
        return GivenToken(
            token="", until=None, organisation=chosen.organisation, role=mine[chosen.organisation]
        )
    at = now()
    token = give_token(
        person_id=acting.person,
        organisation_id=chosen.organisation,
        has_factor=has_factor(held.text),
        by=acting.by,
        at=at,
        until=held.until,
    )
    end_token(held.text, by=acting.by, at=at)
    return _told(token)


def _told(token: Token) -> GivenToken:
    return GivenToken(
        token=token.text,
        until=token.until,
        organisation=token.acting.organisation,
        role=token.acting.role,
    )
