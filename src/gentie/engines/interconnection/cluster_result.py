"""What a study says once nothing is left to relieve: points, final loadings, costs, the check.

The upgraded grid is built as a network of its own and solved from nothing, to check every
low-rank update.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gentie.engines.grid.network import Floats, Network
from gentie.engines.interconnection.at_points import at_points_of
from gentie.engines.interconnection.cluster_study import ClusterStudy, Condition, Constraint
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.elements import BASE
from gentie.engines.interconnection.verification import Verification, upgraded_network, verify


def result_of(work: ClusterWork) -> ClusterStudy:
    """The result of a study that has ended.

    Raises:
        ValueError: it has not ended.
    """
    if not work.is_ended:
        raise ValueError(f"The study has not ended: {work.stage} comes next")
    work.progress("cost and check", 0, 0)
    at_points = at_points_of(work)
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
        final = work.after(work.now.flow, outage)
        scheme = work.schemes.get(outage)
        if scheme is not None:
            has_scheme = element in scheme.elements
            tripped = list(scheme.requests)
            factor = work.now.request_factor[:, tripped]
            final = final - work.after(factor, outage) @ work.mw[tripped]
    else:
        sign = 1 if constraint.id.split("|")[2] == "forward" else -1
        final = work.now.deliverability_flow(element, outage, sign)
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
        flow_mw=work.now.flow,
        overloads_left=int((found.is_reached & ~covered).sum()),
        threads=work.threads,
    )
