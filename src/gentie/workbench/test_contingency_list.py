from dataclasses import replace

import numpy as np
import pytest

from gentie.engines.grid.linear import base_injection_mw
from gentie.formats.contingency_csv import read_contingency_csv
from gentie.formats.matpower.examples import BRANCH, case_text
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook
from gentie.workbench import contingency_list
from gentie.workbench.cases import case_from, read_case
from gentie.workbench.contingencies import contingencies_of
from gentie.workbench.contingency_list import list_report
from tests.networks import resolved_flow_mw

RULES = load_rulebook("california")
HEAD = "contingency,element\n"


def listed(case, *lines, **options):
    content = (HEAD + "\n".join(lines)).encode()
    return list_report(case, content, "list.csv", rulebook=RULES, **options)


def small(**parts):
    return case_from(case_text(**parts), "small.m")


def test_a_list_on_paper():
    branch = BRANCH.replace("100\t100\t100", "40\t0\t0")
    report = listed(
        small(branch=branch),
        "the long way,line:2:3:1",
        "bus 3 alone,line:2:3:1",
        "bus 3 alone,line:1:3:1",
        "the unit at 3,unit:3:1",
    )
    # Without line 2-3 all 50 MW go over line 1-2, whose limit is 1.15 x 40 MW.
    assert [(pair.element, pair.outage, pair.loading_percent) for pair in report.pairs] == [
        ("line:1:2:1", "the long way", 108.6957)
    ]
    assert [(cut.outage, cut.buses, cut.generation_mw) for cut in report.islanding] == [
        ("bus 3 alone", 1, 30)
    ]
    assert (report.contingencies, report.solved, report.overloads) == (3, 2, 1)
    assert (report.short, report.without_solution) == ((), ())
    # The unit at bus 1 has 80 MW and takes the 30 MW: two thirds of 50 MW go the short way.
    unit = listed(small(branch=branch), "the unit at 3,unit:3:1", above_percent=50.0)
    assert [(pair.element, pair.loading_percent) for pair in unit.pairs] == [
        ("line:1:2:1", round(100 * 50 * 2 / 3 / 46, 4))
    ]


def test_a_loss_that_nobody_has_room_for_is_told():
    report = listed(small(), "both,unit:3:1", "both,unit:1:1")
    (short,) = report.short
    assert (short.contingency, short.loss_mw, short.short_mw) == ("both", 50, 50)


def test_single_outages_as_a_list_are_the_single_outages():
    case = read_case("case_ACTIVSg500")
    single = contingencies_of(case, rulebook=RULES, above_percent=60)
    studied = {pair.outage for pair in single.pairs} | {cut.outage for cut in single.islanding}
    lines = [f"{name},{name}" for name in case.network.element_ids if name in studied - {"base"}]
    report = listed(case, *lines, above_percent=60)
    one, other = (
        {
            (pair.element, pair.outage): pair.loading_percent
            for pair in pairs
            if pair.outage != "base"
        }
        for pairs in (single.pairs, report.pairs)
    )
    assert one.keys() == other.keys()
    assert all(other[pair] == pytest.approx(one[pair], abs=2e-4) for pair in one)
    assert report.islanding == single.islanding


def test_pairs_are_those_of_a_grid_solved_without_the_elements():
    case = read_case("case_RTS_GMLC")
    ids = case.network.element_ids
    drawn = np.random.default_rng(4).choice(len(ids), (30, 3), replace=True)
    lines = [f"{at},{ids[row]}" for at, rows in enumerate(drawn) for row in sorted(set(rows))]
    report = listed(case, *lines, above_percent=60)
    network = case.network
    injection = base_injection_mw(network, imbalance_on_load=True)
    assert report.pairs
    for pair in report.pairs:
        in_service = network.branches.in_service.copy()
        in_service[drawn[int(pair.outage)]] = False
        opened = replace(network, branches=replace(network.branches, in_service=in_service))
        flow = resolved_flow_mw(opened, injection)[ids.index(pair.element)]
        assert pair.loading_percent == pytest.approx(100 * abs(flow) / pair.limit_mw, abs=1e-3)


def test_every_reason_is_told_at_once():
    with pytest.raises(BadInput) as refusal:
        listed(small(), "a,line:1:2:1", "a,line:1:2:1", "b,line:1:9:1", "c,unit:2:1")
    advice = (
        "Name a branch as line:FROM:TO:CIRCUIT or transformer:FROM:TO:CIRCUIT, a unit as "
        "unit:BUS:NUMBER."
    )
    assert [finding.sentence for finding in refusal.value.findings] == [
        "list.csv, line 3: a names line:1:2:1 twice. Leave one of them out.",
        f"list.csv, line 4: small has no line:1:9:1. {advice}",
        f"list.csv, line 5: small has no unit:2:1. {advice}",
    ]


def test_more_than_six_branches_and_nothing_at_all():
    case = read_case("case_RTS_GMLC")
    lines = [f"all,{name}" for name in case.network.element_ids[:7]]
    with pytest.raises(
        BadInput, match=r"list.csv: all opens 7 branches and at most 6 open together"
    ):
        listed(case, *lines)
    with pytest.raises(BadInput, match="the list has no contingency"):
        listed(case)
    with pytest.raises(BadInput, match="60 more reasons are not listed"):
        listed(case, *(f"{number},nothing" for number in range(100)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"", "the first line is not contingency,element"),
        (b"name,element\n", "the first line is not contingency,element"),
        (b'contingency,element\n"a,b\n', "this is not CSV"),
        (b"contingency,element\na\nb,c,d\n", "line 2: a line has the name"),
        (b"x" * 50_000_001, "at most 50 MB"),
    ],
)
def test_files_that_are_refused(content, words):
    with pytest.raises(BadInput, match=words):
        read_contingency_csv(content, "list.csv")


def test_too_many_pairs(monkeypatch):
    monkeypatch.setattr(contingency_list, "MOST_PAIRS", 0)
    branch = BRANCH.replace("100\t100\t100", "40\t0\t0")
    with pytest.raises(BadInput, match="1 pairs of branch and contingency are above 100%"):
        listed(small(branch=branch), "a,line:2:3:1")


def test_a_case_of_several_parts_is_refused():
    with pytest.raises(BadInput, match="parts that are not connected by AC"):
        listed(read_case("case16ci"), "a,line:1:4:1")
