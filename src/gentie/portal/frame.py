"""What every page's frame shows."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import gentie
from gentie.contexts.accounts.acting import Acting
from gentie.portal.accounts.asking import who_asks


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
            "cluster_run",
            "cluster_run_start",
            "cluster_run_cancel",
        ),
    ),
    Place("capacity", _("Capacity"), ("capacity_map", "capacity_point")),
)


def side(acting: Acting) -> str | Promise:
    """The language of the role: which side of the service a person sees."""
    if acting.is_operator:
        return _("Operator")
    return _("My projects") if acting.is_customer else _("Public")


def frame(request: HttpRequest) -> dict[str, object]:
    """The places of the header, which of them this page is, who asks, and the version."""
    match = request.resolver_match
    acting = who_asks(request)
    return {
        "side": side(acting),
        "is_signed_in": acting.is_signed_in,
        "places": PLACES,
        "here": match.view_name if match else "",
        "version": gentie.__version__,
    }
