"""Questions to accounts. Each is answered with the rows that the one who acts may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connection
from django.db.models import QuerySet

from gentie.contexts.accounts.acting import VISITOR, Acting
from gentie.contexts.accounts.models import (
    Grant,
    Installation,
    Membership,
    Organisation,
    Person,
    SecondFactor,
)
from gentie.contexts.accounts.roles import OPERATOR_ROLES, Kind


def person_by_id(person_id: int) -> Person | None:
    """A person who may still sign in."""
    return Person.objects.filter(pk=person_id, is_active=True).first()


def person_by_email(email: str) -> Person | None:
    """A person, however the address is typed."""
    return Person.objects.filter(email=email.strip().lower()).first()


def memberships_of(person_id: int) -> Sequence[Membership]:
    """What a person does for which organisations, by the organisation's name."""
    return list(Membership.objects.filter(person_id=person_id).select_related("organisation"))


def acting_of(person_id: int, *, organisation_id: int | None = None) -> Acting:
    """On whose behalf a person acts: for the organisation asked for, else for the first one.

    A person without any organisation acts without one; nobody who was deactivated acts at all.
    """
    if person_by_id(person_id) is None:
        return VISITOR
    found = memberships_of(person_id)
    wanted = [one for one in found if one.organisation_id == organisation_id] or found
    if not wanted:
        return Acting(person=person_id)
    return Acting(person=person_id, organisation=wanted[0].organisation_id, role=wanted[0].role)


def organisations() -> QuerySet[Organisation]:
    """Organisations with their members."""
    return Organisation.objects.prefetch_related("memberships__person")


def organisation_by_id(organisation_id: int) -> Organisation | None:
    """An organisation."""
    return Organisation.objects.filter(pk=organisation_id).first()


def known_organisations(ids: Collection[int]) -> set[int]:
    """Which of these organisations there are."""
    return set(Organisation.objects.filter(pk__in=ids).values_list("pk", flat=True))


def operator_organisation() -> Organisation | None:
    """The one operator of this installation."""
    return Organisation.objects.filter(kind=Kind.OPERATOR).first()


def installation() -> Installation | None:
    """What holds for this installation; everybody may read it. ``None`` before it is set up."""
    return Installation.objects.first()


def people_with_role(role: str) -> Sequence[Person]:
    """Who may sign in and has a role, by name."""
    return list(Person.objects.filter(memberships__role=role, is_active=True).distinct())


def has_second_factor(person_id: int) -> bool:
    """Whether an authenticator app is set up."""
    return SecondFactor.objects.filter(person_id=person_id).exists()


def needs_second_factor(person_id: int) -> bool:
    """Whether a person has a role that is not entered by a password alone."""
    return Membership.objects.filter(person_id=person_id, role__in=OPERATOR_ROLES).exists()


def grants_with(organisation_id: int) -> QuerySet[Grant]:
    """Grants that an organisation gave or received and nobody revoked."""
    given = Grant.objects.filter(owner_id=organisation_id)
    received = Grant.objects.filter(receiver_id=organisation_id)
    return (given | received).filter(revoked_at=None).select_related("owner", "receiver")


def may_see_ceii() -> bool:
    """Whether the one who acts may see critical energy infrastructure information."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gentie_may_see_ceii()")
        (may,) = cursor.fetchone()
    return bool(may)
