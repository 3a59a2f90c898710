from __future__ import annotations

import stat
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection

from gentie.contexts.accounts.actions import create_organisation
from gentie.contexts.accounts.examples import installed
from gentie.contexts.accounts.reads import installation
from gentie.contexts.accounts.roles import Role
from gentie.contexts.accounts.signing_in import check_password
from gentie.contexts.grid.examples import published_small_case
from gentie.demo.filling import fill_demonstration
from gentie.demo.people import FILE, make_people
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)

BaseCase = apps.get_model("grid", "BaseCase")
Membership = apps.get_model("accounts", "Membership")
Person = apps.get_model("accounts", "Person")

pytestmark = pytest.mark.django_db


def test_there_is_somebody_for_every_role_who_can_sign_in_and_once_only(tmp_path):
    said: list[str] = []
    make_people(data=tmp_path, at=AT, say=said.append)
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(Membership.objects.values_list("role", flat=True)) == set(Role.values)
    lines = file.read_text().splitlines()
    assert [line.strip() for line in said[1:]] == lines
    for line in lines:
        email, password = line.split()
        assert isinstance(check_password(email=email, password=password, at=AT), Person)
    held = installation()
    assert held.is_demonstration
    assert (held.rulebook_version, held.currency) == (load_rulebook().version, "USD")
    assert held.time_zone == "America/Los_Angeles"
    said.clear()
    make_people(data=tmp_path, at=AT, say=said.append)
    assert said == []
    assert file.read_text().splitlines() == lines


def test_a_demonstration_from_before_there_were_installations_becomes_one(tmp_path):
    make_people(data=tmp_path, at=AT, say=lambda _: None)
    people, passwords = Person.objects.count(), (tmp_path / FILE).read_text()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_installation NO FORCE ROW LEVEL SECURITY")
        cursor.execute("DELETE FROM accounts_installation")
        cursor.execute("ALTER TABLE accounts_installation FORCE ROW LEVEL SECURITY")
    make_people(data=tmp_path, at=AT, say=lambda _: None)
    assert installation().is_demonstration
    assert (Person.objects.count(), (tmp_path / FILE).read_text()) == (people, passwords)


def test_an_operators_installation_is_left_alone(tmp_path):
    installed(by="program:test", at=AT, is_demonstration=False)
    before = (Person.objects.count(), BaseCase.objects.count())
    for fill in (make_people, fill_demonstration):
        with pytest.raises(BadInput) as refused:
            fill(data=tmp_path, at=AT, say=print)
        assert refused.value.findings[0].code == "demo.people.not_a_demonstration"
    assert (Person.objects.count(), BaseCase.objects.count()) == before
    assert not list(tmp_path.iterdir())


def test_outside_a_demonstration_nobody_is_made(tmp_path):
    published_small_case(by="program:test", at=AT)
    BaseCase.objects.update(is_synthetic=False)
    with pytest.raises(BadInput) as refused:
        make_people(data=tmp_path, at=AT, say=print)
    assert refused.value.findings[0].code == "demo.people.not_a_demonstration"
    BaseCase.objects.update(is_synthetic=True)
    create_organisation(name="Real Operator", kind="operator", by="program:test", at=AT)
    with pytest.raises(BadInput):
        make_people(data=tmp_path, at=AT, say=print)
    assert not Person.objects.exists()
    assert not list(tmp_path.iterdir())
