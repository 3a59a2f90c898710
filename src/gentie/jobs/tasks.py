"""What workers do: tasks by the names under which they are asked for, and the sweep."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from asgiref.sync import sync_to_async
from django.conf import settings
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued, JobAborted
from procrastinate.jobs import Status

from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.studies.run_actions import LOCK, TASK
from gentie.contexts.studies.run_files import clear_folders
from gentie.contexts.studies.run_reads import active_runs

SWEEPING = "jobs.sweep"

HEARTBEAT_S = 2.0
"""How often a worker says that it lives."""
DEAD_AFTER_S = 10.0
"""Without a word for so long, a worker counts as dead; a long search may keep one silent."""
SWEEP = "* * * * * */5"
"""Every five seconds; the sixth field of this notation is the second."""
AGAIN_AFTER_S = 2
MOST_FAILURES = 10
"""More than a step's attempts: the run itself says when it is given up, and why."""


def _now() -> datetime:
    return datetime.now(UTC)


@app.task(
    name=TASK,
    pass_context=True,
    retry=RetryStrategy(max_attempts=MOST_FAILURES, wait=AGAIN_AFTER_S),
)
def run_study(context: JobContext, *, run_id: int) -> None:
    """Work on a run of a cluster's study until it is over, or until this worker is to stop."""
    from gentie.contexts.studies.runs import PutDown, perform

    try:
        perform(
            run_id=run_id,
            data=Path(settings.DATA_DIR),
            now=_now,
            is_stopping=context.should_abort,
        )
    except PutDown as put_down:
        raise JobAborted from put_down  # the queue gives it to the next worker


@app.periodic(cron=SWEEP, periodic_id="sweep")
@app.task(name=SWEEPING, queueing_lock=SWEEPING, pass_context=True)
async def sweep(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the clock's
    """Queue again what a dead worker left, and give every run that is not over a job."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_S):
        if job.worker_id is not None and job.worker_id == context.job.worker_id:
            continue  # a search kept this very worker silent: it lives, as this line proves
        if job.task_name == SWEEPING:
            await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        else:
            await manager.retry_job(job)
    for run_id in await sync_to_async(_runs_without_job)():
        try:
            await context.app.configure_task(
                TASK, lock=LOCK, queueing_lock=f"{TASK}:{run_id}"
            ).defer_async(run_id=run_id)
        except AlreadyEnqueued:
            continue  # somebody else's sweep was faster


def _runs_without_job() -> list[int]:
    """Runs that are not over and that nobody would take up; what ended runs kept is removed."""
    with acting_as(AS_PROGRAM):
        # In this order: a run and its job are committed together.
        active = active_runs()
        with_job = {
            job["run_id"]
            for job in ProcrastinateJob.objects.filter(
                task_name=TASK, status__in=("todo", "doing")
            ).values_list("args", flat=True)
        }
    clear_folders(Path(settings.DATA_DIR), but=active)
    return [run_id for run_id in active if run_id not in with_job]
