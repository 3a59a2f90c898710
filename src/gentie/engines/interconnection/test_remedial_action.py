"""Schemes on a paper network: five requests behind one line and a detour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gentie.engines.interconnection.elements import ElementTable
from gentie.engines.interconnection.examples import (
    REMEDIAL_ACTION_RULES,
    Line,
    Unit,
    network_of,
    published,
    random_network,
)
from gentie.engines.interconnection.published import AT_LIMIT
from gentie.engines.interconnection.remedial_action import (
    RemedialActionRules,
    Scheme,
    design_scheme,
)


class Grid:
    """Two ways from buses 1 and 2 to the load at 3, and requests at some of the buses.

    With line 1-3 (place 0) out, everything from bus 1 runs over 1-2 (place 1) and 2-3 (place 2).
    """

    def __init__(
        self,
        buses: list[int],
        mw: list[float],
        *,
        ratings: tuple[float, float, float] = (1000.0, 1000.0, 100.0),
    ) -> None:
        network = network_of(
            branches=[
                Line(1, 3, ratings[0], 0.1),
                Line(1, 2, ratings[1], 0.1),
                Line(2, 3, ratings[2], 0.1),
            ],
            units=[Unit(3, 500)],
            load_mw={3: 500},
            slack=3,
        )
        self.table = ElementTable(
            published(network, emergency_multiplier=1.0), np.array(buses, np.int64) - 1
        )
        self.mw = np.array(mw)
        self.factor = self.table.factors(np.arange(len(mw)))
        self.flow = self.table.base_mw + self.factor @ self.mw

    def loading(self, scheme: Scheme | None = None, outage: int = 0) -> np.ndarray:
        left = self.mw.copy()
        if scheme is not None:
            left[list(scheme.requests)] = 0.0
        flow = self.table.after_outage(self.table.base_mw + self.factor @ left, outage)
        if self.table.circuits[outage] < 1.5:
            flow[outage] = 0.0
        return np.abs(flow) / self.table.post_mw

    def scheme(
        self,
        rules: RemedialActionRules = REMEDIAL_ACTION_RULES,
        *,
        outage: int = 0,
        ignored: list[int] | None = None,
    ) -> Scheme | None:
        skipped = np.zeros(3, np.bool_)
        skipped[ignored or []] = True
        overloaded = (self.loading(outage=outage) > 1) & ~skipped
        asked: dict[str, Any] = {
            "outage": outage,
            "flow_mw": self.flow,
            "request_factor": self.factor,
            "request_mw": self.mw,
            "overloaded": overloaded,
            "ignored": skipped,
            "rules": rules,
        }
        return design_scheme(self.table, **asked)


def test_the_paper_network() -> None:
    grid = Grid([1, 2], [60, 60])
    assert grid.factor == pytest.approx(np.array([[2, 1], [1, -1], [1, 2]]) / 3)
    assert grid.loading() == pytest.approx([0, 0.06, 1.2])


def test_the_most_effective_request_is_tripped() -> None:
    # With 1-3 out both have factor 1 on 2-3; equal factors go to the first.
    assert Grid([1, 2], [60, 60]).scheme() == Scheme(0, (0,), 60.0, (2,))
    # With 1-2 out only bus 2 loads 2-3, though the other request is larger.
    grid = Grid([1, 2, 2], [500, 70, 60])
    assert grid.scheme(outage=1) == Scheme(1, (1,), 70.0, (2,))
    assert grid.loading(grid.scheme(outage=1), 1)[2] == pytest.approx(0.6)


def test_as_many_as_it_takes() -> None:
    grid = Grid([1] * 5, [40] * 5)
    scheme = grid.scheme()
    assert scheme == Scheme(0, (0, 1, 2), 120.0, (2,))
    assert grid.loading(scheme)[2] == pytest.approx(0.8)


@pytest.mark.parametrize(("most", "clears"), [(2, False), (3, True)])
def test_the_limit_on_requests(most: int, clears: bool) -> None:
    grid = Grid([1] * 5, [40] * 5)
    rules = replace(REMEDIAL_ACTION_RULES, most_requests=most)
    assert (grid.scheme(rules) is not None) is clears


@pytest.mark.parametrize(("limit", "clears"), [(119.9, False), (120.0, True)])
def test_the_limit_on_mw(limit: float, clears: bool) -> None:
    grid = Grid([1] * 5, [40] * 5)
    rules = replace(REMEDIAL_ACTION_RULES, trip_limit_mw=limit)
    assert (grid.scheme(rules) is not None) is clears


def test_a_request_too_large_for_the_limit_is_passed_over() -> None:
    grid = Grid([1, 1], [90, 60])
    assert grid.scheme(replace(REMEDIAL_ACTION_RULES, trip_limit_mw=80.0)) == Scheme(
        0, (1,), 60.0, (2,)
    )


@pytest.mark.parametrize(("least", "clears"), [(0.99, True), (1.01, False)])
def test_nobody_below_the_least_factor_is_tripped(least: float, clears: bool) -> None:
    rules = replace(REMEDIAL_ACTION_RULES, least_factor=least)
    assert (Grid([1, 2], [60, 60]).scheme(rules) is not None) is clears


def test_who_is_not_needed_in_the_end_is_taken_out_again() -> None:
    # 20 MW first, then 130: 160 of 270 would be over 2-3, and the 130 alone are enough.
    grid = Grid([1, 1, 2], [20, 130, 60])
    scheme = grid.scheme()
    assert scheme == Scheme(0, (1,), 130.0, (2,))
    assert grid.loading(scheme)[2] == pytest.approx(0.8)


def test_tripping_that_overloads_another_element_is_no_scheme() -> None:
    # 1-3 out. Request 0 (120 MW at bus 1) overloads 1-2, while request 1 takes 170 MW out at bus 2
    # (storage that charges), so that 2-3 carries 50. With request 0 gone it would carry 170.
    grid = Grid([1, 2], [120, -170], ratings=(1000.0, 100.0, 60.0))
    assert grid.loading() == pytest.approx([0, 1.2, 50 / 60])
    assert grid.scheme() is None
    assert Grid([1, 2], [120, -150], ratings=(1000.0, 100.0, 200.0)).scheme() == Scheme(
        0, (0,), 120.0, (1,)
    )


def test_all_overloads_after_the_outage_are_protected() -> None:
    grid = Grid([1, 2], [120, 60], ratings=(1000.0, 100.0, 100.0))
    assert grid.loading() == pytest.approx([0, 1.2, 1.8])
    scheme = grid.scheme()
    assert scheme == Scheme(0, (0,), 120.0, (1, 2))
    assert grid.loading(scheme).max() <= 1


def test_what_is_ignored_is_neither_cleared_nor_guarded() -> None:
    grid = Grid([1, 2], [120, 60], ratings=(1000.0, 100.0, 100.0))
    assert grid.scheme(ignored=[2]) == Scheme(0, (0,), 120.0, (1,))
    assert grid.scheme(ignored=[1, 2]) == Scheme(0, (), 0.0, ())


def test_the_circuits_left_are_guarded_too() -> None:
    grid = Grid([1], [300], ratings=(100.0, 1000.0, 1000.0))
    grid.table.add_circuit(0)
    grid.factor = grid.table.factors(np.array([0]))
    grid.flow = grid.table.base_mw + grid.factor @ grid.mw
    # One of two circuits of 1-3 out: 200 MW on the other, 400 of its limit of 200 for both.
    assert grid.loading()[0] == pytest.approx(2.0)
    assert grid.scheme() == Scheme(0, (0,), 300.0, (0,))


def plainly(
    table: ElementTable,
    outage: int,
    flow: np.ndarray,
    factor: np.ndarray,
    mw: np.ndarray,
    rules: RemedialActionRules,
) -> tuple[int, ...] | None:
    """The same rule written with whole arrays."""
    flow, factor = table.after_outage(flow, outage), table.after_outage(factor, outage)
    watched = table.is_monitored.copy()
    watched[outage] &= table.circuits[outage] > 1
    tripped: list[int] = []
    while True:
        loading = np.where(watched, np.abs(flow) / table.post_mw, 0.0)
        worst = int(loading.argmax())
        if loading[worst] <= 1 + AT_LIMIT:
            break
        along = np.sign(flow[worst]) * factor[worst]
        along[tripped] = -np.inf
        along[mw > rules.trip_limit_mw - mw[tripped].sum() + 1e-9] = -np.inf
        chosen = int(np.round(along, 9).argmax())
        if along[chosen] < rules.least_factor or len(tripped) == rules.most_requests:
            return None
        tripped.append(chosen)
        flow = flow - factor[:, chosen] * mw[chosen]
    for request in tuple(tripped):
        back = flow + factor[:, request] * mw[request]
        if np.all(np.abs(back[watched]) <= table.post_mw[watched] * (1 + AT_LIMIT)):
            flow = back
            tripped.remove(request)
    return tuple(sorted(tripped))


@pytest.mark.parametrize("seed", range(40))
def test_any_scheme_is_the_one_of_whole_arrays(seed: int) -> None:
    chance = np.random.default_rng(seed)
    case = published(random_network(chance, rating_mva=60.0))
    n = len(case.network.buses)
    table = ElementTable(case, np.arange(n))
    fleet = table.mixed_factor(case.fleet_bus, case.fleet_share)
    factor = table.factors(chance.integers(0, n - 1, 6)) - fleet[:, None]
    mw = chance.uniform(5, 60, 6)
    flow = table.base_mw + factor @ mw
    rules = replace(
        REMEDIAL_ACTION_RULES, trip_limit_mw=float(chance.uniform(40, 300)), most_requests=4
    )
    nothing = np.zeros(len(table.row), np.bool_)
    for outage in np.flatnonzero(table.is_outage).tolist():
        scheme = design_scheme(
            table,
            outage=outage,
            flow_mw=flow,
            request_factor=factor,
            request_mw=mw,
            overloaded=nothing,
            ignored=nothing,
            rules=rules,
        )
        expected = plainly(table, outage, flow, factor, mw, rules)
        assert (None if scheme is None else scheme.requests) == expected
        if scheme is not None:
            assert scheme.tripped_mw == pytest.approx(mw[list(expected)].sum())
