from __future__ import annotations

import hashlib
import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import pytest

AT = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)


@pytest.fixture
def study(transactional_db, tmp_path):
    from gentie.contexts.studies.examples import published_small_study

    return published_small_study(tmp_path / "bundle", by="program:test", at=AT)


@pytest.fixture
def addresses(study) -> dict[str, str]:
    within = f"/studies/{study.slug}/"
    worst = study.constraints.order_by("-with_percent").first()
    shared = study.upgrades.exclude(element="").order_by("-payers").first()
    paying = study.requests.order_by("-costs__total_cost").first()
    return {
        "start": "/",
        "studies": "/studies/",
        "study": within,
        "constraints": f"{within}constraints/",
        "constraint": f"{within}constraints/{worst.number}/",
        "upgrades": f"{within}upgrades/",
        "upgrade": f"{within}upgrades/{shared.number}/",
        "requests": f"{within}requests/",
        "request": f"{within}requests/{paying.name}/",
        "schemes": f"{within}schemes/",
        "assumptions": f"{within}assumptions/",
        "capacity": "/capacity/?page=2",
        "capacity-none": "/capacity/?words=nowhere",
    }


def test_every_kind_of_page_is_accessible_fits_and_is_silent(  # noqa: PLR0917 - fixtures
    addresses, open_page, size, scheme, assert_accessible, screenshot
):
    page = open_page(addresses.pop("start"), size=size, scheme=scheme)
    assert_accessible(page)
    for kind, address in addresses.items():
        page.goto(address)
        page.evaluate("document.fonts.ready")
        screenshot(page, f"{kind}-{size[0]}-{scheme}")
        assert page.get_by_role("heading", level=1).count() == 1, kind
        assert_accessible(page)


def test_pages_hold_at_twice_the_size(addresses, open_page, assert_accessible):
    # A browser's 200% zoom of a 1280 px window is a window of 640 px.
    page = open_page("/", size=(640, 400))
    for address in (addresses["study"], addresses["constraint"], addresses["requests"]):
        page.goto(address)
        assert_accessible(page)


def test_from_the_start_to_a_cost_that_can_be_checked(study, open_page):
    """Start → cluster → worst constraint → a request that pays → its rows → the bundle."""
    from playwright.sync_api import expect

    page = open_page("/")
    page.get_by_role("link", name="Open the cluster study").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(study.title)
    digest = page.locator("#bundle-digest").inner_text()

    page.get_by_role("navigation", name="This study").get_by_role(
        "link", name="Constraints"
    ).click()
    rows = page.get_by_role("row")
    expect(rows).to_have_count(study.constraints.count() + 1)
    worst = rows.nth(1)
    loading = worst.get_by_role("cell").nth(4).inner_text()
    worst.get_by_role("link").click()
    expect(page.locator(".g-over")).to_have_text(f"{float(loading):,.1f}%")
    panels = page.get_by_role("img")
    expect(panels).to_have_count(3)
    expect(panels.nth(1)).to_have_attribute(
        "aria-label", re.compile(rf"^With the cluster: the constraint is at {float(loading):.0f}%")
    )

    page.locator("#shares ~ .g-scroll").get_by_role("link").first.click()
    total = Decimal(re.sub(r"[$,]", "", page.locator("#total-cost").inner_text()))
    amounts = [
        Decimal(cell.get_attribute("data-amount")) for cell in page.locator("[data-amount]").all()
    ]
    assert amounts
    assert sum(amounts) == total
    shown = page.locator("#ledger-rows tfoot td").inner_text()
    assert Decimal(re.sub(r"[$,]", "", shown)) == total

    page.get_by_role("link", name=study.title, exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the bundle (zip)").click()
    content = waiting.value.path().read_bytes()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert hashlib.sha256(archive.read("manifest.json")).hexdigest() == digest


def test_capacity_is_found_by_keyboard_alone(study, open_page):
    from playwright.sync_api import expect

    page = open_page("/capacity/")
    page.get_by_label("Name or bus number").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_label("At least, MW")).to_be_focused()
    page.keyboard.type("300")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"least=300"))
    table = page.get_by_role("region", name="Point by point")
    head = table.get_by_role("columnheader", name="Capacity, MW")
    sort = head.get_by_role("link")
    sort.focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    figures = table.locator("tbody tr td:nth-child(2)").all_inner_texts()
    found = [float(figure.replace(",", "")) for figure in figures]
    assert found == sorted(found)
    assert found[0] >= 300
    table.focus()
    expect(table).to_be_focused()


def test_a_private_study_as_another_customer(  # noqa: PLR0917 - fixtures
    transactional_db, tmp_path, open_page, size, scheme, assert_accessible, screenshot
):
    """What is theirs, and a sentence in place of what is not."""
    from playwright.sync_api import expect

    from gentie.contexts.accounts.examples import PASSWORD, cast
    from gentie.contexts.studies.examples import published_small_study

    people = cast(by="program:test", at=AT)
    first, second = (people.organisations[word].pk for word in ("first", "second"))
    study = published_small_study(
        tmp_path / "bundle",
        by="program:test",
        at=AT,
        organisations={"Q10": first, "Q09": second},
    )
    within = f"/studies/{study.slug}/"
    paid = study.upgrades.filter(ledger__request__name="Q09", payers__gt=1).first()
    shared = study.constraints.filter(shares__request__name="Q09").first()

    page = open_page("/sign-in/", size=size, scheme=scheme)
    page.get_by_label("E-mail address").fill("other@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My account")
    for kind, address in {
        "start": "/",
        "study": within,
        "constraints": f"{within}constraints/",
        "constraint": f"{within}constraints/{shared.number}/",
        "upgrades": f"{within}upgrades/",
        "upgrade": f"{within}upgrades/{paid.number}/",
        "requests": f"{within}requests/",
        "request-own": f"{within}requests/Q09/",
        "request-other": f"{within}requests/Q10/",
        "schemes": f"{within}schemes/",
        "assumptions": f"{within}assumptions/",
    }.items():
        page.goto(address)
        page.evaluate("document.fonts.ready")
        screenshot(page, f"private-{kind}-{size[0]}-{scheme}")
        assert page.get_by_role("heading", level=1).count() == 1, kind
        assert_accessible(page)
        if kind != "start":
            assert page.get_by_text("Withheld", exact=True).count() >= 1, kind
    page.goto(f"{within}requests/")
    costs = page.get_by_role("row").filter(has_text="$")
    expect(costs).to_have_count(1)
    expect(costs.get_by_role("rowheader")).to_have_text("Q09")
    costs.get_by_role("link").click()
    expect(page.get_by_text("The rows sum to the total cost, to the cent.")).to_be_visible()
