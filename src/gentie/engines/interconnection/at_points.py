"""What stands at the points of the requests once a study has ended: relays, switchyards, own facilities."""

from __future__ import annotations

from dataclasses import dataclass, field

from gentie.engines.interconnection.allocation import Basis, LedgerRow, share_equally
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.upgrades import CostClass, Upgrade, UpgradeKind


def at_points_of(work: ClusterWork) -> AtPoints:
    """Schemes' equipment first, then switchyards and own facilities.

    Args:
        work: a study that has ended.
    """
    at_points = AtPoints(work)
    at_points.add_schemes()
    at_points.add_points()
    return at_points


@dataclass
class AtPoints:
    """What stands at the points of the requests, and who pays for it.

    Attributes:
        work: a study that has ended.
        upgrades: in the order of points.
        ledger: of these.
    """

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
