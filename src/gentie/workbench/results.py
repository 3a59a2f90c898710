"""What a study says: tables, a summary and pictures' data, each with its tier."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from gentie.engines.interconnection.cluster_study import ClusterStudy, Constraint
from gentie.engines.interconnection.upgrades import CostClass
from gentie.formats.requests import Request, natural_order
from gentie.quantities.money import Money, total
from gentie.rulebook.book import GridProfile, Rulebook
from gentie.workbench.cases import Case
from gentie.workbench.pictures import constraint_pictures
from gentie.workbench.summary import FACTOR, MW, PERCENT, Costs, summary_of
from gentie.workbench.tables import Cell, Column, Table, Tier, table

STUDIED = frozenset(
    {
        "cost_allocation",
        "deliverability",
        "mitigation",
        "output_factors",
        "reliability",
        "screening",
        "unit_costs",
    }
)
"""Rooms of the rulebook on which a study rests; what the others say is no assumption of one."""


@dataclass(frozen=True, slots=True)
class Document:
    """A result that is not a table: JSON with sorted keys."""

    name: str
    tier: Tier
    content: Any

    def as_json(self) -> bytes:
        """The document; the same bytes for the same content."""
        text = json.dumps(self.content, indent=1, sort_keys=True, ensure_ascii=False)
        return f"{text}\n".encode()


@dataclass(frozen=True)
class RunResults:
    """All that a study says."""

    tables: tuple[Table, ...]
    documents: tuple[Document, ...]

    def files(self) -> dict[str, tuple[Tier, bytes]]:
        """Tier and bytes of every file of the results, by name."""
        found = {f"{one.name}.csv": (one.tier, one.as_csv()) for one in self.tables}
        found |= {f"{one.name}.json": (one.tier, one.as_json()) for one in self.documents}
        return found

    def table(self, name: str) -> Table:
        """A table by its name."""
        return next(one for one in self.tables if one.name == name)

    def document(self, name: str) -> Any:
        """The content of a document by its name."""
        return next(one.content for one in self.documents if one.name == name)


def results_of(
    cluster: ClusterStudy,
    requests: tuple[Request, ...],
    *,
    case: Case,
    rulebook: Rulebook,
    profile: GridProfile,
    engine_version: str,
) -> RunResults:
    """The tables and documents of a study.

    Args:
        cluster: the engine's result.
        requests: as filed, in their natural order.
        case: studied.
        rulebook: applied.
        profile: the operator's.
        engine_version: that ran it.
    """
    costs = _costs(cluster, rulebook.currency)
    return RunResults(
        tables=(
            _constraints(cluster),
            _constraint_requests(cluster),
            _upgrades(cluster),
            _schemes(cluster),
            _requests(cluster, requests, costs, profile),
            _ledger(cluster),
            _unreached(cluster),
            _set_apart(cluster),
            _islanding(cluster),
        ),
        documents=(
            Document(
                "summary",
                Tier.PUBLIC,
                summary_of(
                    cluster,
                    requests,
                    costs,
                    case=case,
                    rulebook=rulebook,
                    profile=profile,
                    engine_version=engine_version,
                ),
            ),
            Document(
                "assumptions",
                Tier.PUBLIC,
                [
                    {
                        "key": rule.key,
                        "value": rule.value,
                        "unit": rule.unit,
                        "section": rule.section,
                        "standing": rule.standing,
                        "from": rule.applies_from.isoformat(),
                        "note": rule.note,
                    }
                    for rule in rulebook
                    if rule.key.partition(".")[0] in STUDIED
                ],
            ),
            Document("fidelity", Tier.CEII, [finding.as_dict() for finding in case.fidelity]),
            Document("pictures", Tier.CEII, constraint_pictures(cluster, requests, profile)),
        ),
    )


def _element(cluster: ClusterStudy, row: int) -> str:
    return cluster.case.element(row)


def _kv(cluster: ClusterStudy, row: int) -> float:
    network = cluster.case.network
    ends = [network.branches.from_bus[row], network.branches.to_bus[row]]
    return float(network.buses.nominal_kv[ends].max())


def _treatment(constraint: Constraint) -> str:
    """What became of a constraint, in words."""
    words = []
    if constraint.upgrades:
        words.append("upgraded")
    if constraint.has_scheme:
        words.append("remedial action")
    return " and ".join(words) or "relieved by other upgrades"


def _constraints(cluster: ClusterStudy) -> Table:
    return table(
        "constraints",
        Tier.CEII,
        (
            Column("constraint", "identity: element|outage|direction|condition"),
            Column("condition", "peak-reliability or peak-deliverability"),
            Column("element", "what is overloaded"),
            Column("outage", "the outage that does it most, base for none"),
            Column("kv", "highest nominal voltage of the element", 3),
            Column("limit_mw", "limit that applies, before any upgrade", MW),
            Column("before_percent", "loading without the cluster", PERCENT),
            Column("with_percent", "loading with the cluster", PERCENT),
            Column("after_percent", "loading with the cluster and everything done", PERCENT),
            Column("outages", "outages that overload it, the base case counting as one"),
            Column("arose_from_upgrades", "within its limits until an upgrade moved flow"),
            Column("treatment", "what became of it"),
            Column("upgrades", "built for it, separated by semicolons"),
            Column("basis", "rule by which requests share it"),
            Column("requests", "how many requests share it"),
        ),
        (
            (
                constraint.id,
                str(constraint.condition),
                _element(cluster, constraint.branch_row),
                _element(cluster, constraint.outage_row),
                _kv(cluster, constraint.branch_row),
                constraint.limit_mw,
                constraint.before_percent,
                constraint.with_percent,
                constraint.after_percent,
                constraint.outages,
                constraint.arose_from_upgrades,
                _treatment(constraint),
                ";".join(constraint.upgrades),
                str(constraint.basis),
                len(constraint.request),
            )
            for constraint in cluster.constraints
        ),
    )


def _constraint_requests(cluster: ClusterStudy) -> Table:
    rows = []
    for constraint in cluster.constraints:
        for place, factor, impact in zip(
            constraint.request, constraint.factor, constraint.impact_mw, strict=True
        ):
            rows.append(
                (
                    constraint.id,
                    cluster.requests[place].id,
                    float(factor),
                    float(impact),
                    100.0 * float(impact) / constraint.limit_mw,
                )
            )
    rows.sort(key=lambda row: (row[0], natural_order(str(row[1]))))
    return table(
        "constraint_requests",
        Tier.PRIVATE,
        (
            Column("constraint", "identity"),
            Column("request", "that reaches it"),
            Column("distribution_factor", "MW on the element per MW, towards the overload", FACTOR),
            Column("impact_mw", "factor times MW studied", MW),
            Column("impact_percent", "of the limit", PERCENT),
        ),
        rows,
    )


def _upgrades(cluster: ClusterStudy) -> Table:
    points = cluster.case.points
    return table(
        "upgrades",
        Tier.PRIVATE,
        (
            Column("upgrade", "identity"),
            Column("kind", "what is built"),
            Column("cost_class", "whose rules of cost apply"),
            Column("element", "that it relieves"),
            Column("point", "where it stands"),
            Column("constraint", "that called for it"),
            Column("loading_percent", "of that constraint when it was called for", PERCENT),
            Column("kv", "voltage", 3),
            Column("miles", "of line", 3),
            Column("rating_before_mva", "normal rating of all circuits before", MW),
            Column("rating_after_mva", "and after", MW),
            Column("cost", "estimate"),
        ),
        (
            (
                upgrade.id,
                str(upgrade.kind),
                str(upgrade.cost_class),
                _element(cluster, upgrade.branch_row) if upgrade.branch_row >= 0 else "",
                points.identity(upgrade.point) if upgrade.point >= 0 else "",
                upgrade.constraint,
                upgrade.loading_percent if upgrade.constraint else None,
                _kv(cluster, upgrade.branch_row)
                if upgrade.branch_row >= 0
                else float(
                    cluster.case.network.buses.nominal_kv[points.principal_bus[upgrade.point]]
                ),
                upgrade.miles or None,
                upgrade.rating_before_mva if upgrade.branch_row >= 0 else None,
                upgrade.rating_after_mva if upgrade.branch_row >= 0 else None,
                upgrade.cost.amount,
            )
            for upgrade in cluster.upgrades
        ),
    )


def _schemes(cluster: ClusterStudy) -> Table:
    return table(
        "schemes",
        Tier.CEII,
        (
            Column("outage", "that trips"),
            Column("requests", "tripped, separated by semicolons"),
            Column("tripped_mw", "together", MW),
            Column("elements", "protected, separated by semicolons"),
        ),
        (
            (
                _element(cluster, scheme.outage),
                ";".join(
                    sorted(
                        (cluster.requests[place].id for place in scheme.requests),
                        key=natural_order,
                    )
                ),
                scheme.tripped_mw,
                ";".join(_element(cluster, row) for row in scheme.elements),
            )
            for scheme in cluster.schemes
        ),
    )


def _costs(cluster: ClusterStudy, currency: str) -> Costs:
    """What each request owes, by class of cost."""
    kind = {upgrade.id: upgrade.cost_class for upgrade in cluster.upgrades}
    owed: dict[str, dict[CostClass, list[Money]]] = defaultdict(lambda: defaultdict(list))
    for row in cluster.ledger:
        owed[row.request][kind[row.upgrade]].append(row.amount)
    return {
        request.id: {one: total(owed[request.id][one], currency) for one in CostClass}
        for request in cluster.requests
    }


def _requests(
    cluster: ClusterStudy,
    requests: tuple[Request, ...],
    costs: Costs,
    profile: GridProfile,
) -> Table:
    network, points = cluster.case.network, cluster.case.points
    studied = {request.id: request for request in cluster.requests}
    rows: list[tuple[Cell, ...]] = []
    for request in requests:
        row = network.bus_row[request.bus]
        owed = costs[request.request]
        whole = sum(
            (money.amount for money in owed.values()), start=0 * owed[CostClass.RELIABILITY].amount
        )
        owner = profile.owners.get(int(network.buses.area[row]))
        rows.append(
            (
                request.request,
                request.bus,
                points.identity(int(points.point_of_bus[row])),
                network.buses.name[row],
                float(network.buses.nominal_kv[row]),
                int(network.buses.area[row]),
                owner.name if owner else "",
                " + ".join(
                    f"{part.technology} {part.mw:g} MW" + (f" {part.mwh:g} MWh" if part.mwh else "")
                    for part in request.components
                ),
                request.net_mw,
                str(request.deliverability),
                studied[request.request].study_mw,
                *(owed[one].amount for one in CostClass),
                whole,
                float(whole) / request.net_mw / 1000.0,
            )
        )
    return table(
        "requests",
        Tier.PRIVATE,
        (
            Column("request", "identity"),
            Column("bus", "as filed"),
            Column("point", "of interconnection"),
            Column("bus_name", "in the case"),
            Column("kv", "nominal voltage", 3),
            Column("area", "of the case"),
            Column("owner", "transmission owner of the area"),
            Column("technologies", "with their MW and MWh"),
            Column("net_mw", "at the point", MW),
            Column("deliverability", "full or energy_only"),
            Column("study_mw", "deliverability study amount", MW),
            Column("reliability_cost", "share of reliability network upgrades"),
            Column("local_delivery_cost", "share of local delivery network upgrades"),
            Column("switchyard_cost", "share of the switchyard at its point"),
            Column("own_cost", "participating owner's interconnection facilities"),
            Column("total_cost", "sum of the four"),
            Column("cost_per_kw", "total over net MW", 2),
        ),
        rows,
    )


def _ledger(cluster: ClusterStudy) -> Table:
    order = {upgrade.id: place for place, upgrade in enumerate(cluster.upgrades)}
    rows = sorted(cluster.ledger, key=lambda row: (order[row.upgrade], natural_order(row.request)))
    return table(
        "ledger",
        Tier.PRIVATE,
        (
            Column("upgrade", "identity"),
            Column("request", "that owes"),
            Column("constraint", "that called for the upgrade"),
            Column("basis", "rule of the share"),
            Column("distribution_factor", "towards the overload, after the outage", FACTOR),
            Column("mw", "studied", MW),
            Column("impact_mw", "factor times MW", MW),
            Column("impact_sum_mw", "of all that pay", MW),
            Column("share", "impact over sum, or one over the number of payers", 9),
            Column("amount", "owed, to the cent"),
        ),
        (
            (
                row.upgrade,
                row.request,
                row.constraint,
                str(row.basis),
                row.distribution_factor,
                row.mw,
                row.impact_mw,
                row.impact_sum_mw,
                row.share,
                row.amount.amount,
            )
            for row in rows
        ),
    )


def _unreached(cluster: ClusterStudy) -> Table:
    return table(
        "unreached",
        Tier.CEII,
        (
            Column("element", "overloaded, but not the cluster's by the rules"),
            Column("outage", "that does it most"),
            Column("with_percent", "loading with the cluster", PERCENT),
        ),
        (
            (
                _element(cluster, one.branch_row),
                _element(cluster, one.outage_row),
                one.with_percent,
            )
            for one in cluster.unreached
        ),
    )


def _set_apart(cluster: ClusterStudy) -> Table:
    return table(
        "set_apart",
        Tier.CEII,
        (
            Column("element", "above its limit before anything is added"),
            Column("outage", "base for none"),
            Column("before_percent", "loading", PERCENT),
        ),
        (
            (
                _element(cluster, pair.branch_row),
                _element(cluster, pair.outage_row),
                100 * pair.loading,
            )
            for pair in cluster.case.set_apart
        ),
    )


def _islanding(cluster: ClusterStudy) -> Table:
    return table(
        "islanding",
        Tier.CEII,
        (
            Column("outage", "that cuts part of the grid off, and is not simulated"),
            Column("buses", "cut off"),
            Column("load_mw", "cut off", MW),
            Column("generation_mw", "cut off, stored output", MW),
        ),
        (
            (_element(cluster, one.branch_row), len(one.bus_rows), one.load_mw, one.generation_mw)
            for one in cluster.case.islanding
        ),
    )
