"""Who asks a program's question: by a token, or by the session of a browser."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest

from gentie.contexts.accounts.acting import VISITOR, Acting
from gentie.contexts.accounts.tokens import Token, read_token
from gentie.quantities.findings import Finding

ROOT = "/api/"


def now() -> datetime:
    """This moment: the clock of the interface."""
    return datetime.now(UTC)


def is_for_programs(request: HttpRequest) -> bool:
    """Whether an address is of this interface, answered in JSON."""
    return request.path_info.startswith(ROOT)


def token_of(request: HttpRequest) -> Token | Finding | None:
    """The token that a program sent, or why it is refused; None where it sent none."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.casefold() != "bearer":
        return None
    return read_token(text.strip(), at=now())


def held_token(request: HttpRequest) -> Token | None:
    """The token by which somebody asks; the project's middleware has read it."""
    token: Token | None = getattr(request, "token", None)
    return token


def who_asks(request: HttpRequest) -> Acting:
    """On whose behalf a question is asked; a visitor where nobody said."""
    acting: Acting = getattr(request, "acting", VISITOR)
    return acting
