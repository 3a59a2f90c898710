"""The golden case ``cases/cluster_on_paper``: every number worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.capacity import capacity_at
from gentie.workbench.cases import read_case
from gentie.workbench.publication import published_case
from gentie.workbench.study import Inputs, StudyRun, run_study

FOLDER = Path(__file__).parents[3] / "cases" / "cluster_on_paper"
EXPECT = json.loads((FOLDER / "expect.json").read_text())


@pytest.fixture(scope="module", params=["ras_first", "wires_first"])
def run(request: pytest.FixtureRequest) -> StudyRun:
    case = read_case(FOLDER / "case.m")
    return run_study(
        Inputs(
            case=case,
            requests_content=(FOLDER / "requests.csv").read_bytes(),
            requests_name="requests.csv",
            rulebook=load_rulebook(),
            profile=load_grid_profile(case.name),
            policy=request.param,
        )
    )


def test_one_constraint_with_nothing_out_and_its_loadings(run: StudyRun) -> None:
    (row,) = run.results.table("constraints").as_dicts()
    assert row["constraint"] == EXPECT["constraint"]
    for figure in ("with_percent", "after_percent"):
        assert row[figure] == pytest.approx(EXPECT[figure], abs=EXPECT["tolerance_percent"])


def test_the_line_is_reconductored_at_the_cost_of_its_length(run: StudyRun) -> None:
    upgrade = run.results.table("upgrades").as_dicts()[0]
    assert upgrade["upgrade"] == EXPECT["upgrade"]
    assert upgrade["cost"] == Decimal(EXPECT["upgrade_cost"])
    assert upgrade["miles"] == EXPECT["miles"]
    assert upgrade["rating_after_mva"] == EXPECT["rating_after_mva"]


def test_each_pays_its_factor_times_its_mw(run: StudyRun) -> None:
    rows = [
        row for row in run.results.table("ledger").as_dicts() if row["upgrade"] == EXPECT["upgrade"]
    ]
    assert {row["request"]: str(row["amount"]) for row in rows} == EXPECT["shares"]
    assert {row["request"]: row["distribution_factor"] for row in rows} == EXPECT["factors"]
    totals = run.results.table("requests").as_dicts()
    assert {row["request"]: str(row["total_cost"]) for row in totals} == EXPECT["totals"]


def test_the_deliverability_test_balances_and_finds_nothing(run: StudyRun) -> None:
    summary = run.results.document("summary")
    assert summary["dispatch_share"] == EXPECT["dispatch_share"]
    found = summary["constraints"]["peak-deliverability"]["found"]
    assert found == EXPECT["deliverability_constraints"]


def test_the_point_alone_takes_what_the_same_line_leaves() -> None:
    case = read_case(FOLDER / "case.m")
    rulebook = load_rulebook()
    published = published_case(case, rulebook, load_grid_profile(case.name))
    report = capacity_at(published, bus=1, mw=67.4, rulebook_version=rulebook.version)
    expected = EXPECT["capacity_at_bus_1"]
    assert report.within_limits
    assert report.limit_mw == pytest.approx(expected["mw"], abs=EXPECT["tolerance_mw"])
    assert (report.limiting_element, report.outage) == (expected["element"], expected["outage"])
    assert report.next_limit_mw == pytest.approx(expected["next_mw"], abs=EXPECT["tolerance_mw"])
    assert report.next_limiting_element == expected["next_element"]
    assert report.next_outage == expected["next_outage"]
