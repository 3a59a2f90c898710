from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from gentie.contexts.accounts.examples import cast
from gentie.contexts.studies.examples import published_small_study
from gentie.contexts.studies.models import RequestCosts, Study, StudyInFull

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> dict[str, list[tuple[object, ...]]]:
    """Every row of studies and of the grid, without the numbers that a database gives."""
    found = {}
    for label in ("studies", "grid"):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            names = [field.attname for field in model._meta.concrete_fields if field.name != "id"]
            found[model._meta.db_table] = sorted(model.objects.values_list(*names), key=repr)
    return found


def there_and_back(app: str, before: str) -> None:
    try:
        call_command("migrate", app, before, verbosity=0)
    finally:
        call_command("migrate", verbosity=0)


def one(statement: str) -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def test_studies_that_were_published_before_accounts_are_still_everybodys(tmp_path):
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    there_and_back("studies", "0001")
    assert Study.objects.get().is_shown_in_full
    assert RequestCosts.objects.filter(request__study=study).count() == study.requests.count()


def test_no_row_is_lost_or_changed_on_the_way_to_the_tiers_and_back(tmp_path):
    published_small_study(tmp_path / "bundle", by=BY, at=AT)
    before = rows()
    # Runs came after the tiers.
    assert all(found for table, found in before.items() if not table.startswith("studies_run"))
    there_and_back("studies", "0003")
    assert rows() == before


def test_the_old_rows_are_whole_again_before_the_tiers(tmp_path):
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    whole = StudyInFull.objects.get()
    try:
        call_command("migrate", "studies", "0003", verbosity=0)
        assert one("SELECT summary -> 'cost' ->> 'total', bundle_place FROM studies_study") == (
            whole.cost["total"],
            whole.bundle_place,
        )
        paid = one(
            "SELECT sum(total_cost)::text, count(*), bool_and(is_shown_in_full), min(tier) "
            "FROM studies_studiedrequest"
        )
        assert paid == (whole.cost["total"], study.requests.count(), True, "private")
        # The percent of the limit that a share is, as the bundle told them.
        assert one("SELECT min(impact_percent) > 0 FROM studies_constraintrequest") == (True,)
        assert one("SELECT count(*) FROM studies_scheme WHERE tripped_mw > 0") == (
            study.schemes.count(),
        )
    finally:
        call_command("migrate", verbosity=0)


def test_sums_of_an_old_study_that_is_not_everybodys_are_kept_for_who_sees_all(tmp_path):
    first = cast(by=BY, at=AT).organisations["first"]
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    try:
        call_command("migrate", "studies", "0003", verbosity=0)
        with transaction.atomic(), connection.cursor() as cursor:
            # Nothing said so then: the grid is synthetic, but a request is somebody's.
            cursor.execute(
                "UPDATE studies_studiedrequest SET organisation_id = %s WHERE number = 1",
                [first.pk],
            )
    finally:
        call_command("migrate", verbosity=0)
    study.refresh_from_db()
    assert not study.is_shown_in_full
    assert study.summary["cost"] == {"currency": "USD"}
    assert set(study.in_full.cost) > {"total", "by_class", "per_kw_highest"}
    owners = RequestCosts.objects.exclude(organisation=None)
    assert list(owners.values_list("request__number", "organisation_id")) == [(1, first.pk)]


def test_outages_of_the_grid_are_kept_on_the_way_to_the_tiers_and_back(tmp_path):
    published_small_study(tmp_path / "bundle", by=BY, at=AT)
    before = rows()
    there_and_back("grid", "0002")
    assert rows() == before
