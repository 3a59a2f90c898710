"""SIGKILL to the worker, and to everything, in the middle of a study: on the real programs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from gentie.project.postgres import CONNECTION_FILE, Cluster, parameters
from gentie.workbench.bundle import zipped_bundle

GENTIE = [sys.executable, "-c", "from gentie.cli.main import main; main()"]
PATIENCE_S = 120

# A grid of 2,000 buses, 40 plants of 300 MW, wires for everything: five seconds of searching.
PREPARE = """
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from gentie.project.serving import prepare

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

def fill():
    from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
    from gentie.contexts.accounts.examples import cast
    from gentie.contexts.grid.actions import CaseFacts, CaseSource, publish_case
    from gentie.contexts.studies.run_actions import start_run
    from gentie.contexts.studies.run_examples import SLUG, ready_cluster
    from gentie.rulebook.book import load_grid_profile, load_rulebook
    from gentie.workbench.cases import read_case
    from gentie.workbench.publication import published_case

    case, rulebook = read_case("case_ACTIVSg2000"), load_rulebook()
    published = published_case(case, rulebook, load_grid_profile(case.name))
    rows = published.points.principal_bus[published.studied_points]
    rows = rows[case.network.buses.nominal_kv[rows] >= 100]
    requests = "request,bus,technology,mw,mwh,deliverability,net_mw\\n" + "".join(
        f"K{n},{case.network.buses.number[row]},solar,300,,{'full' if n % 2 else 'energy_only'},\\n"
        for n, row in enumerate(rows[:: len(rows) // 40][:40])
    )
    facts = CaseFacts(
        name=case.name, sha256=case.sha256, operator="", note="", credit="", is_synthetic=True,
        areas=(), rulebook=rulebook.name, rulebook_version=rulebook.version,
        rulebook_digest=rulebook.digest, time_zone=rulebook.time_zone, engine_version="",
        cut_off=0.05, minimum_kv=100.0, emergency_multiplier=1.0,
    )
    source = CaseSource(case.source_name, case.content, rulebook.sources, {}, {})
    with acting_as(AS_PROGRAM):
        people = cast(by="program:test", at=AT)
        kept = publish_case(facts=facts, points=(), by="program:test", at=AT, source=source)
        ready_cluster(
            base_case_id=kept.pk, case=case, at=AT, content=requests.encode(),
            organisation_ids=(people.organisations["first"].pk,),
        )
        start_run(
            cluster_slug=SLUG, policy="wires_first", role="planning_engineer",
            asked_by=people.members["engineer"].person_id, by="program:test", at=AT,
        )

prepare(data=Path(sys.argv[1]), say=lambda sentence: None, fill=fill)
"""
SERVE = """
import sys
from pathlib import Path
from gentie.project.serving import serve

serve(data=Path(sys.argv[1]), say=lambda sentence: print(sentence, flush=True), port=18400)
"""


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


def done(data: Path, *command: str) -> str:
    ended = subprocess.run(
        command,
        env=environment(data),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


class Started:
    """A program of the service and all that it has started."""

    def __init__(self, data: Path, *command: str) -> None:
        self.log = (data / "said.txt").open("a+")
        self.process = subprocess.Popen(
            command,
            env=environment(data),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def below(self, pid: int | None = None) -> list[int]:
        """Everything that it has started, and what that has started."""
        found, seen = [], [pid or self.process.pid]
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                rest = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(stat.parent.name)] = int(rest[1])
        while seen:
            children = [child for child, parent in parents.items() if parent in seen]
            found += children
            seen = children
        return found

    def worker(self) -> int:
        """The worker's process."""
        for pid in self.below():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"gentie.jobs.worker" in words:
                return pid
        raise AssertionError(self.said())

    def stopped(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def end(self) -> None:
        for pid in (self.process.pid, *self.below()) if self.process.poll() is None else ():
            with_signal(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


def with_signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


@pytest.fixture
def started(data: Path) -> Iterator[Callable[..., Started]]:
    """`started(*command)`: what is still there at the end of the test is ended."""
    programs: list[Started] = []

    def start(*command: str) -> Started:
        programs.append(Started(data, *command))
        return programs[-1]

    yield start
    for program in programs:
        program.end()


def rows(data: Path, statement: str) -> list[tuple]:
    kept = parameters(data, "application")
    with psycopg.connect(**kept, options="-c gentie.role=program", autocommit=True) as connection:
        return connection.execute(statement).fetchall()


def waited_for(data: Path, statement: str, is_there: Callable[[list[tuple]], bool], said) -> list:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        try:
            found = rows(data, statement)
        except psycopg.OperationalError:
            found = []  # the server is still coming up
        if found and is_there(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{found}\n{said()}")


DONE_STEPS = (
    "SELECT number, name, attempts, started_at, ended_at, result_digest FROM studies_runstep "
    "WHERE state = 'done' ORDER BY number"
)
RUN = "SELECT state, claim, study_id FROM studies_run"


def in_the_middle(data: Path, program: Started) -> list[tuple]:
    """The steps that are done, at a moment when two rounds of upgrades are."""
    return waited_for(
        data,
        DONE_STEPS,
        lambda found: sum(name == "upgrades" for _, name, *_ in found) >= 2,
        program.said,
    )


def the_same_came_of_it(data: Path, program: Started, before: list[tuple]) -> None:
    """The run goes on to its end, no finished step runs again, the bundle is the command line's."""
    ((state, claim, _),) = waited_for(
        data, RUN, lambda found: found[0][0] not in {"queued", "running"}, program.said
    )
    assert state == "done", rows(data, "SELECT sentence FROM studies_runreason")
    assert claim == 2
    after = rows(data, DONE_STEPS)
    assert after[: len(before)] == before
    assert {attempts for _, _, attempts, *_ in before} == {1}
    assert sorted(attempts for _, _, attempts, *_ in after)[-2:] == [1, 2]
    ((place,),) = rows(data, "SELECT bundle_place FROM studies_studyinfull")
    ((content,),) = rows(data, "SELECT requests_content FROM studies_runinputs")
    (data / "requests.csv").write_bytes(content)
    done(
        data,
        *GENTIE,
        *("study", "run", "--case", "case_ACTIVSg2000"),
        *("--requests", str(data / "requests.csv")),
        *("--policy", "wires_first", "--out", str(data / "again")),
    )
    assert (data / place).read_bytes() == zipped_bundle(data / "again")
    assert not list((data / "runs").iterdir())


def test_a_killed_workers_study_goes_on_and_says_the_same(data, started):
    done(data, sys.executable, "-W", "error", "-c", PREPARE, str(data))
    program = started(*GENTIE, "worker")
    before = in_the_middle(data, program)
    killed = program.worker()
    with_signal(killed, signal.SIGKILL)
    the_same_came_of_it(data, program, before)
    assert program.worker() != killed
    assert "A worker ended by itself (exit -9)" in program.said()
    assert program.stopped() == 0
    assert program.said().rstrip().endswith("Stopped.")
    assert not Cluster(data).is_running()


@pytest.mark.soak
def test_everything_killed_and_served_again_nothing_is_lost(data, started):
    done(data, sys.executable, "-W", "error", "-c", PREPARE, str(data))
    first = started(sys.executable, "-W", "error", "-c", SERVE, str(data))
    before = in_the_middle(data, first)
    server = postmaster(data)
    for pid in (first.process.pid, *first.below(), server, *first.below(server)):
        with_signal(pid, signal.SIGKILL)
    first.process.wait()
    second = started(sys.executable, "-W", "error", "-c", SERVE, str(data))
    the_same_came_of_it(data, second, before)
    assert re.search(r"Serving at http://127\.0\.0\.1:\d+/", second.said())
    assert second.stopped() == 0
    said = json.loads(done(data, *GENTIE, "audit", "verify", "--json"))
    assert said["entries"] > 0


def postmaster(data: Path) -> int:
    (file,) = [*(data / "postgresql").glob("*/postmaster.pid")] or [
        *Path("/var/lib/gentie").glob("*/*/postmaster.pid")
    ]
    return int(file.read_text().splitlines()[0])
