from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from gentie.project import doors
from gentie.project.doors import DOORS


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
