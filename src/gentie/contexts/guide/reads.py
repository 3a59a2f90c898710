"""Questions to the guide, and to the rules that its pages rest on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank
from django.db.models import F, QuerySet

from gentie.contexts.guide.models import LANGUAGE, Page, Passage
from gentie.rulebook.book import Rule, Rulebook, load_rulebook

BEGIN, END = "\x02", "\x03"
"""Around what was found in an excerpt; no text has them."""
MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class FoundPassages:
    """Passages of the guide.

    Attributes:
        passages: the best first, each with its page and an ``excerpt`` in which ``BEGIN`` and
            ``END`` stand around what was found.
        count: how many there are.
        has_all_words: they hold all the words that were asked for; else some of them.
    """

    passages: Sequence[Passage]
    count: int
    has_all_words: bool


def pages() -> QuerySet[Page]:
    """All pages, in the order in which one reads them."""
    return Page.objects.all()


def page_by_slug(slug: str) -> Page | None:
    """A page."""
    return Page.objects.filter(slug=slug).first()


def words_of(asked: str) -> list[str]:
    """The words that a person typed, without marks, at most some."""
    return re.findall(r"\w+", asked)[:MOST_WORDS]


def find_passages(asked: str, *, most: int) -> FoundPassages:
    """Passages with all the words, or their beginnings; where there are none, with some of them."""
    words = words_of(asked)
    for join in (" & ", " | "):
        if not words:
            break
        # Letters and digits alone: nothing of the search's own language is left in them.
        query = SearchQuery(
            join.join(f"{word}:*" for word in words), search_type="raw", config=LANGUAGE
        )
        found = Passage.objects.filter(search=query)
        count = found.count()
        if count:
            ranked = (
                found.annotate(
                    rank=SearchRank(F("search"), query, normalization=1),
                    excerpt=SearchHeadline(
                        "words",
                        query,
                        config=LANGUAGE,
                        start_sel=BEGIN,
                        stop_sel=END,
                        max_words=32,
                        min_words=16,
                    ),
                )
                .select_related("page")
                .order_by("-rank", "page__order", "number")[:most]
            )
            return FoundPassages(list(ranked), count, has_all_words=join == " & ")
    return FoundPassages([], 0, has_all_words=True)


@lru_cache(maxsize=4)
def rules_on(day: date) -> Rulebook:
    """The rulebook as it stands on a day."""
    return load_rulebook(on=day)


def rules_of(page: Page, day: date) -> list[Rule]:
    """The rules that a page rests on, as they stand on a day; one that has ended is not among them."""
    rules = rules_on(day).rules
    return [rules[key] for key in page.rules if key in rules]


def find_rules(asked: str, *, day: date) -> list[Rule]:
    """Rules with all the words in key, section, unit, standing or note.

    Those that have them in the key come first, short keys before long ones.
    """
    words = [word.casefold() for word in words_of(asked.replace("_", " "))]
    if not words:
        return []
    ranked = []
    for rule in rules_on(day):
        name = re.sub(r"[._]", " ", rule.key).casefold()
        whole = f"{name} {rule.section} {rule.unit} {rule.standing} {rule.note}".casefold()
        if all(word in whole for word in words):
            in_name = sum(word in name for word in words)
            ranked.append((-in_name, len(name), rule.key, rule))
    return [rule for *_, rule in sorted(ranked, key=lambda one: one[:3])]
