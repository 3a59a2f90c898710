"""The guide's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from gentie.contexts.grid.reads import latest_case
from gentie.contexts.guide import reads
from gentie.contexts.guide.package import value_in_words
from gentie.contexts.studies.reads import alone_and_together, costs_of, latest_study
from gentie.portal.capacity.still import still_address
from gentie.portal.crumbs import Crumb
from gentie.portal.guide.dates import dates_now
from gentie.portal.guide.rendering import as_page
from gentie.portal.standings import MARKS, STANDINGS
from gentie.rulebook.book import Rule


@dataclass(frozen=True, slots=True)
class Part:
    """A step on the way, or a way in for those who are connected already."""

    name: str
    title: str | Promise
    words: str | Promise


STEPS = (
    Part(
        "request",
        _("Submit a request"),
        _(
            "Choose a point of interconnection that has room. Say what you want to build, show "
            "that you control the site, and pay the study deposit."
        ),
    ),
    Part(
        "study",
        _("Take part in the study"),
        _(
            "Your request is studied together with the others of its cluster. You see what limits "
            "it, which upgrades remove the limit, and your share of each, with the arithmetic."
        ),
    ),
    Part(
        "agreements",
        _("Complete the agreements"),
        _(
            "Negotiate and sign with the operator and the owner of the lines, and post the "
            "security for the upgrades that you need."
        ),
    ),
    Part(
        "new-resource-implementation",
        _("Bring your resource into service"),
        _(
            "Go through metering, models, tests and synchronization, each by its date, up to "
            "commercial operation and your first day in the market."
        ),
    ),
)

CONNECTED = (
    Part(
        "qualifying-facility",
        _("You run a qualifying facility"),
        _(
            "A cogeneration plant or a small power production facility that is connected "
            "already. Prove its status, keep or convert its contract, and join the market with "
            "its net or its gross output."
        ),
    ),
    Part(
        "existing-resource",
        _("You are connected, but not in the market"),
        _(
            "On the transmission grid without a market contract, or on a distribution grid. "
            "Where nothing about the plant changes, you join without a new study."
        ),
    ),
    Part(
        "demand-response",
        _("You reduce demand"),
        _(
            "A demand response provider brings together customers who use less when it is "
            "asked of them. Register them, follow the dispatch, and be paid for the difference "
            "from a baseline."
        ),
    ),
)


PARTS: tuple[tuple[str, str | Promise], ...] = (
    ("start", _("Begin here")),
    ("steps", _("Four steps")),
    ("connected", _("Already connected?")),
    ("answers", _("Questions and words")),
)


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """What connecting means, the ways in for those already connected, and what stands here."""
    study, case = latest_study(), latest_case()
    context: dict[str, object] = {
        "steps": STEPS,
        "connected": CONNECTED,
        "case": case,
        "dates": dates_now(case, study),
        "still": still_address(case) if case else "",
    }
    if study is not None:
        context |= {
            "study": study,
            "together": alone_and_together(study),
            "cost": costs_of(study),
            "gw": study.summary["requests"]["mw"] / 1000,
        }
    return render(request, "guide/start.html", context)


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """All pages of the guide, part by part."""
    pages = list(reads.pages())
    parts = [
        {"name": name, "word": word, "pages": [page for page in pages if page.part == name]}
        for name, word in PARTS
    ]
    return render(
        request,
        "guide/guide.html",
        {"parts": parts, "has_pages": bool(pages), "crumbs": [Crumb(_("Guide"))]},
    )


@require_safe
def guide_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One page, the rules that it rests on, and the pages beside it.

    Raises:
        Http404: there is no such page.
    """
    pages = list(reads.pages())
    place = next((at for at, page in enumerate(pages) if page.slug == slug), None)
    if place is None:
        raise Http404
    page = pages[place]
    rules = reads.rules_of(page, today())
    steps = [one for one in pages if one.part == "steps"]
    return render(
        request,
        "guide/page.html",
        {
            "page": page,
            "body": as_page(page.text, {rule.key: rule for rule in rules}),
            "headings": [one for one in page.passages.all() if one.anchor],
            "rules": [shown_rule(rule) for rule in rules],
            "steps": steps if page.part == "steps" else [],
            "before": pages[place - 1] if place else None,
            "after": pages[place + 1] if place + 1 < len(pages) else None,
            "crumbs": [Crumb(_("Guide"), reverse("guide")), Crumb(page.title)],
        },
    )


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """Every rule with its value, section, dates and standing."""
    words = request.GET.get("words", "").strip()[:100].replace("\x00", "")
    book = reads.rules_on(today())
    found = reads.find_rules(words, day=today()) if words else list(book)
    return render(
        request,
        "guide/rules.html",
        {
            "book": book,
            "words": words,
            "rules": [shown_rule(rule) for rule in found],
            "standings": [
                {"state": state, "word": word, "explained": explained, "mark": MARKS[name]}
                for name, (state, word, explained) in STANDINGS.items()
            ],
            "crumbs": [Crumb(_("Guide"), reverse("guide")), Crumb(_("Rules"))],
        },
    )


def today() -> date:
    """The day of the operator's zone."""
    zone = ZoneInfo(reads.rules_on(date.max).time_zone)
    return datetime.now(UTC).astimezone(zone).date()


def shown_rule(rule: Rule) -> dict[str, object]:
    """A rule with its standing as a state, and its value as a sentence says it."""
    state, word, _explained = STANDINGS[rule.standing]
    is_table = isinstance(rule.value, dict) or (
        isinstance(rule.value, list) and not all(isinstance(one, str) for one in rule.value)
    )
    return {
        "rule": rule,
        "value": _("a table, see the study's assumptions") if is_table else value_in_words(rule),
        "state": state,
        "standing": word,
        "mark": MARKS[rule.standing],
    }
