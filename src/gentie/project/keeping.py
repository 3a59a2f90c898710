"""Backing an installation up into one file, and bringing it back.

The command line reaches these functions through the entry points `gentie.service` (decision 0002).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

import gentie
from gentie.project import places, postgres
from gentie.project.archive import DUMP, Archive, opened_archive, written_archive
from gentie.project.dumping import (
    CannotDump,
    Content,
    Server,
    content_of,
    dumped,
    restore_dump,
)
from gentie.project.serving import (
    NotServing,
    Stopped,
    ask_database,
    database,
    migrate,
    stopped_by_sigterm,
)
from gentie.quantities.findings import BadInput, Finding

CONTEXTS = "gentie.contexts"
OTHER_APPS = frozenset({"auth", "contenttypes", "sessions", "procrastinate"})
"""Applications of others that make tables here."""


def backup(
    *,
    data: Path,
    file: Path,
    at: datetime,
    say: Callable[[str], None],
    hear: Callable[..., None],
) -> None:
    """Write everything of an installation into one file; the service may run meanwhile.

    Args:
        data: the data folder.
        file: that is made; there whole, or not at all.
        at: when; an aware time.
        say: told what is going on, one sentence at a time.
        hear: told ``rows``, ``files``, ``size_bytes``, the audit's ``entries`` and last ``digest``.

    Raises:
        BadInput: the file is there already or cannot be written.
        Failed: there is no database, or it could not be written out.
    """
    if not os.environ.get("DATABASE_URL") and not (data / postgres.CONNECTION_FILE).exists():
        raise NotServing(f"No database is prepared in {data}: there is nothing to back up.")
    with (
        _in_sentences("Stopped: no backup was made."),
        database(data, say),
        written_archive(file) as (made, close),
    ):
        say("Writing the database out")
        # The database first: every file that a row of it names was on the disk before.
        with dumped(_server(data, "admin")) as (content, chunks):
            made.add(DUMP, chunks)
        say("Adding documents and studies")
        made.add_data(data)
        close(
            {
                "made_at": at.isoformat(),
                "gentie": gentie.__version__,
                "database": asdict(content),
            }
        )
    hear(
        rows=sum(content.rows.values()),
        files=len(made.parts) - 1,
        size_bytes=file.stat().st_size,
        entries=content.entries,
        digest=content.digest,
    )


def restore(
    *, data: Path, file: Path, say: Callable[[str], None], hear: Callable[..., None]
) -> None:
    """Bring a backup back into an empty data folder, and prove that it is whole.

    Where something fails, the data folder is empty again. A database that ``DATABASE_URL`` names
    is only written to in one transaction.

    Args:
        data: the data folder, empty or not there.
        file: a backup.
        say: told what is going on, one sentence at a time.
        hear: told ``rows``, ``files``, the audit's ``entries`` and last ``digest``.

    Raises:
        BadInput: the data folder is not empty, or the file is no whole backup.
        Failed: the database could not be brought back, or is not what was backed up.
    """
    say("Checking every digest of the backup")
    with opened_archive(file) as archive:
        _refuse_newer(archive)
        _refuse_full(data)
        with _in_sentences("Stopped: nothing was restored."), _undone_on_failure(data, say):
            data.mkdir(parents=True, exist_ok=True)
            archive.lay_out(data)
            with database(data, say):
                content = _restored(archive, data, say)
                migrate(data, say)
                entries, digest = _audited(data, say, content)
            hear(
                rows=sum(content.rows.values()),
                files=len(archive.files),
                entries=entries,
                digest=digest,
            )


def _restored(archive: Archive, data: Path, say: Callable[[str], None]) -> Content:
    """Bring the database back, and hold it against what the manifest says."""
    said = archive.manifest["database"]
    server = _server(data, "owner")
    is_alike = said["roles"]["application"] == server.application
    has_two_roles = said["roles"]["owner"] != said["roles"]["application"]
    say("Bringing the database back")
    with archive.dump() as dump:
        restore_dump(
            server,
            iter(lambda: dump.read(1 << 20), b""),
            with_privileges=is_alike and has_two_roles,
        )
    seen = _server(data, "admin")
    with seen.connect() as session:
        found = content_of(seen, session)
    expected = {"rows": found.rows, "guards": found.guards}
    if has_two_roles and found.roles["owner"] != found.roles["application"]:
        expected["rights"] = found.rights
    for what, there in expected.items():
        if there != said[what]:
            raise CannotDump(
                f"The database came back, but its {what} are not those of the backup "
                f"({_first_difference(said[what], there)}): nothing is kept of it."
            )
    return found


def _audited(data: Path, say: Callable[[str], None], content: Content) -> tuple[int, str]:
    """Follow the audit's chain in what was restored."""
    found: dict[str, Any] = {}

    def ask() -> None:
        from gentie.contexts.audit.reads import first_break, last_entry

        broken, last = first_break(), last_entry()
        found.update(
            reason=broken.reason if broken else "",
            entries=last.number if last else 0,
            digest=last.digest if last else "",
        )

    ask_database(data=data, say=lambda _: None, ask=ask)
    say("Following the audit's chain")
    if found["reason"]:
        raise CannotDump(f"The audit of the backup does not hold: {found['reason']}.")
    if found["digest"] != content.digest:
        raise CannotDump("The audit's last entry is not the one that was backed up.")
    return found["entries"], found["digest"]


def _server(data: Path, role: str) -> Server:
    """The database of a data folder, or the operator's own, as one of its roles.

    Args:
        data: the data folder.
        role: ``admin``, whom row rules do not bind, or ``owner``.
    """
    url = os.environ.get("DATABASE_URL")
    try:
        if url:
            account = places.server_account()
            owner = os.environ.get("GENTIE_OWNER_DATABASE_URL") or url
            if role == "admin":
                owner = os.environ.get("GENTIE_BACKUP_DATABASE_URL") or owner
            return Server(
                programs=places.server_programs(account, data),
                parameters=_words_of(owner),
                application=_words_of(url).get("user", ""),
            )
        return Server(
            programs=postgres.Cluster(data).programs,
            parameters=postgres.parameters(data, role),
            application=postgres.APPLICATION,
        )
    except (postgres.ServerFailed, places.CannotPlace) as failed:
        raise NotServing(str(failed)) from failed


def _words_of(url: str) -> dict[str, str]:
    return {name: str(word) for name, word in conninfo_to_dict(url).items() if word is not None}


def _refuse_full(data: Path) -> None:
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BadInput(
            Finding(
                "restore.folder.full",
                f"{data} is not empty: restore into an empty folder, and move it to its place "
                "afterwards.",
            )
        )


def _refuse_newer(archive: Archive) -> None:
    """Stop where a newer version made the backup: its tables are unknown here."""
    made = {tuple(one.split(".", 1)) for one in archive.manifest["database"]["migrations"]}
    known = {
        (app.name, entry.name.removesuffix(".py"))
        for app in files(CONTEXTS).iterdir()
        if (app / "migrations").is_dir()
        for entry in (app / "migrations").iterdir()
    }
    unknown = sorted(
        f"{app}.{name}" for app, name in made if app not in OTHER_APPS and (app, name) not in known
    )
    if unknown:
        raise BadInput(
            Finding(
                "restore.newer",
                f"The backup was made by gentie {archive.manifest['gentie']}, and this one does "
                f"not know its {unknown[0]}: install that version or a later one.",
                count=len(unknown),
            )
        )


@contextlib.contextmanager
def _in_sentences(stopped: str) -> Iterator[None]:
    """SIGTERM, and a disk that is full or forbids, end the work with a sentence."""
    try:
        with stopped_by_sigterm():
            yield
    except Stopped:
        raise NotServing(stopped) from None
    except OSError as cause:
        raise NotServing(f"The disk refused: {cause}.") from cause


@contextlib.contextmanager
def _undone_on_failure(data: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Leave the data folder as it was, empty, where something fails inside."""
    was_there = data.exists()
    try:
        yield
    except BaseException:
        if not os.environ.get("DATABASE_URL"):
            with contextlib.suppress(postgres.ServerFailed, places.CannotPlace):
                postgres.Cluster(data).remove()
        for path in data.iterdir() if data.exists() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if not was_there and data.exists():
            data.rmdir()
        say(f"Nothing was kept in {data}.")
        raise


def _first_difference(said: Any, there: Any) -> str:
    if isinstance(said, dict):
        for name in sorted(set(said) | set(there)):
            if said.get(name) != there.get(name):
                return f"{name}: {said.get(name)} then, {there.get(name)} now"
    gone = [one for one in said if one not in there] or [one for one in there if one not in said]
    return " ".join(map(str, gone[0])) if gone else "their order"
