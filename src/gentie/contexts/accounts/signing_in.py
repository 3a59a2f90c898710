"""Signing in: a password, a code from an authenticator app, and a wait after too many failures.

A failure must be kept where the answer is no, so these return their refusal rather than raise it.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

import pyotp
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.accounts.models import FailedSignIn, Person, SecondFactor
from gentie.contexts.audit.actions import record
from gentie.quantities.findings import Finding

FAILURES = 5
WITHIN = timedelta(minutes=15)
KEPT = timedelta(days=1)
STEP_S = 30  # RFC 6238; every authenticator app has it
TURNED_DOWN = Finding("accounts.sign_in.refused", "E-mail address or password is not right.")
WRONG_CODE = Finding(
    "accounts.second_factor.refused",
    "This code is not right, or was used already: wait for the next one your app shows.",
)


def check_password(*, email: str, password: str, at: datetime) -> Person | Finding:
    """The person whose address and password these are, or why not.

    The answer does not tell, nor does its time, whether an address is known.
    """
    who = _mark(f"email:{email.strip().lower()}")
    with acting_as(AS_PROGRAM):
        if wait := _wait(who, at):
            return wait
        person = Person.objects.filter(email=email.strip().lower(), is_active=True).first()
        if person is None:
            make_password(password)
            _failed(who, at)
            return TURNED_DOWN
        if not person.check_password(password):
            _failed(who, at)
            record(
                by="program:gentie",
                action="person.turned_down",
                subject=f"person:{person.pk}",
                at=at,
            )
            return TURNED_DOWN
        FailedSignIn.objects.filter(who=who).delete()
        return person


def check_code(*, person_id: int, code: str, at: datetime) -> Finding | None:
    """Why a code is not accepted; ``None`` where it is. No code is accepted twice."""
    who = _mark(f"person:{person_id}")
    with acting_as(AS_PROGRAM):
        if wait := _wait(who, at):
            return wait
        factor = SecondFactor.objects.select_for_update().filter(person_id=person_id).first()
        step = _step_of(factor.secret, code, at) if factor else None
        if factor is None or step is None or step <= factor.last_step:
            _failed(who, at)
            return WRONG_CODE
        factor.last_step = step
        factor.save(update_fields=["last_step"])
        FailedSignIn.objects.filter(who=who).delete()
    return None


def new_secret() -> str:
    """A key for an authenticator app."""
    return pyotp.random_base32()


def address_for_app(*, secret: str, email: str) -> str:
    """What the picture that an authenticator app scans says."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="gentie")


def set_up_second_factor(
    *, person_id: int, secret: str, code: str, by: str, at: datetime
) -> Finding | None:
    """Keep the key of a person's app once a code proves that the app has it; else why not."""
    step = _step_of(secret, code, at)
    if step is None:
        return WRONG_CODE
    with acting_as(AS_PROGRAM):
        _, is_new = SecondFactor.objects.get_or_create(
            person_id=person_id,
            defaults={"secret": secret, "last_step": step, "confirmed_at": at},
        )
        if not is_new:
            return Finding(
                "accounts.second_factor.there",
                "A second factor is set up already: an administrator can remove it.",
            )
        record(by=by, action="person.second_factor_set_up", subject=f"person:{person_id}", at=at)
    return None


@transaction.atomic
def note_sign_in(*, person_id: int, at: datetime) -> None:
    """Write down that a person came in."""
    record(
        by=f"person:{person_id}", action="person.signed_in", subject=f"person:{person_id}", at=at
    )


def _mark(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()


def _wait(who: str, at: datetime) -> Finding | None:
    """The refusal of somebody who failed too often; one at a time asks for each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('gentie.sign_in'), hashtext(%s))", [who]
        )
    tries = FailedSignIn.objects.filter(who=who, at__gt=at - WITHIN).order_by("-at")
    latest = list(tries.values_list("at", flat=True)[:FAILURES])
    if len(latest) < FAILURES:
        return None
    minutes = max(1, -(-int((latest[-1] + WITHIN - at).total_seconds()) // 60))
    unit = "minute" if minutes == 1 else "minutes"
    return Finding(
        "accounts.sign_in.too_many",
        f"{FAILURES} tries failed within {WITHIN.seconds // 60} minutes. "
        f"Try again in {minutes} {unit}.",
    )


def _failed(who: str, at: datetime) -> None:
    FailedSignIn.objects.filter(at__lt=at - KEPT).delete()
    FailedSignIn.objects.create(who=who, at=at)


def _step_of(secret: str, code: str, at: datetime) -> int | None:
    """The half minute that a code belongs to: this one or a neighbour."""
    typed = "".join(code.split())
    totp = pyotp.TOTP(secret)
    now = int(at.timestamp()) // STEP_S
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode()):
            return step
    return None
