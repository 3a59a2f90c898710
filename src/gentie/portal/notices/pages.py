"""What an organisation was told, and marking it as read."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gentie.contexts.accounts.acting import Acting
from gentie.contexts.accounts.reads import installation
from gentie.contexts.notices import reads
from gentie.contexts.notices.actions import mark_read
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Listing, chosen, selection
from gentie.quantities.findings import BadInput

PAGE_SIZE = 25
UNREAD = "unread"


@never_cache
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """Everything that whoever acts was told, the newest first."""
    mine = _mine(who_asks(request))
    standing = chosen(request, "show", (UNREAD,))
    listing = Listing(
        request,
        mine.filter(read_at=None) if standing else mine,
        (Column("told", _("Told"), "created_at", largest_first=True),),
        sort="-told",
        filters=[selection("show", _("Which"), standing, [(UNREAD, _("unread"))], _("all"))],
        page_size=PAGE_SIZE,
    )
    held = installation()
    return render(
        request,
        "notices/notices.html",
        {
            "listing": listing,
            "filters": listing.filters,
            "unread_here": [one.pk for one in listing.page if one.read_at is None],
            "time_zone": held.time_zone if held else "UTC",
            "crumbs": [Crumb(_("Notices"))],
        },
    )


@require_POST
def notices_read(request: HttpRequest) -> HttpResponse:
    """Mark the notices that were sent along as read, and lead back.

    Raises:
        Http404: one of them is not for whoever acts.
    """
    asked = request.POST.getlist("notice")
    if not asked or not all(one.isdecimal() and len(one) < 19 for one in asked):
        raise Http404
    try:
        mark_read(
            notice_ids=[int(one) for one in asked], by=who_asks(request).by, at=datetime.now(UTC)
        )
    except BadInput as unknown:
        raise Http404 from unknown
    return redirect("notices")


def _mine(acting: Acting) -> reads.Notices:
    return reads.notices_of(
        organisation_id=acting.organisation or 0,  # nobody's, for who belongs to none
        person_id=acting.person,
    )
