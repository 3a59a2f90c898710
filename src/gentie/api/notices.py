"""What I was told, and documents that I may see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from ninja import Query, Router, Schema

from gentie.api.asking import now, who_asks
from gentie.api.listing import Listed, Piece, listed
from gentie.api.refusing import nothing_there
from gentie.contexts.documents import reads as documents
from gentie.contexts.notices import reads
from gentie.contexts.notices.actions import mark_read

operations = Router(tags=["Notices and documents"])


class Notice(Schema):
    """Something that I or my organisation was told."""

    id: int
    code: str
    title: str
    body: str
    subject: str
    address: str
    created_at: datetime
    read_at: datetime | None


class Notices(Listed[Notice]):
    """A piece of the notices, the newest first."""


class Read(Schema):
    """Notices that were read."""

    notices: list[int]


class Marked(Schema):
    """How many of them were unread before."""

    marked: int


@operations.get("/notices", response=Notices, summary="My notices")
def notices(request: HttpRequest, piece: Query[Piece]) -> dict[str, Any]:
    """What my organisation and I were told, the newest first."""
    acting = who_asks(request)
    found = reads.notices_of(organisation_id=acting.organisation or 0, person_id=acting.person)
    return listed(found, piece, key="-pk")


@operations.post("/notices/read", response=Marked, summary="Mark notices as read")
def mark_notices_read(request: HttpRequest, given: Read) -> dict[str, int]:
    """Mark notices as read: all of them, or none."""
    acting = who_asks(request)
    return {"marked": mark_read(notice_ids=given.notices, by=acting.by, at=now())}


@operations.get(
    "/documents/{int:document}",
    summary="A document",
    openapi_extra={
        "responses": {
            200: {
                "description": "The content",
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            }
        }
    },
)
def document(request: HttpRequest, document: int) -> HttpResponse:
    """The content, byte for byte as it was handed in."""
    found = documents.document_by_id(document) if document < 2**63 else None
    if found is None:
        raise nothing_there()
    return HttpResponse(
        documents.content_of(found),
        content_type=found.media_type,
        headers={
            "Content-Disposition": content_disposition_header(
                as_attachment=True, filename=found.file_name
            )
            or "attachment"
        },
    )
