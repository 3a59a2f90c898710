"""What is answered where no view answers: a page to a person, JSON to a program."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from gentie.api.asking import is_for_programs
from gentie.api.refusing import NOTHING, refused
from gentie.quantities.findings import Finding


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The role may not."""
    if is_for_programs(request):
        return refused(403, Finding("api.not_allowed", str(exception)))
    return defaults.permission_denied(request, exception)


def nothing_there(request: HttpRequest, exception: Exception) -> HttpResponse:
    """There is no such address, or nothing at it."""
    if is_for_programs(request):
        return refused(404, NOTHING)
    return defaults.page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """Something failed on our side; what, the log says."""
    if is_for_programs(request):
        said = "Something failed on our side. It was written down; ask again later."
        return refused(500, Finding("api.failed", said))
    return defaults.server_error(request)
