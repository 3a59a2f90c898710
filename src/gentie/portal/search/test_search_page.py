from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gentie.contexts.guide.actions import load_pages
from gentie.contexts.studies.examples import published_small_study
from gentie.portal.search.pages import _marked

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"


@pytest.fixture
def study(db, tmp_path):
    load_pages(by=BY, at=AT)
    return published_small_study(tmp_path / "bundle", by=BY, at=AT)


def test_an_excerpt_is_cut_where_its_marks_are():
    assert _marked("a \x02b\x03 c\x02d\x03") == [
        ("a ", False),
        ("b", True),
        (" c", False),
        ("d", True),
    ]
    assert _marked("a <b>") == [("a <b>", False)]


def test_every_page_has_one_box_that_asks_the_search(client, study):
    for path in ("/", "/search/", "/studies/", "/guide/", "/capacity/"):
        shown = client.get(path).text
        assert shown.count('role="search"') == 1, path
        assert re.search(r'action="/search/"', shown)
        assert 'placeholder="Station, project, rule, question"' in shown


def test_nothing_asked_shows_what_to_ask(client, study):
    shown = client.get("/search/").text
    assert "For example" in shown
    assert 'role="status"' not in shown
    for address in re.findall(r'href="(/search/\?[^"]+)"', shown):
        assert "Nothing has these words" not in client.get(address).text


def test_nothing_found_says_what_to_try(client, study):
    shown = client.get("/search/?words=zebra").text
    assert "0 things found for “zebra”." in shown
    assert "Nothing has these words" in shown
    assert "Use fewer words" in shown


def test_what_was_typed_is_shown_as_it_was_typed(client, study):
    shown = client.get("/search/", {"words": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in shown
    assert "&quot;&gt;&lt;script&gt;" in shown


def test_a_group_with_more_leads_to_all_of_them(client, study):
    shown = client.get("/search/?words=e").text
    assert 'href="/rules/?words=e"' in shown
    assert shown.count("<li>", shown.index('id="found-rules"')) == 8
    everything = client.get("/rules/?words=e").text
    count = everything.count("<tr id=")
    assert f"All {count} of them" in shown


def test_a_part_of_the_words_is_said_to_be_one(client, study):
    shown = client.get("/search/?words=telemetry+zebra").text
    assert "Nothing has all of your words; these have some of them." in shown
    assert "<mark>telemetry</mark>" in shown
