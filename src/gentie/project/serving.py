"""From an empty data folder to a service that answers, and back down in order.

The surfaces reach these functions through the entry points `gentie.service` (decision 0002).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from gentie.cli.errors import Failed
from gentie.project import places, postgres, processes

HOST = "127.0.0.1"
PORTS_TRIED = 20
LOOK_EVERY_S = 0.2  # at the processes that are kept alive
PATIENCE_S = 120  # for the first answer: a slow disk reads every module once


class NotServing(Failed):
    """The service could not be prepared or started; the sentence says why."""


class Stopped(Exception):
    """SIGTERM came."""


def prepare(
    *, data: Path, say: Callable[[str], None], fill: Callable[[], None] | None = None
) -> None:
    """Make the database ready: created where missing, migrated, with the guide of this version.

    It is stopped again if unused.

    Args:
        data: the data folder, made where missing.
        say: told what is going on, one sentence at a time.
        fill: called once, in this process, where Django reaches the database as the service does.

    Raises:
        NotServing: a step failed, or SIGTERM came.
    """
    try:
        with stopped_by_sigterm(), database(data, say):
            migrate(data, say)
            _fill(data, fill)
    except Stopped:
        raise NotServing("Stopped before everything was ready.") from None


def serve(
    *,
    data: Path,
    say: Callable[[str], None],
    port: int = 8000,
    open_browser: bool = False,
    fill: Callable[[], None] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM, then stop the service and its database.

    Args:
        data: the data folder, made where missing.
        say: told what is going on, one sentence at a time; the address is in the last one.
        port: the port to listen on; the next free one where it is taken.
        open_browser: show the start page once it answers.
        fill: called once, in this process, where Django reaches the database as the service does,
            before the first page is served.

    Raises:
        NotServing: a step failed, or the service ended by itself.
    """
    try:
        with stopped_by_sigterm(), database(data, say):
            migrate(data, say)
            _run_django(data, "application", "collectstatic", "--noinput", "--verbosity=0")
            _fill(data, fill)
            with _listening(port) as listener:
                _serve(listener, data, say, asked_port=port, open_browser=open_browser)
    except (KeyboardInterrupt, Stopped):
        say("Stopped.")


def work(*, data: Path, say: Callable[[str], None]) -> None:
    """Work on what is asked of the service until Ctrl-C or SIGTERM, beside it or in its place.

    Args:
        data: the data folder of a database that is prepared.
        say: told what is going on, one sentence at a time.

    Raises:
        NotServing: there is no database, it is of another version, or it cannot be reached.
    """
    _refuse_unprepared(data)
    try:
        with stopped_by_sigterm(), database(data, say):
            _refuse_other_version(data)
            with _working(data, say) as worker:
                say("Working (Ctrl-C stops it)")
                while True:
                    worker.look_after()
                    time.sleep(LOOK_EVERY_S)
    except (KeyboardInterrupt, Stopped):
        say("Stopped.")


def verify_audit(*, data: Path, say: Callable[[str], None], hear: Callable[..., None]) -> None:
    """Follow the audit's chain of digests in the database of a data folder.

    Args:
        data: the data folder.
        say: told what is going on, one sentence at a time.
        hear: told ``entries``, the last ``digest`` and its ``at``, and ``broken_at`` (0 where the
            chain holds) with the ``reason``.

    Raises:
        NotServing: there is no database, or it cannot be reached.
    """

    def ask() -> None:
        from django.db import DatabaseError

        from gentie.contexts.audit.reads import first_break, last_entry

        try:
            broken, last = first_break(), last_entry()
        except DatabaseError as failed:
            raise NotServing(f"The audit cannot be read: {failed}") from failed
        hear(
            entries=last.number if last else 0,
            digest=last.digest if last else "",
            at=last.at if last else None,
            broken_at=broken.number if broken else 0,
            reason=broken.reason if broken else "",
        )

    ask_database(data=data, say=say, ask=ask)


def ask_database(*, data: Path, say: Callable[[str], None], ask: Callable[[], None]) -> None:
    """Run a question, with Django set up, against the database that is there.

    Args:
        data: the data folder.
        say: told what is going on, one sentence at a time.
        ask: called once, in this process, where Django reaches the database as the service does.

    Raises:
        NotServing: there is no database, or it cannot be reached.
    """
    _refuse_unprepared(data)
    try:
        with stopped_by_sigterm(), database(data, say):
            _fill(data, ask)
    except Stopped:
        raise NotServing("Stopped before the answer was there.") from None


def _refuse_unprepared(data: Path) -> None:
    if not os.environ.get("DATABASE_URL") and not (data / postgres.CONNECTION_FILE).exists():
        raise NotServing(
            f"No database is prepared in {data}: run `gentie operator init` or "
            "`gentie demo --no-serve` first."
        )


def _refuse_other_version(data: Path) -> None:
    """Tables are changed by who prepares or serves, never by a worker beside it."""
    try:
        _run_django(data, "application", "migrate", "--check")
    except NotServing as failed:
        raise NotServing(
            f"The database is not of this version, or cannot be reached ({failed}): run `gentie "
            "demo --no-serve` first."
        ) from failed


def _serve(
    listener: socket.socket,
    data: Path,
    say: Callable[[str], None],
    *,
    asked_port: int,
    open_browser: bool,
) -> None:
    port = listener.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603 - our own program, arguments are a list
        [
            sys.executable,
            "-m",
            "gunicorn",
            f"--bind=fd://{listener.fileno()}",
            "--worker-class=gthread",
            "--workers=2",
            "--threads=8",
            "--graceful-timeout=10",
            "--log-level=warning",
            "--no-control-socket",
            "gentie.project.wsgi:application",
        ],
        env=environment(data, "application"),
        stdin=subprocess.DEVNULL,
        pass_fds=[listener.fileno()],
        start_new_session=True,  # Ctrl-C is for us: we stop it, then the database
    )
    try:
        _wait_for_answer(port, server)
        if port != asked_port:
            say(f"Port {asked_port} is taken.")
        say(f"Serving at http://{HOST}:{port}/ (Ctrl-C stops it)")
        if open_browser:
            webbrowser.open(f"http://{HOST}:{port}/")
        with _working(data, say) as worker:
            while server.poll() is None:
                worker.look_after()
                time.sleep(LOOK_EVERY_S)
        raise NotServing(
            f"The service ended by itself (exit {server.returncode}): see the lines above."
        )
    finally:
        processes.stop(server)


@contextlib.contextmanager
def _working(data: Path, say: Callable[[str], None]) -> Iterator[processes.KeptWorker]:
    """A worker inside, which is looked after by the caller."""
    worker = processes.KeptWorker(environment(data, "application"), say)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def environment(data: Path, role: str) -> Mapping[str, str]:
    """The environment of a part of the service that reaches the database as the given role."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "gentie.project.settings",
        "GENTIE_DATA_DIR": str(data),
        "GENTIE_DATABASE_ROLE": role,
        "PYTHONUNBUFFERED": "1",
    }


def _run_django(data: Path, role: str, *command: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own program, arguments are a list
        [sys.executable, "-m", "django", *command],
        env=environment(data, role),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotServing(f"{command[0]} failed: {_reason(done.stderr or done.stdout)}")


def _reason(said: str) -> str:
    """The exception at the end of a traceback, as one line."""
    lines = said.strip().splitlines()
    starts = [at for at, line in enumerate(lines) if re.match(r"[A-Za-z_.]+: ", line)]
    if not starts:
        return lines[-1].strip() if lines else "no reason was given"
    words = " ".join(line.strip() for line in lines[starts[-1] :])
    return words.split(": ", 1)[1]


def migrate(data: Path, say: Callable[[str], None]) -> None:
    """Bring the tables to what this version expects.

    Raises:
        NotServing: a migration failed; none of its changes stay.
    """
    say("Bringing the database up to date")
    _run_django(data, "owner", "migrate", "--noinput", "--verbosity=0")
    _run_django(data, "application", "load_guide")


def _fill(data: Path, fill: Callable[[], None] | None) -> None:
    """Run the caller's work with Django set up in this process, and let go of its connections."""
    if fill is None:
        return
    import django

    os.environ.update(environment(data, "application"))
    django.setup()
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    try:
        fill()
    finally:
        connection = connections["default"]
        assert isinstance(connection, DatabaseWrapper)
        connection.close()
        connection.close_pool()  # its threads would outlive the database server


@contextlib.contextmanager
def database(data: Path, say: Callable[[str], None]) -> Iterator[None]:
    """The embedded server up inside, or the operator's own left as it is.

    Raises:
        NotServing: the embedded one did not start.
    """
    if os.environ.get("DATABASE_URL"):
        say("Using the database that DATABASE_URL names")
        if not os.environ.get("GENTIE_OWNER_DATABASE_URL"):
            say(
                "Its role also owns the tables and could switch the audit's protection off: give "
                "the owner's address in GENTIE_OWNER_DATABASE_URL."
            )
        yield
        return
    try:
        with postgres.Cluster(data, say=say).running():
            yield
    except (postgres.ServerFailed, places.CannotPlace) as failed:
        raise NotServing(str(failed)) from failed


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """A socket on the port or the next free one, held from now on: no race with others."""
    for candidate in range(port, port + PORTS_TRIED):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
        except OSError:
            listener.close()
            continue
        with listener:
            listener.listen(128)
            yield listener
        return
    raise NotServing(
        f"Ports {port} to {port + PORTS_TRIED - 1} are all taken: name another with --port."
    )


@contextlib.contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Inside, SIGTERM ends the run in order, as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_for_answer(port: int, server: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if server.poll() is not None:
            raise NotServing(
                f"The service did not start (exit {server.returncode}): see the lines above."
            )
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        except OSError:
            time.sleep(0.1)
            continue
        finally:
            connection.close()
        if status == 200:
            return
        raise NotServing(f"The start page answers {status}: see the lines above.")
    raise NotServing(f"The service gave no answer within {PATIENCE_S} s.")
