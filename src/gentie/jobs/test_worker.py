"""Workers on a database of their own: what is queued is done, what is left is found again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, connections
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from gentie.contexts.accounts.examples import cast
from gentie.contexts.grid.examples import published_small_case, small_case
from gentie.contexts.studies.run_actions import TASK, start_run
from gentie.contexts.studies.run_examples import SLUG, ready_cluster
from gentie.jobs import tasks

AT = datetime(2026, 11, 24, 18, 5, tzinfo=UTC)
BY = "program:test"
LONG_AGO = timedelta(hours=1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_queue(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_periodic_defers")
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute("DELETE FROM procrastinate_workers")
    yield
    # A process that has ended may hold its session for a moment more, and the database is dropped.
    gc.collect()
    waited_for(lambda: sessions() == 0)
    connections.close_all()


def sessions() -> int:
    """Other sessions on this test's database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    return tmp_path


@pytest.fixture
def run():
    people = cast(by=BY, at=AT)
    ready_cluster(
        base_case_id=published_small_case(by=BY, at=AT).pk,
        case=small_case(),
        organisation_ids=(people.organisations["first"].pk,),
        at=AT,
    )
    person = people.members["engineer"].person_id
    return start_run(cluster_slug=SLUG, role="planning_engineer", asked_by=person, by=BY, at=AT).run


def work_once(name: str = "test") -> None:
    """What is in the queue now, done by a worker in this process, as the service's worker is."""

    async def work() -> None:
        parameters = connection.get_connection_params()
        for other in ("cursor_factory", "context"):
            parameters.pop(other, None)
        connector = PsycopgConnector(kwargs=parameters, min_size=3, max_size=3)
        worker_app = app.with_connector(connector)
        async with worker_app.open_async():
            await worker_app.run_worker_async(
                name=name,
                wait=False,
                install_signal_handlers=False,
                delete_jobs="successful",
                stalled_worker_timeout=tasks.DEAD_AFTER_S,
            )

    asyncio.run(work())


def sweep() -> None:
    with contextlib.suppress(AlreadyEnqueued):  # the clock of a worker before may have been faster
        app.configure_task(tasks.SWEEPING).defer(timestamp=0)
    work_once("sweeper")


def left_by_a_dead_worker(job: ProcrastinateJob, *, silent: timedelta = LONG_AGO) -> int:
    """The job is under way, and its worker has been silent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s) RETURNING id",
            [silent],
        )
        (worker,) = cursor.fetchone()
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s",
            [worker, job.pk],
        )
    return worker


def state_of(run) -> str:
    run.refresh_from_db()
    return run.state


def test_a_run_that_is_asked_for_is_done_by_a_worker(run, data):
    work_once()
    assert state_of(run) == "done"
    assert not ProcrastinateJob.objects.filter(task_name=TASK).exists()


def test_what_a_dead_worker_left_is_queued_again_and_done(run, data):
    job = ProcrastinateJob.objects.get(task_name=TASK)
    left_by_a_dead_worker(job)
    sweep()
    assert state_of(run) == "done"


def test_a_silent_worker_is_not_dead_before_its_time(run, data):
    job = ProcrastinateJob.objects.get(task_name=TASK)
    left_by_a_dead_worker(job, silent=timedelta(seconds=tasks.DEAD_AFTER_S / 2))
    sweep()
    job.refresh_from_db()
    assert (job.status, state_of(run)) == ("doing", "queued")


def test_a_dead_workers_sweep_does_not_stop_the_next_one(run, data):
    app.configure_task(tasks.SWEEPING).defer(timestamp=0)
    stale = ProcrastinateJob.objects.get(task_name=tasks.SWEEPING)
    left_by_a_dead_worker(stale)
    left_by_a_dead_worker(ProcrastinateJob.objects.get(task_name=TASK))
    sweep()
    assert state_of(run) == "done"
    assert not ProcrastinateJob.objects.filter(pk=stale.pk).exists()


@pytest.mark.parametrize("status", ["gone", "failed"])
def test_a_run_whose_job_is_lost_gets_another(run, data, status):
    with connection.cursor() as cursor:
        if status == "gone":
            cursor.execute("DELETE FROM procrastinate_jobs")
        else:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    sweep()
    assert state_of(run) == "done"


def test_a_run_that_waits_in_the_queue_gets_no_second_job(run, data):
    asyncio.run(_swept_alone())
    assert ProcrastinateJob.objects.filter(task_name=TASK).count() == 1


async def _swept_alone() -> None:
    from asgiref.sync import sync_to_async

    assert await sync_to_async(tasks._runs_without_job)() == []
    await sync_to_async(connections.close_all)()


def test_the_sweep_removes_what_ended_runs_kept(run, data):
    (data / "runs" / "99").mkdir(parents=True)
    (data / "runs" / str(run.pk)).mkdir()
    tasks._runs_without_job()
    assert [folder.name for folder in (data / "runs").iterdir()] == [str(run.pk)]


def test_a_job_of_a_run_that_is_gone_does_nothing(data):
    app.configure_task(TASK).defer(run_id=999_999)
    work_once()
    assert not ProcrastinateJob.objects.exists()


def test_the_clock_asks_for_the_sweep_every_few_seconds():
    app.perform_import_paths()
    (periodic,) = app.periodic_registry.periodic_tasks.values()
    assert (periodic.task.name, periodic.cron) == (tasks.SWEEPING, tasks.SWEEP)
    assert tasks.HEARTBEAT_S * 3 < tasks.DEAD_AFTER_S


def test_the_service_has_the_rights_that_a_queue_needs_and_no_others(as_application):
    """Tables, sequences, types and functions, by the defaults that its owner's things are made with."""
    as_application.execute(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'x', 0, NULL, NULL, '{}', NULL)]"
        "::procrastinate_job_to_defer_v1[])"
    )
    (worker,) = as_application.execute("SELECT procrastinate_register_worker_v1()").fetchone()
    fetched = as_application.execute(
        "SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [worker]
    ).fetchone()
    as_application.execute("SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", fetched)
    as_application.execute("SELECT procrastinate_unregister_worker_v1(%s)", [worker])
    for statement in (
        "TRUNCATE procrastinate_jobs CASCADE",
        "ALTER TABLE procrastinate_jobs ADD COLUMN mine int",
        "DROP FUNCTION procrastinate_register_worker_v1()",
        "ALTER TYPE procrastinate_job_status ADD VALUE 'mine'",
        "CREATE TABLE mine (id int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_application.execute(statement)


@pytest.fixture
def environment(data, as_application):
    """Of a real worker on this test's database."""
    there = as_application.info
    url = (
        f"postgresql://{there.user}:{there.password}@/{there.dbname}"
        f"?host={there.host}&port={there.port}"
    )
    return {
        **os.environ,
        "DATABASE_URL": url,
        "GENTIE_DATA_DIR": str(data),
        "GENTIE_DATABASE_ROLE": "application",
        "DJANGO_SETTINGS_MODULE": "gentie.project.settings",
    }


def waited_for(is_so) -> None:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < 60
        time.sleep(0.05)


def test_told_to_stop_a_worker_puts_down_what_it_does_and_the_next_one_goes_on(run, environment):
    command = [sys.executable, "-W", "error", "-m", "gentie.jobs.worker"]
    steps = apps.get_model("studies", "RunStep").objects.filter(run=run)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as worker:
        waited_for(lambda: steps.filter(state="running").exists())
        worker.send_signal(signal.SIGTERM)
        said = worker.communicate(timeout=60)[1]
    assert worker.returncode == 0, said
    assert "Traceback" not in said
    if state_of(run) != "done":  # it may have been quicker than the signal
        assert not steps.filter(state="running").exists()
        job = ProcrastinateJob.objects.get(task_name=TASK)
        assert job.status == "todo"
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as worker:
        waited_for(lambda: state_of(run) == "done")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0
    assert set(steps.values_list("attempts", flat=True)) == {1}


def test_a_worker_whose_parent_is_gone_ends(environment):
    script = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-m', 'gentie.jobs.worker']); "
        "print(child.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        worker = int(parent.stdout.readline())
        waited_for(_some_worker_lives)
        parent.kill()
    waited_for(lambda: not _is_alive(worker))
    assert not _some_worker_lives()


def _some_worker_lives() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        return cursor.fetchone()[0] > 0


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
