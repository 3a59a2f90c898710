"""Everybody who may sign in here."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from gentie.api.asking import now, who_asks
from gentie.api.listing import Listed, Piece, listed
from gentie.contexts.accounts import reads
from gentie.contexts.accounts.clearances import clear_for_ceii, end_ceii_clearance

operations = Router(tags=["People"])


class Member(Schema):
    """A person of an organisation."""

    person: int
    name: str
    email: str
    role: str
    is_active: bool


class Organisation(Schema):
    """An organisation with its people."""

    id: int
    name: str
    kind: str
    members: list[Member]


class Organisations(Listed[Organisation]):
    """A piece of the organisations."""


@operations.get("/people", response=Organisations, summary="People by organisation")
def people(request: HttpRequest, piece: Query[Piece]) -> dict[str, Any]:
    """Organisations with their people, in the order in which they were made."""
    return listed(reads.organisations(), piece, shown=_shown)


class Clearance(Schema):
    """Whether an organisation may see critical energy infrastructure information (CEII)."""

    organisation: int
    is_cleared: bool


@operations.put("/people/ceii", response=Clearance, summary="Clear an organisation for CEII")
def set_ceii_clearance(request: HttpRequest, given: Clearance) -> Clearance:
    """Let an organisation see outages, limits and flows of real grids, or end that."""
    settle = clear_for_ceii if given.is_cleared else end_ceii_clearance
    settle(organisation_id=given.organisation, by=who_asks(request).by, at=now())
    return given


def _shown(one: Any) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name,
        "kind": one.kind,
        "members": [
            {
                "person": member.person_id,
                "name": member.person.name,
                "email": member.person.email,
                "role": member.role,
                "is_active": member.person.is_active,
            }
            for member in one.memberships.all()
        ],
    }
