"""On whose behalf a page asks the database: settled before its view, for one transaction."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from gentie.api.asking import is_for_programs, token_of
from gentie.contexts.accounts.acting import AS_PROGRAM, VISITOR, Acting, acting_as
from gentie.contexts.accounts.reads import acting_of
from gentie.quantities.findings import Finding


class ActingMiddleware:
    """One transaction for each request, in which the row policies know who asks.

    What streams after the view has returned is outside it and sees what a visitor sees.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer on behalf of whoever the session says."""
        acting = _acting(request)
        request.acting = acting  # type: ignore[attr-defined]
        with acting_as(acting):
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        if acting.is_signed_in:
            add_never_cache_headers(response)
        return response


def _acting(request: HttpRequest) -> Acting:
    if is_for_programs(request):
        found = token_of(request)
        if isinstance(found, Finding):
            request.token_refused = found  # type: ignore[attr-defined]
            return VISITOR
        if found is not None:
            # Whoever sends a token is asked for nothing else: a session beside it counts nothing.
            request.token = found  # type: ignore[attr-defined]
            return found.acting
    if not request.user.is_authenticated:
        return VISITOR
    with acting_as(AS_PROGRAM):
        acting = acting_of(request.user.pk, organisation_id=request.session.get("organisation"))
    if acting.is_operator and not request.session.get("second_factor"):
        logout(request)  # the role was given after signing in without a second factor
        return VISITOR
    return acting
