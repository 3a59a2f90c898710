"""Scenarios of who withdraws, and the bill of one of them.

Whether a request stays in a scenario depends on the seed, the number of the scenario and the
request's name alone. So the answer is the same on any number of processes, and a request keeps its
fate where others join or leave the study.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from gentie.engines.grid.network import Booleans, Integers
from gentie.engines.interconnection.cluster_costs import cluster_costs
from gentie.engines.interconnection.cluster_state import NoEnd
from gentie.engines.interconnection.cluster_study import StudyRequest
from gentie.formats.requests import read_requests
from gentie.workbench.kept_case import KeptCase
from gentie.workbench.publication import study_rules
from gentie.workbench.study import Inputs, refuse_misplaced, refuse_oversized, study_requests

WITHDRAWN, UNSTUDIED, ENDLESS = -1, -2, -3
"""Instead of cents: the request left; nothing is known yet; the study came to no end."""

EVERYBODY = 0
"""Number of the scenario in which nobody leaves."""

CENTS = Decimal(100)


@dataclass(frozen=True, slots=True)
class ScenarioRules:
    """What the scenarios are drawn by.

    Attributes:
        count: how many.
        seed: of everything random.
        withdrawal: probability with which each request leaves.
    """

    count: int
    seed: int
    withdrawal: float


def stays(names: Sequence[str], scenario: int, rules: ScenarioRules) -> Booleans:
    """(r,) which requests stay in a scenario.

    Args:
        names: of the requests.
        scenario: its number, from 1; in number 0 everybody stays.
        rules: seed and probability.

    Neglects: that withdrawals depend on each other, on cost, on technology and on time.
    """
    if scenario == EVERYBODY:
        return np.ones(len(names), np.bool_)
    return np.array(
        [_chance(f"{rules.seed}|{scenario}|{name}") >= rules.withdrawal for name in names], np.bool_
    )


def _chance(text: str) -> float:
    """A number of [0, 1) that a text stands for; the same on any machine."""
    digest = hashlib.sha256(text.encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53


class Biller:
    """Studies one scenario after the other on a case that is read and factored once.

    Attributes:
        names: of the requests, in the order of the columns of what it returns.
    """

    def __init__(self, inputs: Inputs, *, threads: int = 1) -> None:
        """Read the requests and keep the case.

        Raises:
            BadInput: the requests do not fit the case.
        """
        requests = read_requests(inputs.requests_content, inputs.requests_name, inputs.case.network)
        kept = KeptCase(inputs.case, inputs.rulebook, inputs.profile, threads=threads)
        refuse_misplaced(requests, kept.published, inputs.requests_name)
        refuse_oversized(kept.published)
        self._requests: tuple[StudyRequest, ...] = study_requests(
            requests, kept.published, inputs.rulebook, inputs.profile
        )
        self.names = tuple(request.id for request in self._requests)
        self._miles, self._threads = kept.miles, threads
        self._rules = study_rules(inputs.rulebook, inputs.policy or None)
        self._factors = kept.factors([request.bus_row for request in self._requests])

    def cents(self, staying: Booleans) -> Integers:
        """(r,) what each request owes, in cents; ``WITHDRAWN`` for those that left.

        A study of those that stay from the kept factors: every search and every upgrade of a full
        rerun. The upgraded grid is not solved from nothing, as a full rerun does to check itself.
        """
        found = np.full(len(self.names), WITHDRAWN, np.int64)
        if not staying.any():
            return found
        place = {name: number for number, name in enumerate(self.names)}
        try:
            costs = cluster_costs(
                self._factors,
                tuple(
                    request for request, is_in in zip(self._requests, staying, strict=True) if is_in
                ),
                self._rules,
                miles=self._miles,
                threads=self._threads,
            )
        except NoEnd:
            found[:] = ENDLESS
            return found
        found[staying] = 0
        for row in costs.ledger:
            found[place[row.request]] += int(row.amount.amount * CENTS)
        return found
