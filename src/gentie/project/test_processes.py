from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from gentie.project import processes
from gentie.project.processes import KeptWorker

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(flush=True); time.sleep(60)",
)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kept(clock):
    said: list[str] = []
    worker = KeptWorker(dict(os.environ), said.append, clock, SLEEP)
    worker.said = said
    worker.start()
    yield worker
    worker.stop()


def killed(worker: KeptWorker) -> int:
    pid = worker.process.pid
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    return pid


def test_one_that_lives_is_left_alone(kept):
    pid = kept.process.pid
    kept.look_after()
    assert kept.process.pid == pid
    assert kept.said == []


def test_one_that_died_is_started_again_after_a_pause_that_doubles(kept, clock):
    for pause in (0.5, 1.0, 2.0):
        pid = killed(kept)
        kept.look_after()
        clock.seconds += pause - 0.01
        kept.look_after()
        assert kept.process.pid == pid
        clock.seconds += 0.02
        kept.look_after()
        assert kept.process.pid != pid
    assert len(kept.said) == 3
    assert kept.said[0].startswith("A worker ended by itself (exit -9)")


def test_the_pause_is_short_again_after_a_long_life_and_never_endless(kept, clock):
    for _ in range(10):
        killed(kept)
        kept.look_after()
        clock.seconds += processes.LONGEST_PAUSE_S
        kept.look_after()
        assert kept.process.poll() is None
    clock.seconds += processes.LIVES_AFTER_S
    pid = killed(kept)
    kept.look_after()
    clock.seconds += processes.FIRST_PAUSE_S
    kept.look_after()
    assert kept.process.pid != pid


def test_stopped_it_is_not_started_again(kept):
    kept.stop()
    assert kept.process.returncode == -signal.SIGTERM
    kept.stop()


def test_one_that_does_not_listen_is_killed(monkeypatch):
    monkeypatch.setattr(processes, "STOP_WITHIN_S", 0.2)
    with subprocess.Popen(STUBBORN, stdout=subprocess.PIPE) as stubborn:
        stubborn.stdout.readline()
        processes.stop(stubborn)
        assert stubborn.returncode == -signal.SIGKILL
