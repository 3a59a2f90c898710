"""A still of the capacity map, drawn from the same columns as the map itself."""

from __future__ import annotations

import gzip
import json
import math
from collections import defaultdict
from functools import lru_cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.urls import reverse
from django.views.decorators.http import require_safe

from gentie.contexts.grid import reads

A_YEAR_S = 31_536_000
WIDE = 1000
"""Units of the picture from its western to its eastern edge."""
MARGIN = 12
DOT = 5
# The map's own ramp, from little room to much: see the tokens --ramp-0 to --ramp-6.
RAMP = ("#440154", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725")


def still_address(case: Any) -> str:
    """Where the still of a case is; empty where the case has no map."""
    digest = reads.public_drawings(case).get("points")
    return reverse("capacity_still", args=[digest]) if digest else ""


@require_safe
def capacity_still(request: HttpRequest, digest: str) -> HttpResponse:
    """Points of a case, filled by their room, as a picture: the same for ever.

    Raises:
        Http404: there is no such thing, or not everybody may see it.
    """
    tag = f'"{digest}"'
    if request.headers.get("If-None-Match", "").removeprefix("W/") == tag:
        answer: Any = HttpResponseNotModified()
    else:
        answer = HttpResponse(_picture(digest), content_type="image/svg+xml")
    answer["ETag"] = tag
    answer["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    return answer  # type: ignore[no-any-return]


@lru_cache(maxsize=2)
def _picture(digest: str) -> bytes:
    content = reads.public_drawing("points", digest)
    if content is None:
        raise Http404
    return drawn(json.loads(gzip.decompress(content))).encode()


def drawn(points: dict[str, Any]) -> str:
    """Points with room as dots in their places, one path for each class of room.

    A place on the picture is proportional to longitude and to Mercator's latitude.
    """
    steps = points["steps"]
    east = [lon / steps for lon in points["lon"]]
    north = [math.degrees(math.asinh(math.tan(math.radians(lat / steps)))) for lat in points["lat"]]
    if not east:
        return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
    scale = (WIDE - 2 * MARGIN) / max(max(east) - min(east), 1e-9)
    high = round((max(north) - min(north)) * scale) + 2 * MARGIN
    dots: dict[int, list[str]] = defaultdict(list)
    for x, y, mw in zip(east, north, points["mw"], strict=True):
        if mw is None:
            continue
        place = (
            round(MARGIN + (x - min(east)) * scale),
            round(MARGIN + (max(north) - y) * scale),
        )
        dots[class_of(mw)].append(f"M{place[0]} {place[1]}h0")
    paths = "".join(
        f'<path d="{"".join(dots[step])}" stroke="{RAMP[step]}"/>' for step in sorted(dots)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" '
        f'fill="none" stroke-width="{DOT}" stroke-linecap="round">{paths}</svg>'
    )


def class_of(mw: float) -> int:
    """The step of the ramp for some room; where nothing limits (below zero), the last."""
    limits = reads.CLASSES_MW
    if mw < 0:
        return len(limits) - 1
    return max(step for step, low in enumerate(limits) if mw >= low)
