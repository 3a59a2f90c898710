"""Scenarios of withdrawals beside our own full reruns of the same scenarios.

No other program makes this study, so the peer is `run_study` of the requests that stay, one after
the other. A sample of the scenarios is studied by both, and must cost everybody the same to the
cent; then all scenarios run as `gentie study certainty` runs them, on two processes.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import numpy as np

from bench.clusters import demonstration, spread, timed
from bench.machine import machine_line
from gentie.workbench.certainty import run_certainty, scenario_rules
from gentie.workbench.restudy import Changes, changed_inputs
from gentie.workbench.study import Inputs, StudyRun, run_study
from gentie.workbench.withdrawal_scenarios import WITHDRAWN, Biller, ScenarioRules, stays


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench certainty", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=1000)
    parser.add_argument("--probability", type=float, help="by default the rulebook's")
    parser.add_argument("--sample", type=int, default=12, help="studied by full reruns too")
    given = parser.parse_args(words)
    inputs = demonstration()
    rules = scenario_rules(
        inputs.rulebook, count=given.scenarios, seed=1, withdrawal=given.probability
    )
    mine, theirs = sampled(inputs, rules, given.sample)
    print(machine_line())
    print(
        f"{len(mine)} scenarios by both, every cost the same to the cent. Processor seconds of one: "
        f"{spread(mine)}; full rerun {spread(theirs)}."
    )
    with tempfile.TemporaryDirectory() as folder:
        began, before = time.perf_counter(), children_s()
        found = run_certainty(inputs, rules, kept_in=Path(folder) / "kept", processes=2)
        wall, processor = time.perf_counter() - began, children_s() - before
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    moved = found.summary["convergence"]
    print(
        f"{rules.count:,} scenarios, each request leaving with probability {rules.withdrawal:g}, on "
        f"two processes: {wall:.0f} s on the wall, {processor:.0f} processor seconds with the start "
        f"of both processes, at most {peak:,.0f} MB each."
    )
    print(
        f"Over the last quarter P50 moved by {dollars(moved['p50_moved_median'])} (middle request) and "
        f"at most {dollars(moved['p50_moved_most'])}, P90 by {dollars(moved['p90_moved_median'])} and "
        f"at most {dollars(moved['p90_moved_most'])}."
    )
    ratio = statistics.median(theirs) / statistics.median(mine)
    print(f"bench certainty: {ratio:.1f} x our own full rerun")


def sampled(inputs: Inputs, rules: ScenarioRules, count: int) -> tuple[list[float], list[float]]:
    """Processor seconds of some scenarios, ours and those of full reruns."""
    biller = Biller(inputs)
    biller.cents(stays(biller.names, 0, rules))
    run_study(inputs)
    mine, theirs = [], []
    for number in range(1, 1 + min(count, rules.count)):
        staying = stays(biller.names, number, rules)
        cents, seconds, _ = timed(lambda staying=staying: biller.cents(staying))
        mine.append(seconds)
        gone = tuple(n for n, is_in in zip(biller.names, staying, strict=True) if not is_in)
        changed = changed_inputs(inputs, Changes(withdraw=gone))
        full, seconds, _ = timed(lambda changed=changed: run_study(changed))
        theirs.append(seconds)
        if cents.tolist() != cents_of(full, biller.names):
            raise AssertionError(f"scenario {number} costs otherwise than its full rerun")
    return mine, theirs


def cents_of(run: StudyRun, names: tuple[str, ...]) -> list[int]:
    """What each request owes by a study, in cents; ``WITHDRAWN`` for those not in it."""
    owed = {
        str(row["request"]): int(Decimal(str(row["total_cost"])) * 100)
        for row in run.results.table("requests").as_dicts()
    }
    return np.array([owed.get(name, WITHDRAWN) for name in names]).tolist()


def dollars(amount: str | None) -> str:
    return "nothing" if amount is None else f"${float(amount):,.0f}"


def children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
