"""The element table against answers found by solving a network again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gentie.engines.grid.linear import linear_model
from gentie.engines.grid.network import Network
from gentie.engines.interconnection import elements
from gentie.engines.interconnection.elements import BASE, ElementTable, Pairs
from gentie.engines.interconnection.examples import (
    Line,
    Transformer,
    Unit,
    network_of,
    published,
    random_network,
)
from gentie.engines.interconnection.published import AT_LIMIT, PublishedCase
from gentie.engines.interconnection.verification import upgraded_network

SEEDS = range(12)


def table_of(network: Network, *, cut_off: float = 0.03) -> ElementTable:
    """A table with a column for every bus."""
    case = published(network, cut_off=cut_off)
    return ElementTable(case, np.arange(len(network.buses)))


def random_case(seed: int, **shape: float) -> PublishedCase:
    """A random published case with at least three monitored elements."""
    return published(random_network(np.random.default_rng(seed), **shape))


def resolved(table: ElementTable, injection_mw: np.ndarray) -> np.ndarray:
    """(e,) flows over all circuits of every element, from the network built anew."""
    network = upgraded_network(table.case.network, table)
    flow = linear_model(network).flow_mw(injection_mw)
    return flow[table.row] * table.circuits


def without(network: Network, branch_row: int) -> Network:
    in_service = network.branches.in_service.copy()
    in_service[branch_row] = False
    return replace(network, branches=replace(network.branches, in_service=in_service))


# --------------------------------------------------------------------- circuits by rank one


@pytest.mark.parametrize("seed", SEEDS)
def test_parallel_circuits_are_what_the_grid_solved_again_says(seed: int) -> None:
    chance = np.random.default_rng(seed)
    table = table_of(random_network(chance))
    n = len(table.case.network.buses)
    injection = chance.uniform(-50, 50, n)
    for element in chance.integers(0, len(table.row), 5):
        table.add_circuit(int(element))
        assert np.abs(resolved(table, table.case.injection_mw) - table.base_mw).max() < 1e-8
        moved = table.factors(np.arange(n)) @ injection
        again = resolved(table, table.case.injection_mw + injection)
        assert np.abs(again - table.base_mw - moved).max() < 1e-8


@pytest.mark.parametrize("seed", SEEDS)
def test_two_three_winding_transformers_are_exact_too(seed: int) -> None:
    table = table_of(random_network(np.random.default_rng(seed)))
    star = table.case.roles.star_bus[table.row]
    legs = np.flatnonzero(star >= 0)
    assert len(legs) == 3
    for leg in legs:
        assert table.legs_of_star(int(leg)).tolist() == legs.tolist()
        table.add_circuit(int(leg))
    assert table.circuits[legs].tolist() == [2, 2, 2]
    assert np.abs(resolved(table, table.case.injection_mw) - table.base_mw).max() < 1e-8
    unrated = legs[~table.is_monitored[legs]]
    assert len(unrated) == 1
    assert np.isinf(table.normal_mw[unrated]).all()
    assert not table.is_outage[unrated].any()


def test_a_second_circuit_on_paper() -> None:
    # 100 MW over two equal ways: 50 each. A second circuit of the direct way takes half its
    # reactance: 2 to 1, so 80 MW run over the two circuits and 20 MW over the detour.
    table = table_of(
        network_of(
            branches=[Line(1, 2, 70), Line(1, 3, 70, 0.1), Line(3, 2, 70, 0.1)],
            units=[Unit(1, 100)],
            load_mw={2: 100},
        )
    )
    assert table.base_mw == pytest.approx([200 / 3, 100 / 3, 100 / 3])
    table.add_circuit(0)
    assert table.base_mw == pytest.approx([80, 20, 20])
    assert table.normal_mw.tolist() == [140, 70, 70]
    assert table.post_mw == pytest.approx([161, 80.5, 80.5])
    assert table.circuits.tolist() == [2, 1, 1]


def test_a_higher_rating_moves_no_flow() -> None:
    table = table_of(random_network(np.random.default_rng(1)))
    flow, transfer = table.base_mw.copy(), table.transfer.copy()
    normal, post = table.normal_mw[0], table.post_mw[0]
    table.raise_rating(0, 1.6)
    assert (table.normal_mw[0], table.post_mw[0]) == (1.6 * normal, 1.6 * post)
    assert np.array_equal(table.base_mw, flow)
    assert np.array_equal(table.transfer, transfer)


# ------------------------------------------------------------------------------ outages


@pytest.mark.parametrize("seed", SEEDS)
def test_the_outage_of_one_of_several_circuits(seed: int) -> None:
    chance = np.random.default_rng(seed)
    table = table_of(random_network(chance))
    element = int(chance.choice(np.flatnonzero(table.is_outage)))
    count = int(chance.integers(1, 4))
    for _ in range(count):
        table.add_circuit(element)
    after = table.after_outage(table.base_mw, element)
    opened = without(upgraded_network(table.case.network, table), int(table.row[element]))
    added = np.arange(len(table.case.network.branches), len(opened.branches))
    flow = linear_model(opened).flow_mw(table.case.injection_mw)
    left = flow[added]
    assert len(left) == count
    # What loads the circuits left is compared with the limit of all: flow x (count + 1) / count.
    assert after[element] == pytest.approx(left.sum() * (count + 1) / count, abs=1e-8)
    others = np.delete(np.arange(len(table.row)), element)
    assert np.abs(after[others] - flow[table.row[others]]).max() < 1e-8


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outage_is_a_network_without_the_element(seed: int) -> None:
    table = table_of(random_network(np.random.default_rng(seed)))
    network = table.case.network
    for outage in np.flatnonzero(table.is_outage):
        model = linear_model(without(network, int(table.row[outage])))
        flow = model.flow_mw(table.case.injection_mw)[table.row]
        after = table.after_outage(table.base_mw, int(outage))
        others = np.delete(np.arange(len(table.row)), outage)
        assert np.abs(after[others] - flow[others]).max() < 1e-8
        factors = model.transfer_factors(np.arange(len(network.buses)))[table.row]
        mine = table.after_outage(table.factors(np.arange(len(network.buses))), int(outage))
        assert np.abs(mine[others] - factors[others]).max() < 1e-9
    assert table.after_outage(table.base_mw, BASE) is table.base_mw


# ---------------------------------------------------------------------- pairs above limit


def brute_force(
    table: ElementTable, flow: np.ndarray, factor: np.ndarray, collective: float
) -> list[tuple[int, int, float, int, bool]]:
    """All pairs above their limit, one after the other: outage, element, loading, sign, reached."""
    apart = {(pair.outage_row, pair.branch_row) for pair in table.case.set_apart}
    cut_off = table.case.screening.cut_off
    found = []
    for outage in [BASE, *np.flatnonzero(table.is_outage).tolist()]:
        after = table.after_outage(flow, outage)
        before = table.after_outage(table.base_mw, outage)
        towards = table.after_outage(factor, outage)
        outage_row = BASE if outage == BASE else int(table.row[outage])
        for element in np.flatnonzero(table.is_monitored).tolist():
            limit = table.limit_mw(element, outage)
            is_out = element == outage and table.circuits[element] == 1
            named = (outage_row, int(table.row[element]))
            if is_out or named in apart or abs(after[element]) <= limit * (1 + AT_LIMIT):
                continue
            sign = 1 if after[element] > 0 else -1
            alone = (sign * towards[element] >= cut_off).any()
            moved = sign * (after[element] - before[element])
            together = factor.shape[1] > 1 and moved >= collective * limit
            loading = abs(after[element]) / limit
            found.append((outage, element, loading, sign, bool(alone or together)))
    return found


def listed(pairs: Pairs) -> list[tuple[int, int, float, int, bool]]:
    return list(
        zip(
            pairs.outage.tolist(),
            pairs.element.tolist(),
            pairs.loading.tolist(),
            pairs.sign.tolist(),
            pairs.is_reached.tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("requests", [1, 3])
def test_pairs_above_is_every_pair_looked_at(seed: int, requests: int) -> None:
    chance = np.random.default_rng(seed)
    table = table_of(random_network(chance), cut_off=float(chance.uniform(0.03, 0.5)))
    n = len(table.case.network.buses)
    fleet = table.factors(table.case.fleet_bus) @ table.case.fleet_share
    factor = table.factors(chance.integers(0, n - 1, requests)) - fleet[:, None]
    mw = chance.uniform(10, 150, requests)
    if seed % 3 == 0:
        table.add_circuit(int(chance.integers(0, len(table.row))))
    flow = table.base_mw + factor @ mw
    collective = float(chance.uniform(0.05, 1.0))
    expected = brute_force(table, flow, factor, collective)
    for threads in (1, 2):
        found = table.pairs_above(flow, factor, collective_impact=collective, threads=threads)
        mine = listed(found)
        assert [(o, e, s, r) for o, e, _, s, r in mine] == [
            (o, e, s, r) for o, e, _, s, r in expected
        ]
        assert [loading for *_, loading, _, _ in mine] == pytest.approx(
            [loading for *_, loading, _, _ in expected], abs=1e-10
        )


def test_random_pairs_show_every_kind() -> None:
    """What the test above is worth: reached and not, both signs, base case and outages."""
    seen = set()
    for seed in range(25):
        chance = np.random.default_rng(seed)
        table = table_of(random_network(chance), cut_off=0.6)
        fleet = table.factors(table.case.fleet_bus) @ table.case.fleet_share
        factor = table.factors(np.array([0, 3])) - fleet[:, None]
        flow = table.base_mw + factor @ np.array([120.0, 120.0])
        found = table.pairs_above(flow, factor, collective_impact=0.9)
        seen |= set(zip(found.sign, found.is_reached, found.outage == BASE, strict=True))
    after_outages = {(sign, is_reached, False) for sign in (1, -1) for is_reached in (True, False)}
    assert seen >= after_outages | {(1, True, True), (-1, True, True)}


def paper() -> Network:
    """100 MW of load at 2, behind a direct line and a detour over 3."""
    return network_of(
        branches=[Line(1, 2, 100), Line(1, 3, 100, 0.2), Line(3, 2, 100, 0.2)],
        units=[Unit(1, 90), Unit(2, 10)],
        load_mw={2: 100},
    )


def test_one_request_reaches_by_its_factor_alone() -> None:
    table = table_of(paper(), cut_off=0.8)
    factor = table.factors(np.array([0])) - table.factors(np.array([1]))
    assert factor[:, 0] == pytest.approx([0.8, 0.2, 0.2])
    flow = table.base_mw + factor[:, 0] * 200
    direct = table.pairs_above(flow, factor, collective_impact=0.05)
    # With the direct line out everything runs over the detour: factor 1.
    assert listed(direct) == [
        (BASE, 0, pytest.approx(2.32), 1, True),
        (0, 1, pytest.approx(290 / 115), 1, True),
        (0, 2, pytest.approx(290 / 115), 1, True),
        (1, 0, pytest.approx(290 / 115), 1, True),
        (2, 0, pytest.approx(290 / 115), 1, True),
    ]


def test_two_small_factors_reach_together() -> None:
    table = table_of(paper(), cut_off=0.9)
    factor = np.repeat(table.factors(np.array([0])) - table.factors(np.array([1])), 2, axis=1)
    flow = table.base_mw + factor @ np.array([50.0, 50.0])
    at_base = listed(table.pairs_above(flow, factor, collective_impact=0.79))[0]
    assert at_base == (BASE, 0, pytest.approx(1.52), 1, True)
    at_base = listed(table.pairs_above(flow, factor, collective_impact=0.81))[0]
    assert at_base == (BASE, 0, pytest.approx(1.52), 1, False)
    alone = table.pairs_above(flow, factor[:, :1], collective_impact=0.0)
    assert listed(alone)[0] == (BASE, 0, pytest.approx(1.52), 1, False)


def test_what_was_above_its_limit_before_is_set_apart() -> None:
    network = network_of(
        branches=[Line(1, 2, 60), Line(1, 3, 200, 0.2), Line(3, 2, 200, 0.2)],
        units=[Unit(1, 90), Unit(2, 10)],
        load_mw={2: 100},
    )
    table = table_of(network)
    factor = table.factors(np.array([0])) - table.factors(np.array([1]))
    flow = table.base_mw + factor[:, 0] * 10
    assert {(pair.branch_row, pair.outage_row) for pair in table.case.set_apart} == {
        (0, BASE),
        (0, 1),
        (0, 2),
    }
    assert listed(table.pairs_above(flow, factor, collective_impact=0.05)) == []
    assert table.set_apart_after(BASE).tolist() == [True, False, False]
    assert table.set_apart_after(0).tolist() == [False, False, False]
    assert table.set_apart_after(1).tolist() == [True, False, False]


def test_more_pairs_than_fit_at_first_are_all_found(monkeypatch) -> None:
    monkeypatch.setattr(elements, "PAIRS_AT_FIRST", 1000)
    ring = [Line(bus, bus % 100 + 1, 0.5, 0.01) for bus in range(1, 101)]
    table = table_of(
        network_of(branches=ring, units=[Unit(1, 0.01), Unit(50, 0.01)], load_mw={20: 0.02})
    )
    factor = table.factors(np.array([0])) - table.factors(np.array([49]))
    flow = table.base_mw + factor[:, 0] * 100.0
    one = table.pairs_above(flow, factor, collective_impact=0.05, threads=1)
    two = table.pairs_above(flow, factor, collective_impact=0.05, threads=2)
    assert len(one.element) > 4000
    assert listed(one) == listed(two)
    assert one.is_reached.all()


# -------------------------------------------------------------------------- choosing pairs


def test_the_worst_pair_and_the_worst_of_each_element() -> None:
    pairs = Pairs(
        element=np.array([2, 1, 2, 1, 3]),
        outage=np.array([BASE, 0, 0, 5, 5]),
        loading=np.array([1.5, 1.4, 1.2, 1.5 - 1e-12, 1.5]),
        sign=np.array([1, 1, -1, 1, 1]),
        is_reached=np.array([True, True, False, True, True]),
    )
    assert pairs.worst() == 3
    worst = pairs.worst_of_each_element()
    assert list(zip(worst.element, worst.outage, strict=True)) == [(1, 5), (2, BASE), (3, 5)]
    assert listed(pairs.only(pairs.sign < 0)) == [(0, 2, 1.2, -1, False)]


def test_ratings_and_outages_of_a_table() -> None:
    network = network_of(
        branches=[
            Line(1, 2, 100, emergency_mva=130),
            Line(1, 2, 100),
            Line(2, 3),
            Line(1, 3, 50),
            Transformer(3, 4, 40),
        ],
        units=[Unit(1, 50)],
        load_mw={2: 30, 4: 20},
        kv={4: 13.8},
    )
    table = table_of(network)
    assert table.row.tolist() == [0, 1, 3]
    assert table.normal_mw.tolist() == [100, 100, 50]
    assert table.post_mw == pytest.approx([130, 115, 57.5])
    assert table.limit_mw(0, BASE) == 100
    assert table.limit_mw(0, 1) == 130
    assert table.place_of(3) == 2
