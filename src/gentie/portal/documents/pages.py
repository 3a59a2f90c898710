"""A document that was handed in, to whoever may see it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gentie.contexts.documents import reads


@never_cache
@require_safe
def document(request: HttpRequest, document_id: int) -> HttpResponse:  # noqa: ARG001 - Django's
    """The content, as a file to keep: a browser never shows it as a page of ours.

    Raises:
        Http404: there is no such document for whoever asks.
    """
    found = reads.document_by_id(document_id)
    if found is None:
        raise Http404
    return HttpResponse(
        reads.content_of(found),
        content_type=found.media_type,
        headers={
            "Content-Disposition": content_disposition_header(
                as_attachment=True, filename=found.file_name
            )
        },
    )
