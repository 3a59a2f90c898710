"""Backup and restore of the real embedded database, through the command line."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from gentie.project.archive import DUMP, MANIFEST, opened_archive
from gentie.project.postgres import CONNECTION_FILE, Cluster, parameters
from gentie.quantities.findings import BadInput

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "operator.example.toml"
PDF = b"%PDF-1.7\nA lease of the site.\n%%EOF\n"
FILL = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from gentie.project.serving import prepare

def fill():
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.accounts.actions import create_organisation
    from gentie.contexts.documents.actions import store_document
    from gentie.contexts.ledger.actions import post
    from gentie.contexts.notices.actions import queue
    from gentie.quantities.money import Money

    words = {{"by": "program:test", "at": datetime(2026, 11, 22, 17, 0, tzinfo=UTC)}}
    with acting_as(AS_PROGRAM):
        sun = create_organisation(name="First Sun", kind="customer", **words).pk
        store_document(subject="request:7", kind="lease", organisation_id=sun,
                       file_name="lease.pdf", content={PDF!r}, **words)
        post(subject="request:7", organisation_id=sun, kind="deposit_invoiced", postings={{
            "receivable": Money.of(5, "USD"), "deposits_held": Money.of(-5, "USD")}}, **words)
        queue(organisation_id=sun, code="a.b", title="A", body="B.", subject="request:7",
              address="/", **words)

prepare(data=Path(sys.argv[1]), say=lambda _: None, fill=fill)
"""


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = ("GENTIE_", "DJANGO_", "DATABASE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=kept | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def gentie(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("-c", "from gentie.cli.main import main; main()", *arguments, **environment)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the database's own account may pass."""
    folder = Path(tempfile.mkdtemp(prefix="gentie-"))
    folder.chmod(0o711)
    yield folder
    for data in folder.iterdir():
        if (data / CONNECTION_FILE).exists():
            Cluster(data, durable=False).stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def data(place) -> Path:
    """An operator with a published grid, a document, a deposit and a notice."""
    data = place / "data"
    done = gentie("operator", "init", EXAMPLE, "--data", data)
    assert done.returncode == 0, done.stderr
    done = run("-c", FILL, data)
    assert done.returncode == 0, done.stderr
    # A published study lies in a folder and beside it as an archive.
    (data / "bundles" / "abc").mkdir(parents=True)
    (data / "bundles" / "abc" / "manifest.json").write_text("{}")
    (data / "bundles" / "abc.zip").write_bytes(b"PK")
    (data / "bundles" / ".unfinished-x").mkdir()
    (data / "bundles" / ".unfinished-x" / "half").write_text("half")
    return data


@pytest.fixture(scope="module")
def made(data, place) -> tuple[Path, str]:
    """A backup, and what was said of it."""
    file = place / "backup.zip"
    done = gentie("backup", file, "--data", data)
    assert done.returncode == 0, done.stderr
    return file, done.stdout


def seen(session: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, and everything that guards them."""
    found = {name: session.execute(question).fetchall() for name, question in GUARDED.items()}
    for (table,) in session.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    ).fetchall():
        found[table] = session.execute(f"SELECT t::text FROM {table} t ORDER BY 1").fetchall()
    return found


def everything(data: Path) -> dict[str, list[tuple[object, ...]]]:
    with (
        Cluster(data, durable=False).running(),
        psycopg.connect(**parameters(data, "admin"), autocommit=True) as session,
    ):
        return seen(session)


ALIKE = "'::(character varying|text)|[][()]', '', 'g'"
OURS = "'public'::regnamespace ORDER BY 1, 2"
GUARDED = {
    "policies": (
        # A list of words is written down in two ways, with the same meaning.
        f"SELECT tablename, policyname, cmd, regexp_replace(qual, {ALIKE}), "
        f"regexp_replace(with_check, {ALIKE}) FROM pg_policies ORDER BY 1, 2"
    ),
    "triggers": (
        "SELECT tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(oid) "
        "FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
    ),
    "relations": (
        "SELECT relname, relkind, relrowsecurity, relforcerowsecurity, relacl::text, "
        f"pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = {OURS}"
    ),
    "constraints": (
        # A list of words is written down in two ways, with the same meaning.
        "SELECT conrelid::regclass::text, conname, "
        f"regexp_replace(pg_get_constraintdef(oid), {ALIKE}) "
        f"FROM pg_constraint WHERE connamespace = {OURS}"
    ),
    "functions": (f"SELECT proname, prosrc, proacl::text FROM pg_proc WHERE pronamespace = {OURS}"),
    "default rights": "SELECT defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1",
}


def test_what_was_backed_up_comes_back_whole_guarded_and_with_the_same_rights(data, made, place):
    file, said = made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    back = place / "back"
    done = gentie("restore", file, "--data", back)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split("last digest ")[1] in said
    before, after = everything(data), everything(back)
    assert set(before) >= {*GUARDED, "ledger_posting", "documents_document", "grid_pointcapacity"}
    assert all(before[name] for name in GUARDED)
    assert after == before
    # Files byte for byte, the key of the sessions too; what was under way is left out.
    names = ["bundles/abc.zip", "bundles/abc/manifest.json", "secret-key"]
    with opened_archive(file) as archive:
        (document,) = [name for name in archive.files if name.startswith("files/")]
        assert sorted(archive.files) == [*names[:2], document, names[2]]
    assert (back / document).read_bytes() == PDF
    for name in (*names, document):
        assert (back / name).read_bytes() == (data / name).read_bytes()
        assert stat.S_IMODE((back / name).stat().st_mode) == 0o600
    # The application sees nobody's rows as nobody, and cannot take its bounds away.
    with (
        Cluster(back, durable=False).running(),
        psycopg.connect(**parameters(back, "application"), autocommit=True) as application,
    ):
        for table in ("documents_document", "ledger_entry", "notices_notice", "accounts_person"):
            assert application.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        application.execute("SELECT set_config('gentie.role', 'program', false)")
        assert application.execute("SELECT sum(amount) FROM ledger_posting").fetchone() == (0,)
        for statement in (
            "TRUNCATE ledger_entry CASCADE",
            "ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
            "CREATE TABLE public.mine (x int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement)
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            application.execute("DELETE FROM audit_entry")
    holds = gentie("audit", "verify", "--data", back)
    assert holds.returncode == 0, holds.stderr
    # And it goes on: the next entry of the audit follows from the last one.
    done = run(
        "-c", FILL.replace("First Sun", "Second Sun").replace("request:7", "request:8"), back
    )
    assert done.returncode == 0, done.stderr
    assert gentie("audit", "verify", "--data", back).returncode == 0


def test_a_backup_never_replaces_a_file_and_needs_a_database(data, made, place):
    file, _ = made
    content = file.read_bytes()
    done = gentie("backup", file, "--data", data)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        f"{file} is there already: give another name.",
    )
    assert file.read_bytes() == content
    done = gentie("backup", place / "none.zip", "--data", place / "none")
    assert done.returncode == 1
    assert "there is nothing to back up" in done.stderr
    done = gentie("backup", place / "no" / "folder.zip", "--data", data)
    assert "cannot be written" in done.stderr
    assert not list(place.glob(".*unfinished*"))


def test_a_folder_that_is_not_empty_is_left_alone(made, data):
    before = sorted(path.name for path in data.iterdir())
    done = gentie("restore", made[0], "--data", data)
    assert done.returncode == 2
    assert f"{data} is not empty" in done.stderr
    assert sorted(path.name for path in data.iterdir()) == before


def changed(file: Path, place: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of a backup with some part of it changed."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    other = place / f"changed-{len(list(place.iterdir()))}.zip"
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return other


def refused(file: Path, place: Path, code: int = 2) -> str:
    """Why a backup is not restored; the folder stays absent."""
    data = place / "fresh"
    done = gentie("restore", file, "--data", data)
    assert done.returncode == code, done.stderr
    assert not data.exists()
    return done.stderr


def test_every_part_that_is_not_what_was_backed_up_is_named(made, place):
    def spoil(parts: dict[str, bytes]) -> None:
        parts[DUMP] = parts[DUMP][:-1] + b"x"
        parts["../evil"] = b"x"
        parts["files/extra"] = b"x"
        del parts["bundles/abc.zip"]

    said = refused(changed(made[0], place, spoil), place).splitlines()
    assert said[1:] == [
        "../evil does not belong there: use another backup.",
        "bundles/abc.zip is missing: use another backup.",
        "database.dump was changed after the backup was made: use another backup.",
        "files/extra does not belong there: use another backup.",
    ]


def test_a_manifest_that_names_a_place_outside_is_refused(made, place):
    for name in ("/etc/passwd", "files/../../x", "postgresql.json", "files", "bundles//x"):

        def lead_away(parts: dict[str, bytes], name: str = name) -> None:
            manifest = json.loads(parts[MANIFEST])
            manifest["parts"][name] = manifest["parts"]["secret-key"]
            parts[name] = parts["secret-key"]
            parts[MANIFEST] = json.dumps(manifest).encode()

        with pytest.raises(BadInput) as bad, opened_archive(changed(made[0], place, lead_away)):
            pass
        assert [one.where for one in bad.value.findings] == [name]


def test_what_is_no_backup_is_said(made, place):
    cut = place / "cut.zip"
    cut.write_bytes(made[0].read_bytes()[:-100])
    assert "is no backup, or is cut off" in refused(cut, place)
    other = place / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "Not a backup.")
    assert "has no manifest of a backup" in refused(other, place)


def with_manifest(made, place, change: Callable[[dict], None]) -> Path:
    def spoil(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts[MANIFEST])
        change(manifest)
        parts[MANIFEST] = json.dumps(manifest).encode()

    return changed(made[0], place, spoil)


def test_a_backup_of_a_newer_version_is_refused(made, place):
    file = with_manifest(
        made, place, lambda said: said["database"]["migrations"].append("ledger.9999_later")
    )
    assert "does not know its ledger.9999_later" in refused(file, place)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda said: said["database"]["rows"].update(ledger_entry=2),
            "its rows are not those of the backup (ledger_entry: 2 then, 1 now)",
        ),
        (
            lambda said: said["database"]["rights"]["audit_entry"].append("TRUNCATE"),
            "its rights are not those of the backup",
        ),
        (
            lambda said: said["database"]["guards"].append(["a", "policy", "p", "r"]),
            "its guards are not those of the backup (a policy p r)",
        ),
    ],
)
def test_a_database_that_came_back_otherwise_is_not_kept(made, place, spoil, words):
    said = refused(with_manifest(made, place, spoil), place, code=1)
    assert words in said
    assert "Nothing was kept in" in said


def test_a_backup_whose_audit_was_tampered_with_is_not_restored(made, place):
    data = place / "tampered"
    assert gentie("restore", made[0], "--data", data).returncode == 0
    with (
        Cluster(data, durable=False).running(),
        psycopg.connect(**parameters(data, "admin"), autocommit=True) as admin,
    ):
        admin.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_no_change")
        admin.execute("UPDATE audit_entry SET action = 'c.d' WHERE number = 2")
        admin.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_no_change")
    file = place / "tampered.zip"
    assert gentie("backup", file, "--data", data).returncode == 0
    assert "entry 2 was changed after it was written" in refused(file, place, code=1)


def test_a_database_of_the_operators_own_is_backed_up_by_who_sees_every_row(data, place):
    """A server of its own, with two roles that row security binds and one that it does not."""
    with Cluster(data, durable=False).running():

        def addresses(name: str, *more: str) -> dict[str, str]:
            found = {}
            for variable, role in (
                ("DATABASE_URL", "application"),
                ("GENTIE_OWNER_DATABASE_URL", "owner"),
                *((variable, "admin") for variable in more),
            ):
                kept = parameters(data, role)
                found[variable] = (
                    f"postgresql://{kept['user']}:{kept['password']}@/{name}?host={kept['host']}"
                )
            return found

        kept = parameters(data, "admin")
        with psycopg.connect(**kept, autocommit=True) as admin:
            admin.execute("CREATE DATABASE target OWNER gentie_owner TEMPLATE template1")
        file = place / "own.zip"
        done = gentie("backup", file, "--data", data, **addresses("gentie"))
        assert done.returncode == 1
        assert "gentie_owner does not see every row" in done.stderr
        assert not file.exists()
        seeing = addresses("gentie", "GENTIE_BACKUP_DATABASE_URL")
        done = gentie("backup", file, "--data", data, **seeing)
        assert done.returncode == 0, done.stderr
        back = place / "own"
        done = gentie("restore", file, "--data", back, **addresses("target"))
        assert done.returncode == 0, done.stderr
        assert sorted(one.name for one in back.iterdir()) == ["bundles", "files", "secret-key"]
        found = []
        for name in ("gentie", "target"):
            with psycopg.connect(**kept | {"dbname": name}, autocommit=True) as admin:
                found.append(seen(admin))
        assert found[1] == found[0]
        # A second time the database is not empty.
        done = gentie("restore", file, "--data", place / "fresh", **addresses("target"))
        assert done.returncode == 1
        assert "restore into an empty one" in done.stderr
        assert not (place / "fresh").exists()
