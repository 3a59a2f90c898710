"""A PostgreSQL server of our own, in the data folder, from the programs of a pip package.

Only a private unix socket, never a network port; passwords for every role; an owner role for
migrations and an application role that can neither change the schema nor step around row security.
An operator's own server replaces all of this through ``DATABASE_URL``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from gentie.project import places

DATABASE = "gentie"
ADMIN, OWNER, APPLICATION = "gentie_admin", "gentie_owner", "gentie_application"
ROLES = {"owner": OWNER, "application": APPLICATION}
PORT = 5432  # only a part of the socket's name
CONNECTION_FILE = "postgresql.json"


class ServerFailed(Exception):
    """The database server did not do what was asked; the sentence says what and where to look."""


def _quiet(_: str) -> None:
    """Say nothing."""


def parameters(data: Path, role: str) -> dict[str, str]:
    """How a role (``owner``, ``application`` or ``admin``) reaches the database of a data folder.

    The admin is the server's own superuser: row rules do not bind it. Backups are made as it.

    Raises:
        ServerFailed: no database has been prepared there.
    """
    try:
        kept = json.loads((data / CONNECTION_FILE).read_text())
    except FileNotFoundError:
        raise ServerFailed(
            f"No database is prepared in {data}: run `gentie demo --no-serve`, or set DATABASE_URL."
        ) from None
    return {
        "host": kept["socket"],
        "port": str(PORT),
        "dbname": DATABASE,
        "user": {**ROLES, "admin": ADMIN}[role],
        "password": kept["passwords"][role],
    }


@dataclass
class Cluster:
    """One database server, and the folder that it lives in.

    Attributes:
        data: the data folder; passwords are kept here, readable by us alone.
        durable: wait for the disk at every commit. Off for tests only.
        patience_s: how long a start may take; a slow disk after a crash needs minutes.
        say: told what is going on, one sentence at a time.
    """

    data: Path
    durable: bool = True
    patience_s: float = 120
    say: Callable[[str], None] = _quiet
    _placed: _Placed | None = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Start the server, making the database first where there is none; reuse a running one.

        Raises:
            ServerFailed: it did not start; the sentence holds the server's own reason.
            places.CannotPlace: there is nowhere to run it.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        with _locked(self.data / "postgresql.lock", fcntl.LOCK_EX):
            placed = self._place()
            passwords = self._passwords(placed)
            if not placed.pgdata.exists():
                self._create(placed, passwords["admin"])
            if not self._answers(placed):
                self._start(placed)
            self._keep(placed, passwords)
            self._ensure_roles(placed, passwords)

    def stop(self) -> None:
        """Stop the server: sessions are ended, everything is written down.

        Raises:
            ServerFailed: it is still running after a minute.
        """
        with _locked(self.data / "postgresql.lock", fcntl.LOCK_EX):
            placed = self._place()
            if not placed.pgdata.exists() or not self._is_up(placed):
                return
            done = placed.control("stop", "-m", "fast", "-w", "-t", "60")
            if done.returncode != 0:
                raise ServerFailed(f"PostgreSQL did not stop: {_last_line(done.stdout)}")

    def is_running(self) -> bool:
        """Whether the server is up now."""
        placed = self._place()
        return placed.pgdata.exists() and self._is_up(placed)

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs, as they run here."""
        return self._place().programs

    def remove(self) -> None:
        """Stop the server and remove its files: for a database that was only just made."""
        self.stop()
        placed = self._place()
        shutil.rmtree(placed.folder)
        shutil.rmtree(placed.sockets, ignore_errors=True)  # inside the folder, or elsewhere

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """The server is up inside; after the last user has left, it is stopped.

        Two `gentie` programs on one data folder share one server: each holds a shared lock, and
        only who finds nobody else holding it stops the server.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        users = self.data / "postgresql.users"
        try:
            with _locked(users, fcntl.LOCK_SH):
                self.start()
                yield
        finally:
            self._stop_if_unused(users)

    def _stop_if_unused(self, users: Path) -> None:
        try:
            with _locked(users, fcntl.LOCK_EX | fcntl.LOCK_NB):
                self.stop()
        except BlockingIOError:
            self.say("PostgreSQL stays up: another gentie program uses it.")

    def _place(self) -> _Placed:
        if self._placed is None:
            data = self.data.resolve()
            account = places.server_account()
            folder = places.server_folder(account, data)
            self._placed = _Placed(
                account=account,
                folder=folder,
                programs=places.server_programs(account, folder),
                sockets=places.socket_folder(account, folder, data),
            )
        return self._placed

    def _passwords(self, placed: _Placed) -> dict[str, str]:
        file = self.data / CONNECTION_FILE
        if file.exists():
            kept: dict[str, str] = json.loads(file.read_text())["passwords"]
            return kept
        if placed.pgdata.exists():
            raise ServerFailed(
                f"The database in {placed.pgdata} has lost its passwords: put {file} back from "
                "your backup, or move the database away to begin with an empty one."
            )
        made = {role: secrets.token_urlsafe(32) for role in ("admin", *ROLES)}
        self._keep(placed, made)
        return made

    def _keep(self, placed: _Placed, passwords: dict[str, str]) -> None:
        """Write the connection file in one move, readable by us alone."""
        text = json.dumps({"socket": str(placed.sockets), "passwords": passwords}, indent=2)
        write_private(self.data / CONNECTION_FILE, text)

    def _create(self, placed: _Placed, password: str) -> None:
        self.say(f"Creating the database in {placed.folder}")
        unfinished = placed.folder / "unfinished"
        # What a killed run left behind has no value: the rename below is the moment of birth.
        placed.run("rm", "-rf", unfinished)
        secret = placed.folder / "password"
        write_private(secret, password)
        if placed.account is not None:
            os.chown(secret, placed.account.uid, placed.account.gid)
        try:
            done = placed.run(
                placed.programs / "initdb",
                f"--pgdata={unfinished}",
                f"--username={ADMIN}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # The same sort order on every machine, whatever its C library.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                *(() if self.durable else ("--no-sync",)),
            )
        finally:
            secret.unlink()
        if done.returncode != 0:
            raise ServerFailed(f"PostgreSQL could not make its files: {_last_line(done.stdout)}")
        with (unfinished / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'gentie.conf'\n")
        unfinished.rename(placed.pgdata)

    def _start(self, placed: _Placed) -> None:
        self._configure(placed)
        began = time.monotonic()
        while True:
            log_size = placed.log.stat().st_size if placed.log.exists() else 0
            left_s = max(1, int(self.patience_s - (time.monotonic() - began)))
            if self._launch(placed, began, left_s) == 0:
                return
            reason = _why_not(placed.log, log_size)
            # After a SIGKILL of the server its children take a moment to notice and let go.
            if "still in use" in reason and time.monotonic() - began < self.patience_s:
                time.sleep(0.2)
                continue
            raise ServerFailed(
                f"PostgreSQL did not start within {self.patience_s:g} s: {reason} "
                f"(log: {placed.log})"
            )

    def _answers(self, placed: _Placed) -> bool:
        """Whether a server is up and lets sessions in; one that still comes up is waited for.

        A process that was killed a moment ago counts as up until the kernel has cleared it away:
        only an answer proves a server.
        """
        began = time.monotonic()
        while self._is_up(placed):
            ready = placed.run(
                placed.programs / "pg_isready", "-h", placed.sockets, "-p", str(PORT), "-t", "3"
            )
            if ready.returncode == 0:
                return True
            if time.monotonic() - began > self.patience_s:
                raise ServerFailed(
                    f"PostgreSQL runs but gave no answer within {self.patience_s:g} s "
                    f"(log: {placed.log})"
                )
            time.sleep(0.1)
        return False

    def _launch(self, placed: _Placed, began: float, left_s: int) -> int:
        """Run pg_ctl, saying every few seconds that we still wait."""
        starter = subprocess.Popen(  # noqa: S603 - our own program, arguments are a list
            placed.control_arguments("start", "-w", "-t", str(left_s), "-l", str(placed.log)),
            cwd="/",
            env=places.ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: the server is stopped in order
            **places.as_account(placed.account),
        )
        while True:
            try:
                return starter.wait(timeout=5)
            except subprocess.TimeoutExpired:
                waited_s = time.monotonic() - began
                self.say(
                    f"PostgreSQL is starting ({waited_s:.0f} s of at most {self.patience_s:g} s)"
                )

    def _configure(self, placed: _Placed) -> None:
        sockets = str(placed.sockets).replace("'", "''")
        lines = [
            "# Written by gentie at every start: changes here are lost.",
            "listen_addresses = ''",
            f"unix_socket_directories = '{sockets}'",
            "unix_socket_permissions = 0700",
            f"port = {PORT}",
            "password_encryption = 'scram-sha-256'",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
        ]
        if not self.durable:
            lines += ["fsync = off", "synchronous_commit = off", "full_page_writes = off"]
        file = placed.pgdata / "gentie.conf"
        file.write_text("\n".join(lines) + "\n")
        if placed.account is not None:
            os.chown(file, placed.account.uid, placed.account.gid)

    def _is_up(self, placed: _Placed) -> bool:
        _drop_stale(placed.pgdata / "postmaster.pid", self.patience_s)
        _drop_stale(placed.sockets / f".s.PGSQL.{PORT}.lock", self.patience_s)
        return placed.control("status").returncode == 0

    def _ensure_roles(self, placed: _Placed, passwords: dict[str, str]) -> None:
        """Make roles and database; safe to repeat, so that a killed first start does no harm."""
        ready = placed.folder / "roles-ready"
        if ready.exists():
            return
        with _admin(placed, passwords["admin"], "template1") as admin:
            for role, name in ROLES.items():
                known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
                verb = "ALTER" if known.fetchone() else "CREATE"
                # Only a cluster for tests lets the owner make databases (one per test worker).
                makes = "CREATEDB" if role == "owner" and not self.durable else "NOCREATEDB"
                admin.execute(
                    sql.SQL(
                        f"{verb} ROLE {{}} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE "
                        f"NOREPLICATION {makes} PASSWORD {{}}"
                    ).format(sql.Identifier(name), sql.Literal(passwords[role]))
                )
            # Kept in the template, so that every database made later, a test's too, has them.
            for what, kind in (
                ("SELECT, INSERT, UPDATE, DELETE", "TABLES"),
                ("USAGE, SELECT", "SEQUENCES"),
            ):
                admin.execute(
                    sql.SQL(
                        f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} GRANT {what} ON {kind} TO {{}}"
                    ).format(sql.Identifier(OWNER), sql.Identifier(APPLICATION))
                )
        # Not from template1: another session there would make CREATE DATABASE fail.
        with _admin(placed, passwords["admin"], "postgres") as admin:
            known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not known.fetchone():
                admin.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template1").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )
            admin.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE))
            )
            admin.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(APPLICATION)
                )
            )
        ready.touch()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A cluster's places, after they have been tried."""

    account: places.Account | None
    folder: Path
    programs: Path
    sockets: Path

    @property
    def pgdata(self) -> Path:
        return self.folder / places.CLUSTER

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return places.run(self.account, arguments)

    def control_arguments(self, *arguments: str) -> list[str]:
        return [str(self.programs / "pg_ctl"), "-D", str(self.pgdata), *arguments]

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(*self.control_arguments(*arguments))


def write_private(file: Path, text: str) -> None:
    """Write a file in one move, readable by us alone from its first byte on."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.rename(file)


@contextlib.contextmanager
def _locked(file: Path, kind: int) -> Iterator[None]:
    with file.open("a") as handle:
        fcntl.flock(handle, kind)
        yield


@contextlib.contextmanager
def _admin(
    placed: _Placed, password: str, database: str
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    try:
        connection = psycopg.connect(
            host=str(placed.sockets),
            port=PORT,
            user=ADMIN,
            password=password,
            dbname=database,
            autocommit=True,
        )
    except psycopg.OperationalError as failed:
        raise ServerFailed(f"PostgreSQL runs but lets us not in: {failed}") from failed
    with contextlib.closing(connection):
        yield connection


def _drop_stale(file: Path, patience_s: float) -> None:
    """Remove the lock file of a dead server where its process number still answers.

    PostgreSQL itself overlooks a number that is gone. It cannot know that the number was given to
    another program, as happens after a restart of a container, where numbers start small; nor
    that the dead server was never buried, as happens in a container whose first program reaps
    nobody. The pid file also guards the dead server's shared memory: it stays until nobody uses
    that any more.
    """
    try:
        lines = file.read_text().splitlines()
        status = Path(f"/proc/{int(lines[0])}/stat").read_text()
    except (FileNotFoundError, ValueError, IndexError, ProcessLookupError):
        return
    # "pid (name) state …"; a name may itself hold spaces and brackets.
    name, _, rest = status.partition("(")[2].rpartition(")")
    if name.startswith("postgres") and rest.split()[0] != "Z":
        return
    began = time.monotonic()
    while _is_attached(lines):
        if time.monotonic() - began > patience_s:
            return
        time.sleep(0.1)
    file.unlink(missing_ok=True)


def _is_attached(lines: list[str]) -> bool:
    """Whether some process still uses the shared memory that a pid file names (its line 7)."""
    if len(lines) < 7 or not lines[6].strip():
        return False  # a socket's lock, or written before the memory was made
    segment = lines[6].split()[-1]
    try:
        table = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    except FileNotFoundError:
        return False
    # key shmid perms size cpid lpid nattch …
    return any(row.split()[1] == segment and int(row.split()[6]) > 0 for row in table)


def _why_not(log: Path, since: int) -> str:
    """The server's own reason, from what its log gained since we began."""
    if not log.exists():
        return "it wrote no log."
    with log.open("rb") as stream:
        stream.seek(since)
        gained = stream.read().decode(errors="replace")
    fatal = [line for line in gained.splitlines() if "FATAL:" in line or "PANIC:" in line]
    return (fatal[-1].split(":  ", 1)[-1] if fatal else _last_line(gained)) + "."


def _last_line(text: str | None) -> str:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
