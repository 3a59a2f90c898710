"""Ratings of breakers as a CSV file: ``bus,breaker,rating_ka``.

Optionally ``x_over_r`` that the rating covers and ``contact_parting_cycles``; left blank, the
rulebook gives them.
"""

from gentie.formats.breakers.reading import BreakerRow, read_breakers

__all__ = ["BreakerRow", "read_breakers"]
