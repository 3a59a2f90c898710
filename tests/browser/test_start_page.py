from __future__ import annotations

import re

import pytest


def test_the_start_page_is_accessible_and_fits(page, size, scheme, assert_accessible, screenshot):
    from playwright.sync_api import expect

    expect(page).to_have_title("Connect to the grid · gentie")
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect to the grid")
    screenshot(page, f"start-{size[0]}-{scheme}")
    assert_accessible(page)


def test_the_start_page_says_the_four_steps_in_order_and_the_three_ways_in(open_page):
    page = open_page("/")
    steps = page.get_by_role("region", name="Four steps").get_by_role("heading", level=3)
    assert steps.all_inner_texts() == [
        "Submit a request",
        "Take part in the study",
        "Complete the agreements",
        "Bring your resource into service",
    ]
    ways = page.get_by_role("region", name="Already connected?").get_by_role("heading", level=3)
    assert ways.all_inner_texts() == [
        "You run a qualifying facility",
        "You are connected, but not in the market",
        "You reduce demand",
    ]
    notice = page.get_by_role("complementary", name="About this site")
    assert "Synthetic grid, fictional operator." in notice.inner_text()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page):
    from playwright.sync_api import expect

    page = open_page("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("/#main")


@pytest.mark.parametrize("zoom", [2])
def test_the_start_page_holds_at_twice_the_size(open_page, assert_accessible, zoom):
    # A browser's 200% zoom of a 1280 px window is a window of 640 px.
    assert_accessible(open_page("/", size=(1280 // zoom, 800 // zoom)))


def test_the_pages_use_our_faces_and_nothing_from_elsewhere(open_page, site):
    page = open_page("/")
    asked = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert asked
    assert all(address.startswith(site) for address in asked)
    assert any(re.search(r"PublicSans-Regular\.[0-9a-f]{12}\.woff2$", name) for name in asked)
    assert page.evaluate("document.fonts.check('16px \"Public Sans\"')")


def test_the_content_policy_stops_what_is_inline(open_page):
    # Not silent: the refusal in the console is what this test wants to see.
    page = open_page("/", silent=False)
    refusals: list[str] = []
    page.on("console", lambda said: refusals.append(said.text))
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.got_in = true';"
        "document.body.append(s)"
    )
    assert page.evaluate("window.got_in") is None
    assert any("Content Security Policy" in text for text in refusals)


def test_a_page_that_does_not_exist_says_so_and_leads_back(open_page, assert_accessible):
    from playwright.sync_api import expect

    page = open_page("/no-such-page", silent=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("This page does not exist")
    assert_accessible(page)
    page.get_by_role("link", name="Go to the start page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect to the grid")
