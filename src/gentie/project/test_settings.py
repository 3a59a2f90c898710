from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

ASK = """
from gentie.project.settings import DATABASES
used = DATABASES["default"]
print(used["HOST"], used["NAME"], used["USER"], sorted(used["OPTIONS"]))
"""


def loaded(tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GENTIE_", "DJANGO_", "DATABASE_"))
    }
    return subprocess.run(
        [
            sys.executable,
            "-c",
            ASK,
        ],
        env=plain | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "GENTIE_DATA_DIR is not set: name the folder where gentie keeps its data."),
        ({"GENTIE_DATA_DIR": "here"}, "run `gentie demo --no-serve`, or set DATABASE_URL."),
        (
            {"GENTIE_DATA_DIR": "here", "DATABASE_URL": "mysql://h/x"},
            "DATABASE_URL must look like postgresql://user:password@host:5432/database.",
        ),
        (
            {"GENTIE_DATA_DIR": "here", "GENTIE_DATABASE_ROLE": "root"},
            "GENTIE_DATABASE_ROLE is 'root': it is one of owner, application.",
        ),
    ],
)
def test_what_is_missing_is_refused_in_words(tmp_path, environment, sentence):
    done = loaded(tmp_path, **environment)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].endswith(sentence)


def test_an_operators_own_server_is_used_with_a_role_for_each_purpose(tmp_path):
    environment = {
        "GENTIE_DATA_DIR": "here",
        "DATABASE_URL": "postgresql://app:p%40ss@db.example:5433/grid?sslmode=require",
        "GENTIE_OWNER_DATABASE_URL": "postgresql://boss@db.example/grid",
    }
    served = loaded(tmp_path, **environment)
    assert served.stdout.strip() == "db.example grid app ['pool', 'sslmode']"
    migrated = loaded(tmp_path, **environment, GENTIE_DATABASE_ROLE="owner")
    assert migrated.stdout.strip() == "db.example grid boss []"


def test_the_secret_key_is_made_once_and_kept_private(tmp_path):
    environment = {"GENTIE_DATA_DIR": "here", "DATABASE_URL": "postgresql://a@b/c"}
    assert loaded(tmp_path, **environment).returncode == 0
    file = tmp_path / "here" / "secret-key"
    first = file.read_text()
    assert len(first) >= 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert loaded(tmp_path, **environment).returncode == 0
    assert file.read_text() == first
