"""The deliverability kernel against a plain evaluation of every pair, without its bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gentie.engines.interconnection.cluster import study_cluster
from gentie.engines.interconnection.cluster_study import StudyRequest
from gentie.engines.interconnection.deliverability import (
    DeliverabilityLoading,
    DeliverabilityRules,
    circle_of,
    deliverability_flow,
    deliverability_loading,
)
from gentie.engines.interconnection.elements import BASE, ElementTable
from gentie.engines.interconnection.examples import (
    DELIVERABILITY_RULES,
    Line,
    Transformer,
    Unit,
    network_of,
    published,
    random_network,
    study_rules,
)
from gentie.engines.interconnection.published import AT_LIMIT

FEW = replace(DELIVERABILITY_RULES, raised_units=3)


def random_question(
    seed: int, generators: int, *, rating_mva: float = 60.0
) -> tuple[ElementTable, dict[str, Any]]:
    """A table, and existing units and requests with study amounts on random buses."""
    chance = np.random.default_rng(seed)
    case = published(random_network(chance, rating_mva=rating_mva))
    n = len(case.network.buses)
    table = ElementTable(case, np.arange(n))
    fleet = len(case.fleet_bus)
    requests = chance.integers(0, n - 1, max(1, generators - fleet))
    existing = np.concatenate([case.fleet_mw, np.zeros(len(requests))])
    study = np.concatenate([case.fleet_mw, chance.uniform(2, 60, len(requests))])
    columns = np.concatenate([case.fleet_bus, requests])
    if seed % 4 == 0:
        table.add_circuit(int(chance.integers(0, len(table.row))))
    return table, {"columns": columns, "study_mw": study, "existing_mw": existing}


def worst_of(
    table: ElementTable, *, rules: DeliverabilityRules, threads: int = 2, **question: Any
) -> DeliverabilityLoading:
    """The kernel; what has no stored output is a request."""
    return deliverability_loading(
        table,
        **question,
        is_request=question["existing_mw"] == 0,
        rules=rules,
        threads=threads,
    )


def plainly(
    table: ElementTable, rules: DeliverabilityRules, question: dict[str, Any]
) -> dict[tuple[int, int, int], float]:
    """Test loading of every element, outage and direction that is the cluster's, by the rule."""
    columns, study = question["columns"], question["study_mw"]
    existing = question["existing_mw"]
    requests = np.flatnonzero(existing == 0)
    share = existing.sum() / study.sum()
    apart = {(pair.outage_row, pair.branch_row) for pair in table.case.set_apart}
    found = {}
    for outage in [BASE, *np.flatnonzero(table.is_outage).tolist()]:
        factor = table.after_outage(table.factors(columns), outage)
        base = table.after_outage(table.base_mw, outage)
        for element in np.flatnonzero(table.is_monitored).tolist():
            if element == outage and table.circuits[element] == 1:
                continue
            outage_row = BASE if outage == BASE else int(table.row[outage])
            if (outage_row, int(table.row[element])) in apart:
                continue
            limit = table.limit_mw(element, outage)
            against_all = factor[element] - factor[element] @ study / study.sum()
            for sign in (1, -1):
                towards = sign * against_all
                in_circle = [
                    g
                    for g in range(len(study))
                    if towards[g] >= circle_of(table, rules)[element]
                    or towards[g] * study[g] >= rules.flow_impact * limit
                ]
                by_impact = sorted(in_circle, key=lambda g: (-towards[g] * study[g], g))
                raised = [g for g in by_impact if towards[g] > 0][: rules.raised_units]
                rest = [g for g in range(len(study)) if g not in raised]
                output = share * study
                output[raised] = study[raised]
                room = (1 - share) * study[raised].sum()
                output[rest] -= room * study[rest] / study[rest].sum()
                assert output.sum() == pytest.approx(existing.sum())
                flow = base[element] + factor[element] @ (output - existing)
                together = sign * (flow - base[element]) >= rules.collective_impact * limit
                adds = len(requests) > 1 and (towards[requests] > 1e-9).any()
                if (towards[requests] >= table.case.screening.cut_off).any() or (adds and together):
                    found[element, outage, sign] = sign * flow / limit
    return found


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize(
    ("generators", "rules"), [(7, DELIVERABILITY_RULES), (9, FEW), (40, DELIVERABILITY_RULES)]
)
def test_the_kernel_finds_what_every_pair_looked_at_shows(
    seed: int, generators: int, rules: DeliverabilityRules
) -> None:
    table, question = random_question(seed, generators)
    every = plainly(table, rules, question)
    answers = [worst_of(table, **question, rules=rules, threads=threads) for threads in (1, 2)]
    for found in answers:
        for element in range(len(table.row)):
            worst = max(
                (loading for (at, _, _), loading in every.items() if at == element), default=0.0
            )
            if worst <= 1.0 + AT_LIMIT:
                assert found.loading[element] == 0.0
                continue
            assert found.loading[element] == pytest.approx(worst, abs=1e-9)
            named = (element, int(found.outage[element]), int(found.sign[element]))
            assert every[named] == pytest.approx(worst, abs=1e-9)
    first, second = answers
    assert np.array_equal(first.loading, second.loading)
    assert np.array_equal(first.outage, second.outage)
    assert np.array_equal(first.sign, second.sign)


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("generators", [7, 40])
def test_the_flow_written_out_is_the_kernels_loading(seed: int, generators: int) -> None:
    table, question = random_question(seed, generators)
    found = worst_of(table, **question, rules=DELIVERABILITY_RULES)
    for element in np.flatnonzero(found.loading):
        outage, sign = int(found.outage[element]), int(found.sign[element])
        flow = deliverability_flow(
            table,
            element=int(element),
            outage=outage,
            sign=sign,
            **question,
            rules=DELIVERABILITY_RULES,
        )
        limit = table.limit_mw(int(element), outage)
        assert sign * flow[element] / limit == pytest.approx(found.loading[element], abs=1e-9)


def test_the_random_questions_have_answers_of_every_kind() -> None:
    """What the tests above are worth."""
    seen = set()
    for seed in range(16):
        table, question = random_question(seed, 40)
        found = worst_of(table, **question, rules=DELIVERABILITY_RULES)
        for element in np.flatnonzero(found.loading):
            seen.add((int(found.sign[element]), bool(found.outage[element] == BASE)))
    assert seen >= {(1, False), (-1, True), (-1, False)}


def test_the_bound_saves_most_of_the_work() -> None:
    table, question = random_question(3, 40, rating_mva=200.0)
    every = plainly(table, DELIVERABILITY_RULES, question)
    found = worst_of(table, **question, rules=DELIVERABILITY_RULES, threads=1)
    assert found.loading.any()
    assert found.pairs_worked_out < len(every) / 2


@pytest.mark.parametrize("seed", range(8))
def test_all_run_at_the_share_that_balances_the_stored_output(seed: int) -> None:
    table, question = random_question(seed, 12)
    found = worst_of(table, **question, rules=DELIVERABILITY_RULES)
    total_study = question["study_mw"].sum()
    assert found.dispatch_share * total_study == pytest.approx(table.case.fleet_mw.sum())
    assert 0 < found.dispatch_share < 1


# ------------------------------------------------------------------------------- on paper


def radial(units: int, *, kv: float = 230.0) -> ElementTable:
    """Units at bus 1 behind two equal lines to the load at 2, where as much is generated."""
    case = published(
        network_of(
            branches=[Line(1, 2, 60, 0.1), Line(1, 2, 60, 0.1), Line(2, 3, 1000, 0.1)],
            units=[Unit(1, 50), Unit(2, 50)],
            load_mw={2: 60, 3: 40},
            kv={1: kv, 2: kv, 3: kv},
        )
    )
    assert case.base.base_loading[0] == pytest.approx(25 / 60)
    return ElementTable(case, np.array([0, 1] + [0] * units))


def test_on_paper() -> None:
    # Stored: 50 + 50; requested: 100 at bus 1. All run at 100 / 200 = one half, in circle at bus 1
    # 50 and 100 (factor 1 less 150/200 = 0.25 each, half of it by line). Raised to 150, the unit
    # at 2 makes room: 75 less 75. So 150 MW leave bus 1 where 100 are generated in all.
    table = radial(1)
    question = {
        "columns": np.array([0, 1, 2]),
        "study_mw": np.array([50.0, 50.0, 100.0]),
        "existing_mw": np.array([50.0, 50.0, 0.0]),
    }
    found = worst_of(table, **question, rules=DELIVERABILITY_RULES)
    assert found.dispatch_share == 0.5
    assert found.loading == pytest.approx([150 / 69, 150 / 69, 0.0])
    assert found.outage.tolist() == [1, 0, BASE]
    assert found.sign.tolist() == [1, 1, 1]
    flow = deliverability_flow(
        table, element=0, outage=BASE, sign=1, **question, rules=DELIVERABILITY_RULES
    )
    assert flow == pytest.approx([75, 75, 40])


def test_at_most_twenty_are_raised_and_the_largest_impacts_first() -> None:
    table = radial(30)
    study = np.concatenate([[50.0, 50.0], np.arange(1.0, 31.0)])
    question = {
        "columns": np.arange(32),
        "study_mw": study,
        "existing_mw": np.concatenate([[50.0, 50.0], np.zeros(30)]),
    }
    rules = replace(DELIVERABILITY_RULES, circle=0.01)
    flow = deliverability_flow(table, element=0, outage=BASE, sign=1, **question, rules=rules)
    # The nineteen largest requests (12 to 30 MW) and the 50 MW unit at full; all others make room.
    raised = 50 + np.arange(12, 31).sum()
    others = 50 + np.arange(1, 12).sum()
    rest = (100 - raised) / others
    at_one = raised + rest * np.arange(1, 12).sum()
    assert flow[0] == pytest.approx(at_one / 2)
    found = worst_of(table, **question, rules=rules)
    assert found.loading[0] == pytest.approx(at_one / 69)


@pytest.mark.parametrize(("kv", "raised"), [(345.0, True), (499.0, True), (500.0, False)])
def test_the_circle_is_smaller_from_500_kv_on(kv: float, raised: bool) -> None:
    # Each unit at bus 1 has a factor of (1 - 51/60) / 2 = 0.075 on each line. Where that is enough
    # both run at full and the unit at 2 makes room; else all run at the share that balances.
    table = radial(1, kv=kv)
    question = {
        "columns": np.array([0, 1, 2]),
        "study_mw": np.array([50.0, 9.0, 1.0]),
        "existing_mw": np.array([25.0, 9.0, 0.0]),
    }
    rules = replace(DELIVERABILITY_RULES, flow_impact=1.0)
    assert circle_of(table, rules).tolist() == [0.05 if raised else 0.10] * 3
    flow = deliverability_flow(table, element=0, outage=BASE, sign=1, **question, rules=rules)
    share = 34 / 60
    at_one = 51 if raised else 51 * share
    assert flow[0] == pytest.approx((50 + at_one - 25) / 2)


def test_the_higher_side_of_a_transformer_decides_about_its_circle() -> None:
    case = published(
        network_of(
            branches=[Transformer(1, 2, 60), Line(2, 3, 60)],
            units=[Unit(1, 20)],
            load_mw={3: 20},
            kv={1: 500.0},
        )
    )
    table = ElementTable(case, np.array([0]))
    assert circle_of(table, DELIVERABILITY_RULES).tolist() == [0.10, 0.05]


def test_a_large_plant_with_a_small_factor_is_in_the_circle_by_its_impact() -> None:
    table = radial(1, kv=500.0)
    question = {
        "columns": np.array([0, 1, 2]),
        "study_mw": np.array([50.0, 9.0, 1.0]),
        "existing_mw": np.array([25.0, 9.0, 0.0]),
    }
    # 0.075 x 50 MW are 3.75 MW, 6.25% of the 60 MW; the request of 1 MW stays out.
    flow = deliverability_flow(
        table, element=0, outage=BASE, sign=1, **question, rules=DELIVERABILITY_RULES
    )
    share = 34 / 60
    room = (1 - share) * 50
    at_one = 50 + share - room * 1 / 10
    assert flow[0] == pytest.approx((50 + at_one - 25) / 2)


def test_a_pair_set_apart_does_not_hide_the_others_of_its_element() -> None:
    # 120 MW run over two lines of 100 MVA: with one out the other is at 120 of 115, set apart.
    # With a request of 100 MW both units at bus 1 are raised: 220 MW, 110 on each line.
    case = published(
        network_of(
            branches=[Line(1, 2, 100), Line(1, 2, 100)],
            units=[Unit(1, 120), Unit(2, 80)],
            load_mw={2: 200},
        )
    )
    assert {(pair.branch_row, pair.outage_row) for pair in case.set_apart} == {(0, 1), (1, 0)}
    table = ElementTable(case, np.array([0, 1]))
    found = worst_of(
        table,
        columns=np.array([0, 1, 0]),
        study_mw=np.array([120.0, 80.0, 100.0]),
        existing_mw=np.array([120.0, 80.0, 0.0]),
        rules=DELIVERABILITY_RULES,
    )
    assert found.loading == pytest.approx([1.1, 1.1])
    assert found.outage.tolist() == [BASE, BASE]
    study = study_cluster(
        case,
        (StudyRequest("R1", 0, mw=100.0, study_mw=100.0),),
        study_rules(),
        miles=np.full(2, 10.0),
    )
    assert [constraint.id for constraint in study.constraints] == [
        "line:1:2:1|base|forward|peak-deliverability",
        "line:1:2:2|base|forward|peak-deliverability",
    ]
    assert [constraint.upgrades for constraint in study.constraints] == [
        ("reconductor:line:1:2:1",),
        ("reconductor:line:1:2:2",),
    ]


def test_an_overload_that_every_request_relieves_is_nobodys() -> None:
    # 140 MW run from 1 over two lines of 100 MVA to 3; the unit at 1 has 60 MW in reserve of its
    # study amount. Both requests are at 3: they push back, so that nobody could pay for the lines.
    case = published(
        network_of(
            branches=[Line(1, 3, 90), Line(1, 3, 90)],
            units=[Unit(1, 140), Unit(3, 60)],
            load_mw={3: 200},
        ),
        emergency_multiplier=2.0,
    )
    table = ElementTable(case, np.array([0, 1]))
    question = {
        "columns": np.array([0, 1, 1, 1]),
        "study_mw": np.array([200.0, 60.0, 30.0, 30.0]),
        "existing_mw": np.array([140.0, 60.0, 0.0, 0.0]),
    }
    flow = deliverability_flow(
        table, element=0, outage=BASE, sign=1, **question, rules=DELIVERABILITY_RULES
    )
    assert flow == pytest.approx([100.0, 100.0])
    assert flow[0] - table.base_mw[0] > 0.05 * 90
    assert worst_of(table, **question, rules=DELIVERABILITY_RULES).loading.tolist() == [0.0, 0.0]
    at_the_unit = question | {"columns": np.array([0, 1, 1, 0])}
    assert worst_of(table, **at_the_unit, rules=DELIVERABILITY_RULES).loading.min() > 1.0
