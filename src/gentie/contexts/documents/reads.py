"""Questions to the documents. Each is answered with those that whoever acts may see."""

from __future__ import annotations

from django.db.models import QuerySet

from gentie.contexts.documents.files import read
from gentie.contexts.documents.models import Document


def documents_of(subject: str) -> QuerySet[Document]:
    """Documents about one thing, by kind, the newest version first."""
    return Document.objects.filter(subject=subject)


def newest_documents_of(subject: str) -> dict[str, Document]:
    """The newest version of each kind of paper about one thing."""
    newest: dict[str, Document] = {}
    for document in documents_of(subject):
        newest.setdefault(document.kind, document)
    return newest


def document_by_id(document_id: int) -> Document | None:
    """A document."""
    return Document.objects.filter(pk=document_id).first()


def content_of(document: Document) -> bytes:
    """The content, byte for byte as it was stored.

    Raises:
        gentie.contexts.documents.files.Damaged: the file is gone, or is not what was stored.
    """
    return read(document.sha256)
