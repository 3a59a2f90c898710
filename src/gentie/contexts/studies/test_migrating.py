from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from gentie.contexts.studies.examples import published_small_study
from gentie.contexts.studies.models import StudiedRequest, Study

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_studies_that_were_published_before_accounts_are_still_everybodys(tmp_path):
    study = published_small_study(tmp_path / "bundle", by="program:test", at=AT)
    try:
        call_command("migrate", "studies", "0001", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    assert Study.objects.get().is_shown_in_full
    assert StudiedRequest.objects.filter(is_shown_in_full=True).count() == study.requests.count()
