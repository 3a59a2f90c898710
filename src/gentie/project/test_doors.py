from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.exceptions import NoReverseMatch

from gentie.contexts.accounts.examples import cast
from gentie.project import doors
from gentie.project.doors import DOORS, Door

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
VISITOR, CUSTOMER, STAFF = "visitor", "customer", ("specialist", "engineer", "administrator")
ROLES = (VISITOR, CUSTOMER, *STAFF)
ENTERS = {
    Door.PUBLIC: set(ROLES),
    Door.SIGNED_IN: {CUSTOMER, *STAFF},
    Door.CUSTOMER: {CUSTOMER},
    Door.STAFF: set(STAFF),
    Door.ENGINEER: {"engineer"},
    Door.ADMINISTRATOR: {"administrator"},
}


def addresses(patterns, prefix: str = "") -> Iterator[str | None]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from addresses(pattern.url_patterns, space)
        else:
            assert isinstance(pattern, URLPattern)
            yield f"{prefix}{pattern.name}" if pattern.name else None


def test_every_address_has_a_name_and_a_door_and_every_door_an_address():
    named = list(addresses(get_resolver().url_patterns))
    assert None not in named
    assert sorted(set(filter(None, named))) == sorted(DOORS)


@pytest.mark.django_db
def test_an_address_without_a_door_is_entered_by_nobody(client, monkeypatch):
    assert client.get("/").status_code == 200
    monkeypatch.setattr(doors, "DOORS", {})
    refused = client.get("/")
    assert refused.status_code == 403
    assert "You may not open this page" in refused.text


def addressed(name: str) -> str:
    """An address of that name; what it is about need not exist."""
    for words in product((None, "none"), (None, 1, "x")):
        kept = [word for word in words if word is not None]
        try:
            return reverse(name, args=kept)
        except NoReverseMatch:
            continue
    raise AssertionError(name)


def entered(client, name: str) -> str:
    answer = client.get(addressed(name))
    if answer.status_code == 302 and answer.url.startswith(reverse("sign_in")):
        return "sign in"
    if answer.status_code == 403:
        assert "You may not open this page" in answer.text
        return "refused"
    # A page that exists, one about nothing, one that is only sent to, one that leads on.
    assert answer.status_code in {200, 302, 400, 404, 405}, (name, answer.status_code)
    return "enters"


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_every_address_lets_in_whom_its_door_names(client, signed_in, role):
    if role != VISITOR:
        signed_in(cast(by="program:test", at=AT).members[role])
    for name, door in DOORS.items():
        if name.startswith("api:"):
            continue  # test_api_doors.py asks them
        if name in {"second_factor", "second_factor_new"}:
            continue  # they lead who has given no password to signing in
        expected = "enters" if role in ENTERS[door] else "sign in" if role == VISITOR else "refused"
        assert entered(client, name) == expected, name


@pytest.mark.django_db
@pytest.mark.parametrize("door", Door)
@pytest.mark.parametrize("role", ROLES)
def test_each_kind_of_door_by_each_role(client, signed_in, monkeypatch, door, role):
    if role != VISITOR:
        signed_in(cast(by="program:test", at=AT).members[role])
    monkeypatch.setattr(doors, "DOORS", {"studies": door})
    answer = client.get("/studies/?sort=title")
    if role in ENTERS[door]:
        assert answer.status_code == 200
    elif role == VISITOR:
        assert answer.status_code == 302
        assert answer.url == "/sign-in/?next=/studies/%3Fsort%3Dtitle"
    else:
        assert answer.status_code == 403
        assert str(door.value[0]).replace("'", "&#x27;") in answer.text


@pytest.mark.django_db
def test_a_form_sent_by_nobody_leads_to_signing_in(client):
    answer = client.post("/sign-out/")
    assert (answer.status_code, answer.url) == (302, "/sign-in/")


@pytest.mark.django_db
def test_an_operators_role_without_the_second_factor_is_shown_out(client, signed_in):
    signed_in(cast(by="program:test", at=AT).members["administrator"])
    session = client.session
    session["second_factor"] = False
    session.save()
    assert client.get("/people/").url == "/sign-in/?next=/people/"
    assert "_auth_user_id" not in client.session
