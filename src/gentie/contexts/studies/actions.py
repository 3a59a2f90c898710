"""What can be done to a study: publish it."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from gentie.contexts.audit.actions import record
from gentie.contexts.grid.reads import case_by_id
from gentie.contexts.studies.bundles import Bundle, Row, read_bundle, same_case, sums_agree
from gentie.contexts.studies.models import (
    Constraint,
    ConstraintRequest,
    LedgerRow,
    Picture,
    Scheme,
    StudiedRequest,
    Study,
    Upgrade,
)
from gentie.quantities.findings import BadInput

AT_ONCE = 1000


@transaction.atomic
def publish_study(
    *,
    folder: Path,
    title: str,
    base_case_id: int,
    by: str,
    at: datetime,
    organisations: Mapping[str, int] | None = None,
) -> Study:
    """Publish a study from its bundle.

    Publishing the same bundle again changes nothing and gives the study that is there.

    Args:
        folder: of the bundle.
        title: for readers.
        base_case_id: of the published base case that was studied.
        by: who, as ``kind:id``.
        at: when; an aware time.
        organisations: whose each request is, by its name; where they are known, only they and
            the operator see its rows.

    Raises:
        BadInput: a file is not the one listed, the case or the rules are others, or the ledger
            does not sum to the costs; every reason is told.
    """
    bundle = read_bundle(folder)
    there = Study.objects.filter(bundle_digest=bundle.digest).first()
    if there is not None:
        return there
    case = case_by_id(base_case_id)
    reasons = [
        *same_case(bundle, case_sha256=case.sha256, rulebook_digest=case.rulebook_digest),
        *sums_agree(bundle),
    ]
    if reasons:
        raise BadInput(reasons)
    manifest, summary = bundle.manifest, bundle.document("summary")
    slug, revision = _free_slug(title)
    study = Study.objects.create(
        slug=slug,
        title=title if revision == 1 else f"{title}, revision {revision}",
        bundle_digest=bundle.digest,
        inputs_digest=bundle.inputs_digest,
        base_case_id=case.pk,
        rulebook_version=manifest["rulebook"]["version"],
        rulebook_digest=manifest["rulebook"]["digest"],
        engine_version=manifest["engine"]["version"],
        policy=manifest["policy"],
        currency=summary["cost"]["currency"],
        summary=summary,
        assumptions=bundle.document("assumptions"),
        fidelity=bundle.document("fidelity"),
        bundle_place=_kept_bundle(folder, bundle.digest),
        is_shown_in_full=case.is_synthetic and not organisations,
        tier=bundle.tier("summary.json"),
        published_at=at,
    )
    _write_results(study, bundle, organisations or {})
    record(by=by, action="study.published", subject=f"study:{study.pk}", at=at)
    return study


def _free_slug(title: str) -> tuple[str, int]:
    """The title as an address, and the revision that later studies of the same title have in it."""
    first = slugify(title)[:60] or "study"
    taken = set(Study.objects.filter(slug__startswith=first).values_list("slug", flat=True))
    slug, revision = first, 1
    while slug in taken:
        revision += 1
        slug = f"{first}-revision-{revision}"
    return slug, revision


def _kept_bundle(folder: Path, digest: str) -> str:
    """Keep the bundle as one archive in the data folder, whole or not at all; say where."""
    from gentie.workbench.bundle import zipped_bundle

    place = Path("bundles") / f"{digest}.zip"
    kept = Path(settings.DATA_DIR) / place
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        number, unfinished = tempfile.mkstemp(prefix=".unfinished-", dir=kept.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(zipped_bundle(folder))
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(kept)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    return place.as_posix()


def _write_results(study: Study, bundle: Bundle, organisations: Mapping[str, int]) -> None:
    requests = {
        one.name: one
        for one in StudiedRequest.objects.bulk_create(
            _request(study, number, row, bundle.tier("requests.csv"), organisations)
            for number, row in enumerate(bundle.table("requests"), start=1)
        )
    }
    ledger = bundle.table("ledger")
    payers = Counter(row["upgrade"] for row in ledger)
    upgrades = {
        one.identity: one
        for one in Upgrade.objects.bulk_create(
            _upgrade(study, number, row, payers[row["upgrade"]], bundle.tier("upgrades.csv"))
            for number, row in enumerate(bundle.table("upgrades"), start=1)
        )
    }
    LedgerRow.objects.bulk_create(
        (
            LedgerRow(
                upgrade=upgrades[row["upgrade"]],
                request=requests[row["request"]],
                called_for_by=row["constraint"],
                basis=row["basis"],
                distribution_factor=float(row["distribution_factor"]),
                mw=float(row["mw"]),
                impact_mw=float(row["impact_mw"]),
                impact_sum_mw=float(row["impact_sum_mw"]),
                share=Decimal(row["share"]),
                amount=Decimal(row["amount"]),
                tier=bundle.tier("ledger.csv"),
            )
            for row in ledger
        ),
        batch_size=AT_ONCE,
    )
    _write_constraints(study, bundle, requests, upgrades)
    _write_schemes(study, bundle, requests)


def _write_constraints(
    study: Study,
    bundle: Bundle,
    requests: dict[str, StudiedRequest],
    upgrades: dict[str, Upgrade],
) -> None:
    pictures = bundle.document("pictures")
    table = bundle.table("constraints")
    constraints = {
        one.identity: one
        for one in Constraint.objects.bulk_create(
            _constraint(study, number, row, pictures, bundle.tier("constraints.csv"))
            for number, row in enumerate(table, start=1)
        )
    }
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
                impact_percent=float(row["impact_percent"]),
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


def _write_schemes(study: Study, bundle: Bundle, requests: dict[str, StudiedRequest]) -> None:
    table = bundle.table("schemes")
    schemes = Scheme.objects.bulk_create(
        Scheme(
            study=study,
            number=number,
            outage=row["outage"],
            tripped_mw=float(row["tripped_mw"]),
            elements=_listed(row["elements"]),
            tier=bundle.tier("schemes.csv"),
        )
        for number, row in enumerate(table, start=1)
    )
    link = Scheme.requests.through
    link.objects.bulk_create(
        link(scheme_id=scheme.pk, studiedrequest_id=requests[name].pk)
        for scheme, row in zip(schemes, table, strict=True)
        for name in _listed(row["requests"])
    )


def _request(
    study: Study, number: int, row: Row, tier: str, organisations: Mapping[str, int]
) -> StudiedRequest:
    return StudiedRequest(
        study=study,
        is_shown_in_full=study.is_shown_in_full,
        organisation_id=organisations.get(row["request"]),
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
        reliability_cost=Decimal(row["reliability_cost"]),
        local_delivery_cost=Decimal(row["local_delivery_cost"]),
        switchyard_cost=Decimal(row["switchyard_cost"]),
        own_cost=Decimal(row["own_cost"]),
        total_cost=Decimal(row["total_cost"]),
        cost_per_kw=float(row["cost_per_kw"]),
        tier=tier,
    )


def _upgrade(study: Study, number: int, row: Row, payers: int, tier: str) -> Upgrade:
    return Upgrade(
        study=study,
        number=number,
        identity=row["upgrade"],
        kind=row["kind"],
        cost_class=row["cost_class"],
        element=row["element"],
        point=row["point"],
        called_for_by=row["constraint"],
        loading_percent=_number(row["loading_percent"]),
        kv=_number(row["kv"]),
        miles=_number(row["miles"]),
        rating_before_mva=_number(row["rating_before_mva"]),
        rating_after_mva=_number(row["rating_after_mva"]),
        cost=Decimal(row["cost"]),
        payers=payers,
        tier=tier,
    )


def _constraint(
    study: Study, number: int, row: Row, pictures: dict[str, Any], tier: str
) -> Constraint:
    from_name, to_name = _names_of_ends(row["constraint"], pictures)
    return Constraint(
        study=study,
        number=number,
        identity=row["constraint"],
        condition=row["condition"],
        element=row["element"],
        outage=row["outage"],
        from_name=from_name,
        to_name=to_name,
        kv=float(row["kv"]),
        limit_mw=float(row["limit_mw"]),
        before_percent=float(row["before_percent"]),
        with_percent=float(row["with_percent"]),
        after_percent=float(row["after_percent"]),
        outages=int(row["outages"]),
        arose_from_upgrades=row["arose_from_upgrades"] == "yes",
        treatment=row["treatment"],
        basis=row["basis"],
        request_count=int(row["requests"]),
        tier=tier,
    )


def _names_of_ends(constraint: str, pictures: dict[str, Any]) -> tuple[str, str]:
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
