from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from gentie.contexts.accounts.examples import cast
from gentie.contexts.audit.reads import entries_about
from gentie.contexts.grid.actions import publish_case
from gentie.contexts.grid.examples import published_small_case, small_capacity
from gentie.contexts.studies import reads
from gentie.contexts.studies.actions import publish_study
from gentie.contexts.studies.examples import published_small_study, small_bundle, small_run
from gentie.contexts.studies.models import (
    ConstraintContingency,
    LedgerRow,
    RequestCosts,
    StudiedRequest,
    Study,
    UpgradeCost,
)
from gentie.quantities.findings import BadInput

AT = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


@pytest.fixture
def study(folder: Path) -> Study:
    return published_small_study(folder, by=BY, at=AT)


def entries() -> int:
    """How many entries the audit has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_entry")
        return int(cursor.fetchone()[0])


def changed(folder: Path, name: str, old: bytes, new: bytes, *, relist: bool) -> None:
    """Change a file of a bundle, and its digest in the manifest too where asked."""
    content = (folder / name).read_bytes()
    assert old in content
    content = content.replace(old, new, 1)
    (folder / name).write_bytes(content)
    if relist:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))


def test_every_row_of_the_bundle_is_a_row_here(study):
    results = small_run().results
    for name, rows in (
        ("constraints", study.constraints),
        ("upgrades", study.upgrades),
        ("requests", study.requests),
        ("schemes", study.schemes),
        ("ledger", LedgerRow.objects.filter(upgrade__study=study)),
        ("constraint_requests", study.constraints.exclude(shares=None).values("shares")),
    ):
        assert rows.count() == len(results.table(name).rows) > 0, name
    assert study.summary == json.loads(json.dumps(results.document("summary")))
    assert study.constraints.filter(picture=None).count() == 0
    by_tier = {one.name: str(one.tier) for one in results.tables}
    for rows, beside, tier in (
        (study.requests, "costs", by_tier["requests"]),
        (study.upgrades, "estimate", by_tier["upgrades"]),
        (study.upgrades, "reason", "ceii"),
        (study.constraints, "contingency", by_tier["constraints"]),
        (study.schemes, "contingency", by_tier["schemes"]),
    ):
        told = rows.values_list("tier", f"{beside}__tier")
        assert set(told) == {("public", tier)}, beside


def test_what_a_row_leaves_out_follows_from_what_is_kept(study):
    """The bundle says three things that no row repeats, since each would tell of a tier above."""
    results = small_run().results
    shares = {
        (share.constraint.contingency.identity, share.request.name): share.impact_percent
        for constraint in study.constraints.all()
        for share in reads.shares_of(constraint).select_related("constraint__contingency")
    }
    assert shares == {
        (row["constraint"], row["request"]): pytest.approx(row["impact_percent"], abs=1e-3)
        for row in results.table("constraint_requests").as_dicts()
    }
    told = {one.contingency.outage: one.tripped_mw for one in reads.schemes_of(study)}
    assert told == {row["outage"]: row["tripped_mw"] for row in results.table("schemes").as_dicts()}
    called = dict(study.upgrades.values_list("identity", "reason__called_for_by"))
    assert {row["upgrade"]: row["constraint"] for row in results.table("ledger").as_dicts()} == {
        identity: called[identity] for identity in called
    }


def test_the_ledger_sums_to_every_cost_to_the_cent(study):
    for upgrade in study.upgrades.annotate(paid=Sum("ledger__amount")):
        assert upgrade.paid == upgrade.estimate.cost
        assert upgrade.payers == upgrade.ledger.count()
    for request in study.requests.annotate(paid=Sum("ledger__amount")):
        assert request.paid == request.costs.total_cost
    whole = study.upgrades.aggregate(whole=Sum("estimate__cost"))["whole"]
    assert whole == Decimal(study.summary["cost"]["total"])
    classes = reads.classes_of(study)
    assert sum(cost for _, _, cost in classes) == whole
    for name, count, cost in classes:
        of_class = study.upgrades.filter(cost_class=name)
        assert of_class.count() == count
        assert of_class.aggregate(whole=Sum("estimate__cost"))["whole"] == cost


def test_publishing_is_told_in_the_audit(study):
    (entry,) = entries_about(f"study:{study.pk}")
    assert (entry.by, entry.action, entry.at) == (BY, "study.published", AT)


def test_the_kept_archive_is_the_bundle(study, folder):
    archive = zipfile.ZipFile(io.BytesIO(reads.bundle_file(study).read_bytes()))
    manifest = archive.read("manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == study.bundle_digest
    for name, listed in json.loads(manifest)["files"].items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == listed["sha256"]
    assert list((Path(settings.DATA_DIR) / "bundles").glob(".unfinished*")) == []


def test_publishing_the_same_again_changes_nothing(study, folder):
    before = entries()
    again = publish_study(
        folder=folder, title="Another title", base_case_id=study.base_case_id, by=BY, at=AT
    )
    assert again == study
    assert Study.objects.get().title == study.title
    assert entries() == before


def test_a_changed_file_is_named_and_nothing_is_kept(folder):
    case = published_small_case(by=BY, at=AT)
    small_bundle(folder)
    before = entries()
    changed(folder, "results/ledger.csv", b"Q01", b"Q99", relist=False)
    (folder / "results" / "schemes.csv").unlink()
    with pytest.raises(BadInput) as refused:
        publish_study(folder=folder, title="x", base_case_id=case.pk, by=BY, at=AT)
    assert {finding.code: finding.where for finding in refused.value.findings} == {
        "study.file.changed": "results/ledger.csv",
        "study.file.missing": "results/schemes.csv",
    }
    assert not Study.objects.exists()
    assert entries() == before


def test_a_ledger_that_does_not_sum_is_refused(folder):
    case = published_small_case(by=BY, at=AT)
    small_bundle(folder)
    row = (folder / "results/ledger.csv").read_text().splitlines()[1]
    amount = row.rpartition(",")[2]
    other = str(Decimal(amount) + Decimal("0.01"))
    changed(
        folder, "results/ledger.csv", f",{amount}\n".encode(), f",{other}\n".encode(), relist=True
    )
    with pytest.raises(BadInput) as refused:
        publish_study(folder=folder, title="x", base_case_id=case.pk, by=BY, at=AT)
    upgrade, request = row.split(",")[:2]
    assert [(finding.code, finding.where) for finding in refused.value.findings] == [
        ("study.ledger.sum", upgrade),
        ("study.request.sum", request),
    ]
    assert not Study.objects.exists()


def test_a_study_of_another_case_or_rulebook_is_refused(folder):
    facts, points = small_capacity()
    other = replace(facts, sha256="0" * 64, rulebook_digest="1" * 64)
    case = publish_case(facts=other, points=points, by=BY, at=AT)
    small_bundle(folder)
    with pytest.raises(BadInput) as refused:
        publish_study(folder=folder, title="x", base_case_id=case.pk, by=BY, at=AT)
    assert [finding.code for finding in refused.value.findings] == [
        "study.case.other",
        "study.rulebook.other",
    ]


def test_owners_are_kept_and_make_the_study_private(folder):
    first = cast(by=BY, at=AT).organisations["first"]
    study = published_small_study(folder, by=BY, at=AT, organisations={"Q09": first.pk})
    assert not study.is_shown_in_full
    owned = RequestCosts.objects.exclude(organisation=None)
    assert list(owned.values_list("request__name", "organisation_id")) == [("Q09", first.pk)]


def test_unknown_owners_and_their_requests_are_all_told_and_nothing_is_kept(folder):
    first = cast(by=BY, at=AT).organisations["first"]
    with pytest.raises(BadInput) as refused:
        published_small_study(
            folder, by=BY, at=AT, organisations={"Q99": first.pk, "Q09": 0, "Q98": 0}
        )
    assert [(finding.code, finding.where) for finding in refused.value.findings] == [
        ("study.owner.request_unknown", "Q99"),
        ("study.owner.unknown", "Q09"),
        ("study.owner.request_unknown", "Q98"),
        ("study.owner.unknown", "Q98"),
    ]
    assert not Study.objects.exists()


def test_a_published_study_gets_no_other_owners(folder):
    first = cast(by=BY, at=AT).organisations["first"]
    owners = {"Q09": first.pk}
    study = published_small_study(folder, by=BY, at=AT, organisations=owners)
    publish = partial(
        publish_study, folder=folder, title="x", base_case_id=study.base_case_id, by=BY, at=AT
    )
    assert publish(organisations=owners) == study
    assert publish() == study
    for others in ({}, {"Q10": first.pk}):
        with pytest.raises(BadInput, match="never changed") as refused:
            publish(organisations=others)
        assert [one.code for one in refused.value.findings] == ["study.published.other_owners"]


def test_a_constraint_told_twice_is_refused(folder):
    case = published_small_case(by=BY, at=AT)
    small_bundle(folder)
    row = (folder / "results/constraints.csv").read_bytes().splitlines()[1] + b"\n"
    changed(folder, "results/constraints.csv", row, row + row, relist=True)
    with pytest.raises(BadInput) as refused:
        publish_study(folder=folder, title="x", base_case_id=case.pk, by=BY, at=AT)
    assert [(one.code, one.where) for one in refused.value.findings] == [
        ("study.constraint.twice", row.decode().split(",")[0])
    ]


def test_a_later_study_of_the_same_title_says_its_revision(study, folder, tmp_path):
    other = tmp_path / "other"
    small_bundle(other)
    manifest = json.loads((other / "manifest.json").read_bytes())
    manifest["processor"]["machine"] = "another"
    (other / "manifest.json").write_text(json.dumps(manifest))
    later = publish_study(
        folder=other, title=study.title, base_case_id=study.base_case_id, by=BY, at=AT
    )
    assert (later.slug, later.title) == (f"{study.slug}-revision-2", f"{study.title}, revision 2")
    assert later.inputs_digest == study.inputs_digest
    assert reads.has_study_of(study.inputs_digest)
    assert reads.latest_study() == later


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (LedgerRow, {"amount": Decimal("-0.01")}),
        (LedgerRow, {"share": Decimal("1.000000001")}),
        (LedgerRow, {"share": Decimal("-0.1")}),
        (LedgerRow, {"tier": "secret"}),
        (RequestCosts, {"total_cost": Decimal("1.00")}),
        (RequestCosts, {"own_cost": Decimal("-1.00")}),
        (UpgradeCost, {"cost": Decimal("-0.01")}),
        (ConstraintContingency, {"tier": "secret"}),
        (StudiedRequest, {"net_mw": 0.0}),
    ],
)
def test_the_database_itself_refuses_impossible_rows(study, row, change):
    one = row.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.objects.filter(pk=one.pk).update(**change)


def test_alone_and_together(study):
    together = reads.alone_and_together(study)
    assert together.requests == study.requests.count()
    assert 0 < together.fit_alone <= together.requests
    assert together.overloaded == len(
        {
            row["element"]
            for row in small_run().results.table("constraints").as_dicts()
            if row["condition"] == reads.RELIABILITY and not row["arose_from_upgrades"]
        }
    )


def test_requests_are_found_by_technology_in_hybrids_too(study):
    assert reads.technologies_of(study) == ["solar", "storage", "wind"]
    hybrids = study.requests.filter(technologies__contains="+")
    stored = reads.requests_of(study, technology="storage")
    assert hybrids
    assert set(hybrids) < set(stored)
    assert not set(reads.requests_of(study, technology="wind")) & set(stored)
