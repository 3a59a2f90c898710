"""What can be done to a study: publish it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from gentie.contexts.accounts.reads import known_organisations
from gentie.contexts.audit.actions import record
from gentie.contexts.grid.reads import case_by_id
from gentie.contexts.studies.bundles import (
    Bundle,
    constraints_told_once,
    read_bundle,
    same_case,
    sums_agree,
)
from gentie.contexts.studies.models import RequestCosts, Study
from gentie.contexts.studies.result_rows import write_results
from gentie.contexts.studies.totals import Payment, public_summary
from gentie.quantities.findings import BadInput, Finding


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
        organisations: ids by the names of the requests that are theirs; the others are nobody's.
            Where none is anybody's and the grid is synthetic, everybody sees the study in full.

    Raises:
        BadInput: a file is not the one listed, the case or the rules are others, the ledger does
            not sum to the costs, an organisation or its request is unknown, or the same bundle is
            published with other owners; every reason is told.
    """
    bundle, owners = read_bundle(folder), dict(organisations or {})
    there = Study.objects.filter(bundle_digest=bundle.digest).first()
    if there is not None:
        if organisations is not None and owners != _owners_of(there):
            raise BadInput(
                Finding(
                    "study.published.other_owners",
                    f"This study is published already as {there.title}, with other owners of its "
                    "requests. A published study is never changed: run it again, and publish that.",
                )
            )
        return there
    case = case_by_id(base_case_id)
    reasons = [
        *same_case(bundle, case_sha256=case.sha256, rulebook_digest=case.rulebook_digest),
        *constraints_told_once(bundle),
        *sums_agree(bundle),
        *_owners_are_known(bundle, owners),
    ]
    if reasons:
        raise BadInput(reasons)
    manifest, summary = bundle.manifest, bundle.document("summary")
    is_shown_in_full = case.is_synthetic and not owners
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
        summary=public_summary(
            summary, _payments(bundle, owners), is_shown_in_full=is_shown_in_full
        ),
        assumptions=bundle.document("assumptions"),
        is_shown_in_full=is_shown_in_full,
        tier=bundle.tier("summary.json"),
        published_at=at,
    )
    write_results(
        study,
        bundle,
        bundle_place=_kept_bundle(folder, bundle.digest),
        organisations=owners,
    )
    record(by=by, action="study.published", subject=f"study:{study.pk}", at=at)
    return study


def _owners_of(study: Study) -> dict[str, int]:
    owned = RequestCosts.objects.filter(request__study=study).exclude(organisation=None)
    return dict(owned.values_list("request__name", "organisation_id"))


def _owners_are_known(bundle: Bundle, owners: Mapping[str, int]) -> Iterator[Finding]:
    names = {row["request"] for row in bundle.table("requests")}
    known = known_organisations(set(owners.values()))
    for name, organisation in owners.items():
        if name not in names:
            yield Finding(
                "study.owner.request_unknown",
                f"The study has no request {name}, so it cannot be organisation {organisation}'s: "
                "name a request of the study.",
                where=name,
            )
        if organisation not in known:
            yield Finding(
                "study.owner.unknown",
                f"Request {name} would be organisation {organisation}'s, and there is none with "
                "this number: make the organisation first.",
                where=name,
            )


def _payments(bundle: Bundle, owners: Mapping[str, int]) -> list[Payment]:
    """Who pays for what; an organisation knows the payments of all its requests."""
    cost_class = {row["upgrade"]: row["cost_class"] for row in bundle.table("upgrades")}
    return [
        Payment(
            upgrade=row["upgrade"],
            cost_class=cost_class[row["upgrade"]],
            payer=f"organisation:{owners[row['request']]}"
            if row["request"] in owners
            else f"request:{row['request']}",
        )
        for row in bundle.table("ledger")
    ]


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
