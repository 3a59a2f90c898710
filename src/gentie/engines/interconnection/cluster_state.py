"""The grid of a cluster study on its way: what is decided changes it, and is written down.

Every decision is computed from the state alone, so taking the same decisions again gives the same
state, without the searches that led to them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import TypedDict

import numpy as np

from gentie.engines.grid.network import Floats
from gentie.engines.interconnection.allocation import LedgerRow, payers, share_by_impact
from gentie.engines.interconnection.cluster_checkpoint import Act, Decision
from gentie.engines.interconnection.cluster_flows import ClusterFlows
from gentie.engines.interconnection.cluster_study import (
    Condition,
    Constraint,
    StudyRequest,
    StudyRules,
)
from gentie.engines.interconnection.deliverability import circle_of
from gentie.engines.interconnection.elements import BASE, ElementTable
from gentie.engines.interconnection.published import PublishedCase
from gentie.engines.interconnection.transfer_factors import TransferFactors, transfer_factors
from gentie.engines.interconnection.upgrades import CostClass, Upgrade, relieve

MOST_UPGRADES = 2000
"""A study that wants more has no sensible answer; it stops and says so."""


COST_CLASS = {
    Condition.RELIABILITY: CostClass.RELIABILITY,
    Condition.DELIVERABILITY: CostClass.LOCAL_DELIVERABILITY,
}


class PayerThresholds(TypedDict):
    """From which factor, and from which share of the limit, a request pays."""

    least_factor: float
    least_share: float


class NoEnd(Exception):
    """The upgrades do not come to an end; ``constraint`` is the last one tried."""

    def __init__(self, constraint: str) -> None:
        """Keep the identity of the constraint."""
        self.constraint = constraint
        super().__init__(f"more than {MOST_UPGRADES} upgrades, the last one for {constraint}")


Progress = Callable[[str, int, int], None]


class ClusterState:
    """The element table of one study and what has been decided on it.

    Attributes:
        case: the published case.
        requests: in the order of their ids, as every ``request`` place.
        rules: the rulebook's values.
        table: state of the grid.
        limits_before_mw: (2, e) its limits before anything is built.
        kept: transfer factors before anything is built.
        column_bus: bus rows of the injection columns of the table.
        decisions: taken so far, in their order.
        constraints: by identity, as found; what becomes of them is not filled in yet.
        upgrades: built so far.
        built_for: their ids by branch row and condition.
        ledger: of these.
    """

    def __init__(
        self,
        case: PublishedCase,
        requests: tuple[StudyRequest, ...],
        rules: StudyRules,
        *,
        miles: Floats,
        threads: int = 2,
        progress: Progress | None = None,
        kept: TransferFactors | None = None,
    ) -> None:
        """Make the transfer factors of the elements; see ``cluster.study_cluster``."""
        self.case, self.rules, self.miles = case, rules, miles
        self.threads, self.progress = threads, progress or (lambda *_: None)
        self.requests = tuple(sorted(requests, key=lambda request: request.id))
        self.ids = [request.id for request in self.requests]
        self.mw = np.array([request.mw for request in self.requests])
        self.study_mw = np.array([request.study_mw for request in self.requests])
        buses = np.array([request.bus_row for request in self.requests], np.int64)
        columns, place = np.unique(np.concatenate([buses, case.fleet_bus]), return_inverse=True)
        self.request_column, self.fleet_column = place[: len(buses)], place[len(buses) :]
        if kept is None:
            self.progress("transfer factors", 0, 0)
        self.kept, self.column_bus = kept or transfer_factors(case, columns), columns
        self.table = ElementTable(case, columns, kept=self.kept)
        self.limits_before_mw = np.stack([self.table.normal_mw, self.table.post_mw])
        self.decisions: list[Decision] = []
        self.upgrades: list[Upgrade] = []
        self.ledger: list[LedgerRow] = []
        self.constraints: dict[str, Constraint] = {}
        self.built_for: dict[tuple[int, Condition], list[str]] = {}
        self.reconductored: set[int] = set()
        self._now: ClusterFlows | None = None

    def take(self, decision: Decision) -> None:
        """Do what was decided.

        Raises:
            NoEnd: too much has been built already.
        """
        if decision.act is Act.BUILT:
            self.build(decision)
        else:
            self.name(decision)

    @cached_property
    def start(self) -> str:
        """SHA-256 of what every decision is computed from."""
        hasher = hashlib.sha256()
        for array in (
            self.kept.row,
            self.kept.transfer.diagonal(),
            self.kept.columns(self.column_bus),
            self.case.model.susceptance_mw_per_rad[self.kept.row],
            self.case.flow_mw[self.kept.row],
            *self.limits_before_mw,
            self.mw,
            self.study_mw,
        ):
            hasher.update(np.ascontiguousarray(array).tobytes())
        return hasher.hexdigest()

    # What the grid looks like now

    @property
    def now(self) -> ClusterFlows:
        """Flows and factors of the grid as it is."""
        if self._now is None or self._now.version != self.table.version:
            self._now = ClusterFlows(
                self.table,
                mw=self.mw,
                study_mw=self.study_mw,
                request_column=self.request_column,
                fleet_column=self.fleet_column,
                rules=self.rules.deliverability,
            )
        return self._now

    def after(self, values: Floats, outage: int) -> Floats:
        """Flows or factors after an outage."""
        return self.table.after_outage(values, outage)

    def identity(self, decision: Decision) -> str:
        """The constraint that a decision is about."""
        row, outage = self.table.row, decision.outage
        return self.case.constraint(
            int(row[decision.element]),
            int(row[outage]) if outage != BASE else BASE,
            decision.sign,
            decision.condition,
        )

    # What is decided

    def name(self, decision: Decision) -> None:
        """Keep one constraint; what happens to it afterwards is filled in at the end."""
        self.decisions.append(decision)
        element, outage = decision.element, decision.outage
        limit = self.table.limit_mw(element, outage)
        factor = self.towards(decision)
        mw = self.mw_of(decision)
        before = self.after(self.table.base_mw, outage)
        if decision.condition is Condition.RELIABILITY:
            loaded = self.after(self.now.flow, outage)
        else:
            loaded = self.now.deliverability_flow(element, outage, decision.sign)
        chosen, basis = payers(factor, mw, limit_mw=limit, **self.payer_thresholds(decision))
        request = np.flatnonzero(chosen)
        identity = self.identity(decision)
        self.constraints[identity] = Constraint(
            id=identity,
            condition=decision.condition,
            branch_row=int(self.table.row[element]),
            outage_row=int(self.table.row[outage]) if outage != BASE else BASE,
            limit_mw=limit,
            before_percent=100.0 * abs(float(before[element])) / limit,
            with_percent=100.0 * decision.loading,
            after_percent=float("nan"),
            outages=decision.outages,
            arose_from_upgrades=decision.arose,
            upgrades=(),
            has_scheme=False,
            request=request,
            factor=factor[request],
            impact_mw=factor[request] * mw[request],
            basis=basis,
            flows_mw=np.stack([before, loaded, np.zeros_like(before)]),
        )

    def build(self, decision: Decision) -> None:
        """Relieve a pair and write down who pays for it.

        Raises:
            NoEnd: too much has been built already.
        """
        element, outage, condition = decision.element, decision.outage, decision.condition
        constraint = self.identity(decision)
        limit = self.table.limit_mw(element, outage)
        towards = self.towards(decision)
        thresholds = self.payer_thresholds(decision)
        if len(self.upgrades) >= MOST_UPGRADES:
            raise NoEnd(constraint)
        self.decisions.append(decision)
        upgrade = relieve(
            self.table,
            element,
            loading=decision.loading,
            constraint=constraint,
            cost_class=COST_CLASS[condition],
            rules=self.rules.upgrades,
            miles=self.miles,
            reconductored=self.reconductored,
        )
        self.upgrades.append(upgrade)
        self.built_for.setdefault((upgrade.branch_row, condition), []).append(upgrade.id)
        self.ledger += share_by_impact(
            upgrade,
            ids=self.ids,
            factor=towards,
            mw=self.mw_of(decision),
            limit_mw=limit,
            **thresholds,
        )

    def towards(self, decision: Decision) -> Floats:
        """(r,) factors of the requests towards the overload of a decision, after its outage."""
        factor = (
            self.now.request_factor
            if decision.condition is Condition.RELIABILITY
            else self.now.deliverability_factor
        )
        return decision.sign * self.table.after_outage_at(decision.element, factor, decision.outage)

    def mw_of(self, decision: Decision) -> Floats:
        """(r,) MW of the requests under the condition of a decision."""
        return self.mw if decision.condition is Condition.RELIABILITY else self.study_mw

    def payer_thresholds(self, decision: Decision) -> PayerThresholds:
        """From which factor and which share of the limit on a request pays."""
        rules = self.rules
        if decision.condition is Condition.RELIABILITY:
            return {"least_factor": rules.least_factor, "least_share": rules.least_share}
        circle = circle_of(self.table, rules.deliverability)[decision.element]
        return {
            "least_factor": float(circle),
            "least_share": rules.deliverability.flow_impact,
        }
