from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gentie.contexts.accounts.acting import Acting, acting_as
from gentie.contexts.accounts.examples import cast
from gentie.contexts.documents import reads, types
from gentie.contexts.documents.actions import (
    LONGEST_NAME,
    largest_mb,
    safe_name,
    store_document,
)
from gentie.contexts.documents.files import Damaged, place_of
from gentie.contexts.documents.models import Document
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
PDF = b"%PDF-1.7\nA lease of the site.\n%%EOF\n"

Entry = apps.get_model("audit", "Entry")


@pytest.fixture
def people(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return cast(by=BY, at=AT)


def stored(people, content: bytes = PDF, file_name: str = "Lease.pdf", **changed) -> Document:
    words = {
        "subject": "request:7",
        "kind": "site_control",
        "organisation_id": people.organisations["first"].pk,
        "by": BY,
        "at": AT,
    }
    return store_document(content=content, file_name=file_name, **words | changed)


def codes(people, **changed) -> list[str]:
    before = (Document.objects.count(), Entry.objects.count())
    with pytest.raises(BadInput) as refused:
        stored(people, **changed)
    assert (Document.objects.count(), Entry.objects.count()) == before
    return [finding.code for finding in refused.value.findings]


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "content")
    return out.getvalue()


def test_versions_rise_and_the_same_again_changes_nothing(people, tmp_path):
    first = stored(people)
    assert (first.version, first.media_type, first.size_bytes) == (1, "application/pdf", len(PDF))
    assert first.sha256 == hashlib.sha256(PDF).hexdigest()
    assert stored(people) == first
    assert stored(people, PDF + b"\n").version == 2
    assert stored(people).version == 3
    other = stored(people, kind="diagram")
    assert other.version == 1
    assert [one.version for one in reads.documents_of("request:7")] == [1, 3, 2, 1]
    newest = reads.newest_documents_of("request:7")
    assert {kind: one.version for kind, one in newest.items()} == {"diagram": 1, "site_control": 3}
    assert Entry.objects.filter(action="document.stored").count() == 4
    # Content lies once, whole, readable by us alone, and nothing else is left.
    files = [one for one in (tmp_path / "files").rglob("*") if one.is_file()]
    assert sorted(one.name for one in files) == sorted(
        {first.sha256, reads.document_by_id(first.pk + 1).sha256}
    )
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert place_of(first.sha256).parent.name == first.sha256[:2]
    assert reads.content_of(first) == PDF


def test_content_that_was_changed_or_lost_on_the_disk_is_not_given_out(people):
    document = stored(people)
    place = place_of(document.sha256)
    place.write_bytes(PDF + b"x")
    with pytest.raises(Damaged, match="was changed on the disk"):
        reads.content_of(document)
    # Storing the right content again mends it.
    stored(people)
    assert reads.content_of(document) == PDF
    place.unlink()
    with pytest.raises(Damaged, match="is gone"):
        reads.content_of(document)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.PDF", PDF, "application/pdf"),
        ("a.png", b"\x89PNG\r\n\x1a\nrest", "image/png"),
        ("a.jpeg", b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        ("a.zip", archive("model.raw"), "application/zip"),
        ("a.kmz", archive("doc.kml"), "application/vnd.google-earth.kmz"),
        ("a.xlsx", archive("[Content_Types].xml", "xl/workbook.xml"), types.XLSX.media_type),
        ("a.json", b'{"type": "model"}', "application/json"),
        ("a.geojson", b'{"type": "Point", "coordinates": [1, 2]}', "application/geo+json"),
        ("a.json", b'\xef\xbb\xbf{"type": "Point", "coordinates": [1, 2]}', "application/geo+json"),
        ("a.dyr", b"1 'GENROU' 1 6.5 /\r\n", "text/plain"),
        ("a.raw", "0, 100.0 / Señal\n".encode("cp1252"), "text/plain"),
        ("a.txt", b"{ not JSON", "text/plain"),
    ],
)
def test_a_file_is_what_its_content_says(people, name, content, media_type):
    assert stored(people, content, name).media_type == media_type


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"", "documents.empty"),
        (" / ", PDF, "documents.unnamed"),
        ("..", PDF, "documents.unnamed"),
        ("a.exe", b"MZ\x90\x00\x03", "documents.type"),
        ("a.xlsx", b"PK\x03\x04 cut off", "documents.type"),
        ("a.docx", archive("[Content_Types].xml", "word/document.xml"), "documents.type"),
        (
            "a.xlsx",
            archive("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"),
            "documents.type",
        ),
        ("a.txt", b" \n ", "documents.type"),
        ("a.txt", b"\x81\x8d\x8f", "documents.type"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n", "documents.ending"),
        ("a.html", b"<script>alert(1)</script>", "documents.ending"),
        ("a.svg", b"<svg/>", "documents.ending"),
        ("pdf", PDF + b" ", "documents.ending"),
    ],
)
def test_what_is_not_taken_is_refused_and_nothing_is_kept(people, tmp_path, name, content, code):
    assert codes(people, content=content, file_name=name) == [code]
    assert not (tmp_path / "files").exists()


def test_every_reason_is_told_at_once_with_its_figures(people):
    assert largest_mb() == load_rulebook().number("documents.largest_mb") == 20
    with pytest.raises(BadInput) as refused:
        stored(people, b"\x00" * 20_000_001, "a.bin", subject="7", kind="Site control")
    assert [finding.code for finding in refused.value.findings] == [
        "documents.subject",
        "documents.kind",
        "documents.too_large",
        "documents.type",
    ]
    assert "a.bin has 20.0 MB; a document has at most 20 MB." in str(refused.value)
    assert stored(people, PDF + b" " * (20_000_000 - len(PDF))).size_bytes == 20_000_000


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\papers\\lease.pdf", "lease.pdf"),
        ('a"b\r\nc<d>.pdf', "a_bc_d_.pdf"),
        ("  site   control .pdf ", "site control .pdf"),
        ("con.txt", "_con.txt"),
        ("año\u202efdp.pdf", "añofdp.pdf"),
        ("x" * 300 + ".pdf", "x" * (LONGEST_NAME - 4) + ".pdf"),
    ],
)
def test_names_are_made_safe(given_name, kept):
    assert safe_name(given_name) == kept


@hypothesis_settings(deadline=None)
@given(st.text(max_size=300))
def test_no_name_leads_anywhere(name):
    kept = safe_name(name)
    assert len(kept) <= LONGEST_NAME
    assert not set(kept) & set('/\\<>:"|?*\0\r\n')
    assert kept not in {".", ".."}
    assert safe_name(kept) == kept


@hypothesis_settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_something_or_nothing(content):
    found = types.type_of(content)
    assert found is None or found in types.TYPES


def test_deep_nesting_is_plain_text_and_harmless():
    assert types.type_of(b"[" * 100_000) == types.TEXT
    assert types.type_of(json.dumps([[1]]).encode()) == types.JSON


def test_a_customer_stores_its_own_and_not_anothers(people):
    carla = people.members["customer"]
    with acting_as(Acting(carla.person_id, carla.organisation_id, carla.role)):
        mine = stored(people)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            stored(
                people,
                subject="request:8",
                organisation_id=people.organisations["second"].pk,
            )
        assert reads.document_by_id(mine.pk) == mine
    otto = people.members["other"]
    with acting_as(Acting(otto.person_id, otto.organisation_id, otto.role)):
        assert reads.document_by_id(mine.pk) is None


@pytest.mark.parametrize(
    "statement", ["UPDATE documents_document SET version = 9", "DELETE FROM documents_document"]
)
def test_nobody_changes_or_removes_one(people, statement):
    document = stored(people)
    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 0
    assert reads.document_by_id(document.pk).version == 1
