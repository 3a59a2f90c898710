"""The tables and the summary of small studies."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest

from gentie.engines.interconnection.cluster_study import Policy
from gentie.formats.requests import natural_order
from gentie.workbench.cases import read_case
from gentie.workbench.examples import ROWS, TRIPPED_ROWS, inputs_with, small_run
from gentie.workbench.results import STUDIED
from gentie.workbench.study import StudyRun, run_study
from gentie.workbench.tables import Column, Tier, table

BOTH = pytest.mark.parametrize("policy", [policy.value for policy in Policy])


def written(run: StudyRun, name: str) -> list[dict[str, str]]:
    content = run.results.table(name).as_csv().decode()
    return list(csv.DictReader(io.StringIO(content)))


# ---------------------------------------------------------------------------------- a table


def test_cells_are_rounded_as_their_column_says() -> None:
    made = table(
        "t",
        Tier.PUBLIC,
        (Column("name", ""), Column("mw", "", 3), Column("count", ""), Column("is_so", "")),
        [
            ("a,b", 1.23456, 3, True),
            ("c", -0.00001, 0, False),
            ("d", float("nan"), 1, True),
            ("e", float("inf"), 1, True),
            ("f", None, 1, True),
        ],
    )
    assert made.as_csv().decode().splitlines() == [
        "name,mw,count,is_so",
        '"a,b",1.235,3,yes',
        "c,0.000,0,no",
        "d,,1,yes",
        "e,,1,yes",
        "f,,1,yes",
    ]
    assert made.as_dicts()[0] == {"name": "a,b", "mw": 1.235, "count": 3, "is_so": True}
    assert str(made.rows[1][1]) == "0.0"
    assert made.rows[2][1] is None


def test_money_is_written_to_the_cent() -> None:
    made = table("t", Tier.PRIVATE, (Column("amount", ""),), [(Decimal("12000000.10"),)])
    assert made.as_csv() == b"amount\n12000000.10\n"


@BOTH
def test_every_number_has_the_decimals_of_its_column(policy: str) -> None:
    run = small_run(policy)
    for one in run.results.tables:
        rows = written(run, one.name)
        assert len(rows) == len(one.rows)
        for column in one.columns:
            assert column.says, column.name
            if column.decimals is None:
                continue
            for row in rows:
                whole, _, fraction = row[column.name].partition(".")
                assert len(fraction) == column.decimals or not whole, (one.name, column.name)


def test_what_a_study_says_and_to_whom() -> None:
    files = small_run().results.files()
    assert {name: str(tier) for name, (tier, _) in files.items()} == {
        "constraints.csv": "ceii",
        "constraint_requests.csv": "private",
        "upgrades.csv": "private",
        "schemes.csv": "ceii",
        "requests.csv": "private",
        "ledger.csv": "private",
        "unreached.csv": "ceii",
        "set_apart.csv": "ceii",
        "islanding.csv": "ceii",
        "summary.json": "public",
        "assumptions.json": "public",
        "fidelity.json": "ceii",
        "pictures.json": "ceii",
    }
    for name, (_, content) in files.items():
        assert content.endswith(b"\n"), name
        if name.endswith(".json"):
            assert json.loads(content) is not None


# ----------------------------------------------------------------------------------- ledger


@BOTH
def test_the_total_of_a_request_is_the_sum_of_its_ledger_rows(policy: str) -> None:
    run = small_run(policy)
    ledger = written(run, "ledger")
    for row in written(run, "requests"):
        own = [Decimal(line["amount"]) for line in ledger if line["request"] == row["request"]]
        assert Decimal(row["total_cost"]) == sum(own)
        parts = ("reliability_cost", "local_delivery_cost", "switchyard_cost", "own_cost")
        assert Decimal(row["total_cost"]) == sum(Decimal(row[part]) for part in parts)
        per_kw = Decimal(row["total_cost"]) / Decimal(row["net_mw"]) / 1000
        assert abs(Decimal(row["cost_per_kw"]) - per_kw) <= Decimal("0.005")


@BOTH
def test_the_rows_of_an_upgrade_sum_to_its_cost(policy: str) -> None:
    run = small_run(policy)
    ledger = written(run, "ledger")
    upgrades = written(run, "upgrades")
    assert {line["upgrade"] for line in ledger} == {row["upgrade"] for row in upgrades}
    for row in upgrades:
        own = [line for line in ledger if line["upgrade"] == row["upgrade"]]
        assert sum(Decimal(line["amount"]) for line in own) == Decimal(row["cost"])
        assert sum(float(line["share"]) for line in own) == pytest.approx(1.0, abs=1e-7)
        assert {line["constraint"] for line in own} == {row["constraint"]}
    whole = run.results.document("summary")["cost"]["total"]
    assert Decimal(whole) == sum(Decimal(row["cost"]) for row in upgrades)


def test_reliability_and_delivery_are_kept_apart() -> None:
    by_class = small_run("wires_first").results.document("summary")["cost"]["by_class"]
    ledger = {row["upgrade"]: row for row in written(small_run("wires_first"), "upgrades")}
    for name in ("reliability network upgrade", "local delivery network upgrade"):
        costs = [Decimal(row["cost"]) for row in ledger.values() if row["cost_class"] == name]
        assert costs
        assert Decimal(by_class[name]) == sum(costs)
    for row in ledger.values():
        if row["cost_class"] == "local delivery network upgrade":
            assert row["constraint"].endswith("|peak-deliverability")


def test_the_switchyard_is_shared_equally_and_own_facilities_are_not() -> None:
    ledger = written(small_run(), "ledger")
    yard = [row for row in ledger if row["upgrade"] == "switchyard:point:114"]
    assert [(row["request"], row["amount"], row["basis"]) for row in yard] == [
        ("R1", "6000000.00", "equal share"),
        ("R2", "6000000.00", "equal share"),
    ]
    (own,) = [row for row in ledger if row["upgrade"] == "position:R10"]
    assert (own["request"], own["amount"], own["share"]) == ("R10", "3000000.00", "1.000000000")


def test_energy_only_owes_no_delivery_upgrade() -> None:
    (row,) = [row for row in written(small_run(), "requests") if row["request"] == "R5"]
    assert (row["study_mw"], row["local_delivery_cost"]) == ("0.000", "0.00")


# ----------------------------------------------------------------------------- constraints


@BOTH
def test_every_constraint_is_relieved_and_says_how(policy: str) -> None:
    run = small_run(policy)
    rows = run.results.table("constraints").as_dicts()
    assert rows
    upgrades = {row["upgrade"] for row in written(run, "upgrades")}
    for row in rows:
        element, outage, direction, condition = str(row["constraint"]).split("|")
        assert (element, outage, condition) == (row["element"], row["outage"], row["condition"])
        assert direction in ("forward", "reverse")
        assert row["with_percent"] > 100 >= row["after_percent"]
        assert row["before_percent"] <= 100
        built = {name for name in str(row["upgrades"]).split(";") if name}
        assert built <= upgrades
        assert row["treatment"] in (
            ("upgraded", "upgraded and remedial action")
            if built
            else ("remedial action", "relieved by other upgrades")
        )


def test_schemes_name_what_they_trip_and_what_they_protect() -> None:
    run = run_study(inputs_with(*TRIPPED_ROWS))
    schemes = run.results.table("schemes").as_dicts()
    (constraint,) = run.results.table("constraints").as_dicts()
    assert constraint["treatment"] == "remedial action"
    assert constraint["outages"] == len(schemes) > 1
    assert constraint["outage"] in {scheme["outage"] for scheme in schemes}
    mw = {request.request: request.net_mw for request in run.requests}
    for scheme in schemes:
        names = str(scheme["requests"]).split(";")
        assert scheme["tripped_mw"] == sum(mw[name] for name in names) > 0
        assert scheme["elements"] == constraint["element"]
    taking_part = {str(name) for row in schemes for name in str(row["requests"]).split(";")}
    paid = [row for row in written(run, "ledger") if row["upgrade"].startswith("remedial-action:")]
    assert {row["request"] for row in paid} == taking_part
    assert {row["amount"] for row in paid} == {"2000000.00"}
    wires = run_study(inputs_with(*TRIPPED_ROWS, policy="wires_first"))
    assert written(wires, "schemes") == []
    assert wires.results.table("constraints").as_dicts()[0]["treatment"] == "upgraded"


def test_impacts_are_factor_times_mw() -> None:
    mw = {row["request"]: row for row in small_run().results.table("requests").as_dicts()}
    rows = small_run().results.table("constraint_requests").as_dicts()
    assert rows
    for row in rows:
        column = "net_mw" if str(row["constraint"]).endswith("reliability") else "study_mw"
        studied = float(str(mw[row["request"]][column]))
        assert row["impact_mw"] == pytest.approx(
            float(str(row["distribution_factor"])) * studied, abs=1e-3
        )


def test_requests_come_in_their_natural_order_with_all_they_hold() -> None:
    rows = written(small_run(), "requests")
    names = [row["request"] for row in rows]
    assert names == ["R1", "R2", "R3", "R4", "R5", "R10"] == sorted(names, key=natural_order)
    assert rows[3]["technologies"] == "solar 250 MW + storage 150 MW 600 MWh"
    assert (rows[3]["net_mw"], rows[3]["study_mw"]) == ("300.000", "187.500")
    assert rows[0]["owner"] == ""
    assert rows[0]["point"] == "point:114"


def test_the_order_of_rows_in_the_file_changes_nothing() -> None:
    turned = run_study(inputs_with(*reversed(ROWS)))
    assert turned.results.files() == small_run().results.files()


def test_threads_change_nothing() -> None:
    alone = run_study(inputs_with(*ROWS), threads=1)
    assert alone.results.files() == small_run().results.files()


def test_progress_is_told() -> None:
    steps: list[str] = []
    run_study(inputs_with(ROWS[0]), progress=lambda step, *_: steps.append(step))
    assert list(dict.fromkeys(steps)) == [
        "published case",
        "transfer factors",
        "reliability",
        "deliverability",
        "reliability upgrades",
        "deliverability upgrades",
        "cost and check",
        "tables",
    ]


# ----------------------------------------------------------------------------- the summary


def test_the_summary_counts_what_the_tables_hold() -> None:
    run = small_run()
    summary = run.results.document("summary")
    assert summary["requests"] == {
        "count": 6,
        "mw": 1570.0,
        "full": 5,
        "points": 5,
        "study_mw": 727.5,
    }
    conditions = [row["condition"] for row in written(run, "constraints")]
    for name, found in summary["constraints"].items():
        assert conditions.count(name) == found["found"] + found["arose_from_upgrades"]
    assert summary["upgrades"] == len(written(run, "upgrades"))
    assert summary["schemes"] == len(written(run, "schemes"))
    assert summary["published"]["set_apart"] == len(written(run, "set_apart"))
    assert summary["published"]["islanding_outages"] == len(written(run, "islanding"))
    assert summary["check"]["overloads_left"] == 0
    assert summary["check"]["flow_agrees"]
    assert summary["check"]["loading_agrees"]


def test_the_share_that_balances_times_all_study_amounts_is_the_fleet() -> None:
    summary = small_run().results.document("summary")
    fleet, new = summary["published"]["fleet_mw"], summary["requests"]["study_mw"]
    assert summary["dispatch_share"] * (fleet + new) == pytest.approx(fleet, abs=0.01)


def test_every_assumption_is_listed() -> None:
    run = small_run()
    listed = run.results.document("assumptions")
    rests_on = [key for key in run.inputs.rulebook.rules if key.partition(".")[0] in STUDIED]
    assert [entry["key"] for entry in listed] == sorted(rests_on)
    assert not any(key.startswith("access.") for key in rests_on)
    assert all(entry["section"] and entry["standing"] for entry in listed)


def test_an_unrated_case_says_why_it_finds_no_constraint() -> None:
    run = run_study(inputs_with("R1,10,solar,500,,full,", case=read_case("case118")))
    summary = run.results.document("summary")
    assert summary["published"]["monitored_elements"] == 0
    assert written(run, "constraints") == []
    assert (
        "The study finds no constraint because the case gives no rating to any line or transformer "
        "of the studied areas; it can say what stands at the points, not what the grid lacks."
    ) in summary["notes"]
    kinds = [row["kind"] for row in written(run, "upgrades")]
    assert kinds == ["switchyard position", "interconnection facilities"]
    assert Decimal(summary["cost"]["total"]) > 0


def test_energy_only_alone_has_no_deliverability_test() -> None:
    run = run_study(inputs_with("R1,114,solar,50,,energy_only,"))
    summary = run.results.document("summary")
    assert summary["dispatch_share"] is None
    assert summary["requests"]["full"] == 0
    assert summary["constraints"]["peak-deliverability"]["found"] == 0
