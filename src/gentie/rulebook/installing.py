"""What an installation says besides its rulebook: zone, closing hour, holidays and currency."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, time
from zoneinfo import available_timezones

from gentie.quantities.findings import Finding
from gentie.rulebook.book import load_rulebook, rulebook_names


def why_not_installed(
    *,
    rulebook: str,
    time_zone: str,
    closing_hour: time,
    holidays: Sequence[date],
    currency: str,
) -> list[Finding]:
    """Why an installation cannot hold these; empty where it can.

    Args:
        rulebook: name of a packaged rulebook.
        time_zone: name in the IANA database.
        closing_hour: local time at which a window closes on its last day.
        holidays: days that are not business days, besides Saturdays and Sundays.
        currency: ISO 4217 code; the rulebook's amounts are in it.
    """
    reasons = []
    if rulebook not in rulebook_names():
        reasons.append(
            Finding(
                "installation.rulebook",
                f"There is no rulebook called {rulebook!r}; choose one of: "
                f"{', '.join(rulebook_names())}.",
            )
        )
    elif currency != (its := load_rulebook(rulebook).currency):
        reasons.append(
            Finding(
                "installation.currency",
                f"The amounts of the rulebook {rulebook} are in {its}, not in {currency!r}: give "
                "its currency.",
            )
        )
    if not re.fullmatch("[A-Z]{3}", currency):
        reasons.append(
            Finding(
                "installation.currency_code",
                f"{currency!r} is no currency: give its three capital letters, such as USD.",
            )
        )
    if time_zone not in available_timezones():
        reasons.append(
            Finding(
                "installation.time_zone",
                f"There is no time zone {time_zone!r}: give a name such as America/Los_Angeles.",
            )
        )
    if closing_hour.tzinfo is not None:
        reasons.append(
            Finding(
                "installation.closing_hour",
                "The closing hour is a local time: give it without a time zone, such as 17:00:00.",
            )
        )
    twice = sorted(day for day, times in Counter(holidays).items() if times > 1)
    if twice:
        reasons.append(
            Finding(
                "installation.holiday_twice",
                f"{twice[0].isoformat()} is among the holidays twice: name each day once.",
                count=len(twice),
            )
        )
    return reasons
