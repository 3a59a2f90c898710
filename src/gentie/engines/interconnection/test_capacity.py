"""Capacity: the pruned answer against every pair, against re-solved flows, and the map's facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.grid.contingencies import NO_OUTAGE
from gentie.engines.grid.network import Network
from gentie.engines.interconnection import capacity_lists
from gentie.engines.interconnection.capacity import (
    Capacity,
    capacity_of,
    capacity_pair_by_pair,
    element_limits,
    impacted_facilities,
)
from gentie.engines.interconnection.published import PublishedCase, Screening, publish
from tests.networks import meshed_networks, read_network, resolved_flow_mw
from tests.plain_capacity import plain_capacity_mw

large = pytest.mark.xdist_group("case_ACTIVSg10k")


def assert_same(one: Capacity, other: Capacity) -> None:
    assert one.capacity_mw == pytest.approx(other.capacity_mw, abs=1e-6)
    assert one.next_mw == pytest.approx(other.next_mw, abs=1e-6)
    for column in ("bus_row", "branch_row", "outage_row", "next_branch_row", "next_outage_row"):
        assert np.array_equal(getattr(one, column), getattr(other, column)), column


def studied(case: PublishedCase) -> Any:
    return case.points.principal_bus[case.studied_points]


# The facts of the map


SHARES = {
    138.0: (99.8, 99.1, 89.0, 38.0, 7.0, 0.3),
    345.0: (99.3, 99.3, 96.6, 94.2, 83.3, 58.8),
    765.0: (100.0, 100.0, 100.0, 100.0, 89.1, 74.5),
}
"""Percent of the points with at least 50, 100, 200, 300, 500 and 1,000 MW."""

SPREAD = {138.0: (166, 278, 532), 345.0: (265, 1224, 3245), 765.0: (429, 2899, 5790)}
"""MW at the 5th, 50th and 95th percentile."""


@large
def test_shares_of_the_map(california: PublishedCase, california_map: Capacity) -> None:
    kv = california.network.buses.nominal_kv[california_map.bus_row]
    for voltage, shares in SHARES.items():
        mw = california_map.capacity_mw[kv == voltage]
        found = [100 * (mw >= least).mean() for least in (50, 100, 200, 300, 500, 1000)]
        assert found == pytest.approx(shares, abs=0.06)
        assert np.percentile(mw, (5, 50, 95)) == pytest.approx(SPREAD[voltage], rel=0.01)
    mw = california_map.capacity_mw[kv >= 138.0]
    found = [100 * (mw >= least).mean() for least in (50, 100, 200, 300, 500)]
    assert found == pytest.approx((99.8, 99.1, 90.2, 46.6, 18.6), abs=0.06)
    assert mw.min() == pytest.approx(40.8, rel=0.01)
    pocket = (kv >= 138.0) & (california_map.capacity_mw < 50)
    assert pocket.sum() == 5
    # One limiter for all of the pocket.
    assert len(set(california_map.branch_row[pocket])) == 1


@large
def test_what_limits_the_points(california: PublishedCase, california_map: Capacity) -> None:
    network = california.network
    limiter = california_map.branch_row
    kv = network.buses.nominal_kv
    top = np.maximum(kv[network.branches.from_bus], kv[network.branches.to_bus])[limiter]
    transformer = network.branches.is_transformer[limiter]
    shares = [
        100 * what.mean()
        for what in (
            (top == 138.0) & ~transformer,
            transformer,
            california_map.outage_row == NO_OUTAGE,
        )
    ]
    print("138 kV lines {:.1f}%, transformers {:.1f}%, nothing out {:.1f}%".format(*shares))
    assert shares == pytest.approx((93, 4, 2.5), abs=1.0)
    assert (california_map.next_mw >= california_map.capacity_mw).all()
    assert (california_map.next_branch_row != limiter).all()


@large
def test_a_pair_above_its_limit_never_makes_the_map_zero(
    without_margin: PublishedCase, map_without_margin: Capacity
) -> None:
    (pair,) = without_margin.set_apart
    factors = without_margin.distribution_factors(map_without_margin.bus_row)
    moved = without_margin.model.outage_factors(pair.outage_row)[pair.branch_row]
    share = factors[pair.branch_row] + moved * factors[pair.outage_row]
    after = (
        without_margin.flow_mw[pair.branch_row] + moved * without_margin.flow_mw[pair.outage_row]
    )
    kv = without_margin.network.buses.nominal_kv[map_without_margin.bus_row]
    # These are the points that a map with the pair in it would show with nothing.
    dropped = (share * np.sign(after) >= without_margin.screening.cut_off) & (kv >= 138.0)
    assert dropped.sum() == 212
    assert map_without_margin.capacity_mw.min() > 1.0
    named = (map_without_margin.branch_row == pair.branch_row) & (
        map_without_margin.outage_row == pair.outage_row
    )
    assert not named.any()


# Against every pair


@large
@pytest.mark.parametrize("which", ["california", "without_margin"])
def test_pruning_loses_nothing_on_100_points(request: pytest.FixtureRequest, which: str) -> None:
    case: PublishedCase = request.getfixturevalue(which)
    rows = np.random.default_rng(11).choice(studied(case), 100, replace=False)
    found = capacity_of(case, rows)
    assert found.by_brute_force == 0
    assert_same(found, capacity_pair_by_pair(case, rows))


@pytest.mark.parametrize("cut_off", [0.03, 0.0])
def test_pruning_loses_nothing_on_all_of_a_real_case(
    whole_rts: PublishedCase, cut_off: float
) -> None:
    case = replace(whole_rts, screening=replace(whole_rts.screening, cut_off=cut_off))
    assert len(case.studied_points) == 73
    found = capacity_of(case, studied(case))
    assert_same(found, capacity_pair_by_pair(case, studied(case)))
    assert np.isfinite(found.capacity_mw).all()


SMALL = Screening(
    areas=(), cut_off=0.03, minimum_kv=69.0, emergency_multiplier=1.15, imbalance_on_load=True
)


@given(
    network=meshed_networks(),
    cut_off=st.sampled_from([0.0, 0.03, 0.2]),
    multiplier=st.sampled_from([1.0, 1.02, 1.15, 2.0]),
)
@settings(max_examples=250, deadline=None)
def test_pruning_loses_nothing_on_any_network(
    network: Network, cut_off: float, multiplier: float
) -> None:
    case = publish(network, replace(SMALL, cut_off=cut_off, emergency_multiplier=multiplier))
    # What is above its limit already is set apart and makes no point zero or less.
    assert (capacity_of(case, studied(case)).capacity_mw >= 0.0).all()
    assert_same(capacity_of(case, studied(case)), capacity_pair_by_pair(case, studied(case)))


@pytest.mark.parametrize("near", [1e-6, 0.5, 0.999])
def test_where_lists_end_and_rows_begin_changes_nothing(
    whole_rts: PublishedCase, near: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = replace(whole_rts, screening=replace(whole_rts.screening, cut_off=0.0))
    before = capacity_of(case, studied(case))
    monkeypatch.setattr(capacity_lists, "NEAR", near)
    assert_same(capacity_of(case, studied(case)), before)


# Against plain numpy, which has nothing of the engine in it


def assert_plain(case: PublishedCase, found: Capacity, places: Any) -> None:
    """These places of the answer are those of plain numpy to 1e-6 MW, the next limit too."""
    first_mw, limits = plain_capacity_mw(case, found.bus_row[places])
    difference = np.abs(first_mw - found.capacity_mw[places]).max()
    next_mw = np.sort(limits, axis=1)[:, 1]
    difference = max(difference, np.abs(next_mw - found.next_mw[places]).max())
    print(f"{len(places)} buses of {case.network.name}: within {difference:.1e} MW of every pair")
    assert difference < 1e-6
    at_element = limits[
        np.arange(len(places)), np.searchsorted(case.monitored, found.branch_row[places])
    ]
    assert at_element == pytest.approx(first_mw, abs=1e-6)


@pytest.mark.parametrize("multiplier", [1.15, 1.0])
@pytest.mark.parametrize("cut_off", [0.03, 0.0])
def test_buses_of_a_2000_bus_case_by_plain_numpy(cut_off: float, multiplier: float) -> None:
    network = read_network("case_ACTIVSg2000")
    case = publish(network, replace(SMALL, cut_off=cut_off, emergency_multiplier=multiplier))
    every = capacity_of(case, np.flatnonzero(network.is_bus_live))
    assert every.by_brute_force == 0
    assert_plain(case, every, np.random.default_rng(5).choice(len(network.buses), 6, replace=False))


@large
@pytest.mark.soak
@pytest.mark.parametrize("cut_off", [0.03, 0.0])
def test_100_of_all_buses_of_the_large_case_by_plain_numpy(cut_off: float) -> None:
    network = read_network("case_ACTIVSg10k")
    case = publish(network, replace(SMALL, cut_off=cut_off))
    every = capacity_of(case, np.flatnonzero(network.is_bus_live))
    assert len(every.bus_row) == 10_000
    assert every.by_brute_force == 0
    assert_plain(case, every, np.random.default_rng(17).choice(10_000, 100, replace=False))


def resolved_capacity_mw(case: PublishedCase, bus: int) -> float:
    """Capacity from flows solved twice for every outage, with nothing of the engine."""
    network, least = case.network, np.inf
    change = np.zeros(len(network.buses))
    change[bus] += 1.0
    np.add.at(change, case.fleet_bus, -case.fleet_mw / case.fleet_mw.sum())
    for outage in (NO_OUTAGE, *case.outages):
        limit = case.normal_limit_mw if outage == NO_OUTAGE else case.post_limit_mw
        before = resolved_flow_mw(network, case.injection_mw, int(outage))[case.monitored]
        share = resolved_flow_mw(network, case.injection_mw + 100 * change, int(outage))
        share = (share[case.monitored] - before) / 100
        open_ = (np.abs(share) >= max(case.screening.cut_off, 1e-9)) & (
            np.abs(before) <= limit * (1 + 1e-9)
        )
        open_ &= case.monitored != outage
        room = (limit - np.sign(share) * before)[open_] / np.abs(share[open_])
        least = min(least, room.min(initial=np.inf))
    return float(least)


@given(network=meshed_networks(), at=st.data())
@settings(max_examples=80, deadline=None)
def test_capacity_is_that_of_resolved_flows(network: Network, at: st.DataObject) -> None:
    case = publish(network, SMALL)
    bus = at.draw(st.sampled_from(studied(case).tolist()))
    (found,) = capacity_of(case, np.array([bus])).capacity_mw
    assert found == pytest.approx(resolved_capacity_mw(case, bus), rel=1e-6, abs=1e-5)


@given(network=meshed_networks(), factor=st.floats(0.1, 10.0))
@settings(max_examples=60, deadline=None)
def test_capacity_scales_with_the_grid(network: Network, factor: float) -> None:
    branches, units, buses = network.branches, network.generators, network.buses
    larger = replace(
        network,
        branches=replace(
            branches,
            rating_normal_mva=factor * branches.rating_normal_mva,
            shift_deg=factor * branches.shift_deg,
        ),
        generators=replace(units, p_mw=factor * units.p_mw),
        buses=replace(buses, load_mw=factor * buses.load_mw),
    )
    one, other = publish(network, SMALL), publish(larger, SMALL)
    assert capacity_of(other, studied(other)).capacity_mw == pytest.approx(
        factor * capacity_of(one, studied(one)).capacity_mw, rel=1e-9, abs=1e-6
    )


# The check of one point says what the map says


@large
def test_a_tenth_of_a_megawatt_decides_at_50_points(
    california: PublishedCase, california_map: Capacity
) -> None:
    for point in np.random.default_rng(50).choice(len(california_map.bus_row), 50, replace=False):
        bus, mw = int(california_map.bus_row[point]), float(california_map.capacity_mw[point])
        limiter = (int(california_map.branch_row[point]), int(california_map.outage_row[point]))
        below = impacted_facilities(california, bus, mw=mw - 0.1)
        assert below[0].after_percent < 100.0
        above = impacted_facilities(california, bus, mw=mw + 0.1)
        over = [(one.branch_row, one.outage_row) for one in above if one.after_percent > 100.0]
        assert over[0] == limiter


@large
def test_the_limits_of_every_element_have_the_map_s_two_lowest(
    california: PublishedCase, california_map: Capacity
) -> None:
    for point in (0, 700, 1400, 2100):
        limits = element_limits(california, int(california_map.bus_row[point]), mw=0.0)
        lowest, second = np.argsort(limits.capacity_mw, kind="stable")[:2]
        assert limits.capacity_mw[lowest] == pytest.approx(california_map.capacity_mw[point])
        assert california.monitored[lowest] == california_map.branch_row[point]
        assert limits.outage_row[lowest] == california_map.outage_row[point]
        assert limits.capacity_mw[second] == pytest.approx(california_map.next_mw[point])
        assert limits.outage_row[second] == california_map.next_outage_row[point]
        # With nothing injected an element is loaded as its worst pair among those reached.
        reached = limits.is_reached
        base = np.maximum(california.base.base_loading, california.base.worst_loading)
        assert (limits.after_loading[reached] <= base[reached] + 1e-9).all()


@large
def test_the_five_figures_are_those_of_a_resolved_flow(
    california: PublishedCase, california_map: Capacity
) -> None:
    point, mw = 1200, 250.0
    bus = int(california_map.bus_row[point])
    found = impacted_facilities(california, bus, mw=mw)
    injection = california.injection_mw.copy()
    injection[bus] += mw
    np.add.at(injection, california.fleet_bus, -mw * california.fleet_share)
    percents = [one.after_percent for one in found]
    assert percents == sorted(percents, reverse=True)
    assert len(found) > 20
    for one in found[:10]:
        before, after = (
            resolved_flow_mw(california.network, state, one.outage_row)[one.branch_row]
            for state in (california.injection_mw, injection)
        )
        assert one.before_percent == pytest.approx(100 * abs(before) / one.limit_mw, abs=1e-6)
        assert one.after_percent == pytest.approx(100 * abs(after) / one.limit_mw, abs=1e-6)
        assert one.impact_mw == pytest.approx(np.sign(after) * (after - before), abs=1e-6)
        assert one.distribution_factor * mw == pytest.approx(one.impact_mw)
        assert one.impact_percent == pytest.approx(100 * one.impact_mw / one.limit_mw)
        assert abs(one.distribution_factor) >= california.screening.cut_off


# No limits, and the same answer every time


def test_without_ratings_nothing_limits(unrated: PublishedCase) -> None:
    for found in (
        capacity_of(unrated, studied(unrated)),
        capacity_pair_by_pair(unrated, studied(unrated)),
    ):
        assert np.isinf(found.capacity_mw).all()
        assert np.isinf(found.next_mw).all()
        assert (found.branch_row == -1).all()
        assert (found.outage_row == NO_OUTAGE).all()
    assert impacted_facilities(unrated, int(studied(unrated)[3]), mw=500.0) == ()


@large
@pytest.mark.parametrize("which", ["whole_rts", "california"])
def test_threads_change_no_bit(request: pytest.FixtureRequest, which: str) -> None:
    case: PublishedCase = request.getfixturevalue(which)
    rows = studied(case)[::20]
    for answer in (capacity_of, capacity_pair_by_pair):
        one, two = (answer(case, rows, threads=threads) for threads in (1, 2))
        for column in Capacity.__dataclass_fields__:
            assert np.array_equal(getattr(one, column), getattr(two, column)), column


def test_progress_is_told_and_the_order_of_points_changes_nothing(
    whole_rts: PublishedCase,
) -> None:
    rows = studied(whole_rts)
    told: list[tuple[int, int]] = []
    found = capacity_of(whole_rts, rows, progress=lambda *done: told.append(done))
    assert told[-1] == (len(rows), len(rows))
    backwards = capacity_of(whole_rts, rows[::-1])
    assert np.array_equal(backwards.capacity_mw[::-1], found.capacity_mw)
    assert np.array_equal(backwards.branch_row[::-1], found.branch_row)
    assert len(capacity_of(whole_rts, rows[:0]).capacity_mw) == 0
