"""Who asks for a page: set on the request by the project's middleware."""

from __future__ import annotations

from django.http import HttpRequest

from gentie.contexts.accounts.acting import VISITOR, Acting


def who_asks(request: HttpRequest) -> Acting:
    """On whose behalf a page is asked for; a visitor where nobody said."""
    acting: Acting = getattr(request, "acting", VISITOR)
    return acting
