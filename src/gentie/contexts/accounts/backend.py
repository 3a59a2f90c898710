"""How Django finds the person of a session."""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend

from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.accounts.models import Person
from gentie.contexts.accounts.reads import person_by_id


class SessionPeople(BaseBackend):
    """Finds people who may still sign in. Passwords are asked by ``signing_in`` alone."""

    def get_user(self, user_id: int) -> Person | None:
        """The person of a session, before anybody acts."""
        with acting_as(AS_PROGRAM):
            return person_by_id(user_id)
