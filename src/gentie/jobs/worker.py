"""A worker: `python -m gentie.jobs.worker`. It works until it is told to stop or its parent dies.

SIGTERM and Ctrl-C end it in order: what is under way is put down between two searches and goes back
into the queue. After a SIGKILL nothing is lost either: the sweep of another worker finds what this
one left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os

import django
from procrastinate import App, PsycopgConnector

PARENT_EVERY_S = 1.0
AT_ONCE = 2
"""A study, and beside it whatever is short: the sweep above all."""
CONNECTIONS = 3
POLL_S = 2.0
"""For jobs that become due by the clock; others are announced by the database."""


def main() -> None:
    """Work until told to stop."""
    django.setup()
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.utils import connector_params

    # Beside the app of the contexts, not in its place: what a task asks for by that one belongs to
    # the task's own transaction, on Django's connection.
    connector = PsycopgConnector(
        kwargs=connector_params(), min_size=CONNECTIONS, max_size=CONNECTIONS
    )
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_work(app.with_connector(connector)))


async def _work(app: App) -> None:
    from gentie.jobs import tasks

    async with app.open_async():
        working = asyncio.create_task(
            app.run_worker_async(
                name=f"worker-{os.getpid()}",
                concurrency=AT_ONCE,
                fetch_job_polling_interval=POLL_S,
                shutdown_graceful_timeout=0.1,
                delete_jobs="successful",
                update_heartbeat_interval=tasks.HEARTBEAT_S,
                stalled_worker_timeout=tasks.DEAD_AFTER_S,
            )
        )
        watching = asyncio.create_task(_until_orphaned())
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        watching.cancel()
        if not working.done():
            working.cancel()
        await working


async def _until_orphaned() -> None:
    """End when whoever started this process is gone: nobody would restart or stop it any more."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(PARENT_EVERY_S)


if __name__ == "__main__":
    main()
