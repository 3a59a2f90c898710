"""Fictional people of the demonstration, one for each role, each with a password of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gentie.quantities.findings import BadInput, Finding

BY = "program:demo"
OPERATOR = "Fictional Grid Operator"
FILE = "demo-accounts.txt"

# organisation → kind, and its people: address, name, role
PEOPLE = (
    (
        OPERATOR,
        "operator",
        (
            ("specialist@operator.example", "Sam Specialist", "interconnection_specialist"),
            ("engineer@operator.example", "Erin Engineer", "planning_engineer"),
            ("administrator@operator.example", "Ari Administrator", "administrator"),
        ),
    ),
    (
        "Fictional Sun Developers",
        "customer",
        (("customer@sun.example", "Cory Customer", "interconnection_customer"),),
    ),
    (
        "Fictional Wind Developers",
        "customer",
        (("customer@wind.example", "Wren Customer", "interconnection_customer"),),
    ),
    (
        "Fictional Study Consultants",
        "consultant",
        (("consultant@studies.example", "Casey Consultant", "interconnection_customer"),),
    ),
)


def make_people(*, data: Path, at: datetime, say: Callable[[str], None]) -> None:
    """Make everybody, once. The passwords are said once and kept in one file of the data folder.

    Args:
        data: the data folder; ``demo-accounts.txt`` there is readable by its owner alone.
        at: when; an aware time.
        say: told what is going on, one sentence at a time.

    Raises:
        BadInput: this is no demonstration: it has an operator or a grid that is not fictional.
    """
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.accounts.actions import (
        create_organisation,
        invite_member,
        set_password,
    )
    from gentie.contexts.accounts.reads import operator_organisation
    from gentie.contexts.grid.reads import only_synthetic_cases

    with acting_as(AS_PROGRAM):
        operator = operator_organisation()
        if (operator is not None and operator.name != OPERATOR) or not only_synthetic_cases():
            raise BadInput(
                Finding(
                    "demo.people.not_a_demonstration",
                    "This is no demonstration: it has an operator or a grid of its own, and gets no "
                    "accounts whose passwords lie in a file.",
                )
            )
        if operator is not None:
            return
        passwords = {}
        for name, kind, members in PEOPLE:
            organisation = create_organisation(name=name, kind=kind, by=BY, at=at)
            for email, person, role in members:
                member = invite_member(
                    email=email,
                    name=person,
                    organisation_id=organisation.pk,
                    role=role,
                    by=BY,
                    at=at,
                )
                passwords[email] = secrets.token_urlsafe(12)
                set_password(person_id=member.person_id, password=passwords[email], by=BY, at=at)
        # Before the commit: without the file nobody could come in, and a second start makes both.
        lines = [f"{email}  {password}" for email, password in passwords.items()]
        _write_private(data / FILE, "\n".join(lines) + "\n")
    say(f"Accounts of the demonstration (kept in {data / FILE}):")
    for line in lines:
        say(f"  {line}")


def _write_private(file: Path, text: str) -> None:
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
        kept.write(text)
        kept.flush()
        os.fsync(kept.fileno())
    unfinished.rename(file)
