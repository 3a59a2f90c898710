"""How sure a cost is when others may leave: many scenarios of withdrawals, each studied exactly."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from gentie.engines.grid.network import Integers
from gentie.formats.requests import read_requests
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import Rulebook, profile_of, rulebook_of
from gentie.workbench.cases import case_from
from gentie.workbench.certainty_figures import Certainty, certainty_of
from gentie.workbench.kept_scenarios import KeptScenarios
from gentie.workbench.study import Inputs, Progress, digest_of
from gentie.workbench.withdrawal_scenarios import Biller, ScenarioRules, stays

AT_ONCE = 8
"""Scenarios that a process is given at a time, and that are kept together."""

MOST_SCENARIOS = 1_000_000
MOST_PROCESSES = 64


class Unfinished(Exception):
    """The run was stopped; ``done`` of ``count`` scenarios are kept."""

    def __init__(self, done: int, count: int) -> None:
        """Keep how far it came."""
        self.done, self.count = done, count
        super().__init__(f"stopped with {done:,} of {count:,} scenarios")


def scenario_rules(
    rulebook: Rulebook, *, count: int, seed: int, withdrawal: float | None = None
) -> ScenarioRules:
    """What the scenarios are drawn by; the probability is the rulebook's where none is given.

    Raises:
        BadInput: a figure is out of range, or the rulebook names no probability.
    """
    reasons = []
    if withdrawal is None:
        if "certainty.withdrawal" in rulebook.rules:
            withdrawal = rulebook.number("certainty.withdrawal")
        else:
            reasons.append(
                Finding(
                    "certainty.no_probability",
                    f"The study's rulebook {rulebook.version} names no probability of withdrawal; "
                    "give one with --probability.",
                )
            )
    if withdrawal is not None and not 0.0 <= withdrawal <= 1.0:
        reasons.append(
            Finding(
                "certainty.probability",
                f"A probability of withdrawal of {withdrawal:g} cannot be; write one from 0 to 1.",
            )
        )
    if not 1 <= count <= MOST_SCENARIOS:
        reasons.append(
            Finding(
                "certainty.scenarios",
                f"{count:,} scenarios cannot be studied; write a number from 1 to "
                f"{MOST_SCENARIOS:,}.",
            )
        )
    if reasons or withdrawal is None:
        raise BadInput(reasons)
    return ScenarioRules(count=count, seed=seed, withdrawal=withdrawal)


def run_certainty(
    inputs: Inputs,
    rules: ScenarioRules,
    *,
    kept_in: Path,
    processes: int = 2,
    progress: Progress | None = None,
    is_stopped: Callable[[], bool] | None = None,
) -> Certainty:
    """Study every scenario that is not known yet, and say how the costs are spread.

    Args:
        inputs: of the study.
        rules: what the scenarios are drawn by.
        kept_in: file in which the scenarios are kept on the way; a run with the same inputs and
            rules goes on from it.
        processes: how many work; the answer is the same for any number.
        progress: told the step, how many scenarios are done, and of how many.
        is_stopped: asked after every few scenarios.

    Raises:
        BadInput: the requests do not fit the case, or the file is of other scenarios.
        Unfinished: it was stopped.

    Neglects: what a study neglects; see ``withdrawal_scenarios.stays`` and ``Biller.cents``.
    """
    if not 1 <= processes <= MOST_PROCESSES:
        raise BadInput(
            Finding(
                "certainty.processes",
                f"{processes} processes cannot work; write a number from 1 to {MOST_PROCESSES}.",
            )
        )
    tell, asked = progress or (lambda *_: None), is_stopped or (lambda: False)
    requests = read_requests(inputs.requests_content, inputs.requests_name, inputs.case.network)
    names = tuple(request.request for request in requests)
    kept = KeptScenarios(
        kept_in,
        digest=_digest(inputs, rules),
        count=rules.count + 1,
        width=len(names),
    )
    try:
        left = kept.unstudied()
        done = kept.count - len(left)
        parts = [left[start : start + AT_ONCE] for start in range(0, len(left), AT_ONCE)]
        tell("scenarios", min(done, rules.count), rules.count)
        with _workers(inputs, rules, processes) as submit:
            for numbers, cents in _as_they_come(submit, parts, outstanding=2 * processes):
                kept.keep(numbers, cents)
                done += len(numbers)
                tell("scenarios", min(done, rules.count), rules.count)
                if done < kept.count and asked():
                    raise Unfinished(min(done, rules.count), rules.count)
        return certainty_of(kept, requests, rules, currency=inputs.rulebook.currency)
    except BrokenProcessPool as lost:
        raise BadInput(
            Finding(
                "certainty.worker.lost",
                f"A process that studied scenarios ended by itself, perhaps for want of memory; "
                f"{min(done, rules.count):,} of {rules.count:,} scenarios are kept. Run it again to go on, with fewer "
                "processes.",
            )
        ) from lost
    finally:
        kept.close()


def _digest(inputs: Inputs, rules: ScenarioRules) -> str:
    said = {"inputs": digest_of(inputs), "seed": rules.seed, "withdrawal": rules.withdrawal}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


# The processes

Submit = Callable[[Integers], "Future[Integers]"]


@contextmanager
def _workers(inputs: Inputs, rules: ScenarioRules, processes: int) -> Iterator[Submit]:
    """A way to have scenarios studied: in this process where it is the only one."""
    if processes == 1:
        biller: list[Biller] = []

        def here(numbers: Integers) -> Future[Integers]:
            if not biller:
                biller.append(Biller(inputs))
            answer: Future[Integers] = Future()
            answer.set_result(_billed(biller[0], numbers, rules))
            return answer

        yield here
        return
    pool = ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(_packed(inputs), rules),
    )
    try:
        yield lambda numbers: pool.submit(_study, numbers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _as_they_come(
    submit: Submit, parts: Sequence[Integers], *, outstanding: int
) -> Iterator[tuple[Integers, Integers]]:
    """Hand the parts out, a few ahead, and give each back with its answer when it is there."""
    waiting: dict[Future[Integers], Integers] = {}
    rest = iter(parts)
    while True:
        for part in rest:
            waiting[submit(part)] = part
            if len(waiting) >= outstanding:
                break
        if not waiting:
            return
        ready = wait(waiting, return_when=FIRST_COMPLETED).done
        for answer in [one for one in waiting if one in ready]:
            yield waiting.pop(answer), answer.result()


def _billed(biller: Biller, numbers: Integers, rules: ScenarioRules) -> Integers:
    """(k, r) cents of some scenarios."""
    return np.stack([biller.cents(stays(biller.names, int(number), rules)) for number in numbers])


def _packed(inputs: Inputs) -> dict[str, Any]:
    """The inputs as bytes, for another process."""
    return {
        "case": (inputs.case.content, inputs.case.source_name),
        "requests": (inputs.requests_content, inputs.requests_name),
        "rulebook": dict(inputs.rulebook.sources),
        "profile": (dict(inputs.profile.sources), inputs.profile.case),
        "policy": inputs.policy,
    }


class _Here:
    """What a worker process has made of the inputs."""

    biller: Biller
    rules: ScenarioRules


def _begin(packed: dict[str, Any], rules: ScenarioRules) -> None:
    """Make the case ready in a new process; an interrupt is for the one that waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    content, name = packed["requests"]
    inputs = Inputs(
        case=case_from(*packed["case"]),
        requests_content=content,
        requests_name=name,
        rulebook=rulebook_of(packed["rulebook"]),
        profile=profile_of(*packed["profile"]),
        policy=packed["policy"],
    )
    _Here.biller, _Here.rules = Biller(inputs), rules


def _study(numbers: Integers) -> Integers:
    return _billed(_Here.biller, numbers, _Here.rules)
