"""Setting up the installation: its operator, its first administrator, and what holds for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction

from gentie.contexts.accounts.actions import create_organisation, invite_member
from gentie.contexts.accounts.models import Installation, Membership, Person
from gentie.contexts.accounts.reads import operator_organisation
from gentie.contexts.accounts.roles import Kind, Role
from gentie.contexts.audit.actions import record
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import load_rulebook
from gentie.rulebook.installing import why_not_installed


@dataclass(frozen=True, slots=True)
class SetUp:
    """An installation and who administers it first; that person has no password yet."""

    installation: Installation
    administrator: Membership


@transaction.atomic
def set_up_installation(
    *,
    name: str,
    note: str,
    rulebook: str,
    time_zone: str,
    closing_hour: time,
    holidays: Sequence[date],
    currency: str,
    is_demonstration: bool,
    administrator_name: str,
    administrator_email: str,
    by: str,
    at: datetime,
) -> SetUp:
    """Make this the installation of an operator, once.

    The operator's organisation and its administrator are made where they are not there yet.

    Args:
        name: of the operator.
        note: what a reader must know of it.
        rulebook: name of a packaged rulebook; its version is kept too.
        time_zone: name in the IANA database.
        closing_hour: local time at which a window closes on its last day.
        holidays: days that are not business days, besides Saturdays and Sundays.
        currency: ISO 4217 code; the rulebook's.
        is_demonstration: the operator is fictional, and every page says so.
        administrator_name: of the first administrator.
        administrator_email: of the first administrator.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: it is set up already, or something that was given cannot be used; every reason
            is told.
    """
    operator = operator_organisation()
    reasons = [
        *_cannot_be_set_up(name.strip(), operator.name if operator else ""),
        *why_not_installed(
            rulebook=rulebook,
            time_zone=time_zone,
            closing_hour=closing_hour,
            holidays=holidays,
            currency=currency,
        ),
    ]
    if reasons:
        raise BadInput(reasons)
    if operator is None:
        operator = create_organisation(name=name, kind=Kind.OPERATOR, by=by, at=at)
    administrator = Membership.objects.filter(
        organisation=operator,
        role=Role.ADMINISTRATOR,
        person__email=administrator_email.strip().lower(),
        person__is_active=True,
    ).first() or invite_member(
        email=administrator_email,
        name=administrator_name,
        organisation_id=operator.pk,
        role=Role.ADMINISTRATOR,
        by=by,
        at=at,
    )
    made = Installation.objects.create(
        organisation=operator,
        note=note.strip(),
        rulebook=rulebook,
        rulebook_version=load_rulebook(rulebook).version,
        time_zone=time_zone,
        closing_hour=closing_hour,
        holidays=sorted(holidays),
        currency=currency,
        is_demonstration=is_demonstration,
        created_at=at,
    )
    record(by=by, action="installation.set_up", subject=f"installation:{made.pk}", at=at)
    return SetUp(made, administrator)


def why_not_fresh(email: str) -> list[Finding]:
    """Why a new operator cannot be set up here; asked before hours of work on its grid."""
    reasons = list(_cannot_be_set_up("", ""))
    if operator_organisation() is not None and not reasons:
        reasons.append(_other_operator())
    if Person.objects.filter(email=email.strip().lower()).exists():
        reasons.append(
            Finding(
                "accounts.installation.known_person",
                f"{email} has an account here already: set up an operator in a data folder of "
                "its own.",
            )
        )
    return reasons


def _cannot_be_set_up(name: str, operator: str) -> list[Finding]:
    reasons = []
    if Installation.objects.exists():
        reasons.append(
            Finding(
                "accounts.installation.twice",
                "This installation is set up already: one installation, one operator. Use another "
                "data folder for another one.",
            )
        )
    elif operator and operator != name:
        reasons.append(_other_operator())
    return reasons


def _other_operator() -> Finding:
    return Finding(
        "accounts.installation.other_operator",
        "There is an operator here already, of another name: use another data folder.",
    )
