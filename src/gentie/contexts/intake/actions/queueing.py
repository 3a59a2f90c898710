"""Take filed requests into their cluster, out of it again, or out of the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.intake.lifecycles import POSITION
from gentie.contexts.intake.models import QueuePosition
from gentie.contexts.intake.reads import subject_of
from gentie.contexts.notices.actions import queue
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.lifecycle import Refused

TOLD = {
    "take_in": ("intake.position.in_cluster", "is in {cluster} now"),
    "take_out": ("intake.position.waiting", "was taken out of {cluster} again and waits"),
}
"""What the owner of a request is told when the operator moves it."""


def _tell_owner(position: QueuePosition, move: str, *, by: str, at: datetime) -> None:
    code, words = TOLD[move]
    said = words.format(cluster=position.cluster.name)
    queue(
        organisation_id=position.request.organisation_id,
        code=code,
        title=f"{position.number} {said}",
        body=f"The operator moved request {position.number}: it {said}.",
        subject=subject_of(position.request_id),
        address=f"/projects/{position.request_id}/",
        by=by,
        at=at,
    )


@transaction.atomic
def move_positions(*, numbers: Sequence[str], move: str, role: str, by: str, at: datetime) -> None:
    """Make one move with some positions: all of them, or none.

    Args:
        numbers: of the positions.
        move: ``take_in``, ``take_out`` or ``withdraw``.
        role: of the one who acts.
        by: who, as ``kind:id``.
        at: when.

    Raises:
        BadInput: some number is unknown or may not be moved so; all reasons are told.
    """
    found = QueuePosition.objects.select_related("request", "cluster").filter(number__in=numbers)
    positions = {one.number: one for one in found.defer("cluster__rulebook_files")}
    if not numbers:
        raise BadInput(
            Finding("intake.position.none", "Nothing is chosen: choose at least one request.")
        )
    reasons: list[Finding] = []
    for number in numbers:
        position = positions.get(number)
        if position is None:
            reasons.append(
                Finding(
                    "intake.position.unknown",
                    f"There is no request {number} in the queue.",
                    where=number,
                )
            )
            continue
        step = POSITION.step(move, state=position.state, role=role, subject=None)
        if isinstance(step, Refused):
            reasons += [
                Finding(one.code, f"{number}: {one.sentence}", where=number) for one in step.reasons
            ]
            continue
        moved = QueuePosition.objects.filter(pk=position.pk, state=step.source)
        if not moved.update(state=step.target):
            reasons.append(
                Finding(
                    "intake.position.moved",
                    f"{number} was moved by somebody else in the meantime, or is not yours to move.",
                    where=number,
                )
            )
            continue
        record(by=by, action=f"position.{move}", subject=f"position:{position.pk}", at=at)
        if move in TOLD:
            _tell_owner(position, move, by=by, at=at)
    if reasons:
        raise BadInput(reasons)
