"""Set up an operator: installation, owners, first administrator, and its grid published.

Accounts and the grid are written in one transaction, so that there is an operator with a published
case or none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.accounts.actions import create_organisation, set_password
from gentie.contexts.accounts.reads import installation, organisations, people_with_role
from gentie.contexts.accounts.roles import Kind, Role
from gentie.contexts.accounts.setting_up import set_up_installation, why_not_fresh
from gentie.contexts.grid.actions import publish_case
from gentie.contexts.grid.reads import latest_case, points_of
from gentie.contexts.grid.runs import capacity_rows, case_source
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.operator_file import OperatorInputs

BY = "program:gentie"
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class NewOperator:
    """What was set up; the password is known here only.

    Attributes:
        name: of the operator.
        owners: names of the transmission owners.
        points: how many points of interconnection have a published capacity.
        email: of the first administrator.
        password: of the first administrator.
    """

    name: str
    owners: tuple[str, ...]
    points: int
    email: str
    password: str


def set_up_operator(inputs: OperatorInputs, *, at: datetime, tell: Tell) -> NewOperator:
    """Make this the installation of an operator.

    Args:
        inputs: the operator's file, held against its case.
        at: when; an aware time.
        tell: told the step, how much of it is done, and of how much.

    Raises:
        BadInput: there is an operator here already, or something cannot be used; nothing is
            written.
    """
    description, profile = inputs.description, inputs.profile
    administrator = description.administrator
    refuse_unless_fresh(administrator.email)
    tell("capacity of every point", 0, 0)
    facts, rows = capacity_rows(
        inputs.case,
        inputs.rulebook,
        profile,
        progress=lambda done, whole: tell("capacity of every point", done, whole),
    )
    tell("publishing", 0, 0)
    password = secrets.token_urlsafe(12)
    with acting_as(AS_PROGRAM):
        set_up = set_up_installation(
            name=description.name,
            note=description.note,
            rulebook=description.rulebook,
            time_zone=description.time_zone,
            closing_hour=description.closing_hour,
            holidays=description.holidays,
            currency=description.currency,
            is_demonstration=False,
            administrator_name=administrator.name,
            administrator_email=administrator.email,
            by=BY,
            at=at,
        )
        set_password(person_id=set_up.administrator.person_id, password=password, by=BY, at=at)
        for name in inputs.owner_names:
            create_organisation(name=name, kind=Kind.TRANSMISSION_OWNER, by=BY, at=at)
        publish_case(
            facts=facts,
            points=rows,
            by=BY,
            at=at,
            source=case_source(inputs.case, inputs.rulebook, profile, rows),
        )
    return NewOperator(
        name=description.name,
        owners=inputs.owner_names,
        points=len(rows),
        email=administrator.email,
        password=password,
    )


def refuse_unless_fresh(email: str) -> None:
    """Stop before the work on the grid where it could not be published.

    Raises:
        BadInput: there is an operator, the administrator or a published case here already.
    """
    with acting_as(AS_PROGRAM):
        reasons = why_not_fresh(email)
        if latest_case() is not None and not reasons:
            reasons.append(
                Finding(
                    "operator.case.there",
                    "A base case is published here already: set up an operator in a data folder of "
                    "its own.",
                )
            )
    if reasons:
        raise BadInput(reasons)


def operator_as_set_up() -> dict[str, object] | None:
    """The installation as plain data; ``None`` before it is set up."""
    with acting_as(AS_PROGRAM):
        held = installation()
        if held is None:
            return None
        case = latest_case()
        return {
            "operator": held.organisation.name,
            "note": held.note,
            "is_demonstration": held.is_demonstration,
            "rulebook": held.rulebook,
            "rulebook_version": held.rulebook_version,
            "time_zone": held.time_zone,
            "closing_hour": held.closing_hour.isoformat(),
            "holidays": [day.isoformat() for day in held.holidays],
            "currency": held.currency,
            "set_up_at": held.created_at.isoformat(),
            "administrators": [
                {"name": one.name, "email": one.email}
                for one in people_with_role(Role.ADMINISTRATOR)
            ],
            "owners": [one.name for one in organisations().filter(kind=Kind.TRANSMISSION_OWNER)],
            "case": case
            and {
                "name": case.name,
                "sha256": case.sha256,
                "is_synthetic": case.is_synthetic,
                "areas": case.areas,
                "points": points_of(case).count(),
                "published_at": case.published_at.isoformat(),
            },
        }
