"""Filling in a request, filing it, and taking it into its cluster, as people do it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests.browser.test_accounts_site import sign_in

NOW = datetime.now(UTC).replace(microsecond=0)
BY = "program:test"


@pytest.fixture
def world(transactional_db):
    from gentie.contexts.accounts.examples import cast
    from gentie.contexts.grid.examples import published_small_case
    from gentie.contexts.intake.examples import example_cluster

    at = NOW - timedelta(hours=1)
    people = cast(by=BY, at=at)
    case = published_small_case(by=BY, at=at)
    cluster = example_cluster(case, by=BY, at=at)
    point = case.points.exclude(capacity_mw=None).order_by("-capacity_mw").first()
    return SimpleNamespace(people=people, case=case, cluster=cluster, point=point, at=at)


def draft(world, **changed):
    from gentie.contexts.intake.examples import example_draft

    member = world.people.members["customer"]
    return example_draft(
        world.cluster,
        organisation_id=member.organisation_id,
        person_id=member.person_id,
        by=BY,
        at=world.at,
        **{"bus": str(world.point.bus), **changed},
    )


def test_a_draft_is_accessible_fits_and_tells_what_is_wrong(  # noqa: PLR0917 - fixtures
    world, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    request = draft(world, project="", site_share="10", certified="", is_shown=False)
    page = open_page("/sign-in/?next=/projects/", size=size, scheme=scheme, silent=False)
    sign_in(page, "customer")
    expect(page.get_by_role("heading", level=1)).to_have_text("My projects")
    assert_accessible(page)
    screenshot(page, f"projects-{size[0]}-{scheme}")
    page.goto(f"/projects/{request.pk}/")
    assert_accessible(page)
    screenshot(page, f"request-draft-{size[0]}-{scheme}")
    page.get_by_role("button", name="Submit request").click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Name of the project is empty.")
    expect(told).to_contain_text("You control 10% of the site, and the rules ask for 90%")
    expect(told).to_contain_text("No document shows the control of the site")
    assert_accessible(page)
    screenshot(page, f"request-refused-{size[0]}-{scheme}")
    told.get_by_role("link", name="You control 10%").click()
    expect(page).to_have_url(f"{page.url.split('#')[0]}#field-site_share")


def test_a_filed_request_and_its_cluster_are_accessible_and_fit(  # noqa: PLR0917 - fixtures
    world, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    from gentie.contexts.intake.actions.filing import submit_request

    filed, left = draft(world), draft(world, project="Let go")
    for request in (filed, draft(world, project="Another one")):
        submit_request(request_id=request.pk, role="program", person_id=None, by=BY, at=world.at)
    name = f"{size[0]}-{scheme}"
    page = open_page("/clusters/", size=size, scheme=scheme)
    assert_accessible(page)
    screenshot(page, f"clusters-{name}")
    page.get_by_role("link", name="Cluster 2").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cluster 2")
    assert_accessible(page)
    screenshot(page, f"cluster-public-{name}")
    page.goto(f"/sign-in/?next=/projects/{filed.pk}/")
    sign_in(page, "customer")
    expect(page.get_by_role("main")).to_contain_text("Request C2-001 of Cluster 2")
    assert_accessible(page)
    screenshot(page, f"request-filed-{name}")
    page.get_by_role("button", name="Withdraw this request").click()
    expect(page.get_by_role("main")).to_contain_text("it has left the queue")
    assert_accessible(page)
    page.goto(f"/projects/{left.pk}/")
    page.get_by_role("button", name="Discard this draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My projects")
    page.goto(f"/projects/{left.pk}/")
    expect(page.get_by_role("main")).to_contain_text("was discarded and cannot be filed")
    assert_accessible(page)


def test_the_operators_view_of_a_cluster_is_accessible_and_fits(  # noqa: PLR0917 - fixtures
    world, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    from gentie.contexts.intake.actions.filing import submit_request
    from tests.browser.test_thread import come_in_with_code

    filed = draft(world)
    submit_request(request_id=filed.pk, role="program", person_id=None, by=BY, at=world.at)
    page = open_page("/sign-in/?next=/clusters/cluster-2/", size=size, scheme=scheme, silent=False)
    come_in_with_code(page, "specialist")
    page.get_by_role("button", name="Take into the cluster").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is chosen")
    assert_accessible(page)
    page.get_by_label("Choose C2-001").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Take into the cluster").press("Enter")
    expect(page.get_by_role("table")).to_contain_text("in the cluster")
    assert_accessible(page)
    screenshot(page, f"cluster-operator-{size[0]}-{scheme}")
    page.get_by_role("link", name="C2-001").click()
    page.get_by_label("Payment received, USD").fill("155,000")
    page.get_by_role("button", name="Record the payment").click()
    expect(page.get_by_role("main")).to_contain_text("Payment received")
    assert_accessible(page)
    screenshot(page, f"request-operator-{size[0]}-{scheme}")


def test_what_is_typed_is_saved_at_once_and_fields_appear_where_they_matter(world, open_page):
    from playwright.sync_api import expect

    request = draft(world, technology_2="", mw_2="", mwh_2="", gross_mw="", limited_by="")
    page = open_page(f"/sign-in/?next=/projects/{request.pk}/")
    sign_in(page, "customer")
    said = page.locator(".g-request__said")
    assert not page.get_by_label("What holds the output below").is_visible()
    page.get_by_label("Gross capability of the plant").fill("50")
    expect(said).to_contain_text("Saved")
    expect(page.locator("[data-summary]")).to_contain_text("48 MW")
    expect(page.locator("[data-summary]")).to_contain_text("$83,000")
    expect(page.get_by_label("What holds the output below")).to_be_visible()
    page.locator("#in-technology_2").select_option("storage")
    expect(page.locator("#in-mwh_2")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Gross capability of the plant")).to_have_value("50")


def test_without_a_connection_nothing_typed_is_lost(world, open_page):
    from playwright.sync_api import expect

    request = draft(world)
    page = open_page(f"/sign-in/?next=/projects/{request.pk}/", silent=False)
    sign_in(page, "customer")
    expect(page.get_by_label("County")).to_have_value("Example County")
    page.context.set_offline(True)
    page.get_by_label("County").fill("Another County")
    said = page.locator(".g-request__said")
    expect(said).to_contain_text("Not saved: no connection.")
    page.context.set_offline(False)
    expect(said).to_contain_text("Saved", timeout=15_000)
    page.reload()
    expect(page.get_by_label("County")).to_have_value("Another County")


def test_two_people_in_one_field_see_each_others_words(world, open_page):
    from playwright.sync_api import expect

    request = draft(world)
    pages = []
    for _ in range(2):
        page = open_page(f"/sign-in/?next=/projects/{request.pk}/")
        sign_in(page, "customer")
        expect(page.get_by_label("County")).to_have_value("Example County")
        pages.append(page)
    first, second = pages
    first.get_by_label("County").fill("First County")
    expect(first.locator(".g-request__said")).to_contain_text("Saved")
    second.get_by_label("County").fill("Second County")
    other = second.locator("#field-county [data-other]")
    expect(other).to_contain_text(
        "Carla Customer wrote this in the meantime. Yours is kept: “Second County”."
    )
    expect(second.get_by_label("County")).to_have_value("First County")
    first.reload()
    expect(first.locator("#field-county [data-other]")).to_contain_text("Second County")
    other.get_by_role("button", name="Use mine").click()
    expect(second.locator(".g-request__said")).to_contain_text("Saved")
    first.reload()
    expect(first.get_by_label("County")).to_have_value("Second County")


def test_a_request_is_begun_at_a_point(world, open_page, size, assert_accessible, screenshot):
    from playwright.sync_api import expect

    path = f"/capacity/points/{world.point.bus}/"
    page = open_page(path, size=size)
    page.get_by_role("link", name="Sign in to request a connection here").click()
    sign_in(page, "customer")
    expect(page).to_have_url(f"{page.url.split('/capacity')[0]}{path}")
    assert_accessible(page)
    page.get_by_role("button", name="Begin a request here").click()
    expect(page.get_by_label("Bus number of the point")).to_have_value(str(world.point.bus))
    expect(page.locator("[data-summary]")).to_contain_text(f"{world.point.capacity_mw:,.1f} MW")
    page.get_by_label("Name of the project").fill("From the map")
    expect(page.locator(".g-request__said")).to_contain_text("Saved")
    page.goto(path)
    expect(page.get_by_role("button", name="Use this point for From the map")).to_be_visible()


def test_the_whole_form_works_without_script(world, browser, site):
    from playwright.sync_api import expect

    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    request = draft(world, project="", is_shown=False)
    page.goto(f"/sign-in/?next=/projects/{request.pk}/")
    sign_in(page, "customer")
    page.get_by_label("Name of the project").fill("By hand")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("By hand")
    page.get_by_label("County").fill("By hand County")
    page.get_by_role("button", name="Submit request").click()
    expect(page.get_by_role("alert")).to_contain_text("No document shows the control of the site")
    expect(page.get_by_label("County")).to_have_value("By hand County")
    context.close()
