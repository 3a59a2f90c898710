"""A run in a real browser: from the button to the study, with live progress and without a script."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import pytest

AT = datetime(2026, 11, 24, 18, 5, tzinfo=UTC)
BY = "program:test"
PATH = "/clusters/example-cluster/run/"


@pytest.fixture
def people(transactional_db):
    from gentie.contexts.accounts.examples import cast

    return cast(by=BY, at=AT)


@pytest.fixture
def ready(people):
    from gentie.contexts.grid.examples import published_small_case, small_case
    from gentie.contexts.studies.run_examples import ready_cluster

    return ready_cluster(
        base_case_id=published_small_case(by=BY, at=AT).pk,
        case=small_case(),
        organisation_ids=(people.organisations["first"].pk,),
        at=AT,
    )


@pytest.fixture
def data(tmp_path, monkeypatch):
    from django.conf import settings

    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    return tmp_path


def come_in(page, member) -> None:
    """Be signed in as somebody, second factor given."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    member.person.refresh_from_db()
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session.update(
        {
            SESSION_KEY: str(member.person_id),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: member.person.get_session_auth_hash(),
            "organisation": member.organisation_id,
            "second_factor": True,
        }
    )
    session.save()
    page.context.add_cookies([{"name": "sessionid", "value": session.session_key, "url": page.url}])


def perform(data, *, searches: int | None = None) -> None:
    """What a worker does; with a number, until it has asked so often whether it is to stop."""
    from gentie.contexts.studies import runs
    from gentie.contexts.studies.models import Run

    asked = iter(range(10**6))
    try:
        runs.perform(
            run_id=Run.objects.latest("pk").pk,
            data=data,
            now=lambda: datetime.now(UTC),
            is_stopping=lambda: searches is not None and next(asked) >= searches,
        )
    except runs.PutDown:
        assert searches is not None


def test_an_engineer_runs_a_study_and_sees_how_far_it_is(  # noqa: PLR0917 - fixtures
    people, ready, data, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    page = open_page("/", size=size, scheme=scheme)
    come_in(page, people.members["engineer"])
    page.goto("/studies/")
    assert_accessible(page)
    page.get_by_role("link", name="Study run of Example cluster").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Study run of Example cluster")
    assert_accessible(page)
    screenshot(page, f"run-before-{size[0]}-{scheme}")
    page.get_by_label("Wires first").check()
    page.get_by_role("button", name="Run the study").press("Enter")
    expect(page.locator("#run-words")).to_have_text("Waiting for a worker to take it up.")
    assert_accessible(page)
    screenshot(page, f"run-waiting-{size[0]}-{scheme}")

    # The page renews itself as the steps go by: nobody loads it again.
    perform(data, searches=8)
    expect(page.locator("#run-words")).to_contain_text("Relieving reliability constraints")
    expect(page.get_by_role("row", name="What the cluster overloads")).to_contain_text("done")
    assert_accessible(page)
    screenshot(page, f"run-under-way-{size[0]}-{scheme}")

    perform(data)
    expect(page.get_by_role("link", name="Open the study")).to_be_visible()
    expect(page.get_by_role("heading", name="Run it again")).to_be_visible()
    assert_accessible(page)
    screenshot(page, f"run-done-{size[0]}-{scheme}")
    page.get_by_role("link", name="Open the study").click()
    expect(heading).to_have_text("Example cluster")


def test_a_failed_run_says_what_to_do(  # noqa: PLR0917 - fixtures
    people, ready, data, open_page, size, scheme, assert_accessible, screenshot, monkeypatch
):
    from dataclasses import replace

    from playwright.sync_api import expect

    from gentie.contexts.studies import run_files
    from gentie.rulebook.book import load_grid_profile

    page = open_page("/", size=size, scheme=scheme)
    come_in(page, people.members["engineer"])
    page.goto(PATH)
    page.get_by_role("button", name="Run the study").click()
    other = replace(load_grid_profile("case_ACTIVSg500"), sources={"other.toml": b""})
    monkeypatch.setattr(run_files, "load_grid_profile", lambda name: other)
    perform(data)
    expect(page.get_by_role("alert")).to_contain_text("The study could not be made")
    expect(page.get_by_role("button", name="Run the study")).to_be_enabled()
    assert_accessible(page)
    screenshot(page, f"run-failed-{size[0]}-{scheme}")


def test_who_may_not_run_it_reads_why(  # noqa: PLR0917 - fixtures
    people, ready, open_page, size, scheme, assert_accessible, screenshot
):
    from playwright.sync_api import expect

    page = open_page("/", size=size, scheme=scheme)
    come_in(page, people.members["specialist"])
    page.goto(PATH)
    button = page.get_by_role("button", name="Run the study")
    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description(
        "It cannot be run now: Only a planning engineer starts a study; ask one of them."
    )
    assert_accessible(page)
    screenshot(page, f"run-refused-{size[0]}-{scheme}")


def test_without_a_script_the_page_is_opened_again(people, ready, data, browser, site):
    from playwright.sync_api import expect

    context = browser.new_context(base_url=site, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto("/")
        come_in(page, people.members["engineer"])
        page.goto(PATH)
        page.get_by_role("button", name="Run the study").click()
        perform(data, searches=5)
        page.get_by_role("link", name="See how far it is now").click()
        expect(page.get_by_role("row", name="What the cluster overloads")).to_be_visible()
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.locator("#run")).to_contain_text("being cancelled")
        perform(data)
        page.get_by_role("link", name="See how far it is now").click()
        expect(page.locator("#run")).to_contain_text("cancelled")
    finally:
        context.close()
