"""What each point of interconnection can still take, as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gentie.contexts.grid import reads
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Filter, Listing, chosen, selection

PAGE_SIZE = 50
FIELDS = (
    "point",
    "bus",
    "bus_name",
    "kv",
    "area",
    "owner",
    "latitude_deg",
    "longitude_deg",
    "capacity_mw",
    "limiting_element",
    "next_mw",
    "next_element",
)
OUTAGES = {"outage": "contingency__outage", "next_outage": "contingency__next_outage"}
"""Columns of the download for who may see them, and where they are kept."""
LARGEST_MW = 1e6


def listing_of(request: HttpRequest, case: Any) -> Listing:
    """The points that the address asks for; table, map and download show the same."""
    voltages = [f"{kv:g}" for kv in reads.voltages_of(case)]
    areas = reads.areas_of(case)
    kv = chosen(request, "kv", voltages)
    area = chosen(request, "area", [str(number) for number, _ in areas])
    least = _least_mw(request)
    words = request.GET.get("words", "").strip()[:100].replace("\x00", "")
    return Listing(
        request,
        reads.points_of(
            case,
            kv=float(kv) if kv else None,
            area=int(area) if area else None,
            least_mw=float(least) if least else None,
            words=words,
        ),
        (
            Column("point", _("Point"), "bus_name"),
            Column("mw", _("Capacity, MW"), "capacity_mw", is_figure=True, largest_first=True),
            Column("kv", _("Voltage, kV"), "kv", is_figure=True, largest_first=True),
            Column("owner", _("Transmission owner"), "owner"),
            Column("limit", _("Limited by"), "limiting_element"),
            *(
                [Column("outage", _("When this is out"), "contingency__outage")]
                if reads.sees_outages_of(case)
                else []
            ),
            Column("next", _("Next limit, MW"), "next_mw", is_figure=True, largest_first=True),
        ),
        sort="-mw",
        filters=(
            Filter("words", _("Name or bus number"), words),
            selection("kv", _("Voltage, kV"), kv, [(one, one) for one in voltages], _("any")),
            selection(
                "area",
                _("Transmission owner"),
                area,
                [
                    (str(number), owner or _("area %(number)s") % {"number": number})
                    for number, owner in areas
                ],
                _("any"),
            ),
            Filter("least", _("At least, MW"), least, is_number=True),
        ),
        page_size=PAGE_SIZE,
    )


def _least_mw(request: HttpRequest) -> str:
    asked = request.GET.get("least", "").strip()
    try:
        is_usable = 0 <= float(asked) <= LARGEST_MW
    except ValueError:
        is_usable = False
    return asked if is_usable else ""


@require_safe
def capacity(request: HttpRequest) -> HttpResponse:
    """Points with their room, what limits each, and with which outage."""
    case = reads.latest_case()
    context: dict[str, object] = {"case": case, "crumbs": [Crumb(_("Capacity"))]}
    if case is not None:
        listing = listing_of(request, case)
        bands = reads.bands_of(listing.rows)
        counted = sum(band.count for band in bands)
        roomy = sum(band.count for band in bands if band.from_mw >= 200)
        context |= {
            "listing": listing,
            "tab": "table",
            "sees_outages": reads.sees_outages_of(case),
            "counted": counted,
            "roomy": roomy,
            "roomy_percent": 100 * roomy / counted if counted else None,
            "bands": [(band_words(band), band.count) for band in bands],
            "most": max(band.count for band in bands),
        }
    return render(request, "capacity/capacity.html", context)


def band_words(band: reads.Band) -> str:
    """A band of capacities in words, without its unit."""
    if band.below_mw is None:
        return _("%(low)s or more") % {"low": f"{band.from_mw:,}"}
    return _("%(low)s to %(high)s") % {"low": f"{band.from_mw:,}", "high": f"{band.below_mw:,}"}


class _Lines:
    """What the csv writer writes to; each line is handed on at once."""

    def write(self, line: str) -> str:
        return line


@require_safe
def capacity_csv(request: HttpRequest) -> HttpResponseBase:
    """The rows that the table shows, on all its pages, in the same order.

    They are read at once: what is read while the answer is sent is read as by a visitor. Who may
    not see outages has no columns for them.
    """
    case = reads.latest_case()
    if case is None:
        return HttpResponse("", content_type="text/csv; charset=utf-8")
    columns = {name: name for name in FIELDS}
    if reads.sees_outages_of(case):
        columns |= OUTAGES
    rows = list(listing_of(request, case).ordered.values_list(*columns.values()))
    writer = csv.writer(_Lines(), lineterminator="\n")

    def lines() -> Iterator[str]:
        yield writer.writerow(columns)
        for row in rows:
            yield writer.writerow(row)

    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="capacity-{case.sha256[:12]}.csv"'},
    )
