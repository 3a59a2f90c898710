from __future__ import annotations

from datetime import UTC, datetime

import pytest

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"


@pytest.fixture
def study(transactional_db, tmp_path):
    from gentie.contexts.guide.actions import load_pages
    from gentie.contexts.studies.examples import published_small_study

    load_pages(by=BY, at=AT)
    return published_small_study(tmp_path / "bundle", by=BY, at=AT)


PAGES = {
    "start-full": "/",
    "guide": "/guide/",
    "guide-step": "/guide/new-resource-implementation/",
    "guide-questions": "/guide/questions/",
    "guide-glossary": "/guide/glossary/",
    "rules": "/rules/",
    "search": "/search/?words=e",
    "search-nothing": "/search/?words=zebra",
    "search-question": "/search/?words=what+happens+when+others+withdraw",
    "api": "/api/v1/",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits(  # noqa: PLR0917 - fixtures
    study, open_page, size, scheme, assert_accessible, screenshot, name
):
    page = open_page(PAGES[name], size=size, scheme=scheme)
    assert page.get_by_role("heading", level=1).count() == 1
    screenshot(page, f"{name}-{size[0]}-{scheme}")
    assert_accessible(page)


def test_the_keyboard_asks_and_opens_an_answer(study, open_page):
    from playwright.sync_api import expect

    page = open_page("/")
    box = page.get_by_role("searchbox", name="Search: station, project, rule, question")
    box.focus()
    page.keyboard.type("how much does it cost")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Search")
    expect(page.get_by_role("searchbox")).to_have_value("how much does it cost")
    answer = page.get_by_role("link", name="How much does it cost?")
    answer.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Questions and answers")
    expect(page.get_by_role("heading", name="How much does it cost?")).to_be_in_viewport()


def test_the_header_asks_from_every_other_page(study, open_page, size):
    from playwright.sync_api import expect

    page = open_page("/studies/", size=size)
    box = page.get_by_role("banner").get_by_role("searchbox")
    expect(box).to_be_visible()
    box.fill(study.requests.first().name)
    box.press("Enter")
    expect(page.get_by_role("heading", level=2, name="Requests")).to_be_visible()


def test_a_figure_of_the_guide_leads_to_its_rule(study, open_page):
    from playwright.sync_api import expect

    page = open_page("/guide/new-resource-implementation/")
    page.get_by_role("article").get_by_role("link", name="210 days").click()
    row = page.get_by_role("row", name="access.implementation_days")
    expect(row).to_be_in_viewport()
    expect(row).to_contain_text("confirmed")


def test_the_steps_lead_from_the_start_page_through_the_guide(study, open_page):
    from playwright.sync_api import expect

    page = open_page("/")
    page.get_by_role("link", name="Submit a request", exact=True).click()
    heading = page.get_by_role("heading", level=1)
    for title in (
        "Submit a request",
        "Take part in the study",
        "Complete the agreements",
        "Bring your resource into service",
    ):
        expect(heading).to_have_text(title)
        way = page.get_by_role("navigation", name="The four steps")
        expect(way.get_by_role("link", name=title)).to_have_attribute("aria-current", "page")
        page.get_by_role("navigation", name="Pages beside this one").get_by_role(
            "link"
        ).last.click()
    expect(heading).to_have_text("You run a qualifying facility")


def test_a_program_reads_the_document_that_the_page_leads_to(study, open_page):
    page = open_page("/api/v1/")
    document = page.request.get("/api/v1/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert page.get_by_role("heading", level=3).count() == sum(map(len, document["paths"].values()))
