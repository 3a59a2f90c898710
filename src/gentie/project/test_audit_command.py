from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gentie.project.postgres import CONNECTION_FILE, Cluster, parameters
from gentie.project.serving import prepare

FILL = (
    'INSERT INTO audit_entry ("at", "by", action, subject) '
    "SELECT now(), 'person:1', 'a.b', 'x:' || n FROM generate_series(1, 3) n"
)


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gentie-"))
    folder.chmod(0o711)
    yield folder
    if (folder / CONNECTION_FILE).exists():
        Cluster(folder, durable=False).stop()
    shutil.rmtree(folder)


def verified(data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    ours = ("GENTIE_", "DJANGO_", "DATABASE_")
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from gentie.cli.main import main; main()",
            "audit",
            "verify",
            "--data",
            str(data),
            *more,
        ],
        env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_chain_that_holds_and_one_that_was_tampered_with(data, monkeypatch):
    assert verified(data).returncode == 1
    for name in [one for one in os.environ if one.startswith(("GENTIE_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    prepare(data=data, say=lambda _: None)
    cluster = Cluster(data)
    with cluster.running():
        with psycopg.connect(**parameters(data, "owner"), autocommit=True) as owner:
            owner.execute(FILL)
            whole = verified(data)
            assert whole.returncode == 0, whole.stderr
            assert whole.stdout.startswith("The audit holds: 4 entries, last digest ")
            owner.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
            owner.execute("UPDATE audit_entry SET action = 'c.d' WHERE number = 2")
        broken = verified(data)
        assert broken.returncode == 1
        assert broken.stderr.splitlines()[-1] == (
            "The audit does not hold: entry 2 was changed after it was written."
        )
        told = json.loads(verified(data, "--json").stdout)
        assert (told["holds"], told["broken_at"], told["entries"]) == (False, 2, 4)
