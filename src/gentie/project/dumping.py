"""The database on its way into a backup and out of it, by PostgreSQL's own programs."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gentie.cli.errors import Failed
from gentie.project import places
from gentie.project.archive import chunks_of

AS_PROGRAM = "-c gentie.role=program"
"""Row security shows the service's own programs every row (decision 0008)."""

TABLES = (
    "SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
)
RIGHTS = f"""
    SELECT t.relname, p FROM ({TABLES}) t,
        unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) p
    WHERE has_table_privilege(%s, t.oid, p) ORDER BY 1, 2
"""  # noqa: S608 - put together from constants
GUARDS = f"""
    SELECT t.relname, 'rows', c.relrowsecurity::text, c.relforcerowsecurity::text
        FROM ({TABLES}) t JOIN pg_class c ON c.oid = t.oid
    UNION ALL SELECT t.relname, 'policy', p.polname::text, p.polcmd::text
        FROM ({TABLES}) t JOIN pg_policy p ON p.polrelid = t.oid
    UNION ALL SELECT t.relname, 'trigger', g.tgname::text, g.tgenabled::text
        FROM ({TABLES}) t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL SELECT t.relname, 'constraint', k.conname::text, k.contype::text
        FROM ({TABLES}) t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype <> 'n'
    ORDER BY 1, 2, 3, 4
"""  # noqa: S608


class CannotDump(Failed):
    """The database could not be written out or read back; the sentence says why."""


@dataclass(frozen=True)
class Server:
    """A database and the programs for it.

    Attributes:
        programs: folder with ``pg_dump`` and ``pg_restore``.
        parameters: of the connection, by libpq's names.
        application: role that the service works as.
    """

    programs: Path
    parameters: dict[str, str]
    application: str

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A session that sees every row.

        Raises:
            CannotDump: the server lets us not in.
        """
        try:
            return psycopg.connect(**self.parameters, options=AS_PROGRAM)  # type: ignore[arg-type]
        except psycopg.OperationalError as failed:
            raise CannotDump(f"The database cannot be reached: {failed}") from failed

    def start(self, program: str, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Start a program against the database; the password is not among its arguments."""
        open_words = {name: word for name, word in self.parameters.items() if name != "password"}
        return subprocess.Popen(  # noqa: S603 - PostgreSQL's own, arguments are a list
            [
                str(self.programs / program),
                f"--dbname={make_conninfo(**open_words)}",
                "--no-password",
                *arguments,
            ],
            env={
                **places.ENVIRONMENT,
                "PGPASSWORD": self.parameters.get("password", ""),
                "PGOPTIONS": AS_PROGRAM,
            },
            **streams,
        )


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a database.

    Attributes:
        rows: count by table.
        rights: what the application role may do, by table.
        guards: row rules, triggers and constraints, each as four words.
        migrations: those that made the tables.
        entries: of the audit.
        digest: of its last entry, empty where there is none.
        version: of the server.
        roles: names of the owner of the tables and of the application role.
    """

    rows: dict[str, int]
    rights: dict[str, list[str]]
    guards: list[list[str]]
    migrations: list[str]
    entries: int
    digest: str
    version: str
    roles: dict[str, str]


def content_of(server: Server, session: psycopg.Connection[tuple[Any, ...]]) -> Content:
    """Look at a database, in the transaction that is under way."""
    tables = [name for _, name in session.execute(TABLES).fetchall()]
    rights: dict[str, list[str]] = {name: [] for name in tables}
    for name, right in session.execute(RIGHTS, [server.application]).fetchall():
        rights[name].append(right)
    rows = {}
    for name in sorted(tables):
        counted = session.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
        rows[name] = _one(counted)
    audit = session.execute(
        "SELECT number, digest FROM audit_entry ORDER BY number DESC LIMIT 1"
    ).fetchone()
    owner = session.execute(
        "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'audit_entry'::regclass"
    )
    return Content(
        rows=rows,
        rights=rights,
        guards=[list(guard) for guard in session.execute(GUARDS).fetchall()],
        migrations=[
            f"{app}.{name}"
            for app, name in session.execute(
                "SELECT app, name FROM django_migrations ORDER BY app, name"
            ).fetchall()
        ],
        entries=audit[0] if audit else 0,
        digest=audit[1] if audit else "",
        version=_one(session.execute("SHOW server_version")),
        roles={"owner": _one(owner), "application": server.application},
    )


@contextlib.contextmanager
def dumped(server: Server) -> Iterator[tuple[Content, Iterable[bytes]]]:
    """A database as it is at one moment: what is in it, and its dump piece by piece.

    Raises:
        CannotDump: the role does not see every row, or ``pg_dump`` failed.
    """
    with server.connect() as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.read_only = True
        snapshot = _one(session.execute("SELECT pg_export_snapshot()"))
        if not _is_prepared(session):
            raise CannotDump("The database is not prepared: there is nothing to back up.")
        name, sees_all = session.execute(
            "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchall()[0]
        if not sees_all:
            # A dump under row rules would leave out what they hide, without a word.
            raise CannotDump(
                f"The role {name} does not see every row: give the address of one with BYPASSRLS "
                "in GENTIE_BACKUP_DATABASE_URL."
            )
        words = ["--format=custom", f"--snapshot={snapshot}"]
        with tempfile.TemporaryFile() as said:
            running = server.start(
                "pg_dump", *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
            )
            assert running.stdout is not None
            try:
                yield content_of(server, session), chunks_of(running.stdout)
            finally:
                running.stdout.close()
                code = running.wait()
            if code != 0:
                raise CannotDump(f"pg_dump failed: {_last_words(said)}")


def restore_dump(server: Server, chunks: Iterable[bytes], *, with_privileges: bool) -> None:
    """Bring a dump into an empty database, in one transaction.

    Args:
        server: as the role that is to own the tables.
        chunks: of the dump.
        with_privileges: also who may do what; the roles have the same names here.

    Raises:
        CannotDump: the database is not empty, or ``pg_restore`` failed; it is as it was.
    """
    with server.connect() as session:
        if session.execute(TABLES + " LIMIT 1").fetchone():
            raise CannotDump("The database has tables already: restore into an empty one.")
        if with_privileges:
            _forget_default_rights(server, session)
    words = ["--single-transaction", "--exit-on-error", "--no-owner"]
    if not with_privileges:
        words.append("--no-privileges")
    with tempfile.TemporaryFile() as said:
        running = server.start(
            "pg_restore", *words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said
        )
        assert running.stdin is not None
        try:
            for chunk in chunks:
                running.stdin.write(chunk)
        except BrokenPipeError:
            pass  # it ended early; its own words say why
        finally:
            with contextlib.suppress(BrokenPipeError):
                running.stdin.close()
            code = running.wait()
        if code != 0:
            raise CannotDump(f"pg_restore failed: {_last_words(said)}")


def _forget_default_rights(server: Server, session: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Let no right come from the new database by itself: the dump says all of them.

    A right that a migration took from the application role would otherwise be given back.
    """
    for kind in ("TABLES", "SEQUENCES"):
        session.execute(
            sql.SQL(f"ALTER DEFAULT PRIVILEGES REVOKE ALL ON {kind} FROM {{}}").format(
                sql.Identifier(server.application)
            )
        )


def _is_prepared(session: psycopg.Connection[tuple[Any, ...]]) -> bool:
    return bool(_one(session.execute("SELECT to_regclass('public.audit_entry') IS NOT NULL")))


def _one(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Any:
    row = cursor.fetchone()
    assert row is not None
    return row[0]


def _last_words(said: Any) -> str:
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines()]
    kept = [
        line for line in lines if line and not line.startswith(("Command was", "pg_restore: from"))
    ]
    return " ".join(kept[-2:]) or "it gave no reason."
