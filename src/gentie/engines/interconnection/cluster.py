"""The cluster study: what limits a group of requests, what must be built, and who pays why.

Reliability comes first: every request at full output, the studied area's fleet making room. Then
deliverability, on the grid with the reliability upgrades in it. Either may disturb the other, so
both are repeated until neither finds anything that the cluster causes. At the end the upgraded
grid is built as a network of its own and solved from nothing, to check every low-rank update.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

import numpy as np

from gentie.engines.grid.network import Floats, Integers, Network
from gentie.engines.interconnection.allocation import (
    Basis,
    LedgerRow,
    payers,
    share_by_impact,
    share_equally,
)
from gentie.engines.interconnection.cluster_study import (
    ClusterStudy,
    Condition,
    Constraint,
    Policy,
    StudyRequest,
    StudyRules,
    UnreachedOverload,
)
from gentie.engines.interconnection.deliverability import (
    circle_of,
    deliverability_flow,
    deliverability_loading,
)
from gentie.engines.interconnection.elements import BASE, ElementTable, Pairs
from gentie.engines.interconnection.published import AT_LIMIT, PublishedCase
from gentie.engines.interconnection.remedial_action import Scheme, design_scheme
from gentie.engines.interconnection.upgrades import CostClass, Upgrade, UpgradeKind, relieve
from gentie.engines.interconnection.verification import Verification, upgraded_network, verify

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


def study_cluster(
    case: PublishedCase,
    requests: tuple[StudyRequest, ...],
    rules: StudyRules,
    *,
    miles: Floats,
    threads: int = 2,
    progress: Progress | None = None,
) -> ClusterStudy:
    """Study a cluster of requests on a published case.

    Args:
        case: the published case.
        requests: in any order; the order changes nothing.
        rules: the rulebook's values.
        miles: (m,) length of every branch.
        threads: numba threads; the result is the same for any number.
        progress: told the step, how much of it is done, and of how much (0 where unknown).

    Raises:
        NoEnd: the upgrades do not come to an end.

    Neglects: AC effects, voltage, short circuit, stability; outages of more than one element;
    off-peak and charging; redispatch and the tripping of existing units.
    Follows: the rulebook's sections on reliability, deliverability and cost allocation.
    """
    run = _Run(case, requests, rules, miles, threads, progress or (lambda *_: None))
    run.look_at_reliability()
    run.look_at_deliverability()
    while True:
        built = len(run.upgrades)
        run.mitigate_reliability()
        run.mitigate_deliverability()
        if len(run.upgrades) == built:
            break
    return run.result()


class _Run:
    """One study on its way; every step reads and changes the element table."""

    def __init__(
        self,
        case: PublishedCase,
        requests: tuple[StudyRequest, ...],
        rules: StudyRules,
        miles: Floats,
        threads: int,
        progress: Progress,
    ) -> None:
        self.case, self.rules, self.miles = case, rules, miles
        self.threads, self.progress = threads, progress
        self.requests = tuple(sorted(requests, key=lambda request: request.id))
        self.ids = [request.id for request in self.requests]
        self.mw = np.array([request.mw for request in self.requests])
        self.study_mw = np.array([request.study_mw for request in self.requests])
        buses = np.array([request.bus_row for request in self.requests], np.int64)
        columns, place = np.unique(np.concatenate([buses, case.fleet_bus]), return_inverse=True)
        self.request_column, self.fleet_column = place[: len(buses)], place[len(buses) :]
        progress("transfer factors", 0, 0)
        self.table = ElementTable(case, columns)
        self.limits_before_mw = np.stack([self.table.normal_mw, self.table.post_mw])
        self.upgrades: list[Upgrade] = []
        self.ledger: list[LedgerRow] = []
        self.schemes: dict[int, Scheme] = {}
        self.constraints: dict[str, Constraint] = {}
        self.built_for: dict[tuple[int, Condition], list[str]] = {}
        self.unreached: tuple[UnreachedOverload, ...] = ()
        self.reconductored: set[int] = set()
        self.dispatch_share = float("nan")

    # What the grid looks like now

    def request_factor(self) -> Floats:
        """(e, r) MW on every element per MW of each request, the fleet displaced pro rata."""
        fleet = self.table.factors(self.fleet_column) @ self.case.fleet_share
        return self.table.factors(self.request_column) - fleet[:, None]

    def pairs(self, factor: Floats) -> Pairs:
        """Everything above its limit with the cluster at full output."""
        return self.table.pairs_above(
            self.table.base_mw + factor @ self.mw,
            factor,
            collective_impact=self.rules.collective_impact,
            threads=self.threads,
        )

    def identity(self, element: int, outage: int, sign: int, condition: Condition) -> str:
        row = self.table.row
        return self.case.constraint(
            int(row[element]), int(row[outage]) if outage != BASE else BASE, sign, condition
        )

    # Reliability

    def look_at_reliability(self) -> None:
        """Name every constraint of the grid as it is, before anything is done about it."""
        self.progress("reliability", 0, 0)
        factor = self.request_factor()
        found = self.pairs(factor)
        self.note_reliability(found.only(found.is_reached), factor, arose=False)
        others = found.only(~found.is_reached).worst_of_each_element()
        row = self.table.row
        self.unreached = tuple(
            UnreachedOverload(
                int(row[element]),
                int(row[outage]) if outage != BASE else BASE,
                100.0 * float(loading),
            )
            for element, outage, loading in zip(
                others.element, others.outage, others.loading, strict=True
            )
        )

    def note_reliability(self, found: Pairs, factor: Floats, *, arose: bool) -> None:
        """Keep the worst pair of each element as a constraint, unless it is known already."""
        known = {
            constraint.branch_row
            for constraint in self.constraints.values()
            if constraint.condition is Condition.RELIABILITY
        }
        flow = self.table.base_mw + factor @ self.mw
        worst = found.worst_of_each_element()
        for element, outage, loading, sign in zip(
            worst.element, worst.outage, worst.loading, worst.sign, strict=True
        ):
            if int(self.table.row[element]) in known:
                continue
            self.note(
                int(element),
                int(outage),
                int(sign),
                float(loading),
                Condition.RELIABILITY,
                outages=int((found.element == element).sum()),
                arose=arose,
                before=self.table.after_outage(self.table.base_mw, int(outage)),
                loaded=self.table.after_outage(flow, int(outage)),
                factor=int(sign) * self.table.after_outage(factor, int(outage))[element],
                mw=self.mw,
            )

    def note(
        self,
        element: int,
        outage: int,
        sign: int,
        loading: float,
        condition: Condition,
        *,
        outages: int,
        arose: bool,
        before: Floats,
        loaded: Floats,
        factor: Floats,
        mw: Floats,
    ) -> None:
        """Keep one constraint; what happens to it afterwards is filled in at the end."""
        limit = self.table.limit_mw(element, outage)
        chosen, basis = payers(
            factor, mw, limit_mw=limit, **self.payer_thresholds(element, condition)
        )
        request = np.flatnonzero(chosen)
        identity = self.identity(element, outage, sign, condition)
        self.constraints[identity] = Constraint(
            id=identity,
            condition=condition,
            branch_row=int(self.table.row[element]),
            outage_row=int(self.table.row[outage]) if outage != BASE else BASE,
            limit_mw=limit,
            before_percent=100.0 * abs(float(before[element])) / limit,
            with_percent=100.0 * loading,
            after_percent=float("nan"),
            outages=outages,
            arose_from_upgrades=arose,
            upgrades=(),
            has_scheme=False,
            request=request,
            factor=factor[request],
            impact_mw=factor[request] * mw[request],
            basis=basis,
            flows_mw=np.stack([before, loaded, np.zeros_like(before)]),
        )

    def mitigate_reliability(self) -> None:
        """Build wires and design schemes until nothing of the cluster's is left."""
        while True:
            factor = self.request_factor()
            everything = self.pairs(factor)
            found = everything.only(everything.is_reached)
            self.note_reliability(found, factor, arose=True)
            others = everything.only(~everything.is_reached)
            wires = self.pairs_for_wires(found, others, factor)
            self.progress("reliability upgrades", len(self.upgrades), 0)
            if len(wires.element) == 0:
                return
            self.build(wires, factor, self.mw, Condition.RELIABILITY)

    def pairs_for_wires(self, found: Pairs, others: Pairs, factor: Floats) -> Pairs:
        """What schemes may not or cannot clear; keeps the schemes that do."""
        self.schemes = {}
        if (
            self.rules.policy is Policy.WIRES_FIRST
            or not self.rules.remedial_action.is_allowed_after_outage
        ):
            return found
        base = found.only(found.outage == BASE)
        if len(base.element):
            return base
        flow = self.table.base_mw + factor @ self.mw
        left = []
        for outage in np.unique(found.outage):
            at = found.outage == outage
            overloaded = np.zeros(len(self.table.row), np.bool_)
            overloaded[found.element[at]] = True
            ignored = self.table.set_apart_after(int(outage))
            ignored[others.element[others.outage == outage]] = True
            scheme = design_scheme(
                self.table,
                outage=int(outage),
                flow_mw=flow,
                request_factor=factor,
                request_mw=self.mw,
                overloaded=overloaded,
                ignored=ignored,
                rules=self.rules.remedial_action,
            )
            if scheme is None:
                left.append(np.flatnonzero(at))
            else:
                self.schemes[int(outage)] = scheme
        places = np.concatenate(left) if left else np.zeros(0, np.int64)
        return found.only(places)

    def build(self, found: Pairs, factor: Floats, mw: Floats, condition: Condition) -> None:
        """Relieve the worst of these pairs and write down who pays for it."""
        worst = found.worst()
        element, outage = int(found.element[worst]), int(found.outage[worst])
        sign, loading = int(found.sign[worst]), float(found.loading[worst])
        constraint = self.identity(element, outage, sign, condition)
        limit = self.table.limit_mw(element, outage)
        towards = sign * self.after(factor, outage)[element]
        if len(self.upgrades) >= MOST_UPGRADES:
            raise NoEnd(constraint)
        upgrade = relieve(
            self.table,
            element,
            loading=loading,
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
            mw=mw,
            limit_mw=limit,
            **self.payer_thresholds(element, condition),
        )

    # Deliverability

    def look_at_deliverability(self) -> None:
        """Name every deliverability constraint of the grid as it is."""
        if (self.study_mw > 0).any():
            self.progress("deliverability", 0, 0)
            self.note_deliverability(self.deliverability_pairs(), arose=False)

    def mitigate_deliverability(self) -> None:
        """Build local delivery upgrades until every full-capacity request gets out."""
        while (self.study_mw > 0).any():
            found = self.deliverability_pairs()
            self.note_deliverability(found, arose=True)
            self.progress("deliverability upgrades", len(self.upgrades), 0)
            if len(found.element) == 0:
                return
            self.build(found, self.deliverability_factor(), self.study_mw, Condition.DELIVERABILITY)

    def after(self, values: Floats, outage: int) -> Floats:
        return self.table.after_outage(values, outage)

    @property
    def generators(self) -> tuple[Integers, Floats, Floats]:
        """Columns, study amounts and stored output of all that is dispatched."""
        full = self.study_mw > 0
        return (
            np.concatenate([self.fleet_column, self.request_column[full]]),
            np.concatenate([self.case.fleet_mw, self.study_mw[full]]),
            np.concatenate([self.case.fleet_mw, np.zeros(int(full.sum()))]),
        )

    def deliverability_factor(self) -> Floats:
        """(e, r) factors of the requests against all dispatched generators."""
        columns, study, _ = self.generators
        mean = self.table.factors(columns) @ study / study.sum()
        return self.table.factors(self.request_column) - mean[:, None]

    def deliverability_pairs(self) -> Pairs:
        """Constraints of the deliverability test, the worst pair of each element."""
        columns, study, existing = self.generators
        tested = deliverability_loading(
            self.table,
            columns=columns,
            study_mw=study,
            existing_mw=existing,
            is_request=np.arange(len(columns)) >= len(self.fleet_column),
            rules=self.rules.deliverability,
            threads=self.threads,
        )
        self.dispatch_share = tested.dispatch_share
        kept = np.flatnonzero(tested.loading > 1.0 + AT_LIMIT)
        return Pairs(
            kept,
            tested.outage[kept],
            tested.loading[kept],
            tested.sign[kept],
            np.ones(len(kept), np.bool_),
        )

    def payer_thresholds(self, element: int, condition: Condition) -> PayerThresholds:
        """From which factor and which share of the limit on a request pays."""
        rules = self.rules
        if condition is Condition.RELIABILITY:
            return {"least_factor": rules.least_factor, "least_share": rules.least_share}
        circle = circle_of(self.table, rules.deliverability)[element]
        return {
            "least_factor": float(circle),
            "least_share": rules.deliverability.flow_impact,
        }

    def note_deliverability(self, found: Pairs, *, arose: bool) -> None:
        known = {
            constraint.branch_row
            for constraint in self.constraints.values()
            if constraint.condition is Condition.DELIVERABILITY
        }
        for element, outage, loading, sign in zip(
            found.element, found.outage, found.loading, found.sign, strict=True
        ):
            if int(self.table.row[element]) in known:
                continue
            self.note(
                int(element),
                int(outage),
                int(sign),
                float(loading),
                Condition.DELIVERABILITY,
                outages=1,
                arose=arose,
                before=self.after(self.table.base_mw, int(outage)),
                loaded=self.deliverability_flow(int(element), int(outage), int(sign)),
                factor=int(sign) * self.after(self.deliverability_factor(), int(outage))[element],
                mw=self.study_mw,
            )

    def deliverability_flow(self, element: int, outage: int, sign: int) -> Floats:
        columns, study, existing = self.generators
        return deliverability_flow(
            self.table,
            element=element,
            outage=outage,
            sign=sign,
            columns=columns,
            study_mw=study,
            existing_mw=existing,
            rules=self.rules.deliverability,
        )

    # The result

    def result(self) -> ClusterStudy:
        """Add what stands at the points, fill in the final loadings, check everything."""
        self.progress("cost and check", 0, 0)
        factor = self.request_factor()
        flow = self.table.base_mw + factor @ self.mw
        self.add_schemes()
        self.add_points()
        upgraded = upgraded_network(self.case.network, self.table)
        row = self.table.row
        return ClusterStudy(
            case=self.case,
            requests=self.requests,
            rules=self.rules,
            constraints=tuple(
                self.finished(constraint, flow, factor) for constraint in self.constraints.values()
            ),
            unreached=self.unreached,
            upgrades=tuple(self.upgrades),
            schemes=tuple(
                replace(
                    scheme,
                    outage=int(row[outage]),
                    elements=tuple(int(row[element]) for element in scheme.elements),
                )
                for outage, scheme in sorted(self.schemes.items())
            ),
            ledger=tuple(self.ledger),
            dispatch_share=self.dispatch_share,
            element_row=row,
            limits_before_mw=self.limits_before_mw,
            limits_after_mw=np.stack([self.table.normal_mw, self.table.post_mw]),
            upgraded=upgraded,
            verification=self.verify(upgraded, flow, factor),
        )

    def finished(self, constraint: Constraint, flow: Floats, factor: Floats) -> Constraint:
        """The constraint with what became of it."""
        element = self.table.place_of(constraint.branch_row)
        outage = (
            BASE if constraint.outage_row == BASE else self.table.place_of(constraint.outage_row)
        )
        has_scheme = False
        if constraint.condition is Condition.RELIABILITY:
            final = self.after(flow, outage)
            scheme = self.schemes.get(outage)
            if scheme is not None:
                has_scheme = element in scheme.elements
                tripped = list(scheme.requests)
                final = final - self.after(factor, outage)[:, tripped] @ self.mw[tripped]
        else:
            sign = 1 if constraint.id.split("|")[2] == "forward" else -1
            final = self.deliverability_flow(element, outage, sign)
        flows = constraint.flows_mw.copy()
        flows[2] = final
        named = (constraint.branch_row, constraint.condition)
        return replace(
            constraint,
            after_percent=100.0 * abs(float(final[element])) / self.table.limit_mw(element, outage),
            upgrades=tuple(self.built_for.get(named, ())),
            has_scheme=has_scheme,
            flows_mw=flows,
        )

    def point_of(self, request: int) -> int:
        return int(self.case.points.point_of_bus[self.requests[request].bus_row])

    def requests_by_point(self, chosen: set[int]) -> dict[int, list[int]]:
        """Places of the chosen requests at each point, points by the number of their bus."""
        at: dict[int, list[int]] = {}
        for request in sorted(chosen):
            at.setdefault(self.point_of(request), []).append(request)
        return dict(sorted(at.items()))

    def add_point_upgrade(
        self,
        kind: UpgradeKind,
        cost_class: CostClass,
        name: str,
        point: int,
        millions: float,
        requests: list[int],
        basis: Basis,
    ) -> None:
        upgrade = Upgrade(
            id=name,
            kind=kind,
            cost_class=cost_class,
            branch_row=-1,
            point=point,
            constraint="",
            loading_percent=0.0,
            miles=0.0,
            rating_before_mva=0.0,
            rating_after_mva=0.0,
            cost=self.rules.upgrades.money(millions),
        )
        self.upgrades.append(upgrade)
        self.ledger += share_equally(
            upgrade,
            ids=[self.ids[request] for request in requests],
            mw=[float(self.mw[request]) for request in requests],
            basis=basis,
        )

    def add_schemes(self) -> None:
        """Relays and communication at every point that takes part in a scheme."""
        taking_part = {request for scheme in self.schemes.values() for request in scheme.requests}
        for point, requests in self.requests_by_point(taking_part).items():
            self.add_point_upgrade(
                UpgradeKind.REMEDIAL_ACTION,
                CostClass.RELIABILITY,
                f"remedial-action:{self.case.points.identity(point)}",
                point,
                self.rules.upgrades.remedial_action_per_point,
                requests,
                Basis.EQUAL_SHARE,
            )

    def add_points(self) -> None:
        """The switchyard at every point, shared equally, and each request's own facilities."""
        buses = self.case.network.buses
        for point, requests in self.requests_by_point(set(range(len(self.ids)))).items():
            kv = float(buses.nominal_kv[self.case.points.principal_bus[point]])
            unit = self.rules.upgrades.unit_costs(kv)
            self.add_point_upgrade(
                UpgradeKind.SWITCHYARD,
                CostClass.SWITCHYARD,
                f"switchyard:{self.case.points.identity(point)}",
                point,
                unit.switchyard,
                requests,
                Basis.EQUAL_SHARE,
            )
            for request in requests:
                self.add_point_upgrade(
                    UpgradeKind.POSITION,
                    CostClass.OWN_FACILITIES,
                    f"position:{self.ids[request]}",
                    point,
                    unit.position,
                    [request],
                    Basis.OWN,
                )

    def verify(self, upgraded: Network, flow: Floats, factor: Floats) -> Verification:
        """Solve the upgraded network from nothing and compare."""
        injection = self.case.injection_mw.copy()
        np.add.at(injection, [request.bus_row for request in self.requests], self.mw)
        np.add.at(injection, self.case.fleet_bus, -self.case.fleet_share * self.mw.sum())
        found = self.pairs(factor)
        covered = np.isin(found.outage, list(self.schemes)) & (found.outage != BASE)
        return verify(
            self.table,
            upgraded,
            injection_mw=injection,
            flow_mw=flow,
            overloads_left=int((found.is_reached & ~covered).sum()),
            threads=self.threads,
        )
