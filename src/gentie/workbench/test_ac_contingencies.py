from dataclasses import replace
from pathlib import Path

import pytest

from gentie.formats.matpower.examples import BRANCH, case_text
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook
from gentie.workbench import ac_contingencies
from gentie.workbench.ac_contingencies import ac_contingencies_of
from gentie.workbench.cases import case_from, read_case

RULES = load_rulebook("california")
PAPER = Path(__file__).resolve().parents[3] / "cases" / "ac_outages_on_paper" / "case.m"


def test_outages_on_paper():
    report = ac_contingencies_of(read_case(PAPER), rulebook=RULES, above_percent=80)
    told = {outage.outage: outage for outage in report.outages}
    # the limit after an outage is 1.15 times the normal rating
    assert told["line:1:2:1"].worst_loading_percent == pytest.approx(111.803399 / 1.15, abs=1e-3)
    assert told["line:1:2:1"].worst_element == "line:1:2:2"
    assert (told["line:1:2:1"].lowest_bus, told["line:1:2:1"].lowest_voltage_pu) == (2, 0.894427)
    assert told["unit:3:1"].worst_loading_percent == pytest.approx(100 / 0.9 / 1.15, abs=1e-3)
    lost = told["line:1:3:1"]
    assert (lost.status, lost.lost_buses, lost.lost_load_mw) == ("islanded", 1, 96)
    assert lost.lost_generation_mw == 40
    slack = told["unit:1:1"]
    assert (slack.status, slack.reason) == ("not_simulated", "the only unit of the slack bus")
    assert slack.worst_loading_percent is slack.lowest_bus is None
    assert [(pair.element, pair.outage) for pair in report.pairs] == [
        ("line:1:2:2", "line:1:2:1"),
        ("line:1:3:1", "unit:3:1"),
    ]
    assert [pair.limit_mva for pair in report.pairs] == [115, 103.5]
    assert (report.solved, report.overloads, report.monitored) == (4, 0, 3)


def test_a_base_case_without_a_solution_is_refused():
    text = case_text().decode().replace("\t50\t", "\t9000\t")
    with pytest.raises(BadInput, match=r"no AC solution to take outages from\. No solution from"):
        ac_contingencies_of(case_from(text.encode(), "small.m"), rulebook=RULES)


def test_a_case_of_several_parts_is_refused():
    with pytest.raises(BadInput, match="parts that are not connected by AC"):
        ac_contingencies_of(read_case("case16ci"), rulebook=RULES)


def test_too_many_pairs(monkeypatch):
    monkeypatch.setattr(ac_contingencies, "MOST_PAIRS", 1)
    case = case_from(case_text(branch=BRANCH.replace("100\t100\t100", "4\t0\t0")), "small.m")
    with pytest.raises(BadInput, match=r"^small\.m: \d+ pairs of branch and outage are above 100%"):
        ac_contingencies_of(case, rulebook=RULES)


def test_threads_change_nothing():
    case = read_case("case118")
    one, two = (ac_contingencies_of(case, rulebook=RULES, threads=threads) for threads in (1, 2))
    assert replace(one, findings=()) == replace(two, findings=())
    assert one.monitored == 0
    assert one.pairs == ()
    assert {outage.status for outage in one.outages} == {"solved", "islanded", "not_simulated"}
