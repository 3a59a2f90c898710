"""Where you are: the line of links under the header."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step on the way to a page; the page itself has no address."""

    word: str | Promise
    address: str = ""
