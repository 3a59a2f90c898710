"""A few organisations and people, believable and fictional."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from gentie.contexts.accounts.actions import create_organisation, invite_member, set_password
from gentie.contexts.accounts.models import Installation, Membership, Organisation
from gentie.contexts.accounts.roles import Kind, Role
from gentie.contexts.accounts.setting_up import set_up_installation

PASSWORD = "a believable pass phrase"  # noqa: S105 - of people that do not exist


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody of the examples.

    Attributes:
        organisations: operator, two customers, a consultant, by a short word.
        members: one for each role, and one more customer, by a short word.
    """

    organisations: dict[str, Organisation]
    members: dict[str, Membership]


def cast(*, by: str, at: datetime, password: str = PASSWORD) -> Cast:
    """Make them; everybody has the same password."""
    organisations = {
        word: create_organisation(name=name, kind=kind, by=by, at=at)
        for word, name, kind in (
            ("operator", "Example Grid Operator", Kind.OPERATOR),
            ("first", "First Sun Projects", Kind.CUSTOMER),
            ("second", "Second Wind Company", Kind.CUSTOMER),
            ("consultant", "Third Party Engineers", Kind.CONSULTANT),
        )
    }
    members = {
        word: invite_member(
            email=f"{word}@example.org",
            name=name,
            organisation_id=organisations[organisation].pk,
            role=role,
            by=by,
            at=at,
        )
        for word, name, organisation, role in (
            ("customer", "Carla Customer", "first", Role.CUSTOMER),
            ("other", "Otto Other", "second", Role.CUSTOMER),
            ("consultant", "Conny Consultant", "consultant", Role.CUSTOMER),
            ("specialist", "Sara Specialist", "operator", Role.SPECIALIST),
            ("engineer", "Enno Engineer", "operator", Role.ENGINEER),
            ("administrator", "Ada Administrator", "operator", Role.ADMINISTRATOR),
        )
    }
    for member in members.values():
        set_password(person_id=member.person_id, password=password, by=by, at=at)
    return Cast(organisations, members)


def installed(*, by: str, at: datetime, is_demonstration: bool = True) -> Installation:
    """The installation of the examples' operator, with its administrator."""
    return set_up_installation(
        name="Example Grid Operator",
        note="An example: nothing of it is real.",
        rulebook="california",
        time_zone="America/Los_Angeles",
        closing_hour=time(17, 0),
        holidays=(date(2026, 11, 26), date(2026, 12, 25)),
        currency="USD",
        is_demonstration=is_demonstration,
        administrator_name="Ada Administrator",
        administrator_email="administrator@example.org",
        by=by,
        at=at,
    ).installation
