"""The guide's Markdown as a page: no HTML of its own, and each figure a link to its rule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from gentie.contexts.guide.package import KEY, anchor_of, value_in_words
from gentie.rulebook.book import Rule


@cache
def _markdown() -> MarkdownIt:
    # HTML in a text is shown as it was typed, never taken as HTML.
    return MarkdownIt("commonmark", {"html": False})


def as_page(text: str, rules: Mapping[str, Rule]) -> SafeString:
    """A text of the guide as HTML; headings have the anchors by which a search finds them.

    Args:
        text: Markdown; ``{key}`` stands for the value of a rule.
        rules: by key; a rule that does not apply today is said by its key.
    """
    address = reverse("rules")

    def told(key: str) -> str:
        words = value_in_words(rules[key]) if key in rules else key
        return f"[{words}]({address}#{key})"

    markdown = _markdown()
    tokens = markdown.parse(KEY.sub(lambda named: told(named[1]), text))
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(tokens[place + 1].content))
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return mark_safe(html)  # noqa: S308 - of the renderer, with HTML in texts switched off
