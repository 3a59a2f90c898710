"""How a moment and a day are said to people."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo


def said_moment(value: datetime, zone: str) -> str:
    """A time in a zone: 2 Dec 2026, 17:00 PT.

    Args:
        value: an aware time.
        zone: IANA name.
    """
    there = value.astimezone(ZoneInfo(zone))
    name = re.sub(r"^([A-Z])[SD]T$", r"\1T", there.tzname() or zone)
    return f"{there.day} {there:%b %Y, %H:%M} {name}"


def said_day(value: date) -> str:
    """A day: 2 Dec 2026."""
    return f"{value.day} {value:%b %Y}"
