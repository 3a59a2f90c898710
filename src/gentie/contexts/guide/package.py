"""The guide as the package carries it: Markdown files with a small head."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from django.utils.text import slugify

from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import Rule

PARTS = ("start", "steps", "connected", "answers")
"""Parts of the guide, in their order."""
FENCE = "+++"
HEAD = ("title", "part", "order", "summary", "rules")
KEY = re.compile(r"\{([a-z][a-z_]*(?:\.[a-z][a-z_0-9]*)+)\}")
"""Where a text names a rule: ``{access.review_days}`` stands for its value and unit."""
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class PackagedPassage:
    """A heading of a page with what stands under it."""

    anchor: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class PackagedPage:
    """A page of the guide.

    Attributes:
        slug: its address.
        title: its heading.
        part: one of ``PARTS``.
        order: in its part.
        summary: one sentence.
        rules: keys of the rules that it rests on.
        text: Markdown without HTML; ``{key}`` stands for the value of a rule.
    """

    slug: str
    title: str
    part: str
    order: int
    summary: str
    rules: tuple[str, ...]
    text: str

    @property
    def passages(self) -> Iterator[PackagedPassage]:
        """What a search finds: the page itself, then each of its headings."""
        head, *rest = re.split(r"^## +(.*)$", self.text, flags=re.MULTILINE)
        yield PackagedPassage("", self.title, f"{self.summary} {head.strip()}".strip())
        for heading, text in zip(rest[::2], rest[1::2], strict=True):
            yield PackagedPassage(anchor_of(heading), heading.strip(), text.strip())


def anchor_of(heading: str) -> str:
    """The name by which an address points at a heading."""
    return slugify(heading)


def read_page(slug: str, content: str) -> PackagedPage:
    """A page from its file.

    Raises:
        BadInput: the head is missing or incomplete, or a text names a rule that the head does not.
    """
    _, fence, rest = content.partition(f"{FENCE}\n")
    written, closing, text = rest.partition(f"{FENCE}\n")
    try:
        head = tomllib.loads(written)
    except tomllib.TOMLDecodeError as cause:
        raise _unusable(slug, f"its head is damaged: {cause}") from cause
    missing = [field for field in HEAD if field not in head]
    if not fence or not closing or missing:
        raise _unusable(slug, f"its head lacks {', '.join(missing) or 'its end'}")
    if head["part"] not in PARTS:
        raise _unusable(slug, f"its part is {head['part']!r}; choose one of {', '.join(PARTS)}")
    unsaid = sorted(set(KEY.findall(text)) - set(head["rules"]))
    if unsaid:
        raise _unusable(slug, f"its head does not name {', '.join(unsaid)}, which its text uses")
    return PackagedPage(
        slug=slug,
        title=head["title"],
        part=head["part"],
        order=head["order"],
        summary=head["summary"],
        rules=tuple(head["rules"]),
        text=text.strip() + "\n",
    )


@cache
def packaged_pages() -> tuple[PackagedPage, ...]:
    """All pages, in the order in which one reads them."""
    folder = files(__package__) / "pages"
    found = [
        read_page(entry.name.removesuffix(".md"), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".md")
    ]
    return tuple(sorted(found, key=lambda page: (PARTS.index(page.part), page.order)))


def digest_of(pages: Sequence[PackagedPage]) -> str:
    """SHA-256 that stands for every word of the guide."""
    hasher = hashlib.sha256()
    for page in pages:
        hasher.update(repr((page.slug, page.title, page.part, page.order)).encode())
        hasher.update(repr((page.summary, page.rules, page.text)).encode())
    return hasher.hexdigest()


def value_in_words(rule: Rule) -> str:
    """The value of a rule as a sentence says it: 10 days, 3%, 1,150 MW."""
    if not isinstance(rule.value, int | float) or isinstance(rule.value, bool):
        words = rule.value if isinstance(rule.value, list) else [rule.value]
        return ", ".join(str(word).replace("_", " ") for word in words)
    if rule.unit == "MW per MW" or rule.unit.startswith("share of"):
        return f"{100 * rule.value:.10g}%"
    unit = rule.unit.removesuffix("s") if rule.value == 1 else rule.unit
    return f"{rule.value:,.10g} {unit}".strip()


def plain_words(markdown: str, rules: Mapping[str, Rule]) -> str:
    """A text without its marks, with the values of its rules: what a search looks at."""
    told = KEY.sub(lambda named: value_in_words(rules[named[1]]), markdown)
    told = LINK.sub(r"\1", told)
    told = re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", told, flags=re.MULTILINE)
    return " ".join(re.sub(r"[*`]", "", told).split())


def _unusable(slug: str, why: str) -> BadInput:
    return BadInput(
        Finding("guide.page.unusable", f"Page {slug} of the guide cannot be used: {why}.")
    )
