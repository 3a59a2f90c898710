"""Every word of a page can be translated, and the catalogue has them all."""

from __future__ import annotations

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from django.template.base import Lexer, TokenType

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "src" / "gentie").glob("*/templates/**/*.html"))
# Names, units and formats, which are the same in every language.
SAME = {"gentie", "kV", "MW", "MVA", "Mvar", "MWh", "W", "ZIP", "CSV", "SHA-256", "kW", "API"}
SEEN_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label", "aria-description", "label"}
UNSEEN_ELEMENTS = {"style", "script", "code", "pre"}


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_messages", ROOT / "docs/make_messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["make_messages"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_catalogue_is_what_pages_and_modules_say(maker) -> None:
    assert maker.CATALOGUE.read_text() == maker.catalogue(), "run `make messages`"


def test_a_template_is_read_in_every_form(maker) -> None:
    content = """
      {% translate "One" %} {% translate 'it''s' %}{% trans "Two" context "where" %}
      {{ _("Three")|upper }} {% if x == _("Four") %}{% endif %}
      {% blocktranslate with a=b count n=c %}{{ n }} "thing" 5%{% plural %}{{ n }} things{% endblocktranslate %}
      {% blocktranslate trimmed %}
        Five
        six
      {% endblocktranslate %}
      {# {% translate "no" %} #}{% comment %}{% translate "never" %}{% endcomment %}
    """
    found = {(one.context, one.text, one.plural) for one in maker.of_template(content)}
    assert found >= {
        ("", "One", ""),
        ("where", "Two", ""),
        ("", "Three", ""),
        ("", "Four", ""),
        ("", '%(n)s "thing" 5%%', "%(n)s things"),
        ("", "Five six", ""),
    }
    assert not {text for _, text, _ in found} & {"no", "never"}


def test_a_module_is_read_in_every_form(maker) -> None:
    content = (
        '_("One"); gettext_lazy("Two" " three"); ngettext("a", "b", n); pgettext("c", "d")\n'
        "x._('Four'); _(word); npgettext('e', 'f', 'g', n); other('no')\n"
    )
    found = [(one.context, one.text, one.plural) for one in maker.of_module(content)]
    assert sorted(found) == [
        ("", "Four", ""),
        ("", "One", ""),
        ("", "Two three", ""),
        ("", "a", "b"),
        ("c", "d", ""),
        ("e", "f", "g"),
    ]


def test_a_message_is_quoted_so_that_it_can_be_read_back(maker) -> None:
    import ast

    for text in ('a "b" \\ c', "line\nline\t", "“é” %(x)s"):
        assert ast.literal_eval(maker.quoted(text)) == text


class Words(HTMLParser):
    """Words that a reader sees, with those of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.hidden: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in UNSEEN_ELEMENTS:
            self.hidden.append(tag)
        self.said += [value for name, value in attrs if name in SEEN_ATTRIBUTES and value]

    def handle_endtag(self, tag):
        if self.hidden and self.hidden[-1] == tag:
            self.hidden.pop()

    def handle_data(self, data):
        if not self.hidden:
            self.said.append(data)


def untranslated(content: str) -> set[str]:
    """Words of a template that stand outside every translation."""
    kept, is_inside = [], False
    for token in Lexer(content).tokenize():
        if token.token_type == TokenType.BLOCK:
            word = token.contents.split()[0]
            if word in {"blocktranslate", "blocktrans", "comment"}:
                is_inside = True
            elif word in {"endblocktranslate", "endblocktrans", "endcomment"}:
                is_inside = False
            kept.append(" ")
        elif token.token_type == TokenType.TEXT and not is_inside:
            kept.append(token.contents)
        elif token.token_type == TokenType.VAR:
            kept.append("0")  # something stands there: a quote is not left empty
    reader = Words()
    reader.feed("".join(kept))
    reader.close()
    words = re.findall(r"[^\W\d_][\w-]+", " ".join(reader.said))
    return {word for word in words if word not in SAME}


def test_words_outside_a_translation_are_noticed() -> None:
    assert untranslated('<p title="Here">{% translate "yes" %} {{ x }} there</p>') == {
        "Here",
        "there",
    }
    assert untranslated("{% blocktranslate %}<b>yes</b>{% endblocktranslate %} 5 MW") == set()


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 20


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_outside_a_translation(path) -> None:
    assert untranslated(path.read_text()) == set()
