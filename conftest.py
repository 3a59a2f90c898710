"""What all tests share. Imports of the service are inside the fixtures: the lower rooms' tests run
without Django too (`make test-engines`)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from psycopg import Connection

    from gentie.project.postgres import Cluster

SHARED = Path(__file__).resolve().parent.parent / "shared"
ASKS_FOR_STATIC_FILES = {"client", "admin_client", "site"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    soak = "soak" in (config.option.markexpr or "")
    for item in items:
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(
                pytest.mark.skip(reason="the folder shared/ beside the checkout is absent")
            )
        if item.get_closest_marker("soak") and not soak:
            item.add_marker(pytest.mark.skip(reason="a long proof: `make soak` runs it"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real cases beside the checkout; mark the test `shared`."""
    return SHARED


def _test_cluster() -> Cluster:
    from gentie.project.postgres import Cluster

    return Cluster(Path(os.environ["GENTIE_TEST_DIR"]), durable=False)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """This test run's PostgreSQL: started by the first who asks, stopped at the end of the run."""
    started = _test_cluster()
    started.start()
    return started


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, cluster: Cluster
) -> None:
    """Point Django at it, as the owner of the tables: each worker makes its own database."""
    from django.db import connections

    from gentie.project.postgres import parameters

    kept = parameters(cluster.data, "owner")
    connections["default"].settings_dict.update(
        HOST=kept["host"],
        PORT=kept["port"],
        USER=kept["user"],
        PASSWORD=kept["password"],
        # Rows that a test makes are made as the service's own programs make them; a page is asked
        # on behalf of whoever asks it, and `as_application` begins as nobody.
        OPTIONS={"options": "-c gentie.role=program"},
    )


@pytest.fixture
def as_application(transactional_db: None, cluster: Cluster) -> Iterator[Connection]:
    """A connection to this test's database as the service has it: rows only, no tables."""
    import psycopg
    from django.db import connection

    from gentie.project.postgres import parameters

    kept = parameters(cluster.data, "application")
    kept["dbname"] = connection.settings_dict["NAME"]
    with psycopg.connect(**kept, autocommit=True) as application:
        yield application


@pytest.fixture
def signed_in(client: Any) -> Any:
    """`signed_in(member)`: the test's client as a member of an organisation, second factor given."""

    def come_in(member: Any) -> Any:
        member.person.refresh_from_db()  # the session holds a mark of the password as it is
        client.force_login(member.person)
        session = client.session
        session.update({"organisation": member.organisation_id, "second_factor": True})
        session.save()
        return client

    return come_in


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or "GENTIE_TEST_DIR" not in os.environ:
        return
    if (Path(os.environ["GENTIE_TEST_DIR"]) / "postgresql.json").exists():
        _test_cluster().stop()


@pytest.fixture(autouse=True)
def _static_files(request: pytest.FixtureRequest) -> None:
    """Pages are tested with the hashed static files that they are served with."""
    if not ASKS_FOR_STATIC_FILES & set(request.fixturenames):
        return
    from django.conf import settings
    from django.core.management import call_command

    root = Path(settings.STATIC_ROOT)
    if not (root / "staticfiles.json").exists():
        with (root.parent / "static.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (root / "staticfiles.json").exists():
                call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture(autouse=True, scope="session")
def _emptying_the_test_database() -> Iterator[None]:
    """Let the end of a transactional test empty what refuses that to everybody else."""
    try:
        from django.db import connection
        from django.test import TransactionTestCase
    except ModuleNotFoundError:
        yield
        return
    protected = ("audit_entry", "ledger_entry", "ledger_posting")
    empty: Any = TransactionTestCase._fixture_teardown

    def emptying(case: TransactionTestCase) -> None:
        def switch(how: str) -> None:
            with connection.cursor() as cursor:
                for table in protected:
                    cursor.execute(f"ALTER TABLE {table} {how} TRIGGER {table}_no_truncate")

        switch("DISABLE")
        try:
            empty(case)
        finally:
            switch("ENABLE ALWAYS")

    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", emptying)
    yield
    patch.undo()
