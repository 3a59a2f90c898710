"""What a study says once nothing is left to relieve: points, final loadings, costs, the check.

The upgraded grid is built as a network of its own and solved from nothing, to check every
low-rank update.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from gentie.engines.grid.network import Floats, Network
from gentie.engines.interconnection.allocation import Basis, LedgerRow, share_equally
from gentie.engines.interconnection.cluster_study import ClusterStudy, Condition, Constraint
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.elements import BASE
from gentie.engines.interconnection.upgrades import CostClass, Upgrade, UpgradeKind
from gentie.engines.interconnection.verification import Verification, upgraded_network, verify


def result_of(work: ClusterWork) -> ClusterStudy:
    """The result of a study that has ended.

    Raises:
        ValueError: it has not ended.
    """
    if not work.is_ended:
        raise ValueError(f"The study has not ended: {work.stage} comes next")
    work.progress("cost and check", 0, 0)
    at_points = _AtPoints(work)
    at_points.add_schemes()
    at_points.add_points()
    upgraded = upgraded_network(work.case.network, work.table)
    row = work.table.row
    return ClusterStudy(
        case=work.case,
        requests=work.requests,
        rules=work.rules,
        constraints=tuple(_finished(work, constraint) for constraint in work.constraints.values()),
        unreached=work.unreached,
        upgrades=(*work.upgrades, *at_points.upgrades),
        schemes=tuple(
            replace(
                scheme,
                outage=int(row[outage]),
                elements=tuple(int(row[element]) for element in scheme.elements),
            )
            for outage, scheme in sorted(work.schemes.items())
        ),
        ledger=(*work.ledger, *at_points.ledger),
        dispatch_share=work.dispatch_share,
        element_row=row,
        limits_before_mw=work.limits_before_mw,
        limits_after_mw=np.stack([work.table.normal_mw, work.table.post_mw]),
        upgraded=upgraded,
        verification=_verified(work, upgraded),
    )


def _finished(work: ClusterWork, constraint: Constraint) -> Constraint:
    """The constraint with what became of it."""
    table = work.table
    element = table.place_of(constraint.branch_row)
    outage = BASE if constraint.outage_row == BASE else table.place_of(constraint.outage_row)
    has_scheme = False
    if constraint.condition is Condition.RELIABILITY:
        final = work.after(work.flow(), outage)
        scheme = work.schemes.get(outage)
        if scheme is not None:
            has_scheme = element in scheme.elements
            tripped = list(scheme.requests)
            final = final - work.after(work.request_factor(), outage)[:, tripped] @ work.mw[tripped]
    else:
        sign = 1 if constraint.id.split("|")[2] == "forward" else -1
        final = work.deliverability_flow(element, outage, sign)
    flows = constraint.flows_mw.copy()
    flows[2] = final
    named = (constraint.branch_row, constraint.condition)
    return replace(
        constraint,
        after_percent=100.0 * abs(float(final[element])) / table.limit_mw(element, outage),
        upgrades=tuple(work.built_for.get(named, ())),
        has_scheme=has_scheme,
        flows_mw=flows,
    )


def _verified(work: ClusterWork, upgraded: Network) -> Verification:
    """Solve the upgraded network from nothing and compare."""
    injection: Floats = work.case.injection_mw.copy()
    np.add.at(injection, [request.bus_row for request in work.requests], work.mw)
    np.add.at(injection, work.case.fleet_bus, -work.case.fleet_share * work.mw.sum())
    found = work.pairs()
    covered = np.isin(found.outage, list(work.schemes)) & (found.outage != BASE)
    return verify(
        work.table,
        upgraded,
        injection_mw=injection,
        flow_mw=work.flow(),
        overloads_left=int((found.is_reached & ~covered).sum()),
        threads=work.threads,
    )


@dataclass
class _AtPoints:
    """What stands at the points of the requests, and who pays for it."""

    work: ClusterWork
    upgrades: list[Upgrade] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)

    def requests_by_point(self, chosen: set[int]) -> dict[int, list[int]]:
        """Places of the chosen requests at each point, points by the number of their bus."""
        points = self.work.case.points.point_of_bus
        at: dict[int, list[int]] = {}
        for request in sorted(chosen):
            at.setdefault(int(points[self.work.requests[request].bus_row]), []).append(request)
        return dict(sorted(at.items()))

    def add(
        self,
        kind: UpgradeKind,
        cost_class: CostClass,
        name: str,
        point: int,
        millions: float,
        requests: list[int],
        basis: Basis,
    ) -> None:
        """One thing at a point, shared equally among these requests."""
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
            cost=self.work.rules.upgrades.money(millions),
        )
        self.upgrades.append(upgrade)
        self.ledger += share_equally(
            upgrade,
            ids=[self.work.ids[request] for request in requests],
            mw=[float(self.work.mw[request]) for request in requests],
            basis=basis,
        )

    def add_schemes(self) -> None:
        """Relays and communication at every point that takes part in a scheme."""
        schemes = self.work.schemes.values()
        taking_part = {request for scheme in schemes for request in scheme.requests}
        for point, requests in self.requests_by_point(taking_part).items():
            self.add(
                UpgradeKind.REMEDIAL_ACTION,
                CostClass.RELIABILITY,
                f"remedial-action:{self.work.case.points.identity(point)}",
                point,
                self.work.rules.upgrades.remedial_action_per_point,
                requests,
                Basis.EQUAL_SHARE,
            )

    def add_points(self) -> None:
        """The switchyard at every point, shared equally, and each request's own facilities."""
        case = self.work.case
        for point, requests in self.requests_by_point(set(range(len(self.work.ids)))).items():
            kv = float(case.network.buses.nominal_kv[case.points.principal_bus[point]])
            unit = self.work.rules.upgrades.unit_costs(kv)
            self.add(
                UpgradeKind.SWITCHYARD,
                CostClass.SWITCHYARD,
                f"switchyard:{case.points.identity(point)}",
                point,
                unit.switchyard,
                requests,
                Basis.EQUAL_SHARE,
            )
            for request in requests:
                self.add(
                    UpgradeKind.POSITION,
                    CostClass.OWN_FACILITIES,
                    f"position:{self.work.ids[request]}",
                    point,
                    unit.position,
                    [request],
                    Basis.OWN,
                )
