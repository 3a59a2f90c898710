"""Fictional people of the demonstration, one for each role, each with a password of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import load_rulebook

BY = "program:demo"
OPERATOR = "Fictional Grid Operator"
NOTE = "A fictional operator. The grid is synthetic: no line, station or flow is real."
CLOSING_HOUR = time(17, 0)
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
    """Make the installation and everybody, once.

    The passwords are said once and kept in one file of the data folder.

    Args:
        data: the data folder; ``demo-accounts.txt`` there is readable by its owner alone.
        at: when; an aware time.
        say: told what is going on, one sentence at a time.

    Raises:
        BadInput: this is no demonstration: it has an operator or a grid that is not fictional.
    """
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.accounts.reads import installation, operator_organisation

    with acting_as(AS_PROGRAM):
        refuse_outside_a_demonstration()
        if installation() is not None:
            return
        is_older = operator_organisation() is not None  # people were made before the installation
        _set_up(at)
        if is_older:
            return
        passwords = _make_members(at)
        # Before the commit: without the file nobody could come in, and a second start makes both.
        lines = [f"{email}  {password}" for email, password in passwords.items()]
        _write_private(data / FILE, "\n".join(lines) + "\n")
    say(f"Accounts of the demonstration (kept in {data / FILE}):")
    for line in lines:
        say(f"  {line}")


def refuse_outside_a_demonstration() -> None:
    """Stop where an operator works with this installation.

    Raises:
        BadInput: it has an operator or a grid that is not fictional.
    """
    from gentie.contexts.accounts.reads import installation, operator_organisation
    from gentie.contexts.grid.reads import only_synthetic_cases

    held, operator = installation(), operator_organisation()
    if (
        (held is not None and not held.is_demonstration)
        or (operator is not None and operator.name != OPERATOR)
        or not only_synthetic_cases()
    ):
        raise BadInput(
            Finding(
                "demo.people.not_a_demonstration",
                "This is no demonstration: it has an operator or a grid of its own, and gets no "
                "accounts whose passwords lie in a file. Give the demonstration another data "
                "folder with --data.",
            )
        )


def _set_up(at: datetime) -> None:
    """The demonstration as the installation of its operator, with the first administrator."""
    from gentie.contexts.accounts.setting_up import set_up_installation

    rulebook = load_rulebook()
    name, email = next(
        (name, email)
        for _, _, members in PEOPLE
        for email, name, role in members
        if role == "administrator"
    )
    set_up_installation(
        name=OPERATOR,
        note=NOTE,
        rulebook=rulebook.name,
        time_zone=rulebook.time_zone,
        closing_hour=CLOSING_HOUR,
        holidays=rulebook.holidays,
        currency=rulebook.currency,
        is_demonstration=True,
        administrator_name=name,
        administrator_email=email,
        by=BY,
        at=at,
    )


def _make_members(at: datetime) -> dict[str, str]:
    """Everybody who is not there yet; a new password of each by e-mail address."""
    from gentie.contexts.accounts.actions import (
        create_organisation,
        invite_member,
        set_password,
    )
    from gentie.contexts.accounts.reads import operator_organisation, person_by_email

    passwords = {}
    for name, kind, members in PEOPLE:
        organisation = operator_organisation() if kind == "operator" else None
        if organisation is None:
            organisation = create_organisation(name=name, kind=kind, by=BY, at=at)
        for email, called, role in members:
            person = person_by_email(email)
            if person is None:
                person = invite_member(
                    email=email,
                    name=called,
                    organisation_id=organisation.pk,
                    role=role,
                    by=BY,
                    at=at,
                ).person
            passwords[email] = secrets.token_urlsafe(12)
            set_password(person_id=person.pk, password=passwords[email], by=BY, at=at)
    return passwords


def _write_private(file: Path, text: str) -> None:
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
        kept.write(text)
        kept.flush()
        os.fsync(kept.fileno())
    unfinished.rename(file)
