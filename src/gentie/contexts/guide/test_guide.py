from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command

from gentie.contexts.audit.reads import entries_about, last_entry
from gentie.contexts.guide import actions, reads
from gentie.contexts.guide.actions import load_pages
from gentie.contexts.guide.models import Page, Passage
from gentie.contexts.guide.package import (
    PARTS,
    digest_of,
    packaged_pages,
    plain_words,
    read_page,
    value_in_words,
)
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import Rule, load_rulebook

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"
HEAD = 'title = "A"\npart = "steps"\norder = 1\nsummary = "S."\nrules = ["a.b"]\n'


def rule(value: object, unit: str) -> Rule:
    return Rule("a.b", value, unit, "", "confirmed", date(2026, 1, 1), None, "")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (10, "days", "10 days"),
        (1.0, "miles", "1 mile"),
        (0.03, "MW per MW", "3%"),
        (0.05, "share of the limit", "5%"),
        (1150.0, "MW", "1,150 MW"),
        (0.5, "MW", "0.5 MW"),
        ("ras_first", "", "ras first"),
        (["single outage"], "", "single outage"),
        (True, "", "True"),
    ],
)
def test_a_value_is_said_as_a_sentence_says_it(value, unit, words):
    assert value_in_words(rule(value, unit)) == words


def test_plain_words_have_no_marks_and_have_the_values():
    told = plain_words("1. A **b** `c`\n2. [d e](/f/) within {a.b}.", {"a.b": rule(10, "days")})
    assert told == "A b c d e within 10 days."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("no head", "its head lacks title, part, order, summary, rules"),
        (f"+++\n{HEAD}", "its head lacks its end"),
        ("+++\nx = \n+++\n", "its head is damaged"),
        (f"+++\n{HEAD}+++\n{{c.d}}", "its head does not name c.d, which its text uses"),
        (f"+++\n{HEAD.replace('steps', 'x')}+++\n", "its part is 'x'; choose one of"),
    ],
)
def test_a_page_that_cannot_be_used_says_why(content, why):
    with pytest.raises(BadInput) as refused:
        read_page("p", content)
    (finding,) = refused.value.findings
    assert finding.code == "guide.page.unusable"
    assert why in finding.sentence


def test_a_page_is_found_by_itself_and_by_each_of_its_headings():
    page = read_page("p", f"+++\n{HEAD}+++\nFirst.\n\n## Who does what?\n\nYou.\n## B\nC\n")
    assert [(one.anchor, one.heading, one.text) for one in page.passages] == [
        ("", "A", "S. First."),
        ("who-does-what", "Who does what?", "You."),
        ("b", "B", "C"),
    ]


def test_the_package_has_the_whole_guide():
    pages = packaged_pages()
    by_part = {part: [page.slug for page in pages if page.part == part] for part in PARTS}
    assert by_part == {
        "start": ["getting-started"],
        "steps": ["request", "study", "agreements", "new-resource-implementation"],
        "connected": ["qualifying-facility", "existing-resource", "demand-response"],
        "answers": ["questions", "glossary"],
    }
    questions, glossary = (list(page.passages)[1:] for page in pages[-2:])
    assert len(questions) >= 12
    assert all(one.heading.endswith("?") for one in questions)
    assert len(glossary) >= 30
    terms = [one.heading for one in glossary]
    assert terms == sorted(terms, key=str.casefold)
    for page in pages:
        anchors = [one.anchor for one in page.passages]
        assert len(set(anchors)) == len(anchors)
        assert all(one.text for one in page.passages)
        if page.part in {"steps", "connected"}:
            headings = {one.heading for one in page.passages}
            assert headings >= {"Who does what", "How long it takes", "What it costs"}, page.slug


def test_no_page_types_a_figure_that_a_rule_has():
    typed = re.compile(r"\b\d[\d,.]* ?(?:%|MW|kV|days|miles|business days|dollars)|\$\d")
    for page in packaged_pages():
        assert typed.findall(page.text + page.summary) == [], page.slug


def test_every_rule_that_a_page_rests_on_is_in_the_rulebook():
    rules = load_rulebook().rules
    assert {key for page in packaged_pages() for key in page.rules} <= set(rules)
    told = {key for page in packaged_pages() for key in page.rules}
    assert {key for key in rules if key.startswith("access.")} <= told


@pytest.mark.django_db
def test_the_guide_is_loaded_once_and_audited():
    assert load_pages(by=BY, at=AT) is True
    digest = digest_of(packaged_pages())
    assert [page.slug for page in reads.pages()] == [page.slug for page in packaged_pages()]
    assert {page.guide_digest for page in reads.pages()} == {digest}
    (entry,) = entries_about(f"guide:{digest[:12]}")
    assert (entry.action, entry.by, entry.at) == ("guide.loaded", BY, AT)
    kept = list(Passage.objects.values_list("pk", "words"))
    assert load_pages(by=BY, at=AT) is False
    assert list(Passage.objects.values_list("pk", "words")) == kept
    assert last_entry() == entry


@pytest.mark.django_db
def test_a_changed_guide_replaces_the_one_that_is_there(monkeypatch):
    load_pages(by=BY, at=AT)
    fewer = packaged_pages()[:2]
    monkeypatch.setattr(actions, "packaged_pages", lambda: fewer)
    assert load_pages(by=BY, at=AT) is True
    assert [page.slug for page in reads.pages()] == ["getting-started", "request"]


@pytest.mark.django_db
def test_a_page_on_a_rule_that_does_not_apply_yet_is_refused_and_nothing_changes():
    load_pages(by=BY, at=AT)
    before = list(Page.objects.values_list())
    entry = last_entry()
    with pytest.raises(BadInput) as refused:
        load_pages(by=BY, at=datetime(2025, 12, 31, 17, 0, tzinfo=UTC))
    assert {one.code for one in refused.value.findings} == {"guide.page.rule_unknown"}
    assert "access.review_days" in str(refused.value)
    assert list(Page.objects.values_list()) == before
    assert last_entry() == entry


@pytest.mark.django_db
def test_the_command_loads_it():
    call_command("load_guide")
    assert reads.pages().count() == len(packaged_pages())


@pytest.fixture
def guide(db):
    load_pages(by=BY, at=AT)


@pytest.mark.parametrize(
    ("asked", "page", "heading"),
    [
        ("scheduling coordinator", "glossary", "Scheduling coordinator"),
        ("how much does it cost", "questions", "How much does it cost?"),
        ("what happens when others withdraw", "questions", "What happens when others withdraw?"),
        ("cogeneration", "glossary", "Qualifying facility"),
        ("withdrawing", "questions", "What happens when others withdraw?"),
        ("synch", "glossary", "Synchronization"),
    ],
)
def test_the_guide_finds_words_in_any_of_their_forms(guide, asked, page, heading):
    found = reads.find_passages(asked, most=8)
    assert found.has_all_words
    assert (page, heading) in [(one.page.slug, one.heading) for one in found.passages[:3]]


def test_where_no_passage_has_all_words_some_of_them_count(guide):
    found = reads.find_passages("telemetry zebra", most=8)
    assert not found.has_all_words
    assert found.passages[0].heading == "Telemetry"


def test_an_excerpt_marks_what_was_found(guide):
    (first, *_) = reads.find_passages("telemetry ancillary", most=1).passages
    assert f"{reads.BEGIN}telemetry{reads.END}" in first.excerpt


@pytest.mark.parametrize("asked", ["", "   ", "&|!():*", "the of and", "zebra", "\x00", "'; DROP"])
def test_nothing_is_found_for_nothing(guide, asked):
    assert reads.find_passages(asked, most=8).passages == []


def test_a_count_goes_beyond_what_is_shown(guide):
    found = reads.find_passages("grid", most=2)
    assert len(found.passages) == 2 < found.count


def test_rules_are_found_by_key_section_standing_and_note():
    day = date(2026, 11, 24)
    first = reads.find_rules("review days", day=day)[0]
    assert first.key == "access.review_days"
    assert {one.key for one in reads.find_rules("18 CFR", day=day)} == {
        "access.qualifying_size_mw",
        "access.qualifying_same_site_miles",
        "access.qualifying_separate_site_miles",
        "access.qualifying_without_filing_mw",
    }
    assert reads.find_rules("screening.cut_off", day=day)[0].key == "screening.cut_off"
    assert reads.find_rules("review days", day=date(2025, 12, 31)) == []
    assert reads.find_rules("", day=day) == []
    assert reads.find_rules("zebra", day=day) == []
