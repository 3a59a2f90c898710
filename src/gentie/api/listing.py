"""Long answers in pieces: each piece says where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from ninja import Schema
from pydantic import Field

from gentie.quantities.findings import BadInput, Finding

Row = TypeVar("Row")
MOST = 1000


class Piece(Schema):
    """Which piece of a long answer is asked for."""

    limit: int = Field(100, ge=1, le=MOST, description="Rows of this piece, at most.")
    after: str = Field("", max_length=200, description="The `next` of the piece before.")


class Listed(Schema, Generic[Row]):
    """A piece of a long answer."""

    items: list[Row]
    next: str = Field(description="Ask with `after` for what follows; empty at the end.")


def listed(
    rows: QuerySet[Any],
    piece: Piece,
    *,
    key: str = "pk",
    shown: Callable[[Any], Any] = lambda row: row,
) -> dict[str, Any]:
    """A piece of some rows in the order of a whole number that none shares.

    Args:
        rows: all of them.
        piece: which.
        key: the field; with a minus sign, the largest comes first.
        shown: what is told of a row.

    Raises:
        BadInput: ``after`` is of no such answer.
    """
    field, falls = key.removeprefix("-"), key.startswith("-")
    if piece.after:
        place = _place(piece.after, key)
        rows = rows.filter(**{f"{field}__{'lt' if falls else 'gt'}": place})
    found = list(rows.order_by(key)[: piece.limit + 1])
    kept = found[: piece.limit]
    more = len(found) > piece.limit
    return {
        "items": [shown(row) for row in kept],
        "next": _written(getattr(kept[-1], field), key) if more else "",
    }


def _written(place: int, key: str) -> str:
    return base64.urlsafe_b64encode(f"{key}:{place}".encode()).decode().rstrip("=")


def _place(after: str, key: str) -> int:
    try:
        padded = after + "=" * (-len(after) % 4)
        name, _, place = base64.urlsafe_b64decode(padded.encode()).decode().rpartition(":")
        if name == key and len(place) < 19:
            return int(place)
    except (ValueError, binascii.Error):
        pass
    raise BadInput(
        Finding(
            "api.after",
            "“after” is not of this answer: take it from the “next” of the piece before.",
            where="after",
        )
    )
