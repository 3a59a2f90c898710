"""What can be done to documents: store a new version. What is stored is never changed."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from django.db import connection, transaction

from gentie.contexts.accounts.reads import installation
from gentie.contexts.audit.actions import record
from gentie.contexts.documents.files import keep
from gentie.contexts.documents.models import REFERENCE, WORD, Document
from gentie.contexts.documents.types import TYPES, type_of
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import DEFAULT, load_rulebook

LONGEST_NAME = 120
BYTES_IN_MB = 1_000_000
# The oldest names that a disk may refuse, with any ending.
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@transaction.atomic
def store_document(
    *,
    subject: str,
    kind: str,
    organisation_id: int,
    file_name: str,
    content: bytes,
    by: str,
    at: datetime,
) -> Document:
    """Store a document; the next version where there is one of that subject and kind.

    The newest version stored again, under the same name, changes nothing and is given back.

    Args:
        subject: about which thing, as ``kind:id`` (``request:12``).
        kind: which paper it is, as a word (``site_control``).
        organisation_id: whose it is.
        file_name: as it was handed in.
        content: of the file.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: it cannot be taken; every reason is told.
        django.db.ProgrammingError: whoever acts may not store for this organisation.
    """
    name = safe_name(file_name)
    reasons = [*_words_refused(subject, kind), *_content_refused(name, content)]
    if reasons:
        raise BadInput(reasons)
    found = type_of(content)
    assert found is not None
    with connection.cursor() as cursor:
        # One at a time for each paper: two would take the same version.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('gentie.documents'), hashtext(%s))",
            [f"{subject} {kind}"],
        )
    newest = Document.objects.filter(subject=subject, kind=kind).first()
    sha256 = keep(content)
    if newest is not None and (newest.sha256, newest.file_name) == (sha256, name):
        return newest
    made = Document.objects.create(
        subject=subject,
        kind=kind,
        organisation_id=organisation_id,
        version=newest.version + 1 if newest else 1,
        file_name=name,
        media_type=found.media_type,
        sha256=sha256,
        size_bytes=len(content),
        stored_at=at,
        by=by,
    )
    record(by=by, action="document.stored", subject=f"document:{made.pk}", at=at)
    return made


def safe_name(file_name: str) -> str:
    """A file name without folders, control characters or what a disk does not take.

    The ending stays; a name that is too long loses letters before it.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", file_name))[-1]
    kept = "".join(
        "_" if letter in '<>:"|?*' else letter
        for letter in last
        if unicodedata.category(letter)[0] != "C"
    )
    kept = re.sub(r"\s+", " ", kept).strip(" .")
    if RESERVED.fullmatch(kept):
        kept = f"_{kept}"
    stem, dot, ending = kept.rpartition(".")
    if not dot:
        return kept[:LONGEST_NAME]
    ending = ending[:10]
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"


def largest_mb() -> float:
    """The largest document that the rulebook of this installation lets in, MB."""
    held = installation()
    return load_rulebook(held.rulebook if held else DEFAULT).number("documents.largest_mb")


def _words_refused(subject: str, kind: str) -> list[Finding]:
    reasons = []
    if not re.fullmatch(REFERENCE, subject):
        reasons.append(
            Finding(
                "documents.subject",
                f"{subject!r} is not a kind and an id: say about which thing the document is.",
            )
        )
    if not re.fullmatch(WORD, kind):
        reasons.append(Finding("documents.kind", f"{kind!r} is not a word: say which paper it is."))
    return reasons


def _content_refused(name: str, content: bytes) -> list[Finding]:
    if not name.strip("._ "):
        return [Finding("documents.unnamed", "The file has no name: give it one and try again.")]
    if not content:
        return [Finding("documents.empty", f"{name} is empty: choose the file again.", where=name)]
    largest, reasons = largest_mb(), []
    if len(content) > largest * BYTES_IN_MB:
        reasons.append(
            Finding(
                "documents.too_large",
                f"{name} has {len(content) / BYTES_IN_MB:,.1f} MB; a document has at most "
                f"{largest:g} MB. Hand it in as several parts.",
                where=name,
            )
        )
    found = type_of(content)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if found is None:
        reasons.append(
            Finding(
                "documents.type",
                f"{name} is none of the files that are taken, or is damaged: hand in "
                f"{', '.join(one.words for one in TYPES)}.",
                where=name,
            )
        )
    elif ending not in found.endings:
        reasons.append(
            Finding(
                "documents.ending",
                f"{name} is {found.words} by its content, and its name does not say so: let it "
                f"end in {' or '.join('.' + one for one in found.endings)}.",
                where=name,
            )
        )
    return reasons
