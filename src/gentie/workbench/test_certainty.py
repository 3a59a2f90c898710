"""Scenarios of withdrawals: each one exact, the same on any number of processes, resumable."""

from __future__ import annotations

import hashlib
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gentie.engines.interconnection.cluster_state import NoEnd
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook
from gentie.workbench import certainty, certainty_figures, withdrawal_scenarios
from gentie.workbench.certainty import Unfinished, run_certainty, scenario_rules
from gentie.workbench.certainty_figures import Certainty, certainty_of, percentiles
from gentie.workbench.examples import ROWS, inputs_with
from gentie.workbench.kept_scenarios import KeptScenarios
from gentie.workbench.restudy import Changes, restudy
from gentie.workbench.study import Inputs, run_study
from gentie.workbench.withdrawal_scenarios import (
    ENDLESS,
    EVERYBODY,
    UNSTUDIED,
    WITHDRAWN,
    Biller,
    ScenarioRules,
    stays,
)

NAMES = ("R1", "R2", "R3", "R4", "R5", "R10")
RULES = ScenarioRules(count=30, seed=7, withdrawal=0.4)


@pytest.fixture(scope="module")
def biller() -> Biller:
    return Biller(inputs_with(*ROWS))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Certainty:
    kept_in = tmp_path_factory.mktemp("certainty") / "kept"
    return run_certainty(inputs_with(*ROWS), RULES, kept_in=kept_in, processes=1)


def cents_of_a_full_rerun(inputs: Inputs, staying: np.ndarray) -> list[int]:
    """What each request owes by a study of those that stay, everything in it."""
    names = [name for name, is_in in zip(NAMES, staying, strict=True) if not is_in]
    run = restudy(inputs, Changes(withdraw=tuple(names)))
    owed = {
        str(row["request"]): int(Decimal(str(row["total_cost"])) * 100)
        for row in run.results.table("requests").as_dicts()
    }
    return [owed.get(name, WITHDRAWN) for name in NAMES]


# ------------------------------------------------------------------------- who withdraws


def test_a_scenario_is_the_same_on_any_machine():
    """By the definition: the first 53 bits of a digest, as a number of [0, 1)."""
    for scenario, name in ((1, "R1"), (12, "R10")):
        digest = hashlib.sha256(f"7|{scenario}|{name}".encode()).hexdigest()
        chance = int(digest[:14], 16) / 16**14
        for withdrawal in (chance - 1e-9, chance + 1e-9):
            drawn = stays([name], scenario, replace(RULES, withdrawal=withdrawal))
            assert drawn.tolist() == [chance >= withdrawal]


def test_everybody_stays_in_scenario_0_and_with_probability_0():
    assert stays(NAMES, EVERYBODY, replace(RULES, withdrawal=1.0)).all()
    assert all(stays(NAMES, n, replace(RULES, withdrawal=0.0)).all() for n in range(1, 50))
    assert not any(stays(NAMES, n, replace(RULES, withdrawal=1.0)).any() for n in range(1, 50))


@given(st.sets(st.sampled_from(NAMES)), st.integers(1, 10_000), st.integers(0, 99))
def test_a_request_keeps_its_fate_where_others_leave_the_study(some, scenario, seed):
    rules = replace(RULES, seed=seed)
    everybody = dict(zip(NAMES, stays(NAMES, scenario, rules), strict=True))
    ordered = sorted(some)
    assert stays(ordered, scenario, rules).tolist() == [everybody[name] for name in ordered]


def test_as_many_leave_as_the_probability_says_each_by_itself():
    drawn = np.stack([stays(NAMES, n, RULES) for n in range(1, 4001)])
    assert drawn.mean(axis=0) == pytest.approx(np.full(6, 0.6), abs=0.03)
    assert np.corrcoef(drawn.T) == pytest.approx(np.eye(6), abs=0.06)
    other = np.stack([stays(NAMES, n, replace(RULES, seed=8)) for n in range(1, 4001)])
    assert (drawn == other).mean() == pytest.approx(0.6**2 + 0.4**2, abs=0.02)


# --------------------------------------------------------------------- each one is exact


@pytest.mark.parametrize("policy", ["ras_first", "wires_first"])
def test_every_scenario_is_a_full_rerun_to_the_cent(policy: str):
    inputs = inputs_with(*ROWS, policy=policy)
    biller = Biller(inputs)
    seen = set()
    for scenario in range(16):
        staying = stays(NAMES, scenario, RULES)
        if staying.any() and staying.tobytes() not in seen:
            seen.add(staying.tobytes())
            assert biller.cents(staying).tolist() == cents_of_a_full_rerun(inputs, staying)
    assert len(seen) > 8


@pytest.mark.xdist_group("demonstration")
def test_scenarios_of_the_demonstration_are_full_reruns_to_the_cent(demo_inputs: Inputs):
    biller = Biller(demo_inputs, threads=2)
    for scenario, withdrawal in ((1, 0.49), (2, 0.1)):
        staying = stays(biller.names, scenario, replace(RULES, withdrawal=withdrawal))
        gone = tuple(n for n, is_in in zip(biller.names, staying, strict=True) if not is_in)
        run = restudy(demo_inputs, Changes(withdraw=gone))
        owed = {
            str(row["request"]): int(Decimal(str(row["total_cost"])) * 100)
            for row in run.results.table("requests").as_dicts()
        }
        assert len(owed) == staying.sum()
        expected = [owed.get(name, WITHDRAWN) for name in biller.names]
        assert biller.cents(staying).tolist() == expected


def test_where_nobody_stays_nobody_owes(biller: Biller):
    assert biller.cents(np.zeros(6, np.bool_)).tolist() == [WITHDRAWN] * 6


def test_a_scenario_without_an_end_is_left_out_and_counted(monkeypatch, tmp_path: Path):
    studied = withdrawal_scenarios.cluster_costs

    def some_never_end(kept, requests, rules, **given):
        if len(requests) == 4:
            raise NoEnd("line:1:2:1|base|forward|peak-reliability")
        return studied(kept, requests, rules, **given)

    monkeypatch.setattr(withdrawal_scenarios, "cluster_costs", some_never_end)
    made = run_certainty(inputs_with(*ROWS), RULES, kept_in=tmp_path / "kept", processes=1)
    sizes = [int(stays(NAMES, n, RULES).sum()) for n in range(1, 31)]
    assert made.summary["without_an_end"] == sizes.count(4) > 0
    for row in made.table.as_dicts():
        column = NAMES.index(str(row["request"]))
        assert row["stays"] == sum(
            size != 4 and bool(stays(NAMES, n, RULES)[column]) for n, size in enumerate(sizes, 1)
        )


# -------------------------------------------------------------- processes, stops, resuming


def test_two_processes_say_what_one_says(found: Certainty, tmp_path: Path):
    told: list[tuple[str, int, int]] = []
    two = run_certainty(
        inputs_with(*ROWS),
        RULES,
        kept_in=tmp_path / "kept",
        processes=2,
        progress=lambda *step: told.append(step),
    )
    assert two.table.as_csv() == found.table.as_csv()
    assert two.summary == found.summary
    assert told[0] == ("scenarios", 0, 30)
    assert told[-1] == ("scenarios", 30, 30)
    assert told == sorted(told)


def test_a_stopped_run_goes_on_where_it_was(found: Certainty, tmp_path: Path, monkeypatch):
    kept_in = tmp_path / "kept"
    with pytest.raises(Unfinished) as stopped:
        run_certainty(
            inputs_with(*ROWS), RULES, kept_in=kept_in, processes=1, is_stopped=lambda: True
        )
    assert not (kept_in.parent / "kept.new").exists()
    assert (stopped.value.done, stopped.value.count) == (8, 30)
    studied: list[int] = []
    billed = certainty._billed

    def counted(biller, numbers, rules):
        studied.extend(numbers.tolist())
        return billed(biller, numbers, rules)

    monkeypatch.setattr(certainty, "_billed", counted)
    again = run_certainty(inputs_with(*ROWS), RULES, kept_in=kept_in, processes=1)
    assert studied == list(range(8, 31))
    assert again.table.as_csv() == found.table.as_csv()


def test_what_was_kept_of_other_scenarios_is_not_taken(tmp_path: Path):
    kept_in = tmp_path / "kept"
    with pytest.raises(Unfinished):
        run_certainty(
            inputs_with(*ROWS), RULES, kept_in=kept_in, processes=1, is_stopped=lambda: True
        )
    before = kept_in.read_bytes()
    for inputs, rules in (
        (inputs_with(*ROWS), replace(RULES, seed=8)),
        (inputs_with(*ROWS), replace(RULES, count=31)),
        (inputs_with(*ROWS[:-1]), RULES),
        (inputs_with(*ROWS, policy="wires_first"), RULES),
    ):
        with pytest.raises(BadInput, match="holds scenarios of another study") as bad:
            run_certainty(inputs, rules, kept_in=kept_in, processes=1)
        assert bad.value.findings[0].code == "certainty.kept.other"
    assert kept_in.read_bytes() == before


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match="cannot be used to keep the scenarios"):
        run_certainty(inputs_with(*ROWS), RULES, kept_in=tmp_path / "no" / "kept", processes=1)


def test_a_process_that_is_lost_leaves_the_rest_to_go_on_with(tmp_path: Path, monkeypatch):
    def lost(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(certainty, "_billed", lost)
    with pytest.raises(BadInput, match=r"0 of 30 scenarios are kept\. Run it again") as bad:
        run_certainty(inputs_with(*ROWS), RULES, kept_in=tmp_path / "kept", processes=1)
    assert bad.value.findings[0].code == "certainty.worker.lost"


# ------------------------------------------------------------------------------- figures


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=200))
def test_percentiles_are_costs_that_occurred(costs):
    for percent, figure in zip((10, 50, 90), percentiles(np.array(costs)), strict=True):
        assert figure in costs
        assert sum(cost <= figure for cost in costs) * 100 >= percent * len(costs)
        assert sum(cost < figure for cost in costs) * 100 < percent * len(costs)


def test_nothing_has_no_percentiles():
    assert percentiles(np.zeros(0, np.int64)) == (None, None, None)


def figures_of(tmp_path: Path, cents: np.ndarray) -> Certainty:
    """Of three requests whose scenarios are known, everybody's first."""
    kept = KeptScenarios(tmp_path / "kept", digest="d", count=len(cents), width=3)
    kept.keep(np.arange(len(cents)), cents)
    requests = certainty.read_requests(inputs_with(*ROWS[:3]).requests_content, "requests.csv")
    made = certainty_of(kept, requests, replace(RULES, count=len(cents) - 1), currency="USD")
    kept.close()
    return made


def test_figures_on_paper(tmp_path: Path):
    gone = WITHDRAWN
    cents = np.array(
        [
            [500, 300, 200],
            [100, gone, 200],
            [200, 400, gone],
            [600, 300, gone],
            [gone, 100, gone],
            [ENDLESS] * 3,
            [400, 900, gone],
            [gone, gone, gone],
            [700, 300, gone],
        ]
    )
    made = figures_of(tmp_path, cents)
    first, second, third = made.table.as_dicts()
    # Six of eight are the first three quarters: 100, 200, 600, 400 then, and 700 with the rest.
    assert first == {
        "request": "R1",
        "net_mw": 300.0,
        "as_studied": Decimal("5.00"),
        "stays": 5,
        "dearer": 2,
        "floor": Decimal("1.00"),
        "p10": Decimal("1.00"),
        "p50": Decimal("4.00"),
        "p90": Decimal("7.00"),
        "ceiling": Decimal("7.00"),
        "p10_moved": Decimal("0.00"),
        "p50_moved": Decimal("2.00"),
        "p90_moved": Decimal("1.00"),
    }
    assert (second["stays"], second["dearer"], second["p50"]) == (5, 2, Decimal("3.00"))
    assert (third["stays"], third["dearer"], third["ceiling"]) == (1, 0, Decimal("2.00"))
    summary = made.summary
    assert summary["without_an_end"] == 1
    assert summary["dearer_share"] == round(4 / 11, 6)
    assert summary["total"] == {
        "as_studied": "10.00",
        "floor": "0.00",
        "p10": "0.00",
        "p50": "6.00",
        "p90": "13.00",
        "ceiling": "13.00",
    }
    assert summary["convergence"] == {
        "scenarios_compared": [6, 8],
        "p50_moved_median": "0.00",
        "p50_moved_most": "2.00",
        "p90_moved_median": "0.00",
        "p90_moved_most": "1.00",
    }


def test_a_request_that_never_stays_has_no_figures(tmp_path: Path):
    made = figures_of(tmp_path, np.array([[500, 300, ENDLESS], [1, 2, WITHDRAWN]]))
    row = made.table.as_dicts()[2]
    assert row["stays"] == 0
    assert {row[field] for field in ("as_studied", "floor", "p50", "ceiling", "p90_moved")} == {
        None
    }
    assert b"R3,200.000,,0,0,,,,,,,," in made.table.as_csv()


def test_totals_are_read_piece_by_piece(tmp_path: Path, monkeypatch):
    cents = np.arange(33, dtype=np.int64).reshape(11, 3)
    whole = figures_of(tmp_path, cents).summary
    (tmp_path / "kept").unlink()
    monkeypatch.setattr(certainty_figures, "ROWS_AT_ONCE", 4)
    assert figures_of(tmp_path, cents).summary == whole


def test_the_figures_are_those_of_full_reruns(found: Certainty):
    inputs = inputs_with(*ROWS)
    rows = [cents_of_a_full_rerun(inputs, stays(NAMES, n, RULES)) for n in range(6)]
    row = found.table.as_dicts()[0]
    assert row["as_studied"] == Decimal(rows[0][0]).scaleb(-2)
    drawn = [one[0] for one in rows[1:] if one[0] >= 0]
    assert row["floor"] <= Decimal(min(drawn)).scaleb(-2)
    assert row["ceiling"] >= Decimal(max(drawn)).scaleb(-2)
    assert found.summary["total"]["as_studied"] == str(
        run_study(inputs).results.document("summary")["cost"]["total"]
    )
    assert found.summary["dearer_share"] > 0


# --------------------------------------------------------------------------------- rules


def test_the_rulebook_says_how_likely_a_withdrawal_is():
    book = load_rulebook()
    assert scenario_rules(book, count=10, seed=3) == ScenarioRules(10, 3, 0.49)
    assert scenario_rules(book, count=10, seed=3, withdrawal=0.0).withdrawal == 0.0


def test_all_that_is_wrong_with_the_figures_is_told_at_once():
    book = load_rulebook()
    without = replace(
        book,
        rules=MappingProxyType(
            {key: rule for key, rule in book.rules.items() if key != "certainty.withdrawal"}
        ),
    )
    with pytest.raises(BadInput) as bad:
        scenario_rules(without, count=0, seed=1)
    assert [finding.code for finding in bad.value.findings] == [
        "certainty.no_probability",
        "certainty.scenarios",
    ]
    with pytest.raises(BadInput) as bad:
        scenario_rules(book, count=2_000_000, seed=1, withdrawal=1.5)
    assert [finding.sentence for finding in bad.value.findings] == [
        "A probability of withdrawal of 1.5 cannot be; write one from 0 to 1.",
        "2,000,000 scenarios cannot be studied; write a number from 1 to 1,000,000.",
    ]
    with pytest.raises(BadInput, match="0 processes cannot work"):
        run_certainty(inputs_with(*ROWS), RULES, kept_in=Path("nowhere"), processes=0)


def test_what_is_not_known_yet_is_a_row_that_is_not_whole(tmp_path: Path):
    kept = KeptScenarios(tmp_path / "kept", digest="d", count=4, width=2)
    assert kept.unstudied().tolist() == [0, 1, 2, 3]
    kept.keep(np.array([2, 0]), np.array([[5, WITHDRAWN], [6, UNSTUDIED]]))
    kept.close()
    again = KeptScenarios(tmp_path / "kept", digest="d", count=4, width=2)
    assert again.unstudied().tolist() == [0, 1, 3]
    assert again.of_request(0).tolist() == [6, UNSTUDIED, 5, UNSTUDIED]
    again.close()
