from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_every_change_of_a_row_has_its_migration(capsys):
    call_command("makemigrations", check_changes=True, dry_run=True)
    assert capsys.readouterr().out == "No changes detected\n"


@pytest.mark.django_db
def test_the_project_has_nothing_to_say_against_itself(capsys):
    call_command("check", fail_level="WARNING")
    assert "no issues" in capsys.readouterr().out
