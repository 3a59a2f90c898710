"""The chain of digests, in the same words as the database's trigger."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

BEGINNING = "0" * 64  # what the first entry takes for its predecessor's digest


def digest(*, number: int, at: datetime, by: str, action: str, subject: str, previous: str) -> str:
    """SHA-256 of an entry and its predecessor's digest, as 64 hexadecimal digits.

    Every field is written with its length before it, so that no two entries read the same.
    """
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fields = (str(number), moment, by, action, subject, previous)
    return hashlib.sha256("".join(f"{len(text)}:{text}" for text in fields).encode()).hexdigest()
