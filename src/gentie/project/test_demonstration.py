from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gentie.demo.filling import CASE, packaged_requests
from gentie.demo.siting import demo_requests
from gentie.formats.requests import write_requests
from gentie.project.postgres import CONNECTION_FILE, Cluster
from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.bundle import read_manifest
from gentie.workbench.cases import read_case
from gentie.workbench.publication import published_case

RUN = [sys.executable, "-c", "from gentie.cli.main import main; main()"]
SECONDS_OF_A_SECOND_START = 20


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gentie-"))
    folder.chmod(0o711)
    yield folder
    if (folder / CONNECTION_FILE).exists():
        Cluster(folder, durable=False).stop()
    shutil.rmtree(folder)


def environment(data: Path) -> dict[str, str]:
    ours = ("GENTIE_", "DJANGO_", "DATABASE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"GENTIE_DATA_DIR": str(data)}


def prepared(data: Path) -> str:
    done = subprocess.run(
        [*RUN, "demo", "--no-serve"],
        env=environment(data),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_demonstration_is_studied_once_and_then_found_in_place(data):
    said = prepared(data).splitlines()
    assert said[-2:] == ["The demonstration is studied and published", f"Ready in {data}"]
    assert any(re.fullmatch(r"  publishing: \d+\.\d s", line) for line in said)
    kept = data / "bundles"
    (folder,) = [one for one in kept.iterdir() if one.is_dir()]
    assert (kept / f"{folder.name}.zip").is_file()
    assert read_manifest(folder)["case"]["name"] == CASE
    assert sorted(one.name for one in kept.iterdir()) == [folder.name, f"{folder.name}.zip"]
    began = time.perf_counter()
    again = prepared(data).splitlines()
    assert again[-2:] == ["The demonstration is in place", f"Ready in {data}"]
    assert time.perf_counter() - began < SECONDS_OF_A_SECOND_START
    assert not Cluster(data).is_running()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_stopped_in_the_middle_of_the_study_nothing_is_half_written(data, sent, code):
    under_way = subprocess.Popen(
        [*RUN, "demo", "--no-serve"],
        env=environment(data),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert under_way.stderr is not None
    try:
        for line in under_way.stderr:
            if line.startswith("  reading the grid"):
                break
        under_way.send_signal(sent)
        rest = under_way.communicate(timeout=60)[1]
    finally:
        if under_way.poll() is None:
            under_way.kill()
            under_way.wait()
    assert under_way.returncode == code, rest
    assert rest.splitlines()[-1].startswith("Stopped")
    assert not list((data / "bundles").glob("*"))
    assert not Cluster(data).is_running()


def test_the_packaged_requests_are_the_ones_that_the_rule_of_siting_makes():
    rulebook, profile = load_rulebook(), load_grid_profile(CASE)
    published = published_case(read_case(CASE), rulebook, profile)
    assert write_requests(demo_requests(published, profile.coordinates)) == packaged_requests()
