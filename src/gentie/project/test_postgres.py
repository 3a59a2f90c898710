from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gentie.project import places
from gentie.project.places import CannotPlace
from gentie.project.postgres import CONNECTION_FILE, Cluster, ServerFailed, parameters


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that the server's account can pass, as pytest's own cannot be by root."""
    folder = Path(tempfile.mkdtemp(prefix="gentie-"))
    folder.chmod(0o711)
    yield folder
    if (folder / CONNECTION_FILE).exists():
        Cluster(folder, durable=False).stop()
    shutil.rmtree(folder)


def pid(cluster: Cluster) -> int:
    assert cluster._placed is not None
    return int((cluster._placed.pgdata / "postmaster.pid").read_text().splitlines()[0])


def asked(cluster: Cluster, question: str, role: str = "application") -> object:
    with psycopg.connect(**parameters(cluster.data, role)) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


def test_a_server_starts_is_reused_and_stops(data):
    said: list[str] = []
    cluster = Cluster(data, durable=False, say=said.append)
    cluster.start()
    assert said == [f"Creating the database in {data.resolve() / 'postgresql'}"]
    assert asked(cluster, "SELECT current_user") == "gentie_application"
    assert asked(cluster, "SHOW listen_addresses") == ""
    assert asked(cluster, "SHOW password_encryption") == "scram-sha-256"
    first = pid(cluster)
    again = Cluster(data, durable=False)
    again.start()
    assert pid(again) == first
    cluster.stop()
    assert not again.is_running()
    with pytest.raises(psycopg.OperationalError):
        asked(cluster, "SELECT 1")
    cluster.start()
    assert asked(cluster, "SELECT 1") == 1


def test_it_survives_being_killed_and_keeps_what_was_committed(data):
    cluster = Cluster(data)  # durable, as outside tests
    cluster.start()
    assert asked(cluster, "SHOW fsync") == "on"
    with psycopg.connect(**parameters(data, "owner")) as owner:
        owner.execute("CREATE TABLE kept (word text)")
        owner.execute("INSERT INTO kept VALUES ('here')")
    killed = pid(cluster)
    os.kill(killed, signal.SIGKILL)
    cluster.start()
    assert pid(cluster) != killed
    assert asked(cluster, "SELECT word FROM kept") == "here"


def test_a_pid_file_whose_number_belongs_to_another_program_does_not_block_a_start(data):
    cluster = Cluster(data, durable=False)
    cluster.start()
    cluster.stop()
    assert cluster._placed is not None
    file = cluster._placed.pgdata / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n{cluster._placed.pgdata}\n")
    cluster.start()
    assert asked(cluster, "SELECT 1") == 1


def test_the_application_role_can_do_no_ddl_and_every_role_needs_its_password(data):
    cluster = Cluster(data, durable=False)
    cluster.start()
    kept = parameters(data, "application")
    with psycopg.connect(**kept, autocommit=True) as application:
        for statement in ("CREATE TABLE mine (a int)", "CREATE TEMP TABLE mine (a int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement)
    for role in ("owner", "application"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(**parameters(data, role) | {"password": "guessed"})
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**kept | {"user": "gentie_admin", "password": "guessed"})


def test_passwords_are_private_and_their_loss_is_said(data):
    cluster = Cluster(data, durable=False)
    cluster.start()
    file = data / CONNECTION_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    passwords = json.loads(file.read_text())["passwords"]
    assert len(set(passwords.values())) == 3
    cluster.stop()
    moved = data / "elsewhere"
    file.rename(moved)
    with pytest.raises(ServerFailed, match="has lost its passwords"):
        Cluster(data, durable=False).start()
    moved.rename(file)
    cluster.start()
    assert asked(cluster, "SELECT 1") == 1


def test_a_broken_server_gives_its_own_reason_in_one_sentence(data):
    cluster = Cluster(data, durable=False)
    cluster.start()
    cluster.stop()
    assert cluster._placed is not None
    settings = cluster._placed.pgdata / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(good + "\nno_such_setting = 1\n")
    with pytest.raises(ServerFailed) as failed:
        cluster.start()
    sentence = str(failed.value)
    assert "PostgreSQL did not start" in sentence
    assert "contains errors" in sentence
    assert "\n" not in sentence
    settings.write_text(good)
    cluster.start()


def test_two_that_begin_at_once_make_one_server(data):
    clusters = [Cluster(data, durable=False) for _ in range(3)]
    failures: list[BaseException] = []

    def start(cluster: Cluster) -> None:
        try:
            cluster.start()
        except BaseException as failed:
            failures.append(failed)

    threads = [threading.Thread(target=start, args=[cluster]) for cluster in clusters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({pid(cluster) for cluster in clusters}) == 1


def test_the_last_user_stops_the_server_also_after_a_failure(data):
    one, other = Cluster(data, durable=False), Cluster(data, durable=False)
    said: list[str] = []
    one.say = said.append
    with other.running():
        with pytest.raises(RuntimeError, match="mishap"), one.running():
            raise RuntimeError("mishap")
        assert said[-1] == "PostgreSQL stays up: another gentie program uses it."
        assert other.is_running()
    assert not one.is_running()


def test_a_long_data_folder_gets_a_short_private_socket(data):
    deep = data / ("d" * 60) / ("e" * 60)
    cluster = Cluster(deep, durable=False)
    cluster.start()
    try:
        sockets = Path(parameters(deep, "application")["host"])
        assert len(str(sockets / ".s.PGSQL.5432.lock")) <= places.LONGEST_SOCKET
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert asked(cluster, "SELECT 1") == 1
    finally:
        cluster.stop()
    sockets.rmdir()


def test_a_short_socket_folder_taken_by_a_link_is_refused(data):
    deep = data / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    taken = Path(tempfile.gettempdir()) / f"gentie-{places.mark(deep)}"
    taken.symlink_to(data)
    try:
        with pytest.raises(CannotPlace, match="belongs to somebody else"):
            Cluster(deep, durable=False).start()
    finally:
        taken.unlink()


def test_without_a_prepared_database_the_next_step_is_named(data):
    with pytest.raises(ServerFailed, match=r"run `gentie demo --no-serve`, or set DATABASE_URL"):
        parameters(data, "application")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="tells of a server started by root")


@needs_root
def test_a_data_folder_that_the_account_cannot_pass_is_served_from_the_systems(data, monkeypatch):
    system = data / "system"
    monkeypatch.setattr(places, "SYSTEM_FOLDER", system)
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    cluster = Cluster(closed / "data", durable=False)
    cluster.start()
    try:
        assert cluster._placed is not None
        assert cluster._placed.folder.parent == system
        assert not (closed / "data" / "postgresql").exists()
        assert asked(cluster, "SELECT 1") == 1
    finally:
        cluster.stop()


@needs_root
def test_nowhere_to_live_is_said(data, monkeypatch):
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(places, "SYSTEM_FOLDER", closed / "system")
    with pytest.raises(CannotPlace, match="set GENTIE_DATA_DIR to a folder whose parents"):
        Cluster(closed / "data", durable=False).start()


@needs_root
def test_a_database_that_can_no_longer_be_entered_is_not_replaced_by_an_empty_one(data):
    cluster = Cluster(data, durable=False)
    cluster.start()
    cluster.stop()
    data.chmod(0o700)
    with pytest.raises(CannotPlace, match="can no longer be entered"):
        Cluster(data, durable=False).start()
    data.chmod(0o711)
    cluster.start()
    assert asked(cluster, "SELECT 1") == 1


@needs_root
def test_programs_that_the_account_cannot_reach_are_copied(data, monkeypatch):
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    spec = importlib.util.find_spec(places.PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    installed = Path(spec.submodule_search_locations[0])
    package = closed / installed.name
    shutil.copytree(installed / places.BUILD, package / places.BUILD, symlinks=True)
    libraries = installed.with_name(f"{installed.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    spec.submodule_search_locations[:] = [str(package)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    cluster = Cluster(data, durable=False)
    cluster.start()
    assert cluster._placed is not None
    assert cluster._placed.programs.is_relative_to(cluster._placed.folder)
    assert asked(cluster, "SELECT 1") == 1


@needs_root
def test_an_unknown_account_is_said(data, monkeypatch):
    monkeypatch.setenv("GENTIE_DATABASE_ACCOUNT", "nobody-of-that-name")
    with pytest.raises(CannotPlace, match="name one in GENTIE_DATABASE_ACCOUNT"):
        Cluster(data, durable=False).start()
