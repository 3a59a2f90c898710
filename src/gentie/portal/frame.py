"""What every page's frame shows."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import gentie


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the header: the name of its address, and its word."""

    address: str
    word: str | Promise
    holds: tuple[str, ...] = ()
    """Addresses of the pages inside it."""


# A page joins the header by one row here (and its door in project/doors.py).
PLACES: tuple[Place, ...] = (
    Place("start", _("Start")),
    Place(
        "studies",
        _("Studies"),
        (
            "study",
            "constraints",
            "constraint",
            "upgrades",
            "upgrade",
            "requests",
            "request",
            "schemes",
            "assumptions",
        ),
    ),
    Place("capacity", _("Capacity")),
)


def frame(request: HttpRequest) -> dict[str, object]:
    """The places of the header, which of them this page is, and the version."""
    match = request.resolver_match
    return {
        "places": PLACES,
        "here": match.view_name if match else "",
        "version": gentie.__version__,
    }
