"""A cluster study beside the same study that searches everything before every decision.

No other program makes this study, so the peer is our own full search: the same kernels, asked anew
about every pair of element and outage after every upgrade, as a study does that keeps nothing.
Both must take the same decisions.
"""

from __future__ import annotations

import statistics

from bench.clusters import demonstration, runs_asked_for, spread, timed
from bench.machine import PeakMemory, machine_line
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.pair_search import DeliverabilitySearch, PairSearch
from gentie.workbench.study import StudyWork, run_study


class Everywhere(ClusterWork):
    """Forgets what it found before every decision."""

    def advance(self) -> None:
        self._now = None
        self._pairs = PairSearch(
            collective_impact=self.rules.collective_impact, threads=self.threads
        )
        self._tested = DeliverabilitySearch(threads=self.threads)
        super().advance()


def main(words: list[str]) -> None:
    runs = runs_asked_for(words, name="study", about=__doc__, runs=5)
    inputs = demonstration()
    run_study(inputs)  # compiles
    begun = StudyWork(inputs)
    kept = begun.cluster

    def searched(kind: type[ClusterWork]) -> ClusterWork:
        work = kind(
            kept.case, kept.requests, kept.rules, miles=kept.miles, threads=1, kept=kept.kept
        )
        while not work.is_ended:
            work.advance()
        return work

    mine, theirs, whole, walls = [], [], [], []
    for _ in range(runs):
        quick, seconds, _ = timed(lambda: searched(ClusterWork))
        mine.append(seconds)
        slow, seconds, _ = timed(lambda: searched(Everywhere))
        theirs.append(seconds)
        if (quick.decisions, quick.ledger) != (slow.decisions, slow.ledger):
            raise AssertionError("the two searches decide differently")
        _, seconds, wall = timed(lambda: run_study(inputs))
        whole.append(seconds)
        walls.append(wall)
    with PeakMemory() as memory:
        run = run_study(inputs)
    print(machine_line())
    print(
        f"{len(run.requests)} requests, {len(run.cluster.element_row):,} elements: "
        f"{len(quick.decisions)} decisions, {len(quick.upgrades)} of them upgrades; the same "
        "decisions and the same ledger by both searches."
    )
    print(
        f"Processor seconds, median of {runs}. Searches, upgrades and shares from kept transfer "
        f"factors: {spread(mine)}; everything anew before every decision: {spread(theirs)}."
    )
    print(
        f"The whole study from the case in memory (publishing, transfer factors, searches, check of "
        f"the upgraded grid, tables): {spread(whole)}, {statistics.median(walls):.2f} s on the "
        f"wall, {memory.megabytes:,.0f} MB more memory at the highest."
    )
    ratio = statistics.median(theirs) / statistics.median(mine)
    print(f"bench study: {ratio:.1f} x our own search of everything before every decision")
