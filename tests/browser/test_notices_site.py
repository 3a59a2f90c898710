from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.test_accounts_site import sign_in

AT = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)
BY = "program:test"


@pytest.fixture
def people(transactional_db):
    from gentie.contexts.accounts.examples import cast, installed
    from gentie.contexts.notices.actions import mark_read, queue

    made = cast(by=BY, at=AT)
    installed(by=BY, at=AT)
    words = {"organisation_id": made.organisations["first"].pk, "subject": "request:7", "by": BY}
    first = queue(
        code="intake.deposit.received",
        title="Your study deposit was received",
        body="$250,000 came in for First Sun Valley. Nothing more is due.",
        address="/studies/",
        at=AT,
        **words,
    )
    mark_read(notice_ids=[first], by=BY, at=AT)
    queue(
        code="intake.request.incomplete",
        title="Two things are missing from your request First Sun Valley",
        body="The single-line diagram shows no transformer.\n\nThe site lease ends on 30 Jun 2027, "
        "before the date of operation. Correct both by 9 Dec 2026, 17:00 PT (10 business days).",
        address="/capacity/",
        at=AT + timedelta(days=1),
        **words,
    )
    return made


def test_a_customer_finds_what_waits_and_marks_it_by_keyboard(  # noqa: PLR0917 - fixtures
    people, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    page = open_page("/notices/", size=size, scheme=scheme)
    sign_in(page, "customer")
    expect(page.get_by_role("heading", level=1)).to_have_text("Notices")
    header = page.get_by_role("banner")
    expect(header.get_by_role("link", name="Notices 1 unread")).to_be_visible()
    assert_accessible(page)
    screenshot(page, f"notices-{size[0]}-{scheme}")
    button = page.get_by_role("button", name="Mark as read Two things are missing")
    button.focus()
    page.keyboard.press("Enter")
    expect(header.get_by_role("link", name="Notices", exact=True)).to_be_visible()
    page.get_by_label("Which").select_option("unread")
    page.get_by_role("main").get_by_role("button", name="Show").click()
    expect(page.get_by_role("main")).to_contain_text("You have read everything.")
    assert_accessible(page)
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("link", name="Two things are missing from your request").click()
    assert page.url.endswith("/capacity/")
