from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gentie.contexts.accounts.actions import give_grant
from gentie.contexts.accounts.examples import cast
from gentie.contexts.documents.actions import store_document
from gentie.contexts.documents.files import Damaged, place_of

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
PDF = b"%PDF-1.7\nA lease of the site.\n%%EOF\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return cast(by=BY, at=AT)


@pytest.fixture
def document(people):
    return store_document(
        subject="request:7",
        kind="site_control",
        organisation_id=people.organisations["first"].pk,
        file_name='Año "lease".pdf',
        content=PDF,
        by=BY,
        at=AT,
    )


def test_a_document_is_given_as_a_file_to_keep(client, signed_in, people, document):
    signed_in(people.members["customer"])
    answer = client.get(f"/documents/{document.pk}/")
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert "A%C3%B1o%20_lease_.pdf" in answer["Content-Disposition"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]
    assert client.get("/documents/0/").status_code == 404
    assert client.post(f"/documents/{document.pk}/").status_code == 405


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("other", 404),
        ("consultant", 404),
        ("specialist", 200),
        ("engineer", 200),
        ("administrator", 200),
    ],
)
def test_others_do_not_see_it_and_the_operator_does(  # noqa: PLR0917 - fixtures
    client, signed_in, people, document, word, status
):
    signed_in(people.members[word])
    assert client.get(f"/documents/{document.pk}/").status_code == status


def test_a_visitor_signs_in_first_and_a_grant_opens_it(client, signed_in, people, document):
    assert client.get(f"/documents/{document.pk}/").status_code == 302
    give_grant(
        owner_id=people.organisations["first"].pk,
        receiver_id=people.organisations["consultant"].pk,
        scope="read",
        from_at=datetime(2020, 1, 1, tzinfo=UTC),
        until_at=None,
        given_by=None,
        by=BY,
        at=AT,
    )
    signed_in(people.members["consultant"])
    assert client.get(f"/documents/{document.pk}/").status_code == 200


def test_content_that_is_not_what_was_stored_is_never_given(client, signed_in, people, document):
    place_of(document.sha256).write_bytes(PDF + b"changed")
    signed_in(people.members["customer"])
    with pytest.raises(Damaged):
        client.get(f"/documents/{document.pk}/")
