"""The thread through the portal on the demonstration's 10,000 buses, as people go through it.

A visitor finds capacity, a customer asks for it and is refused with every reason and then taken, an
engineer studies it, and the customer reads what it costs and why.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pyotp
import pytest

from tests.browser.test_accounts_site import sign_in

NOW = datetime.now(UTC).replace(microsecond=0)
BY = "program:test"
CASE = "case_ACTIVSg10k"


@pytest.fixture
def world(transactional_db, tmp_path, monkeypatch):
    from django.conf import settings

    from gentie.contexts.accounts.examples import cast, installed
    from gentie.contexts.grid.actions import publish_case
    from gentie.contexts.grid.runs import capacity_rows, case_source
    from gentie.contexts.intake.actions.filing import submit_request
    from gentie.contexts.intake.examples import example_cluster, example_draft
    from gentie.rulebook.book import load_grid_profile, load_rulebook
    from gentie.workbench.cases import read_case

    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    at = NOW - timedelta(hours=1)
    people = cast(by=BY, at=at)
    installed(by=BY, at=at)
    case, rulebook, profile = read_case(CASE), load_rulebook(), load_grid_profile(CASE)
    facts, rows = capacity_rows(case, rulebook, profile)
    published = publish_case(
        facts=facts,
        points=rows,
        by=BY,
        at=at,
        source=case_source(case, rulebook, profile, rows),
    )
    cluster = example_cluster(published, by=BY, at=at)
    room = published.points.filter(kv=138.0, capacity_mw__range=(250, 300)).order_by("bus")
    point = room.first()
    other = people.members["other"]
    # Another company is there already, at the same point, and takes most of its room.
    taken = example_draft(
        cluster,
        organisation_id=other.organisation_id,
        person_id=other.person_id,
        by=BY,
        at=at,
        bus=point.bus,
        project="Secret Wind",
        technology_1="wind",
        mw_1="260",
        technology_2="",
        mw_2="",
        mwh_2="",
        gross_mw="242",
    )
    submit_request(request_id=taken.pk, role="program", person_id=other.person_id, by=BY, at=at)
    return SimpleNamespace(people=people, cluster=cluster, point=point, data=tmp_path, case=case)


def come_in_with_code(page, word: str) -> None:
    """Sign in as somebody of the operator, setting the second factor up."""
    sign_in(page, word)
    app = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    page.get_by_label("Code (six digits)").fill(app.now())
    page.get_by_role("button", name="Confirm the code").click()


def work(world) -> None:
    """What the worker beside the service does with the run that was asked for."""
    from gentie.contexts.studies import runs
    from gentie.contexts.studies.models import Run

    runs.perform(
        run_id=Run.objects.latest("pk").pk,
        data=world.data,
        now=lambda: datetime.now(UTC),
        is_stopping=lambda: False,
    )


def test_from_can_i_connect_here_to_what_it_costs(world, open_page, tmp_path, screenshot):
    from playwright.sync_api import expect

    from gentie.contexts.intake.examples import COMPLETE, EVIDENCE
    from gentie.contexts.intake.reads import study_file
    from gentie.contexts.studies.models import Study
    from gentie.rulebook.book import load_grid_profile, load_rulebook
    from gentie.workbench.bundle import manifest_of, verify_bundle
    from gentie.workbench.study import Inputs, run_study

    point = world.point
    # A visitor finds room at a point, with what limits it.
    page = open_page(f"/capacity/points/{point.bus}/", silent=False)
    expect(page.get_by_role("main")).to_contain_text(f"{point.capacity_mw:,.1f} MW")
    expect(page.get_by_role("main")).to_contain_text("Limited by")
    page.get_by_label("Your injection, MW").fill("200")
    page.get_by_role("button", name="Show what it does").click()
    expect(page.get_by_role("heading", name="What 200 MW would do")).to_be_visible()

    # A customer asks for it there.
    page.get_by_role("link", name="Sign in to request a connection here").click()
    sign_in(page, "customer")
    page.get_by_role("button", name="Begin a request here").click()
    page.get_by_role("button", name="Submit request").click()
    told = page.get_by_role("alert").get_by_role("listitem")
    refused = told.count()
    assert refused > 12
    screenshot(page, "thread-refused")

    answers = {
        **COMPLETE,
        "project": "Thread Sun",
        "technology_1": "solar",
        "mw_1": "210",
        "technology_2": "storage",
        "mw_2": "100",
        "mwh_2": "400",
        "gross_mw": "202",
        "limited_by": "Plant controller",
    }
    for field, text in answers.items():
        box = page.locator(f"#in-{field}")
        expect(box).to_be_visible()
        if field == "certified":
            box.check()
        elif box.evaluate("box => box.tagName") == "SELECT":
            box.select_option(text)
        else:
            box.fill(text)
        expect(page.locator(".g-request__said")).to_contain_text("Saved")
    page.locator("#in-site_evidence").set_input_files(
        {"name": "option.pdf", "mimeType": "application/pdf", "buffer": EVIDENCE}
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("link", name="option.pdf")).to_be_visible()
    page.get_by_role("button", name="Submit request").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thread Sun")
    expect(page.get_by_role("main")).to_contain_text("Request C2-002 of Cluster 2, filed")
    expect(page.get_by_role("main")).to_contain_text("$255,000")
    project = page.url
    screenshot(page, "thread-filed")

    # An engineer takes both requests into the cluster and runs the study.
    desk = open_page("/sign-in/?next=/clusters/cluster-2/", silent=False)
    come_in_with_code(desk, "engineer")
    for number in ("C2-001", "C2-002"):
        desk.get_by_label(f"Choose {number}").check()
    desk.get_by_role("button", name="Take into the cluster").click()
    desk.get_by_role("button", name="Close the window now").click()
    screenshot(desk, "thread-cluster")
    desk.get_by_role("link", name="Run the study").click()
    desk.get_by_role("button", name="Run the study").click()
    expect(desk.locator("#run-words")).to_have_text("Waiting for a worker to take it up.")
    work(world)
    expect(desk.get_by_role("link", name="Open the study")).to_be_visible()
    screenshot(desk, "thread-run")

    # The customer reads the cost and its rows, which sum to it.
    page.goto(project)
    expect(page.get_by_role("heading", name="What the study says")).to_be_visible()
    screenshot(page, "thread-cost")
    page.get_by_role("link", name="See every row, with the arithmetic").click()
    total = Decimal(re.sub(r"[^0-9.]", "", page.locator("#total-cost").inner_text()))
    rows = page.locator("[data-amount]").evaluate_all(
        "cells => cells.map(cell => cell.dataset.amount)"
    )
    assert len(rows) >= 2
    assert sum(map(Decimal, rows)) == total > 0
    expect(page.get_by_role("main")).to_contain_text("The rows sum to the total cost, to the cent.")
    screenshot(page, "thread-ledger")
    # Of the other company it sees that there is a request, and nothing of its money.
    page.goto(page.url.replace("C2-002", "C2-001"))
    expect(page.get_by_role("main")).to_contain_text("Costs and shares are private")
    assert page.locator("[data-amount]").count() == 0
    assert "Secret Wind" not in page.content()
    page.goto("/notices/")
    expect(page.get_by_role("main")).to_contain_text("results published")

    # The bundle verifies, and is the command line's of the same requests.
    address = desk.url.split("/clusters")[0]
    study = Study.objects.get()
    answer = desk.request.get(f"{address}/studies/{study.slug}/bundle.zip")
    assert answer.ok
    folder = tmp_path / "downloaded"
    zipfile.ZipFile(io.BytesIO(answer.body())).extractall(folder)
    assert verify_bundle(folder).is_identical
    mine = manifest_of(
        run_study(
            Inputs(
                case=world.case,
                requests_content=study_file(world.cluster),
                requests_name="requests.csv",
                rulebook=load_rulebook(),
                profile=load_grid_profile(CASE),
            )
        )
    )
    import json

    theirs = json.loads((folder / "manifest.json").read_text())
    assert {name: one["sha256"] for name, one in theirs["files"].items()} == {
        name: one["sha256"] for name, one in mine["files"].items()
    }
