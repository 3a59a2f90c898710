"""Restudies from what a study kept, beside our own full reruns of the same requests.

No other program makes this study, so the peer is `run_study` of the changed requests from the case
in memory. Both must give the same files, byte for byte.
"""

from __future__ import annotations

import statistics

from bench.clusters import demonstration, runs_asked_for, spread, timed
from bench.machine import machine_line
from gentie.formats.requests import Component, Deliverability, Request
from gentie.workbench.bundle import bundle_files
from gentie.workbench.kept_case import KeptCase
from gentie.workbench.restudy import Changes, restudy
from gentie.workbench.study import run_study

CHANGES = {
    "one withdraws": Changes(withdraw=("Q115",)),
    "one is halved": Changes(resize_mw={"Q001": 233.0}),
    "one moves": Changes(move={"Q099": 23284}),
    "one is added": Changes(
        add=(Request("N1", 23482, (Component("wind", 250.0),), Deliverability.FULL, 250.0),)
    ),
    "a third withdraws": Changes(withdraw=tuple(f"Q{n:03d}" for n in range(1, 121, 3))),
}


def main(words: list[str]) -> None:
    runs = runs_asked_for(words, name="restudy", about=__doc__, runs=3)
    inputs = demonstration()
    kept = KeptCase(inputs.case, inputs.rulebook, inputs.profile)
    run_study(inputs, kept=kept)
    print(machine_line())
    print(f"Processor seconds, median of {runs}; both write the same files, byte for byte.")
    ratios = []
    for what, changes in CHANGES.items():
        mine, theirs, walls = [], [], []
        for _ in range(runs):
            quick, seconds, wall = timed(
                lambda changes=changes: restudy(inputs, changes, kept=kept)
            )
            mine.append(seconds)
            walls.append(wall)
            full, seconds, _ = timed(lambda quick=quick: run_study(quick.inputs))
            theirs.append(seconds)
        if bundle_files(quick) != bundle_files(full):
            raise AssertionError(f"{what}: the restudy differs from the full rerun")
        ratios.append(statistics.median(theirs) / statistics.median(mine))
        print(
            f"{what}: {spread(mine)}, {statistics.median(walls):.2f} s on the wall; full rerun "
            f"{spread(theirs)}; {len(quick.cluster.upgrades)} upgrades."
        )
    print(f"bench restudy: {statistics.median(ratios):.1f} x our own full rerun")
