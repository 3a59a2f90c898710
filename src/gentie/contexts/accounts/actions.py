"""What can be done to people, organisations, memberships and grants."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from gentie.contexts.accounts.models import (
    Grant,
    Membership,
    Organisation,
    Person,
    SecondFactor,
)
from gentie.contexts.accounts.roles import OPERATOR_ROLES, Kind, Role, Scope
from gentie.contexts.audit.actions import record
from gentie.quantities.findings import BadInput, Finding


@transaction.atomic
def create_organisation(*, name: str, kind: str, by: str, at: datetime) -> Organisation:
    """Make an organisation.

    Raises:
        BadInput: the name is blank or taken, the kind unknown, or there is an operator already.
    """
    name = name.strip()
    _refuse(
        (not name) and Finding("accounts.organisation.unnamed", "An organisation needs a name."),
        (bool(name) and Organisation.objects.filter(name=name).exists())
        and Finding(
            "accounts.organisation.taken", f"There is an organisation named {name} already."
        ),
        (kind not in Kind.values)
        and Finding(
            "accounts.organisation.kind",
            f"An organisation is one of {', '.join(Kind.values)}, not {kind!r}.",
        ),
        (kind == Kind.OPERATOR and Organisation.objects.filter(kind=kind).exists())
        and Finding(
            "accounts.organisation.second_operator",
            "This installation has its operator already: one installation, one operator.",
        ),
    )
    made = Organisation.objects.create(name=name, kind=kind, created_at=at)
    record(by=by, action="organisation.created", subject=f"organisation:{made.pk}", at=at)
    return made


@transaction.atomic
def invite_member(
    *, email: str, name: str, organisation_id: int, role: str, by: str, at: datetime
) -> Membership:
    """Make a person a member, and the person first where the address is new.

    A new person has no password and cannot sign in before one is set.

    Raises:
        BadInput: the address is none, the name is blank, or the membership is refused.
    """
    email, name = email.strip().lower(), name.strip()
    person = Person.objects.filter(email=email).first()
    reasons = [
        *_membership_refused(person, organisation_id, role),
        *_reasons(
            (not _is_address(email))
            and Finding("accounts.person.email", f"{email!r} is not an e-mail address."),
            (person is None and not name)
            and Finding("accounts.person.unnamed", "A person needs a name."),
        ),
    ]
    if reasons:
        raise BadInput(reasons)
    if person is None:
        person = Person(email=email, name=name, created_at=at)
        person.set_unusable_password()
        person.save()
        record(by=by, action="person.created", subject=f"person:{person.pk}", at=at)
    organisation = Organisation.objects.get(pk=organisation_id)
    made = Membership.objects.create(
        person=person,
        organisation=organisation,
        organisation_kind=organisation.kind,
        role=role,
        created_at=at,
    )
    record(by=by, action="membership.created", subject=f"membership:{made.pk}", at=at)
    return made


@transaction.atomic
def remove_member(*, membership_id: int, by: str, at: datetime) -> None:
    """End a membership.

    Raises:
        BadInput: there is none.
    """
    ended, _ = Membership.objects.filter(pk=membership_id).delete()
    _refuse((not ended) and Finding("accounts.membership.unknown", "There is no such membership."))
    record(by=by, action="membership.ended", subject=f"membership:{membership_id}", at=at)


@transaction.atomic
def set_password(*, person_id: int, password: str, by: str, at: datetime) -> None:
    """Give a person a password; sessions under the old one end.

    Raises:
        BadInput: there is no such person, or the password is too weak; every reason is told.
    """
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise BadInput(_no_person())
    try:
        validate_password(password, person)
    except ValidationError as weak:
        raise BadInput(
            [Finding("accounts.password.weak", sentence) for sentence in weak.messages]
        ) from None
    person.set_password(password)
    person.save(update_fields=["password"])
    record(by=by, action="person.password_set", subject=f"person:{person.pk}", at=at)


@transaction.atomic
def deactivate_person(*, person_id: int, by: str, at: datetime) -> None:
    """Let a person no longer in, from the next page on. What they did stays theirs.

    Raises:
        BadInput: there is no such person, it is the one who acts, or it is the last administrator.
    """
    person = Person.objects.filter(pk=person_id).first()
    others = Membership.objects.filter(role=Role.ADMINISTRATOR, person__is_active=True).exclude(
        person_id=person_id
    )
    is_administrator = Membership.objects.filter(
        person_id=person_id, role=Role.ADMINISTRATOR
    ).exists()
    _refuse(
        (person is None) and Finding("accounts.person.unknown", "There is no such person."),
        (person is not None and not person.is_active)
        and Finding("accounts.person.inactive", "This person is deactivated already."),
        (by == f"person:{person_id}")
        and Finding(
            "accounts.person.oneself", "You cannot deactivate yourself: ask another administrator."
        ),
        (is_administrator and not others.exists())
        and Finding(
            "accounts.person.last_administrator",
            "This is the last administrator: name another one first.",
        ),
    )
    Person.objects.filter(pk=person_id).update(is_active=False)
    record(by=by, action="person.deactivated", subject=f"person:{person_id}", at=at)


@transaction.atomic
def give_grant(
    *,
    owner_id: int,
    receiver_id: int,
    scope: str,
    from_at: datetime,
    until_at: datetime | None,
    given_by: int | None,
    by: str,
    at: datetime,
) -> Grant:
    """Let another organisation read what one owns, or act on it, for a time.

    Raises:
        BadInput: the receiver is the owner itself or unknown, the end is before the beginning, the
            scope is unknown, or a grant is in force between the two in that time.
    """
    there = Grant.objects.filter(owner_id=owner_id, receiver_id=receiver_id, revoked_at=None)
    there = there.exclude(until_at__lte=from_at)
    if until_at is not None:
        there = there.exclude(from_at__gte=until_at)
    _refuse(
        (owner_id == receiver_id)
        and Finding("accounts.grant.oneself", "An organisation needs no grant of its own."),
        (scope not in Scope.values)
        and Finding(
            "accounts.grant.scope", f"A grant is one of {', '.join(Scope.values)}, not {scope!r}."
        ),
        (until_at is not None and until_at <= from_at)
        and Finding(
            "accounts.grant.period",
            "The grant would end before it begins: give a later end, or none.",
        ),
        (there.exists())
        and Finding(
            "accounts.grant.twice",
            "There is a grant between the two in that time: revoke it first.",
        ),
    )
    made = Grant.objects.create(
        owner_id=owner_id,
        receiver_id=receiver_id,
        scope=scope,
        from_at=from_at,
        until_at=until_at,
        given_by_id=given_by,
    )
    record(by=by, action="grant.given", subject=f"grant:{made.pk}", at=at)
    return made


@transaction.atomic
def revoke_grant(*, grant_id: int, by: str, at: datetime) -> None:
    """End a grant now.

    Raises:
        BadInput: it is not one that the acting organisation gave, or it was revoked already.
    """
    ended = Grant.objects.filter(pk=grant_id, revoked_at=None).update(revoked_at=at)
    _refuse(
        (not ended)
        and Finding("accounts.grant.unknown", "There is no such grant of yours, or it has ended.")
    )
    record(by=by, action="grant.revoked", subject=f"grant:{grant_id}", at=at)


@transaction.atomic
def forget_second_factor(*, person_id: int, by: str, at: datetime) -> None:
    """Let a person who lost the device set up another one at the next sign-in.

    Raises:
        BadInput: none is set up.
    """
    gone, _ = SecondFactor.objects.filter(person_id=person_id).delete()
    _refuse(
        (not gone) and Finding("accounts.second_factor.none", "This person has no second factor.")
    )
    record(by=by, action="person.second_factor_forgotten", subject=f"person:{person_id}", at=at)


def _membership_refused(
    person: Person | None, organisation_id: int, role: str
) -> Iterable[Finding]:
    organisation = Organisation.objects.filter(pk=organisation_id).first()
    if organisation is None:
        yield Finding("accounts.organisation.unknown", "There is no such organisation.")
        return
    if role not in Role.values:
        yield Finding(
            "accounts.membership.role",
            f"A role is one of {', '.join(Role.values)}, not {role!r}.",
        )
    elif (role in OPERATOR_ROLES) != (organisation.kind == Kind.OPERATOR):
        whose = "the operator's people" if role in OPERATOR_ROLES else "people of other companies"
        yield Finding(
            "accounts.membership.role_does_not_fit",
            f"Only {whose} can have the role {Role(role).label}: {organisation.name} is "
            f"a {Kind(organisation.kind).label.lower()}.",
        )
    if person is None:
        return
    if not person.is_active:
        yield Finding(
            "accounts.person.inactive", "This person is deactivated and joins no organisation."
        )
    if Membership.objects.filter(person=person, organisation=organisation).exists():
        yield Finding(
            "accounts.membership.twice",
            f"{person.name} is a member of {organisation.name} already.",
        )


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return True


def _no_person() -> Finding:
    return Finding("accounts.person.unknown", "There is no such person.")


def _reasons(*asked: Finding | bool) -> list[Finding]:
    return [reason for reason in asked if isinstance(reason, Finding)]


def _refuse(*asked: Finding | bool) -> None:
    """Raise every reason that holds, at once."""
    reasons = _reasons(*asked)
    if reasons:
        raise BadInput(reasons)
