"""The processes of the service, kept alive until they are stopped in order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LIVES_AFTER_S = 60.0
"""A process that lived so long did not die of how it was started."""
STOP_WITHIN_S = 15.0


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process in order; one that does not end in time is killed."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class KeptWorker:
    """A worker in a process of its own, started again whenever it dies.

    Attributes:
        environment: of the process.
        say: told in one sentence that it died.
        clock_s: seconds from some moment on; they only rise.
    """

    environment: Mapping[str, str]
    say: Callable[[str], None]
    clock_s: Callable[[], float] = time.monotonic
    command: tuple[str, ...] = (sys.executable, "-m", "gentie.jobs.worker")
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _pause_s: float = field(default=FIRST_PAUSE_S, init=False)
    _began_s: float = field(default=0.0, init=False)
    _due_s: float | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it."""
        self.process = subprocess.Popen(  # noqa: S603 - our own program, arguments are a list
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: we stop it, then the database
        )
        self._began_s, self._due_s = self.clock_s(), None

    def look_after(self) -> None:
        """Start it again where it has died, after a pause that doubles with every early death."""
        if self.process is None or self.process.poll() is None:
            return
        now_s = self.clock_s()
        if self._due_s is None:
            if now_s - self._began_s >= LIVES_AFTER_S:
                self._pause_s = FIRST_PAUSE_S
            self.say(
                f"A worker ended by itself (exit {self.process.returncode}); it is started again, "
                "and what it was doing goes on."
            )
            self._due_s = now_s + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        if now_s >= self._due_s:
            self.start()

    def stop(self) -> None:
        """Stop it in order."""
        if self.process is not None:
            stop(self.process)
