"""The search's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from gentie.contexts.guide.reads import BEGIN, END
from gentie.contexts.search.reads import Group, find
from gentie.portal.crumbs import Crumb
from gentie.portal.guide.pages import shown_rule, today

HEADS: dict[str, str | Promise] = {
    "points": gettext_lazy("Points of interconnection"),
    "requests": gettext_lazy("Requests"),
    "studies": gettext_lazy("Studies"),
    "guide": gettext_lazy("Guide"),
    "rules": gettext_lazy("Rules"),
}


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group as the page shows it; ``all_address`` is of the list that has all of its rows."""

    kind: str
    head: str | Promise
    rows: list[Any]
    count: int
    has_all_words: bool
    all_address: str


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What was found, by part; what to try where nothing was."""
    asked = request.GET.get("words", "")
    found = find(asked, day=today())
    return render(
        request,
        "search/search.html",
        {
            "words": found.words,
            "count": found.count,
            "groups": [_shown(group, found.words) for group in found.groups],
            "crumbs": [Crumb(_("Search"))],
        },
    )


def _shown(group: Group, words: str) -> ShownGroup:
    rows: list[Any] = list(group.rows)
    if group.kind == "guide":
        rows = [{"passage": row, "excerpt": _marked(row.excerpt)} for row in rows]
    elif group.kind == "rules":
        rows = [shown_rule(row) for row in rows]
    lists = {"points": "capacity", "rules": "rules"}
    address = ""
    if group.kind in lists and group.count > len(rows):
        address = f"{reverse(lists[group.kind])}?{urlencode({'words': words})}"
    return ShownGroup(
        group.kind, HEADS[group.kind], rows, group.count, group.has_all_words, address
    )


def _marked(excerpt: str) -> list[tuple[str, bool]]:
    """An excerpt in pieces, each with whether it was asked for."""
    pieces = []
    for piece in excerpt.split(BEGIN):
        hit, end, rest = piece.partition(END)
        pieces += [(hit, True), (rest, False)] if end else [(piece, False)]
    return [piece for piece in pieces if piece[0]]
