"""On whose behalf the database is asked: set for one transaction, read by its row policies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from gentie.contexts.accounts.roles import OPERATOR_ROLES, PROGRAM, Role

NAMES = ("gentie.person", "gentie.organisation", "gentie.role")
SET = "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in NAMES)
ASK = "SELECT " + ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in NAMES)


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody, for an organisation, in a role; all blank for a visitor.

    Attributes:
        person: id.
        organisation: id.
        role: one of ``Role``, or ``PROGRAM``.
    """

    person: int | None = None
    organisation: int | None = None
    role: str = ""

    @property
    def is_signed_in(self) -> bool:
        """Whether a person acts."""
        return self.person is not None

    @property
    def is_operator(self) -> bool:
        """Whether somebody of the operator acts."""
        return self.role in OPERATOR_ROLES

    @property
    def is_customer(self) -> bool:
        """Whether somebody acts who can own requests."""
        return self.role == Role.CUSTOMER

    @property
    def by(self) -> str:
        """The actor as the audit writes it."""
        return f"person:{self.person}" if self.person is not None else "program:gentie"


VISITOR = Acting()
AS_PROGRAM = Acting(role=PROGRAM)


@contextmanager
def acting_as(acting: Acting) -> Iterator[None]:
    """Ask the database on somebody's behalf, in a transaction of its own or the one under way.

    Afterwards, whoever acted before does so again. An exception rolls back what was written inside.
    """
    is_inside = connection.in_atomic_block
    with transaction.atomic():
        before = _asked() if is_inside else None
        _set(
            tuple(
                "" if value is None else str(value)
                for value in (acting.person, acting.organisation, acting.role)
            )
        )
        yield
        # At the end of a transaction of our own the database forgets by itself.
        if before is not None and not connection.needs_rollback:
            _set(before)


def _asked() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(ASK)
        return tuple(cursor.fetchone())


def _set(values: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SET, values)
