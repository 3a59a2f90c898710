"""`gentie operator …` as a person runs it: a real database, from an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gentie.project.postgres import CONNECTION_FILE, Cluster

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "operator.example.toml"


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gentie-"))
    folder.chmod(0o711)
    yield folder / "data"
    if (folder / "data" / CONNECTION_FILE).exists():
        Cluster(folder / "data", durable=False).stop()
    shutil.rmtree(folder)


def gentie(*arguments: object) -> subprocess.CompletedProcess[str]:
    ours = ("GENTIE_", "DJANGO_", "DATABASE_")
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from gentie.cli.main import main; main()",
            *map(str, arguments),
        ],
        env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_operator_from_an_empty_folder_to_its_installation_and_no_second_one(data):
    none = gentie("operator", "show", "--data", data)
    assert none.returncode == 1
    assert "run `gentie operator init`" in none.stderr
    made = gentie("operator", "init", EXAMPLE, "--data", data)
    assert made.returncode == 0, made.stderr
    email, password = made.stdout.split()
    assert (email, len(password)) == ("ada@prairie.example", 16)
    assert password not in made.stderr
    assert "39 points have a capacity" in made.stderr
    said = json.loads(gentie("operator", "show", "--json", "--data", data).stdout)
    assert said["operator"] == "Prairie Fictional Operator"
    assert said["holidays"] == ["2026-11-11", "2026-11-26", "2026-12-25", "2027-01-01"]
    assert said["case"]["areas"] == [1, 2, 3]
    shown = gentie("operator", "show", "--data", data)
    assert "Harbour Transmission" in shown.stdout
    again = gentie("operator", "init", EXAMPLE, "--data", data)
    assert (again.returncode, again.stdout) == (2, "")
    assert "This installation is set up already" in again.stderr
    demonstration = gentie("demo", "--no-serve", "--data", data)
    assert demonstration.returncode == 2
    assert "This is no demonstration" in demonstration.stderr
    assert json.loads(gentie("operator", "show", "--json", "--data", data).stdout) == said


def test_a_file_that_cannot_be_used_is_refused_before_there_is_a_folder(data, tmp_path):
    file = tmp_path / "operator.toml"
    file.write_text('name = "X"\ncurency = "USD"\n[grid]\ncase = "case39"\n[administrator]\n')
    refused = gentie("operator", "init", file, "--data", data)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) > 8
    assert "operator.toml: curency is not a field of this file: did you mean currency?" in (
        refused.stderr
    )
    assert not data.exists()
    gone = gentie("operator", "init", tmp_path / "none.toml", "--data", data)
    assert (gone.returncode, len(gone.stderr.splitlines())) == (2, 1)
    assert "none.toml cannot be read: No such file or directory." in gone.stderr
