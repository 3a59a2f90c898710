"""Rows of a study's results, written from the tables of its bundle.

Of each thing one row says what everybody may know, and rows beside it what is private or critical
energy infrastructure information (CEII): decision 0019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gentie.contexts.studies.bundles import Bundle, Row
from gentie.contexts.studies.models import (
    Constraint,
    ConstraintContingency,
    ConstraintRequest,
    Fidelity,
    LedgerRow,
    Picture,
    RequestCosts,
    Scheme,
    SchemeContingency,
    StudiedRequest,
    Study,
    StudyInFull,
    Upgrade,
    UpgradeCost,
    UpgradeReason,
)
from gentie.workbench.tables import Tier

AT_ONCE = 1000


def write_results(
    study: Study, bundle: Bundle, *, bundle_place: str, organisations: Mapping[str, int]
) -> None:
    """Write everything of a study but its own row.

    Args:
        study: just made.
        bundle: of it.
        bundle_place: of the zipped bundle, inside the data folder.
        organisations: ids by the names of their requests; the others are nobody's.
    """
    StudyInFull.objects.create(
        study=study,
        cost=bundle.document("summary")["cost"],
        bundle_place=bundle_place,
        tier=Tier.PRIVATE,
    )
    Fidelity.objects.create(
        study=study, findings=bundle.document("fidelity"), tier=bundle.tier("fidelity.json")
    )
    requests = _write_requests(study, bundle, organisations)
    upgrades = _write_upgrades(study, bundle)
    LedgerRow.objects.bulk_create(
        (
            LedgerRow(
                upgrade=upgrades[row["upgrade"]],
                request=requests[row["request"]],
                basis=row["basis"],
                distribution_factor=float(row["distribution_factor"]),
                mw=float(row["mw"]),
                impact_mw=float(row["impact_mw"]),
                impact_sum_mw=float(row["impact_sum_mw"]),
                share=Decimal(row["share"]),
                amount=Decimal(row["amount"]),
                tier=bundle.tier("ledger.csv"),
            )
            for row in bundle.table("ledger")
        ),
        batch_size=AT_ONCE,
    )
    _write_constraints(study, bundle, requests, upgrades)
    _write_schemes(study, bundle, requests)


def _write_requests(
    study: Study, bundle: Bundle, organisations: Mapping[str, int]
) -> dict[str, StudiedRequest]:
    table = bundle.table("requests")
    made = StudiedRequest.objects.bulk_create(
        StudiedRequest(
            study=study,
            number=number,
            name=row["request"],
            bus=int(row["bus"]),
            point=row["point"],
            bus_name=row["bus_name"],
            kv=float(row["kv"]),
            area=int(row["area"]),
            owner=row["owner"],
            technologies=row["technologies"],
            net_mw=float(row["net_mw"]),
            deliverability=row["deliverability"],
            study_mw=float(row["study_mw"]),
            tier=Tier.PUBLIC,
        )
        for number, row in enumerate(table, start=1)
    )
    RequestCosts.objects.bulk_create(
        RequestCosts(
            request=request,
            organisation_id=organisations.get(request.name),
            reliability_cost=Decimal(row["reliability_cost"]),
            local_delivery_cost=Decimal(row["local_delivery_cost"]),
            switchyard_cost=Decimal(row["switchyard_cost"]),
            own_cost=Decimal(row["own_cost"]),
            total_cost=Decimal(row["total_cost"]),
            cost_per_kw=float(row["cost_per_kw"]),
            tier=bundle.tier("requests.csv"),
        )
        for request, row in zip(made, table, strict=True)
    )
    return {one.name: one for one in made}


def _write_upgrades(study: Study, bundle: Bundle) -> dict[str, Upgrade]:
    table = bundle.table("upgrades")
    payers = Counter(row["upgrade"] for row in bundle.table("ledger"))
    made = Upgrade.objects.bulk_create(
        Upgrade(
            study=study,
            number=number,
            identity=row["upgrade"],
            kind=row["kind"],
            cost_class=row["cost_class"],
            element=row["element"],
            point=row["point"],
            kv=_number(row["kv"]),
            payers=payers[row["upgrade"]],
            tier=Tier.PUBLIC,
        )
        for number, row in enumerate(table, start=1)
    )
    UpgradeCost.objects.bulk_create(
        UpgradeCost(
            upgrade=upgrade,
            cost=Decimal(row["cost"]),
            miles=_number(row["miles"]),
            tier=bundle.tier("upgrades.csv"),
        )
        for upgrade, row in zip(made, table, strict=True)
    )
    UpgradeReason.objects.bulk_create(
        UpgradeReason(
            upgrade=upgrade,
            called_for_by=row["constraint"],
            loading_percent=_number(row["loading_percent"]),
            rating_before_mva=_number(row["rating_before_mva"]),
            rating_after_mva=_number(row["rating_after_mva"]),
            tier=Tier.CEII,
        )
        for upgrade, row in zip(made, table, strict=True)
    )
    return {one.identity: one for one in made}


def _write_constraints(
    study: Study,
    bundle: Bundle,
    requests: Mapping[str, StudiedRequest],
    upgrades: Mapping[str, Upgrade],
) -> None:
    pictures = bundle.document("pictures")
    table = bundle.table("constraints")
    made = Constraint.objects.bulk_create(
        _constraint(study, number, row, pictures) for number, row in enumerate(table, start=1)
    )
    constraints = {row["constraint"]: one for one, row in zip(made, table, strict=True)}
    ConstraintContingency.objects.bulk_create(
        ConstraintContingency(
            constraint=constraint,
            identity=row["constraint"],
            outage=row["outage"],
            limit_mw=float(row["limit_mw"]),
            outages=int(row["outages"]),
            tier=bundle.tier("constraints.csv"),
        )
        for constraint, row in zip(made, table, strict=True)
    )
    link = Constraint.upgrades.through
    link.objects.bulk_create(
        link(constraint_id=constraints[row["constraint"]].pk, upgrade_id=upgrades[name].pk)
        for row in table
        for name in _listed(row["upgrades"])
    )
    ConstraintRequest.objects.bulk_create(
        (
            ConstraintRequest(
                constraint=constraints[row["constraint"]],
                request=requests[row["request"]],
                distribution_factor=float(row["distribution_factor"]),
                impact_mw=float(row["impact_mw"]),
                tier=bundle.tier("constraint_requests.csv"),
            )
            for row in bundle.table("constraint_requests")
        ),
        batch_size=AT_ONCE,
    )
    Picture.objects.bulk_create(
        Picture(
            constraint=constraints[identity], content=content, tier=bundle.tier("pictures.json")
        )
        for identity, content in pictures.items()
    )


def _constraint(study: Study, number: int, row: Row, pictures: Mapping[str, Any]) -> Constraint:
    from_name, to_name = _names_of_ends(row["constraint"], pictures)
    return Constraint(
        study=study,
        number=number,
        condition=row["condition"],
        element=row["element"],
        from_name=from_name,
        to_name=to_name,
        kv=float(row["kv"]),
        before_percent=float(row["before_percent"]),
        with_percent=float(row["with_percent"]),
        after_percent=float(row["after_percent"]),
        arose_from_upgrades=row["arose_from_upgrades"] == "yes",
        treatment=row["treatment"],
        basis=row["basis"],
        request_count=int(row["requests"]),
        tier=Tier.PUBLIC,
    )


def _write_schemes(study: Study, bundle: Bundle, requests: Mapping[str, StudiedRequest]) -> None:
    table = bundle.table("schemes")
    schemes = Scheme.objects.bulk_create(
        Scheme(study=study, number=number, tier=Tier.PUBLIC)
        for number, row in enumerate(table, start=1)
    )
    SchemeContingency.objects.bulk_create(
        SchemeContingency(
            scheme=scheme,
            outage=row["outage"],
            elements=_listed(row["elements"]),
            tier=bundle.tier("schemes.csv"),
        )
        for scheme, row in zip(schemes, table, strict=True)
    )
    link = Scheme.requests.through
    link.objects.bulk_create(
        link(scheme_id=scheme.pk, studiedrequest_id=requests[name].pk)
        for scheme, row in zip(schemes, table, strict=True)
        for name in _listed(row["requests"])
    )


def _names_of_ends(constraint: str, pictures: Mapping[str, Any]) -> tuple[str, str]:
    """Names of the places between which the element of a constraint runs."""
    picture = pictures.get(constraint, {"places": [], "lines": []})
    names = {place["id"]: place["name"] for place in picture["places"]}
    for line in picture["lines"]:
        if line["is_constraint"]:
            return names[line["from"]], names[line["to"]]
    return "", ""


def _listed(cell: str) -> list[str]:
    return cell.split(";") if cell else []


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
