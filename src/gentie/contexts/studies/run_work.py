"""What a worker writes about the run that it works on: each in a transaction of its own.

A worker that was taken for dead may wake up and find its run in other hands. So every write names
the claim that the worker holds, and none succeeds with an old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db.models import F

from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.accounts.roles import PROGRAM
from gentie.contexts.audit.actions import record
from gentie.contexts.notices.actions import queue
from gentie.contexts.studies.actions import publish_study
from gentie.contexts.studies.lifecycles import ACTIVE, RUN
from gentie.contexts.studies.models import Run, RunInputs, RunReason, RunStep
from gentie.quantities.findings import Finding
from gentie.quantities.lifecycle import Refused

BY = "program:worker"


class TakenOver(Exception):
    """Another worker holds the run now; this one has nothing more to say."""


class Cancelled(Exception):
    """Somebody gave the run up."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A worker's hold on a run."""

    run_id: int
    claim: int


def take_up(*, run_id: int, at: datetime) -> Hold | None:
    """Begin a run, or go on with one that a dead worker left; None where there is nothing to do."""
    with acting_as(AS_PROGRAM):
        run = Run.objects.select_for_update().filter(pk=run_id).first()
        if run is None or run.state not in ACTIVE:
            return None
        if run.state == "cancelling":
            _move(run, "stop", at=at)
            return None
        if run.state == "queued":
            run.started_at = at
            _move(run, "begin", at=at)
        Run.objects.filter(pk=run_id).update(claim=F("claim") + 1)
        run.refresh_from_db(fields=["claim"])
        return Hold(run_id, run.claim)


def open_step(hold: Hold, *, number: int, name: str, at: datetime) -> int:
    """Begin a step; the number of its attempts so far, this one included.

    Raises:
        TakenOver: the run is in other hands.
        Cancelled: somebody gave it up.
    """
    with acting_as(AS_PROGRAM):
        run = _held(hold)
        if run.state == "cancelling":
            raise Cancelled
        step, is_new = RunStep.objects.get_or_create(
            run=run, number=number, defaults={"name": name, "started_at": at}
        )
        if not is_new:
            step.name, step.state, step.attempts = name, "running", step.attempts + 1
            step.started_at, step.ended_at = at, None
            step.save()
        return step.attempts


def close_step(hold: Hold, *, number: int, result_digest: str, at: datetime) -> None:
    """A step is done and its result is kept.

    Raises:
        TakenOver: the run is in other hands.
    """
    with acting_as(AS_PROGRAM):
        _held(hold)
        RunStep.objects.filter(run_id=hold.run_id, number=number).update(
            state="done", ended_at=at, result_digest=result_digest
        )


def put_down(hold: Hold, *, at: datetime) -> None:
    """Leave the step under way for later, in order: it does not count as an attempt."""
    with acting_as(AS_PROGRAM):
        _held(hold)
        RunStep.objects.filter(run_id=hold.run_id, state="running").update(
            state="stopped", ended_at=at, attempts=F("attempts") - 1
        )


def tell(
    hold: Hold, *, words: str, done: int, whole: int, left_s: float | None, at: datetime
) -> None:
    """Say how far the run is.

    Raises:
        TakenOver: the run is in other hands.
        Cancelled: somebody gave it up.
    """
    with acting_as(AS_PROGRAM):
        told = Run.objects.filter(pk=hold.run_id, claim=hold.claim, state="running").update(
            words=words, done=done, whole=whole, left_s=left_s, told_at=at
        )
        if not told:
            _held(hold)
            raise Cancelled


def stop(hold: Hold, *, at: datetime) -> None:
    """End a run that somebody gave up.

    Raises:
        TakenOver: the run is in other hands.
    """
    with acting_as(AS_PROGRAM):
        run = _held(hold)
        RunStep.objects.filter(run=run, state="running").update(state="stopped", ended_at=at)
        _move(run, "stop", at=at)


def fail(hold: Hold, *, reasons: Iterable[Finding], at: datetime) -> None:
    """End a run that cannot go on, with all reasons.

    Raises:
        TakenOver: the run is in other hands.
    """
    with acting_as(AS_PROGRAM):
        run = _held(hold)
        RunStep.objects.filter(run=run, state="running").update(state="failed", ended_at=at)
        RunReason.objects.bulk_create(
            RunReason(run=run, number=number, code=one.code, sentence=one.sentence)
            for number, one in enumerate(reasons, start=1)
        )
        _move(run, "fail", at=at)


def finish(hold: Hold, *, folder: Path, number: int, at: datetime) -> None:
    """Publish the run's bundle and end the run, both or neither.

    Args:
        hold: of the worker.
        folder: of the bundle.
        number: of the step that this is.
        at: when; an aware time.

    Raises:
        BadInput: it cannot be published.
        TakenOver: the run is in other hands.
        Cancelled: somebody gave it up.
    """
    with acting_as(AS_PROGRAM):
        run = _held(hold)
        if run.state == "cancelling":
            raise Cancelled
        inputs = RunInputs.objects.get(run=run)
        run.study = publish_study(
            folder=folder,
            title=inputs.title,
            base_case_id=inputs.base_case_id,
            organisations=inputs.organisations,
            by=BY,
            at=at,
        )
        RunStep.objects.filter(run=run, number=number).update(
            state="done", ended_at=at, result_digest=run.study.bundle_digest
        )
        _move(run, "finish", at=at)
        _tell_owners(run, inputs.organisations, at=at)


def _tell_owners(run: Run, organisations: Mapping[str, int], *, at: datetime) -> None:
    """Say to every owner of requests that their costs are there."""
    study = run.study
    assert study is not None
    numbers: dict[int, list[str]] = {}
    for number, organisation_id in sorted(organisations.items()):
        numbers.setdefault(organisation_id, []).append(number)
    for organisation_id, owned in numbers.items():
        queue(
            organisation_id=organisation_id,
            code="study.published",
            title=f"{study.title}: results published",
            body=(
                f"The study of {run.cluster.name} is published. What {', '.join(owned)} "
                f"{'pays' if len(owned) == 1 else 'pay'}, and why, stands on its pages."
            ),
            subject=f"study:{study.pk}",
            address=f"/studies/{study.slug}/requests/{owned[0]}/",
            by=BY,
            at=at,
        )


def _held(hold: Hold) -> Run:
    run = Run.objects.select_for_update().get(pk=hold.run_id)
    if run.claim != hold.claim or run.state not in ACTIVE:
        raise TakenOver
    return run


def _move(run: Run, name: str, *, at: datetime) -> None:
    """Move a run whose row is locked, and say so in the audit."""
    step = RUN.step(name, state=run.state, role=PROGRAM, subject=None)
    assert not isinstance(step, Refused)
    run.state = step.target
    if step.target not in ACTIVE:
        run.ended_at, run.words, run.left_s = at, "", None
        run.done = run.whole = 0
    run.save()
    record(by=BY, action=f"study.run.{step.target}", subject=f"run:{run.pk}", at=at)
