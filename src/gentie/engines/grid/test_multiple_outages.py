"""Contingencies of several elements against solving the changed network again."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.grid.contingencies import NO_OUTAGE, analyse_contingencies
from gentie.engines.grid.linear import linear_model
from gentie.engines.grid.multiple_outages import (
    Contingencies,
    MultipleOutageResult,
    Outcome,
    analyse_multiple_outages,
    contingencies_of,
)
from gentie.engines.grid.network import Network
from gentie.engines.grid.pick_up import PickUp, pick_up_by_capacity, share_loss
from tests.networks import (
    cut_off_by,
    meshed_networks,
    network_of,
    read_network,
    resolved_flow_mw,
    table_of_branches,
    table_of_buses,
    table_of_units,
)

SAME_MW = 1e-7
"""1e-9 pu on 100 MVA."""

EVERY_PAIR = -1.0


def analysed(
    network: Network, contingencies: Contingencies, **options: Any
) -> MultipleOutageResult:
    """Every branch watched against 1 MW, so that a loading is a flow's magnitude."""
    model = linear_model(network)
    rows = options.pop("monitored", np.arange(len(network.branches)))
    return analyse_multiple_outages(
        model,
        model.flow_mw(network.injection_mw),
        contingencies=contingencies,
        monitored=rows,
        post_limit_mw=options.pop("limit", np.ones(len(rows))),
        pick_up=options.pop("pick_up", pick_up_by_capacity(network)),
        **options,
    )


def without(network: Network, branches: Any) -> Network:
    """The network with branches out of service."""
    in_service = network.branches.in_service.copy()
    in_service[branches] = False
    return replace(network, branches=replace(network.branches, in_service=in_service))


def picked_up(pick_up: PickUp, loss_mw: float, lost: Any) -> tuple[Any, float]:
    """(g,) shares by bisection of one common rate: another way to the same rule."""
    weight = pick_up.weight_mw.copy()
    weight[lost] = 0.0
    room = pick_up.raise_mw if loss_mw >= 0 else pick_up.lower_mw
    able = np.where(weight > 0, room, 0.0).sum()
    if able <= abs(loss_mw):
        return np.sign(loss_mw) * np.where(weight > 0, room, 0.0), abs(loss_mw) - able
    low, high = 0.0, 1.0
    while np.minimum(high * weight, room).sum() < abs(loss_mw):
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        enough = np.minimum(middle * weight, room).sum() >= abs(loss_mw)
        low, high = (low, middle) if enough else (middle, high)
    return np.sign(loss_mw) * np.minimum(high * weight, room), 0.0


def resolved(network: Network, pick_up: PickUp, branches: Any, lost: Any) -> Any:
    """(m,) flows with the branches gone, the units gone and their loss shared."""
    units = network.generators
    p_mw = np.where(network.is_generator_live, units.p_mw, 0.0)
    injection = network.injection_mw.copy()
    np.add.at(injection, units.bus[lost], -p_mw[lost])
    if len(lost):
        shares, _ = picked_up(pick_up, p_mw[lost].sum(), lost)
        np.add.at(injection, units.bus, shares)
    return resolved_flow_mw(without(network, branches), injection)


def flows_of(result: MultipleOutageResult, place: int, m: int) -> Any:
    """(m,) magnitudes of the flows after one contingency; its own branches 0."""
    mine = result.pair_contingency == place
    out = np.zeros(m)
    out[result.pair_branch[mine]] = result.pair_loading[mine]
    return out


def assert_resolved(network: Network, contingencies: Contingencies, pick_up: PickUp) -> int:
    """Every flow of every contingency is that of the changed network; how many were solved."""
    result = analysed(network, contingencies, pick_up=pick_up, above=EVERY_PAIR)
    m, largest = len(network.branches), 0.0
    cut = {one.place: one for one in result.islanding}
    for place in range(len(contingencies)):
        branches, lost = contingencies.branches(place), contingencies.units(place)
        gone = cut_off_by(without(network, branches)).tolist()
        if gone:
            assert result.outcome[place] == Outcome.ISLANDING
            assert list(cut[place].bus_rows) == gone
            assert result.contingency_worst_loading[place] == 0.0
            assert result.contingency_worst_branch[place] == -1
            continue
        assert result.outcome[place] == Outcome.SOLVED
        expected = np.abs(resolved(network, pick_up, branches, lost))
        assert (expected[branches] == 0.0).all()
        found = flows_of(result, place, m)
        largest = max(largest, np.abs(found - expected).max(initial=0.0))
        worst = result.contingency_worst_loading[place]
        assert worst == pytest.approx(expected.max(), abs=SAME_MW)
    assert largest < SAME_MW
    solved = np.flatnonzero(result.outcome == Outcome.SOLVED)
    if len(solved):
        table = np.array([flows_of(result, place, m) for place in solved])
        assert result.worst_loading == pytest.approx(table.max(axis=0), abs=SAME_MW)
        for row, at in enumerate(result.worst_contingency):
            if at != NO_OUTAGE:
                own = table[np.searchsorted(solved, at), row]
                assert own == pytest.approx(result.worst_loading[row], abs=SAME_MW)
    print(f"{len(solved)} contingencies × {m} branches: within {largest:.1e} MW of a re-solve")
    return len(solved)


def drawn(network: Network, seed: int, count: int, *, units: bool = True) -> Contingencies:
    """One to six neighbouring or scattered branches, in every third none but units too."""
    random = np.random.default_rng(seed)
    live = np.flatnonzero(network.is_branch_live)
    on = np.flatnonzero(network.is_generator_live)
    branches, lost = [], []
    for number in range(count):
        size = int(random.integers(1, 7))
        if number % 2:
            start = int(random.integers(0, len(live) - size))
            branches.append(live[start : start + size].tolist())
        else:
            branches.append(random.choice(live, size, replace=False).tolist())
        few = random.choice(on, int(random.integers(1, 4)), replace=False).tolist()
        lost.append(few if units and number % 3 == 0 else [])
    return contingencies_of(branches, lost)


# Against a re-solve


def test_every_flow_on_paper() -> None:
    # Three equal lines in a triangle, 90 MW from bus 0 to bus 2; then one of two units is lost.
    network = network_of(
        table_of_buses([1, 1, 3], [0, 0, 120]),
        table_of_branches([(0, 1), (1, 2), (0, 2), (0, 2)], 0.1j),
        table_of_units([0, 0, 2], [60.0, 30.0, 30.0], [(-9.0, 9.0)] * 3),
    )
    result = analysed(
        network, contingencies_of([[2], [2, 3], [], [0, 2, 3]], [[], [], [0], []]), above=EVERY_PAIR
    )
    # One of the two direct circuits out: 90 MW over 0.1 beside 0.2.
    assert flows_of(result, 0, 4) == pytest.approx([30, 30, 0, 60])
    assert flows_of(result, 1, 4) == pytest.approx([90, 90, 0, 0])
    # 60 MW lost; the two others have 1,000 MW each and share it equally: 60 MW leave bus 0.
    assert flows_of(result, 2, 4) == pytest.approx([12, 12, 24, 24])
    assert result.outcome.tolist() == [0, 0, 0, 1]
    (cut,) = result.islanding
    assert (cut.place, cut.bus_rows, cut.load_mw, cut.generation_mw) == (3, (0,), 0.0, 90.0)
    assert result.loss_mw.tolist() == [0, 0, 60, 0]


@pytest.mark.parametrize(("name", "count"), [("case118", 300), ("case_RTS_GMLC", 200)])
def test_every_flow_of_drawn_contingencies(name: str, count: int) -> None:
    network = read_network(name)
    contingencies = drawn(network, 11, count)
    assert np.diff(contingencies.branch_start).max() == 6
    assert assert_resolved(network, contingencies, pick_up_by_capacity(network)) > count / 3


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_every_flow_of_drawn_contingencies_of_the_large_case() -> None:
    network = read_network("case_ACTIVSg10k")
    assert assert_resolved(network, drawn(network, 3, 40), pick_up_by_capacity(network)) >= 5


@given(network=meshed_networks(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_flow_on_any_network(network: Network, data: st.DataObject) -> None:
    m, g = len(network.branches), len(network.generators)
    some = st.tuples(
        st.lists(st.integers(0, m - 1), max_size=6, unique=True),
        st.lists(st.integers(0, g - 1), max_size=2, unique=True),
    )
    given_ones = data.draw(st.lists(some, min_size=1, max_size=20))
    contingencies = contingencies_of([one[0] for one in given_ones], [one[1] for one in given_ones])
    assert_resolved(network, contingencies, pick_up_by_capacity(network))


@given(network=meshed_networks(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_cut_off_was_fed_over_the_branches_that_open(
    network: Network, data: st.DataObject
) -> None:
    m = len(network.branches)
    opened = data.draw(st.lists(st.integers(0, m - 1), min_size=1, max_size=6, unique=True))
    result = analysed(network, contingencies_of([opened]))
    flow = resolved_flow_mw(network, network.injection_mw)
    for cut in result.islanding:
        inside = np.isin(np.arange(len(network.buses)), cut.bus_rows)
        branches = network.branches
        into = inside[branches.to_bus[opened]].astype(float) - inside[branches.from_bus[opened]]
        needed = cut.load_mw - cut.generation_mw + network.buses.shunt_mw[inside].sum()
        assert (into * flow[opened]).sum() == pytest.approx(needed, abs=1e-6)


@pytest.mark.parametrize("name", ["case118", "case_ACTIVSg2000"])
def test_single_outages_are_those_of_the_pass_for_single_outages(name: str) -> None:
    network = read_network(name)
    model, rows = linear_model(network), np.flatnonzero(network.is_branch_live)
    flow, limit = model.flow_mw(network.injection_mw), np.full(len(rows), 100.0)
    one = analyse_contingencies(
        model, flow, monitored=rows, normal_limit_mw=limit, post_limit_mw=limit, outages=rows
    )
    result = analysed(
        network, contingencies_of([[row] for row in rows]), monitored=rows, limit=limit
    )
    assert [rows[cut.place] for cut in result.islanding] == [
        cut.branch_row for cut in one.islanding
    ]
    assert [cut.bus_rows for cut in result.islanding] == [cut.bus_rows for cut in one.islanding]
    assert result.worst_loading == pytest.approx(one.worst_loading, abs=1e-9)
    solved = result.outcome == Outcome.SOLVED
    assert np.array_equal(rows[solved], one.outages)
    assert result.contingency_worst_loading[solved] == pytest.approx(
        one.outage_worst_loading, abs=1e-9
    )


def test_elements_out_of_service_already_change_nothing() -> None:
    network = without(read_network("case118"), [5, 9])
    units = network.generators
    in_service = units.in_service.copy()
    in_service[3] = False
    network = replace(network, generators=replace(units, in_service=in_service))
    result = analysed(network, contingencies_of([[5, 9], [5, 40], [40]], [[3], [], []]), above=-1)
    base = np.abs(resolved_flow_mw(network, network.injection_mw))
    base[[5, 9]] = 0.0
    assert flows_of(result, 0, len(base)) == pytest.approx(base, abs=SAME_MW)
    assert np.array_equal(flows_of(result, 1, len(base)), flows_of(result, 2, len(base)))
    assert result.loss_mw.tolist() == [0, 0, 0]


# Who picks a loss up


def shares_of(loss: float, weight: list[float], room: list[float]) -> tuple[list[float], float]:
    share = np.zeros(len(weight))
    left = share_loss(loss, np.array(weight), np.array(room), share)
    return share.tolist(), left


def test_a_loss_is_shared_by_capacity_and_nobody_goes_beyond_it() -> None:
    assert shares_of(60.0, [100, 200], [90, 90]) == ([20, 40], 0)
    # The second has room for 10 only; the first and the third share the rest 1 : 2.
    assert shares_of(70.0, [100, 400, 200], [90, 10, 90]) == ([20, 10, 40], 0)
    assert shares_of(70.0, [100, 0], [30, 500]) == ([30, 0], 40)
    assert shares_of(0.0, [100], [30]) == ([0], 0)
    assert shares_of(5.0, [], []) == ([], 5)


@given(
    units=st.lists(st.tuples(st.floats(0, 900), st.floats(0, 900)), max_size=9),
    loss=st.floats(0, 3000),
)
@settings(max_examples=200, deadline=None)
def test_shares_sum_to_the_loss(units: list[tuple[float, float]], loss: float) -> None:
    weight, room = (np.array(column, float) for column in zip(*units)) if units else ([], [])
    share = np.zeros(len(units))
    left = share_loss(loss, np.array(weight, float), np.array(room, float), share)
    assert share.sum() + left == pytest.approx(loss, abs=1e-6)
    assert (share <= np.array(room) + 1e-9).all()
    assert (share >= 0).all()
    if left > 1e-6:
        able = np.array(weight) > 0
        assert share[able] == pytest.approx(np.array(room)[able])


def test_what_nobody_has_room_for_is_told() -> None:
    network = read_network("case118")
    units = network.generators
    nobody = pick_up_by_capacity(network, takes_part=np.zeros(len(units), np.bool_))
    largest = int(units.p_mw.argmax())
    result = analysed(network, contingencies_of([[]], [[largest]]), pick_up=nobody, above=-1)
    assert result.loss_mw[0] == result.short_mw[0] == units.p_mw[largest] > 0
    injection = network.injection_mw.copy()
    injection[units.bus[largest]] -= units.p_mw[largest]
    expected = np.abs(resolved_flow_mw(network, injection))
    assert flows_of(result, 0, len(expected)) == pytest.approx(expected, abs=SAME_MW)


def test_the_loss_of_a_unit_that_takes_power_lowers_the_others() -> None:
    network = read_network("case118")
    units = network.generators
    p_mw = units.p_mw.copy()
    p_mw[0] = -80.0
    network = replace(network, generators=replace(units, p_mw=p_mw))
    assert assert_resolved(network, contingencies_of([[]], [[0]]), pick_up_by_capacity(network))
    assert analysed(network, contingencies_of([[]], [[0]])).loss_mw[0] == -80.0


# What cannot be asked, and the same answer every time


@pytest.mark.parametrize(
    ("branches", "units", "words"),
    [
        ([[0, 1, 2, 3, 4, 5, 6]], [[]], "more than 6"),
        ([[3, 3]], [[]], "twice"),
        ([[3]], [[2, 2]], "twice"),
        ([[3]], [[], []], "different numbers"),
    ],
)
def test_lists_that_are_refused(branches: Any, units: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        contingencies_of(branches, units)


def test_nothing_to_do() -> None:
    network = read_network("case118")
    result = analysed(network, contingencies_of([]))
    assert len(result.outcome) == len(result.pair_loading) == 0
    assert (result.worst_contingency == NO_OUTAGE).all()
    unwatched = analysed(network, contingencies_of([[0]]), monitored=np.zeros(0, np.int64))
    assert unwatched.contingency_worst_branch.tolist() == [-1]


def test_threads_and_order_change_nothing() -> None:
    network = read_network("case_RTS_GMLC")
    contingencies = drawn(network, 5, 150)
    one, two = (analysed(network, contingencies, threads=n, above=50.0) for n in (1, 2))
    for field in fields(one):
        left, right = getattr(one, field.name), getattr(two, field.name)
        if isinstance(left, np.ndarray):
            assert left.tobytes() == right.tobytes(), field.name
        else:
            assert [asdict(cut) for cut in left] == [asdict(cut) for cut in right]
    backwards = contingencies_of(
        [contingencies.branches(at)[::-1] for at in range(len(contingencies))][::-1],
        [contingencies.units(at) for at in range(len(contingencies))][::-1],
    )
    other = analysed(network, backwards, above=50.0)
    assert np.array_equal(other.outcome[::-1], one.outcome)
    assert other.contingency_worst_loading[::-1] == pytest.approx(
        one.contingency_worst_loading, abs=1e-7
    )
