"""What each point can still take, as a map; and what the map is drawn from."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gentie.contexts.grid import reads
from gentie.portal.capacity.pages import band_words, listing_of
from gentie.portal.crumbs import Crumb
from gentie.workbench.tables import Tier

FIRST_POINTS = 12
A_YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True)
class Shade:
    """A class of the legend: which step of the ramp, its words, and how many points are in it."""

    step: int
    words: str
    count: int


@require_safe
def capacity_map(request: HttpRequest) -> HttpResponse:
    """The map, its legend, and the points that the filters leave."""
    case = reads.latest_case()
    context: dict[str, object] = {
        "case": case,
        "crumbs": [Crumb(_("Capacity"), reverse("capacity")), Crumb(_("Map"))],
    }
    if case is not None:
        listing = listing_of(request, case)
        drawings = reads.drawings_of(case)
        shades = [
            Shade(step, band_words(band), band.count)
            for step, band in enumerate(reads.bands_of(listing.rows, reads.CLASSES_MW))
        ]
        count = listing.page.paginator.count
        context |= {
            "listing": listing,
            "tab": "map",
            "points_address": _address("points", drawings),
            "lines_address": _address("lines", drawings),
            "shades": shades,
            "limits": ",".join(str(mw) for mw in reads.CLASSES_MW[1:]),
            "first": listing.ordered[:FIRST_POINTS],
            "count": count,
            "unlimited": count - sum(shade.count for shade in shades),
            "any_point": 0,
        }
    return render(request, "capacity/map.html", context)


def _address(kind: str, drawings: dict[str, str]) -> str:
    digest = drawings.get(kind)
    return reverse("capacity_drawing", args=[kind, digest]) if digest else ""


@require_safe
def capacity_drawing(request: HttpRequest, kind: str, digest: str) -> HttpResponse:
    """Points or lines of a case by the digest of their content: the same for ever.

    What is not everybody's is kept by no browser and nothing in between.

    Raises:
        Http404: there is no such thing, or not everybody may see it.
    """
    tag = f'"{digest}"'
    answer: Any
    drawing = reads.drawing(kind, digest)
    if drawing is None:
        raise Http404
    content = bytes(drawing.content)
    if request.headers.get("If-None-Match", "").removeprefix("W/") == tag:
        answer = HttpResponseNotModified()
    elif "gzip" in request.headers.get("Accept-Encoding", ""):
        answer = HttpResponse(content, content_type="application/json")
        answer["Content-Encoding"] = "gzip"
    else:
        answer = HttpResponse(gzip.decompress(content), content_type="application/json")
    answer["ETag"] = tag
    answer["Cache-Control"] = (
        f"public, max-age={A_YEAR_S}, immutable"
        if drawing.tier == Tier.PUBLIC
        else "private, no-store"
    )
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer  # type: ignore[no-any-return]
