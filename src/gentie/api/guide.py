"""The guide, the rules it rests on, and the search."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse
from ninja import Query, Router, Schema
from pydantic import Field

from gentie.api.asking import now
from gentie.api.refusing import nothing_there
from gentie.contexts.guide import reads
from gentie.contexts.search.reads import LONGEST, find
from gentie.rulebook.book import Rule as RulebookEntry

operations = Router(tags=["Guide and search"])


class GuidePage(Schema):
    """A page of the guide."""

    slug: str
    title: str
    part: str
    summary: str


class Rule(Schema):
    """A rule as the rulebook has it."""

    key: str
    value: Any
    unit: str
    section: str
    standing: str = Field(description="confirmed, quoted, unconfirmed or assumption.")
    applies_from: date
    applies_until: date | None
    note: str


class WholeGuidePage(GuidePage):
    """A page of the guide with its text."""

    text: str = Field(description="Markdown; `{key}` stands for the value of a rule.")
    rules: list[Rule] = Field(description="Those it rests on, as they stand today.")


class Hit(Schema):
    """Something that was found."""

    title: str
    words: str = Field(description="One line about it.")
    address: str = Field(description="Of the page that shows it.")
    keys: dict[str, str | int] = Field(description="What names it in the other operations.")


class Group(Schema):
    """What one part found, the best first."""

    kind: Literal["points", "requests", "studies", "guide", "rules"]
    count: int
    has_all_words: bool = Field(description="Else it holds some of the words only.")
    hits: list[Hit]


class Found(Schema):
    """The answer of a search."""

    words: str
    groups: list[Group]


class Asked(Schema):
    """A question."""

    words: str = Field(
        "", max_length=10 * LONGEST, description="A station, project, rule, question."
    )


@operations.get("/guide", response=list[GuidePage], summary="Pages of the guide")
def guide(request: HttpRequest) -> Any:
    """Every page, in the order in which one reads them."""
    return reads.pages()


@operations.get("/guide/{slug:slug}", response=WholeGuidePage, summary="One page of the guide")
def guide_page(request: HttpRequest, slug: str) -> dict[str, Any]:
    """A page with its text and the rules that it rests on."""
    page = reads.page_by_slug(slug)
    if page is None:
        raise nothing_there()
    return {
        "slug": page.slug,
        "title": page.title,
        "part": page.part,
        "summary": page.summary,
        "text": page.text,
        "rules": [_rule(rule) for rule in reads.rules_of(page, today())],
    }


@operations.get("/rules", response=list[Rule], summary="The rulebook")
def rules(request: HttpRequest) -> list[dict[str, Any]]:
    """Every rule as it stands today, by key."""
    return [_rule(rule) for rule in reads.rules_on(today())]


@operations.get("/search", response=Found, summary="Search")
def search(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Points, requests, studies, passages of the guide and rules with these words."""
    found = find(asked.words, day=today())
    return {
        "words": found.words,
        "groups": [
            {
                "kind": group.kind,
                "count": group.count,
                "has_all_words": group.has_all_words,
                "hits": [HITS[group.kind](row) for row in group.rows],
            }
            for group in found.groups
        ],
    }


def today() -> date:
    """The day of the operator's zone."""
    zone = ZoneInfo(reads.rules_on(date.max).time_zone)
    return now().astimezone(zone).date()


def _rule(rule: RulebookEntry) -> dict[str, Any]:
    return {
        "key": rule.key,
        "value": rule.value,
        "unit": rule.unit,
        "section": rule.section,
        "standing": rule.standing,
        "applies_from": rule.applies_from,
        "applies_until": rule.applies_until,
        "note": rule.note,
    }


def _point(row: Any) -> dict[str, Any]:
    room = "nothing limits" if row.capacity_mw is None else f"{row.capacity_mw:,.0f} MW"
    return {
        "title": row.bus_name.strip() or row.point,
        "words": f"bus {row.bus}, {row.kv:g} kV, {room}",
        "address": reverse("capacity_point", args=[row.bus]),
        "keys": {"bus": row.bus},
    }


def _request(row: Any) -> dict[str, Any]:
    return {
        "title": row.name,
        "words": f"{row.net_mw:g} MW, {row.technologies}, at {row.bus_name or row.point}",
        "address": reverse("request", args=[row.study.slug, row.name]),
        "keys": {"study": row.study.slug, "request": row.name},
    }


def _study(row: Any) -> dict[str, Any]:
    return {
        "title": row.title,
        "words": row.base_case.operator,
        "address": reverse("study", args=[row.slug]),
        "keys": {"study": row.slug},
    }


def _passage(row: Any) -> dict[str, Any]:
    anchor = f"#{row.anchor}" if row.anchor else ""
    return {
        "title": row.heading,
        "words": row.excerpt.replace(reads.BEGIN, "").replace(reads.END, ""),
        "address": reverse("guide_page", args=[row.page.slug]) + anchor,
        "keys": {"page": row.page.slug, "anchor": row.anchor},
    }


def _found_rule(row: RulebookEntry) -> dict[str, Any]:
    return {
        "title": row.key,
        "words": f"{row.section} ({row.standing})",
        "address": f"{reverse('rules')}#{row.key}",
        "keys": {"rule": row.key},
    }


HITS = {
    "points": _point,
    "requests": _request,
    "studies": _study,
    "guide": _passage,
    "rules": _found_rule,
}
