"""Tokens by which programs sign in: signed, for some hours, good for one person and organisation.

A token holds ids and no secret of the person: a mark of the password as it was, so that a new
password ends every token given under the old one. Refusals are values, as in ``signing_in``.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from gentie.contexts.accounts.acting import AS_PROGRAM, Acting, acting_as
from gentie.contexts.accounts.models import EndedToken, Person
from gentie.contexts.accounts.reads import acting_of, person_by_id
from gentie.contexts.audit.actions import record
from gentie.quantities.findings import BadInput, Finding

SALT = "gentie.contexts.accounts.tokens"
LASTS = timedelta(hours=12)
UNKNOWN = Finding(
    "accounts.token.unknown",
    "This token was not given here, or was changed: sign in again for a new one.",
)
OVER = Finding("accounts.token.over", "This token is over: sign in again for a new one.")


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its holder has it.

    Attributes:
        text: what the program sends.
        until: when it is over.
        acting: on whose behalf it asks.
    """

    text: str
    until: datetime
    acting: Acting


@transaction.atomic
def give_token(
    *,
    person_id: int,
    organisation_id: int | None,
    has_factor: bool,
    by: str,
    at: datetime,
    until: datetime | None = None,
) -> Token:
    """Give a person a token.

    Args:
        person_id: who gave the password.
        organisation_id: for which organisation it acts; None for the first one.
        has_factor: a second factor was given too.
        by: who, as the audit writes it.
        at: when.
        until: when it is over; ``LASTS`` from now by default.

    Raises:
        BadInput: there is no such person, the organisation is not theirs, or its role needs a
            second factor.
    """
    with acting_as(AS_PROGRAM):
        person = person_by_id(person_id)
        acting = acting_of(person_id, organisation_id=organisation_id)
        reason = _not_held(person, acting, organisation_id, has_factor=has_factor)
        if reason is not None or person is None:
            raise BadInput(reason or UNKNOWN)
        until = until or at + LASTS
        text = signing.dumps(
            {
                "id": secrets.token_urlsafe(16),
                "person": person_id,
                "organisation": acting.organisation,
                "factor": has_factor,
                "password": _mark(person),
                "until": until.timestamp(),
            },
            salt=SALT,
        )
        record(by=by, action="token.given", subject=f"person:{person_id}", at=at)
    return Token(text, until, acting)


def read_token(text: str, *, at: datetime) -> Token | Finding:
    """Whose token it is, or why it is refused."""
    try:
        held = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        return UNKNOWN
    until = datetime.fromtimestamp(held["until"], tz=at.tzinfo)
    if until <= at:
        return OVER
    with acting_as(AS_PROGRAM):
        person = person_by_id(held["person"])
        if person is None or not constant_time_compare(_mark(person), held["password"]):
            return OVER
        if EndedToken.objects.filter(token=held["id"]).exists():
            return OVER
        acting = acting_of(person.pk, organisation_id=held["organisation"])
        if held["organisation"] is None and acting.organisation is not None:
            return OVER  # it was given to somebody of no organisation
        reason = _not_held(person, acting, held["organisation"], has_factor=held["factor"])
    return reason or Token(text, until, acting)


def has_factor(text: str) -> bool:
    """Whether a second factor was given for a token that was read already."""
    return bool(signing.loads(text, salt=SALT)["factor"])


@transaction.atomic
def end_token(text: str, *, by: str, at: datetime) -> None:
    """Let a token that was read already be good no longer. Those that are over are forgotten."""
    held = signing.loads(text, salt=SALT)
    with acting_as(AS_PROGRAM):
        EndedToken.objects.filter(until__lt=at).delete()
        until = datetime.fromtimestamp(held["until"], tz=at.tzinfo)
        _, is_new = EndedToken.objects.get_or_create(token=held["id"], defaults={"until": until})
        if is_new:
            record(by=by, action="token.ended", subject=f"person:{held['person']}", at=at)


def _mark(person: Person) -> str:
    """Of the password as it is; another one after it was changed."""
    return salted_hmac(SALT, person.get_session_auth_hash(), algorithm="sha256").hexdigest()


def _not_held(
    person: Person | None, acting: Acting, organisation_id: int | None, *, has_factor: bool
) -> Finding | None:
    if person is None:
        return OVER
    if organisation_id is not None and acting.organisation != organisation_id:
        return Finding(
            "accounts.organisation.not_yours",
            "You are no member of this organisation: choose one of those that your account lists.",
        )
    if acting.is_operator and not has_factor:
        return Finding(
            "accounts.token.second_factor",
            "This role needs a second factor: sign in with a code from your authenticator app.",
        )
    return None
