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
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from gentie.contexts.grid import reads

A_YEAR_S = 31_536_000
WIDE = 1000
"""Units of the picture from its western to its eastern edge."""
MARGIN = 12
DOT = 8
LINES = "#8a949c"  # grey that is seen on light and on dark
NO_LINES = "none"
TYPE = "image/svg+xml"
# The map's own ramp, from little room to much: see the tokens --ramp-0 to --ramp-6.
RAMP = ("#440154", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725")


def still_address(case: Any) -> str:
    """Where the still of a case is; empty where nobody may see its points drawn."""
    digests = reads.public_drawings(case)
    if "points" not in digests:
        return ""
    return reverse("capacity_still", args=[digests["points"], digests.get("lines", NO_LINES)])


@require_safe
def capacity_still(request: HttpRequest, points: str, lines: str) -> HttpResponse:
    """Points of a case, filled by their room, over its lines, as a picture: the same for ever.

    Args:
        request: what a browser can unpack and what it has kept already.
        points: digest of their columns.
        lines: digest of theirs, or ``NO_LINES``.

    Raises:
        Http404: there is no such thing, or not everybody may see it.
    """
    tag = f'"{points}.{lines}"'
    asked = {"points": points} | ({} if lines == NO_LINES else {"lines": lines})
    if not all(reads.is_public_drawing(kind, digest) for kind, digest in asked.items()):
        raise Http404
    content = _picture(points, lines)
    answer: Any
    if request.headers.get("If-None-Match", "").removeprefix("W/") == tag:
        answer = HttpResponseNotModified()
    elif "gzip" in request.headers.get("Accept-Encoding", ""):
        answer = HttpResponse(content, content_type=TYPE)
        answer["Content-Encoding"] = "gzip"
    else:
        answer = HttpResponse(gzip.decompress(content), content_type=TYPE)
    answer["ETag"] = tag
    answer["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer  # type: ignore[no-any-return]


@lru_cache(maxsize=2)
def _picture(points: str, lines: str) -> bytes:
    """Both are named by their content, so what was drawn of them once is kept."""
    columns = [_columns("points", points)]
    columns.append(_columns("lines", lines) if lines != NO_LINES else {"from": [], "to": []})
    return gzip.compress(drawn(*columns).encode(), mtime=0)


def _columns(kind: str, digest: str) -> dict[str, Any]:
    drawing = reads.drawing(kind, digest)
    if drawing is None:
        raise Http404
    columns: dict[str, Any] = json.loads(gzip.decompress(bytes(drawing.content)))
    return columns


def drawn(points: dict[str, Any], lines: dict[str, Any]) -> str:
    """Points with room as dots in their places, one path for each class, over the lines there.

    A place on the picture is proportional to longitude and to Mercator's latitude. It ends where
    the points with room do.
    """
    steps = points["steps"]
    east = [lon / steps for lon in points["lon"]]
    north = [math.degrees(math.asinh(math.tan(math.radians(lat / steps)))) for lat in points["lat"]]
    shown = [at for at, mw in enumerate(points["mw"]) if mw is not None]
    if not shown:
        return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
    west, top = min(east[at] for at in shown), max(north[at] for at in shown)
    scale = (WIDE - 2 * MARGIN) / max(max(east[at] for at in shown) - west, 1e-9)
    high = round((top - min(north[at] for at in shown)) * scale) + 2 * MARGIN
    places = [
        (round(MARGIN + (x - west) * scale), round(MARGIN + (top - y) * scale))
        for x, y in zip(east, north, strict=True)
    ]
    segments = "".join(
        f"M{places[one][0]} {places[one][1]}L{places[other][0]} {places[other][1]}"
        for one, other in zip(lines["from"], lines["to"], strict=True)
        if any(0 <= places[end][0] <= WIDE and 0 <= places[end][1] <= high for end in (one, other))
    )
    dots: dict[int, list[str]] = defaultdict(list)
    for at in shown:
        dots[class_of(points["mw"][at])].append(f"M{places[at][0]} {places[at][1]}h0")
    paths = "".join(
        f'<path d="{"".join(dots[step])}" stroke="{RAMP[step]}"/>' for step in sorted(dots)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" fill="none" '
        f'stroke-width="{DOT}" stroke-linecap="round">'
        f'<path d="{segments}" stroke="{LINES}" stroke-width="1"/>{paths}</svg>'
    )


def class_of(mw: float) -> int:
    """The step of the ramp for some room; where nothing limits (below zero), the last."""
    limits = reads.CLASSES_MW
    if mw < 0:
        return len(limits) - 1
    return max(step for step, low in enumerate(limits) if mw >= low)
