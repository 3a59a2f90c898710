"""What every page's frame shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import gentie
from gentie.contexts.accounts.acting import Acting
from gentie.contexts.accounts.reads import installation
from gentie.contexts.grid.reads import latest_case, only_synthetic_cases
from gentie.contexts.notices.reads import unread_count
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
    Place("guide", _("Guide"), ("guide_page", "rules")),
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
    Place("clusters", _("Clusters"), ("cluster",)),
    Place("capacity", _("Capacity"), ("capacity_map", "capacity_point")),
)
MY_PROJECTS = Place("projects", _("My projects"), ("project",))


def side(acting: Acting) -> str | Promise:
    """The language of the role: which side of the service a person sees."""
    if acting.is_operator:
        return _("Operator")
    return _("My projects") if acting.is_customer else _("Public")


def about_this_site() -> str:
    """What every page must say of this site: ``demonstration``, ``synthetic`` or nothing.

    Before anything is set up, a site with no case of a real grid is taken for a demonstration.
    """
    held = installation()
    if held is None:
        return "demonstration" if only_synthetic_cases() else ""
    if held.is_demonstration:
        return "demonstration"
    case = latest_case()
    return "synthetic" if case is not None and case.is_synthetic else ""


def unread_notices(acting: Acting) -> int:
    """How many notices wait for whoever acts."""
    if acting.organisation is None:
        return 0
    return unread_count(organisation_id=acting.organisation, person_id=acting.person)


def frame(request: HttpRequest) -> dict[str, object]:
    """The places of the header, which of them this page is, who asks, and the version.

    What must be asked of the database is asked by the layout: a part of a page costs nothing.
    """
    match = request.resolver_match
    acting = who_asks(request)
    return {
        "side": side(acting),
        "is_signed_in": acting.is_signed_in,
        "places": (*PLACES, MY_PROJECTS) if acting.is_customer else PLACES,
        "about_this_site": about_this_site,
        "unread_notices": partial(unread_notices, acting),
        "here": match.view_name if match else "",
        "version": gentie.__version__,
    }
