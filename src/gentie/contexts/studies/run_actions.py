"""What people do to a run: ask for one, and cancel it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from procrastinate.contrib.django import app

from gentie.contexts.audit.actions import record
from gentie.contexts.studies.lifecycles import ACTIVE, RUN
from gentie.contexts.studies.models import Run, RunInputs
from gentie.contexts.studies.run_freezing import inputs_to_freeze
from gentie.quantities.findings import BadInput
from gentie.quantities.lifecycle import Refused

TASK = "studies.run"
"""Name of the worker's task that performs a run."""
LOCK = "studies"
"""One study at a time: each takes every core and gigabytes of memory."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking for a run.

    Attributes:
        run: that is under way now.
        is_new: it was asked for just now; otherwise somebody else had asked before.
    """

    run: Run
    is_new: bool


@transaction.atomic
def start_run(
    *, cluster_slug: str, policy: str = "", role: str, asked_by: int | None, by: str, at: datetime
) -> Asked:
    """Ask for a run of a cluster's study; its inputs are frozen now.

    Where a run of the cluster is not over, that one is given: two who press at once start one.

    Args:
        cluster_slug: of the cluster.
        policy: of mitigation; empty for the rulebook's.
        role: of who asks.
        asked_by: person who asks; none for a program.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: it cannot be studied; all reasons are told.
    """
    frozen = asdict(inputs_to_freeze(cluster_slug=cluster_slug, role=role, policy=policy))
    cluster_id = frozen.pop("cluster_id")
    while True:
        there = Run.objects.filter(cluster_id=cluster_id, state__in=ACTIVE).first()
        if there is not None:
            return Asked(there, is_new=False)
        try:
            with transaction.atomic():
                run = Run.objects.create(cluster_id=cluster_id, asked_at=at)
        except IntegrityError:
            continue  # another's run was committed in between: it is seen now, or over already
        break
    RunInputs.objects.create(run=run, asked_by_id=asked_by, **frozen)
    record(by=by, action="study.run.asked", subject=f"run:{run.pk}", at=at)
    enqueue(run.pk)
    return Asked(run, is_new=True)


@transaction.atomic
def cancel_run(*, run_id: int, role: str, by: str, at: datetime) -> Run:
    """Give up a run. One that waits is over at once, one under way after its present search.

    Args:
        run_id: of the run.
        role: of who asks.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: the role may not, or the run is over or being cancelled already.
        Run.DoesNotExist: there is none.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    name = "drop" if run.state == RUN.initial else "cancel"
    step = RUN.step(name, state=run.state, role=role, subject=None)
    if isinstance(step, Refused):
        raise BadInput(step.reasons)
    run.state = step.target
    if step.target not in ACTIVE:
        run.ended_at = at
    run.save(update_fields=["state", "ended_at"])
    record(by=by, action=f"study.run.{step.target}", subject=f"run:{run.pk}", at=at)
    return run


def enqueue(run_id: int) -> None:
    """Let a worker take up a run once this transaction is committed."""
    app.configure_task(TASK, lock=LOCK, queueing_lock=f"{TASK}:{run_id}").defer(run_id=run_id)
