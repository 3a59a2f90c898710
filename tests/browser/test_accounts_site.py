from __future__ import annotations

from datetime import UTC, datetime

import pyotp
import pytest

AT = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)


@pytest.fixture
def people(transactional_db):
    from gentie.contexts.accounts.examples import cast

    return cast(by="program:test", at=AT)


def sign_in(page, word: str, password: str = "") -> None:
    from gentie.contexts.accounts.examples import PASSWORD

    page.get_by_label("E-mail address").fill(f"{word}@example.org")
    page.get_by_label("Password", exact=True).fill(password or PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_signing_in_is_accessible_fits_and_says_what_is_wrong(  # noqa: PLR0917 - fixtures
    people, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    page = open_page("/account/", size=size, scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert_accessible(page)
    screenshot(page, f"sign-in-{size[0]}-{scheme}")
    sign_in(page, "customer", "wrong")
    expect(page.get_by_role("alert")).to_have_text("E-mail address or password is not right.")
    assert_accessible(page)
    sign_in(page, "customer")
    expect(page.get_by_role("heading", level=1)).to_have_text("My account")
    expect(page.locator(".g-side")).to_have_text("My projects")
    assert_accessible(page)
    screenshot(page, f"account-{size[0]}-{scheme}")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()


def test_an_administrator_sets_up_an_app_and_uses_it(  # noqa: PLR0917 - fixtures
    people, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    from gentie.contexts.accounts.models import SecondFactor

    page = open_page("/people/", size=size, scheme=scheme)
    sign_in(page, "administrator")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Set up your second factor")
    assert_accessible(page)
    screenshot(page, f"second-factor-{size[0]}-{scheme}")
    app = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    page.get_by_label("Code (six digits)").fill(app.now())
    page.get_by_role("button", name="Confirm the code").click()
    expect(heading).to_have_text("People")
    expect(page.locator(".g-side")).to_have_text("Operator")
    assert_accessible(page)
    screenshot(page, f"people-{size[0]}-{scheme}")
    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()

    SecondFactor.objects.update(last_step=0)  # the same half minute may still last
    page.goto("/people/")
    sign_in(page, "administrator")
    expect(heading).to_have_text("Code from your app")
    assert_accessible(page)
    page.get_by_label("Code (six digits)").fill("000")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    page.get_by_label("Code (six digits)").fill(app.now())
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(heading).to_have_text("People")


def test_a_page_for_others_says_for_whom_it_is(  # noqa: PLR0917 - fixtures
    people, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    # Chromium itself tells its console of a page that answers 403.
    page = open_page("/sign-in/", size=size, scheme=scheme, silent=False)
    sign_in(page, "customer")
    page.goto("/people/")
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not open this page")
    expect(page.get_by_role("main")).to_contain_text("It is for the operator's administrators.")
    assert_accessible(page)
    screenshot(page, f"refused-{size[0]}-{scheme}")
