"""Everybody who may sign in here."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from gentie.api.listing import Listed, Piece, listed
from gentie.contexts.accounts import reads

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
