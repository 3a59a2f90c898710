"""Where the workbench is started for a cluster's study: frozen inputs in, a published study out.

The work is cut into steps. What a step found is kept before the step counts as done; after a kill
the next worker makes again what was in memory and goes on after the last step that is done.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import gentie
from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.studies import run_work
from gentie.contexts.studies.models import RunInputs, RunStep
from gentie.contexts.studies.run_files import RunFolder, run_folder
from gentie.contexts.studies.run_work import Cancelled, Hold, TakenOver
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.bundle import write_bundle
from gentie.workbench.study import StudyWork

SEARCHES_AT_ONCE = 8
"""Searches whose result is kept together: a few seconds of work on a large grid."""
MOST_ATTEMPTS = 4
"""A step that was begun so often and never ended kills its worker: the run is given up."""
TELL_EVERY_S = 0.5
INPUTS, GRID, LOOK = 1, 2, 3
"""Numbers of the first steps; upgrades, results and publication follow."""


class PutDown(Exception):
    """The worker is to stop: the run goes on later, where it stands."""


def perform(
    *,
    run_id: int,
    data: Path,
    now: Callable[[], datetime],
    is_stopping: Callable[[], bool],
    threads: int = 2,
) -> None:
    """Work on a run until it is over: published, cancelled or failed.

    Args:
        run_id: of the run; one that is over already, or gone, is left alone.
        data: the data folder.
        now: the clock.
        is_stopping: asked between searches whether the worker is to stop.
        threads: numba threads; the result is the same for any number.

    Raises:
        PutDown: the worker is to stop; the run goes on when it is taken up again.
    """
    hold = run_work.take_up(run_id=run_id, at=now())
    folder = run_folder(data, run_id)
    if hold is not None:
        way = _Way(hold, folder, now, is_stopping, threads)
        try:
            way.go()
        except TakenOver:
            return
        except Cancelled:
            run_work.stop(hold, at=now())
        except BadInput as bad:
            run_work.fail(hold, reasons=bad.findings, at=now())
        except PutDown:
            run_work.put_down(hold, at=now())
            raise
    folder.clear()


@dataclass
class _Way:
    """One worker's way through the steps of a run."""

    hold: Hold
    folder: RunFolder
    now: Callable[[], datetime]
    is_stopping: Callable[[], bool]
    threads: int
    told_at_s: float = field(default=0.0, init=False)
    words: str = field(default="", init=False)

    def go(self) -> None:
        """Take every step that is not done.

        Raises:
            BadInput: it cannot be gone on with; all reasons are told.
            Cancelled: somebody gave the run up.
            TakenOver: another worker holds it.
            PutDown: the worker is to stop.
        """
        with acting_as(AS_PROGRAM):
            inputs = RunInputs.objects.select_related("base_case").get(run_id=self.hold.run_id)
            done = {
                step.number: step
                for step in RunStep.objects.filter(run_id=self.hold.run_id, state="done")
            }
        if inputs.engine_version != gentie.__version__:
            raise BadInput(
                Finding(
                    "study.run.other_version",
                    f"The run was asked for under version {inputs.engine_version}, and this is "
                    f"{gentie.__version__}; run the study again.",
                )
            )
        last = max(done, default=0)
        if last and done[last].name == "results":
            self.folder.refuse_other_bundle(done[last].result_digest)
            self.publish(last + 1)
            return
        if INPUTS not in done:
            self.open(INPUTS, "inputs")
            self.close(INPUTS, self.folder.keep_inputs(inputs))
        work = self.begun(inputs, done)
        if last > GRID:
            self.tell_now("upgrades kept so far", 0, 0)
            work.go_on_from(self.folder.checkpoint(last, done[last].result_digest))
        number = max(last, GRID)
        while not work.is_ended:
            number += 1
            self.search(work, number)
        self.write_results(work, number + 1)
        self.publish(number + 2)

    def begun(self, inputs: RunInputs, done: dict[int, RunStep]) -> StudyWork:
        """The study before its first search, made now; the same as before where it was made."""
        if GRID not in done:
            self.open(GRID, "grid")
        work = StudyWork(self.folder.inputs(inputs), threads=self.threads, progress=self.hear)
        if GRID not in done:
            self.close(GRID, work.cluster.start)
        elif done[GRID].result_digest != work.cluster.start:
            raise BadInput(
                Finding(
                    "study.run.processor",
                    "The study was begun on another kind of processor, whose figures differ in "
                    "the last digits, so it cannot go on here; run it again.",
                )
            )
        return work

    def search(self, work: StudyWork, number: int) -> None:
        """Some searches, and what is kept of them."""
        is_look = number == LOOK
        self.open(number, "look" if is_look else "upgrades")
        began, built_before = time.perf_counter(), len(work.cluster.upgrades)
        for _ in range(2 if is_look else SEARCHES_AT_ONCE):
            if self.is_stopping():
                raise PutDown
            work.advance()
            built, left = len(work.cluster.upgrades), max(work.cluster.left, 0)
            each_s = (time.perf_counter() - began) / max(built - built_before, 1)
            if not is_look and not work.is_ended:
                self.tell_often(
                    self.words, built, built + left, left * each_s if built > built_before else None
                )
            if work.is_ended:
                break
        self.close(number, self.folder.keep_checkpoint(number, work.kept()))

    def write_results(self, work: StudyWork, number: int) -> None:
        """The bundle, whole or not at all."""
        self.open(number, "results")
        # Of a worker that was killed between the bundle and the word that it is done.
        shutil.rmtree(self.folder.bundle, ignore_errors=True)
        digest = write_bundle(work.finished(), self.folder.bundle)
        self.folder.settle_bundle()
        self.close(number, digest)

    def publish(self, number: int) -> None:
        """Bundle into rows, and the end of the run."""
        self.open(number, "publication")
        self.tell_now("publication", 0, 0)
        run_work.finish(self.hold, folder=self.folder.bundle, number=number, at=self.now())

    # What is said of it

    def open(self, number: int, name: str) -> None:
        """Begin a step, unless it was begun too often."""
        if self.is_stopping():
            raise PutDown
        attempts = run_work.open_step(self.hold, number=number, name=name, at=self.now())
        if attempts > MOST_ATTEMPTS:
            raise BadInput(
                Finding(
                    "study.run.given_up",
                    f"Step {number} ({name}) was begun {MOST_ATTEMPTS} times and its worker died "
                    "each time: most likely the machine lacks memory for this grid. See the log of "
                    "the service, then run the study again.",
                )
            )

    def close(self, number: int, digest: str) -> None:
        """A step is done."""
        run_work.close_step(self.hold, number=number, result_digest=digest, at=self.now())

    def hear(self, words: str, done: int, whole: int) -> None:
        """Pass on what the study says of itself."""
        if words != self.words:
            self.words = words
            self.tell_now(words, done, max(whole, done) if whole else 0)

    def tell_often(self, words: str, done: int, whole: int, left_s: float | None) -> None:
        """Say how far it is, unless that was said a moment ago."""
        if time.perf_counter() - self.told_at_s >= TELL_EVERY_S:
            self.tell_now(words, done, whole, left_s)

    def tell_now(self, words: str, done: int, whole: int, left_s: float | None = None) -> None:
        """Say how far it is; hear whether it is still wanted."""
        self.told_at_s = time.perf_counter()
        run_work.tell(
            self.hold,
            words=words,
            done=done if whole else 0,
            whole=whole,
            left_s=left_s,
            at=self.now(),
        )
