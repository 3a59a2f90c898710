"""The summary of a study: its figures, its check, and what a reader must know first."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from gentie.engines.grid.contingencies import NO_OUTAGE
from gentie.engines.interconnection.cluster_study import ClusterStudy, Condition
from gentie.engines.interconnection.upgrades import CostClass, UpgradeKind
from gentie.formats.requests import Request
from gentie.quantities.money import Money, total
from gentie.rulebook.book import GridProfile, Rulebook
from gentie.workbench.cases import Case

MW, PERCENT, FACTOR = 3, 3, 6
"""Decimals of MW, percent and factors in every result."""

DOUBTFUL_CIRCUITS = 4
"""From so many added circuits on one element, the study doubts its rating aloud."""

Costs = dict[str, dict[CostClass, Money]]
"""What each request owes, by class of cost."""


def summary_of(
    cluster: ClusterStudy,
    requests: tuple[Request, ...],
    costs: Costs,
    *,
    case: Case,
    rulebook: Rulebook,
    profile: GridProfile,
    engine_version: str,
) -> dict[str, Any]:
    """The figures of a study that anybody may see, as plain data.

    Args:
        cluster: the engine's result.
        requests: as filed.
        costs: what each request owes, by class of cost.
        case: studied.
        rulebook: applied.
        profile: the operator's.
        engine_version: that ran it.
    """
    published = cluster.case
    check = cluster.verification
    found = cluster.constraints
    by_class = {
        one: total([costs[request.id][one] for request in cluster.requests], rulebook.currency)
        for one in CostClass
    }
    whole = total(list(by_class.values()), rulebook.currency)
    per_kw = sorted(
        float(sum(money.amount for money in costs[request.id].values())) / request.mw / 1000.0
        for request in cluster.requests
    )
    new_mw = sum(request.mw for request in cluster.requests)
    fleet_mw = float(published.fleet_mw.sum())
    return {
        "engine_version": engine_version,
        "case": {
            "name": case.name,
            "file": case.source_name,
            "sha256": case.sha256,
            "buses": len(published.network.buses),
            "branches": len(published.network.branches),
            "areas": list(published.screening.areas),
        },
        "operator": {
            "name": profile.operator,
            "note": profile.operator_note,
            "is_synthetic": profile.is_synthetic,
            "credit": profile.credit,
        },
        "rulebook": {
            "name": rulebook.name,
            "version": rulebook.version,
            "digest": rulebook.digest,
            "currency": rulebook.currency,
            "time_zone": rulebook.time_zone,
        },
        "policy": str(cluster.rules.policy),
        "emergency_multiplier": published.screening.emergency_multiplier,
        "cut_off": published.screening.cut_off,
        "published": {
            "points": len(published.studied_points),
            "monitored_elements": len(published.monitored),
            "outages": len(published.outages),
            "islanding_outages": len(published.islanding),
            "set_apart": len(published.set_apart),
            "fleet_mw": round(fleet_mw, MW),
            "worst_base_percent": round(
                100 * float(published.base.base_loading.max(initial=0.0)), PERCENT
            ),
            "worst_outage_percent": round(
                100 * float(published.base.worst_loading.max(initial=0.0)), PERCENT
            ),
        },
        "requests": {
            "count": len(requests),
            "mw": round(new_mw, MW),
            "full": sum(request.study_mw > 0 for request in cluster.requests),
            "points": len({request.bus_row for request in cluster.requests}),
            "study_mw": round(sum(request.study_mw for request in cluster.requests), MW),
        },
        "constraints": {
            str(condition): {
                "found": sum(
                    one.condition is condition and not one.arose_from_upgrades for one in found
                ),
                "arose_from_upgrades": sum(
                    one.condition is condition and one.arose_from_upgrades for one in found
                ),
                "worst_percent": round(
                    max(
                        (one.with_percent for one in found if one.condition is condition),
                        default=0.0,
                    ),
                    PERCENT,
                ),
            }
            for condition in Condition
        },
        "dispatch_share": _number(cluster.dispatch_share, FACTOR),
        "dispatch_share_of_the_rule": rulebook.number("deliverability.dispatch"),
        "schemes": len(cluster.schemes),
        "upgrades": len(cluster.upgrades),
        "cost": {
            "currency": rulebook.currency,
            "total": str(whole.amount),
            "by_class": {str(one): str(money.amount) for one, money in by_class.items()},
            "per_kw_median": _number(float(np.median(per_kw)), 2) if per_kw else None,
            "per_kw_highest": _number(max(per_kw), 2) if per_kw else None,
        },
        "check": {
            "overloads_left": check.overloads_left,
            "flow_agrees_within_mw": 1e-6,
            "flow_agrees": check.largest_flow_difference_mw <= 1e-6,
            "loading_agrees": check.largest_loading_difference <= 1e-8,
            "worst_elsewhere_percent": round(check.worst_elsewhere_percent, PERCENT),
            "worst_elsewhere": published.element(check.worst_elsewhere_row)
            if check.worst_elsewhere_row != NO_OUTAGE
            else "",
        },
        "notes": _notes(cluster, requests, new_mw, fleet_mw),
    }


def _notes(
    cluster: ClusterStudy, requests: tuple[Request, ...], new_mw: float, fleet_mw: float
) -> list[str]:
    """What a reader must know before the figures."""
    published = cluster.case
    notes = []
    if len(published.monitored) == 0:
        notes.append(
            "The study finds no constraint because the case gives no rating to any line or "
            "transformer of the studied areas; it can say what stands at the points, not what "
            "the grid lacks."
        )
    if new_mw > fleet_mw:
        notes.append(
            f"The requests add {new_mw:,.0f} MW, more than the {fleet_mw:,.0f} MW of the fleet "
            "that makes room: some units are pushed below zero in the model."
        )
    if not published.network.buses.load_mw.any():
        notes.append("The case has no load.")
    rows = published.network.bus_row
    stands_for = published.points.principal_bus[
        published.points.point_of_bus[[rows[request.bus] for request in requests]]
    ]
    moved = sum(
        rows[request.bus] != int(bus) for request, bus in zip(requests, stands_for, strict=True)
    )
    if moved:
        notes.append(
            f"Requests filed at another section of their station: {moved}. The study injects them "
            "at the section with the lowest number."
        )
    notes += [*_overload_elsewhere(cluster), *_doubtful_ratings(cluster)]
    if cluster.unreached:
        notes.append(
            f"Overloads that no request reaches beyond the cut-off: {len(cluster.unreached)}. They "
            "are assigned to nobody and listed by name."
        )
    if published.set_apart:
        notes.append(
            "Pairs of element and outage above their limit before anything is added: "
            f"{len(published.set_apart):,}. They are named and set apart."
        )
    notes.append(
        "A cost share follows from flow, not from what a project would save the others by "
        "withdrawing; a withdrawal can raise another's cost."
    )
    return notes


def _overload_elsewhere(cluster: ClusterStudy) -> list[str]:
    """An overload outside the studied elements, if there is one."""
    check = cluster.verification
    if check.worst_elsewhere_percent <= 100.0:
        return []
    name = cluster.case.element(check.worst_elsewhere_row)
    return [
        (
            f"Outside the studied elements, {name} is at {check.worst_elsewhere_percent:.1f}% of its "
            "rating with the cluster and nothing out; the study says nothing more about it."
        )
    ]


def _doubtful_ratings(cluster: ClusterStudy) -> list[str]:
    """Elements that needed so many circuits that their rating is more likely to be wrong."""
    built = Counter(
        upgrade.branch_row
        for upgrade in cluster.upgrades
        if upgrade.kind in {UpgradeKind.CIRCUIT, UpgradeKind.BANK}
    )
    return [
        # The summary is public, so the rating itself is not said.
        f"{cluster.case.element(row)} needs {count} more circuits: its rating in the case is "
        "probably wrong, and with it the cost of this study."
        for row, count in sorted(built.items())
        if count >= DOUBTFUL_CIRCUITS
    ]


def _number(value: float, decimals: int) -> float | None:
    return round(value, decimals) if np.isfinite(value) else None
