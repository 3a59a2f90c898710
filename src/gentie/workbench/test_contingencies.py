import numpy as np
import pytest

from gentie.engines.grid.linear import base_injection_mw, linear_model
from gentie.formats.matpower.examples import BRANCH, case_text
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook
from gentie.workbench import contingencies
from gentie.workbench.cases import case_from, read_case
from gentie.workbench.contingencies import contingencies_of

RULES = load_rulebook("california")


def test_outages_on_paper():
    branch = BRANCH.replace("100\t100\t100", "40\t0\t0")
    report = contingencies_of(case_from(case_text(branch=branch), "small.m"), rulebook=RULES)
    # without line 2-3 all 50 MW go over line 1-2, and the other way round
    assert [(pair.element, pair.outage) for pair in report.pairs] == [
        ("line:1:2:1", "line:2:3:1"),
        ("line:2:3:1", "line:1:2:1"),
    ]
    assert [pair.limit_mw for pair in report.pairs] == [46, 46]
    assert [pair.loading_percent for pair in report.pairs] == [108.6957, 108.6957]
    assert (report.monitored, report.outages, report.overloads) == (3, 3, 2)
    assert report.emergency_multiplier == 1.15


def test_pairs_are_those_of_solving_each_outage_again():
    case = read_case("case_RTS_GMLC")
    report = contingencies_of(case, rulebook=RULES, above_percent=60)
    network = case.network
    told = {(pair.element, pair.outage): pair.loading_percent for pair in report.pairs}
    assert told
    model = linear_model(network)
    flow = model.flow_mw(base_injection_mw(network, imbalance_on_load=True))
    row = {name: place for place, name in enumerate(network.element_ids)}
    for (element, outage), percent in told.items():
        after = flow + (
            0 if outage == "base" else model.outage_factors(row[outage]) * flow[row[outage]]
        )
        limit = next(
            pair.limit_mw
            for pair in report.pairs
            if (pair.element, pair.outage) == (element, outage)
        )
        assert percent == pytest.approx(100 * abs(after[row[element]]) / limit, abs=1e-3)
    assert sorted(told.values(), reverse=True) == [p.loading_percent for p in report.pairs]


def test_islanding_outages_are_named():
    radial = "mpc.branch = [1 2 0 .1 0 99 0 0 0 0 1; 1 3 0 .1 0 99 0 0 0 0 1];\n"
    report = contingencies_of(case_from(case_text(branch=radial), "small.m"), rulebook=RULES)
    assert [
        (cut.outage, cut.buses, cut.load_mw, cut.generation_mw) for cut in report.islanding
    ] == [
        ("line:1:2:1", 1, 50, 0),
        ("line:1:3:1", 1, 0, 30),
    ]
    assert (report.outages, report.pairs) == (0, ())


def test_a_case_without_ratings_has_no_pairs():
    report = contingencies_of(read_case("case118"), rulebook=RULES, above_percent=50)
    assert (report.monitored, report.pairs) == (0, ())


def test_a_case_of_several_parts_is_refused():
    with pytest.raises(BadInput, match="parts that are not connected by AC"):
        contingencies_of(read_case("case16ci"), rulebook=RULES)


def test_too_many_pairs(monkeypatch):
    monkeypatch.setattr(contingencies, "MOST_PAIRS", 1)
    branch = BRANCH.replace("100\t100\t100", "40\t0\t0")
    with pytest.raises(BadInput) as refusal:
        contingencies_of(case_from(case_text(branch=branch), "small.m"), rulebook=RULES)
    assert str(refusal.value) == (
        "small.m: 2 pairs of branch and outage are above 100% and at most 1 are listed. "
        "Raise the threshold."
    )


def test_threads_change_nothing():
    case = read_case("case_ACTIVSg500")
    one, two = (
        contingencies_of(case, rulebook=RULES, above_percent=50, threads=threads)
        for threads in (1, 2)
    )
    assert one == two
    assert np.isfinite([pair.loading_percent for pair in one.pairs]).all()
