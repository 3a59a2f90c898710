"""Who among the organisations is cleared for critical energy infrastructure information (CEII)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from gentie.contexts.accounts.models import Organisation
from gentie.contexts.accounts.roles import Kind
from gentie.contexts.audit.actions import record
from gentie.quantities.findings import BadInput, Finding


@transaction.atomic
def clear_for_ceii(*, organisation_id: int, by: str, at: datetime) -> None:
    """Let an organisation see outages, limits and flows of real grids from now on.

    Args:
        organisation_id: whose people are cleared.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: there is no such organisation, it is the operator, or it is cleared already.
    """
    _change(organisation_id, may_see_ceii=True)
    record(
        by=by,
        action="organisation.cleared_for_ceii",
        subject=f"organisation:{organisation_id}",
        at=at,
    )


@transaction.atomic
def end_ceii_clearance(*, organisation_id: int, by: str, at: datetime) -> None:
    """Let an organisation see them no longer, from the next page on.

    Args:
        organisation_id: whose clearance ends.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: there is no such organisation, it is the operator, or it is not cleared.
    """
    _change(organisation_id, may_see_ceii=False)
    record(
        by=by,
        action="organisation.ceii_clearance_ended",
        subject=f"organisation:{organisation_id}",
        at=at,
    )


def _change(organisation_id: int, *, may_see_ceii: bool) -> None:
    """Write the word where it was the other one; who may not change it reaches no row."""
    found = Organisation.objects.filter(pk=organisation_id).first()
    if found is None:
        raise BadInput(Finding("accounts.organisation.unknown", "There is no such organisation."))
    if found.kind == Kind.OPERATOR:
        raise BadInput(
            Finding(
                "accounts.ceii.operator",
                f"{found.name} is the operator: its people see everything by their roles, and "
                "need no clearance.",
            )
        )
    if found.may_see_ceii == may_see_ceii:
        word = "cleared already" if may_see_ceii else "not cleared"
        raise BadInput(Finding("accounts.ceii.unchanged", f"{found.name} is {word}."))
    there = Organisation.objects.filter(pk=organisation_id, may_see_ceii=not may_see_ceii)
    if not there.update(may_see_ceii=may_see_ceii):
        raise BadInput(
            Finding(
                "accounts.ceii.administrator",
                "Nothing was changed: only the operator's administrator clears an organisation.",
            )
        )
