"""AC outages against paper, laws, full re-solves of each outage, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.grid.ac_contingencies import (
    AcContingencies,
    OutageStatus,
    PickUp,
    Reason,
    SingularBase,
    analyse_ac_contingencies,
)
from gentie.engines.grid.network import BusKind, Network
from gentie.engines.grid.power_flow import PowerFlow, solve_power_flow
from tests.networks import (
    meshed_networks,
    network_of,
    read_network,
    table_of_branches,
    table_of_buses,
    table_of_dc_lines,
    table_of_units,
)

CASES = Path(__file__).resolve().parents[4] / "cases"


def analysed(
    network: Network, flow: PowerFlow, *, units: bool = True, **choices: Any
) -> AcContingencies:
    """Every branch and every unit, watched against 100 MVA where nothing else is rated."""
    rows = np.arange(len(network.branches))
    rating = network.branches.rating_normal_mva
    limit = np.where(rating > 0, rating, 100.0)
    return analyse_ac_contingencies(
        network,
        flow,
        **{
            "branches": rows,
            "units": np.arange(len(network.generators) if units else 0),
            "monitored": rows,
            "normal_limit_mva": limit,
            "post_limit_mva": limit,
            "store_voltages": True,
            **choices,
        },
    )


def network_after(network: Network, found: AcContingencies, c: int, flow: PowerFlow) -> Network:
    """The network with outage ``c`` done to its tables: an independent way to the same state."""
    branches, units, buses = network.branches, network.generators, network.buses
    stays = ~np.isin(np.arange(len(buses)), found.lost_bus_rows.get(c, ()))
    p = flow.unit_p_mw.copy()
    on = units.in_service & stays[units.bus]
    room = np.maximum(units.p_max_mw - flow.unit_p_mw, 0.0)
    if found.unit[c] >= 0:
        on[found.unit[c]] = False
    room[~(on & network.is_generator_live)] = 0.0
    if found.picked_up_mw[c] > 0:
        p = p + found.picked_up_mw[c] * room / room.sum()
    in_service = branches.in_service.copy()
    if found.branch[c] >= 0:
        in_service[found.branch[c]] = False
    dc = network.dc_lines
    dc_on = dc.in_service & stays[dc.from_bus] & stays[dc.to_bus]
    return replace(
        network,
        buses=replace(buses, kind=np.where(stays, buses.kind, int(BusKind.ISOLATED))),
        branches=replace(branches, in_service=in_service),
        generators=replace(units, in_service=on, p_mw=p),
        dc_lines=replace(dc, in_service=dc_on),
    )


def differences(
    network: Network, flow: PowerFlow, found: AcContingencies, c: int, *, limits: bool
) -> tuple[float, float] | None:
    """Largest difference of voltage (pu) and of the worst flow (MVA) from a solve from nothing."""
    after = network_after(network, found, c, flow)
    begin = replace(
        after.buses,
        voltage_pu=np.where(np.isfinite(flow.voltage_pu), flow.voltage_pu, 1.0),
        angle_deg=np.where(np.isfinite(flow.angle_deg), flow.angle_deg, 0.0),
    )
    if found.unit[c] >= 0:  # the bus keeps the set-point that it had
        units = after.generators
        own = units.bus == units.bus[found.unit[c]]
        first = np.flatnonzero(own & network.is_generator_live)[0]
        setpoint = np.where(own, units.voltage_setpoint_pu[first], units.voltage_setpoint_pu)
        after = replace(after, generators=replace(units, voltage_setpoint_pu=setpoint))
    solved = solve_power_flow(
        replace(after, buses=begin), enforce_reactive_limits=limits, tolerance_pu=1e-10
    )
    if not solved.converged:
        return None
    voltage, _ = found.voltages.of(c)
    assert np.array_equal(np.isnan(voltage), np.isnan(solved.voltage_pu))
    mva = np.maximum(
        np.hypot(solved.p_from_mw, solved.q_from_mvar), np.hypot(solved.p_to_mw, solved.q_to_mvar)
    )
    rating = network.branches.rating_normal_mva
    limit = np.where(rating > 0, rating, 100.0)
    worst = float((mva / limit).max())
    at = int(found.worst_branch[c])
    assert worst == pytest.approx(found.worst_loading[c], abs=1e-5)
    return (
        float(np.nanmax(np.abs(voltage - solved.voltage_pu))),
        float(abs(found.worst_loading[c] * limit[at] - mva[at])) if at >= 0 else 0.0,
    )


# Paper


def test_outages_on_paper() -> None:
    network = read_network(CASES / "ac_outages_on_paper" / "case.m")
    expected = json.loads((CASES / "ac_outages_on_paper" / "expect.json").read_text())
    allowed = expected["tolerance"]
    found = analysed(network, solve_power_flow(network), tolerance_pu=1e-11)
    ids = [*network.element_ids, *network.unit_ids]
    for told in expected["outages"]:
        c = ids.index(told["outage"])
        assert OutageStatus(found.status[c]).name.lower() == told["status"]
        if "worst_percent" in told:
            assert 100 * found.worst_loading[c] == pytest.approx(told["worst_percent"], abs=1e-6)
            assert network.element_ids[found.worst_branch[c]] == told["worst"]
            voltage, _ = found.voltages.of(c)
            assert voltage[told["bus"] - 1] == pytest.approx(told["voltage_pu"], abs=allowed)
        if "lost_buses" in told:
            assert found.lost_buses[c] == told["lost_buses"]
            assert found.lost_load_mw[c] == pytest.approx(told["lost_load_mw"], abs=1e-9)
            assert found.lost_generation_mw[c] == pytest.approx(told["lost_generation_mw"])
            assert found.lost_bus_rows[c] == (2,)
            assert np.isnan(found.voltages.of(c)[0]).tolist() == [False, False, True]
    slack_unit = ids.index("unit:1:1")
    assert found.reason[slack_unit] == Reason.LAST_SLACK_UNIT
    assert np.isnan(found.worst_loading[slack_unit])
    assert found.worst_branch[slack_unit] == found.lowest_bus[slack_unit] == -1


def test_loss_of_a_unit_is_made_up_by_headroom() -> None:
    network = network_of(
        table_of_buses([3, 1, 1, 1], [0, 30, 0, 0]),
        table_of_branches([(0, 1), (0, 2), (0, 3)], 1e-6 + 0.01j),
        table_of_units([0, 1, 2, 3], [0, 10, 20, 900], [(-99, 99)] + 3 * [(0, 0)]),
    )
    flow = solve_power_flow(network)
    found = analysed(network, flow)
    # unit 4 has 100 MW of headroom, unit 3 980 and the slack's 1000 and what it takes now
    c = len(network.branches) + 1
    room = 1000 - flow.unit_p_mw
    assert found.picked_up_mw[c] == pytest.approx(10.0, abs=1e-9)
    loading_of_unit_3 = (20 + 10 * room[2] / (room.sum() - room[1])) / 100
    after = solve_power_flow(network_after(network, found, c, flow))
    assert after.p_to_mw[1] == pytest.approx(100 * loading_of_unit_3, abs=1e-5)
    by_slack = analysed(network, flow, pick_up=PickUp.SLACK)
    assert not by_slack.picked_up_mw.any()


# Laws


@settings(max_examples=40, deadline=None, derandomize=True)
@given(network=meshed_networks(), limits=st.booleans(), pick_up=st.sampled_from(PickUp))
def test_every_outage_is_the_full_solution_of_the_changed_network(
    network: Network, limits: bool, pick_up: PickUp
) -> None:
    flow = solve_power_flow(network, enforce_reactive_limits=limits, tolerance_pu=1e-10)
    if not flow.converged:
        return
    found = analysed(
        network, flow, enforce_reactive_limits=limits, pick_up=pick_up, tolerance_pu=1e-9
    )
    for c in np.flatnonzero(found.status <= OutageStatus.ISLANDED).tolist():
        told = differences(network, flow, found, c, limits=limits)
        if told is not None:
            assert told[0] <= 1e-5
            assert told[1] <= 1e-2


@settings(max_examples=25, deadline=None, derandomize=True)
@given(network=meshed_networks())
def test_what_is_worst_is_the_worst_of_the_pairs(network: Network) -> None:
    flow = solve_power_flow(network, tolerance_pu=1e-10)
    if not flow.converged:
        return
    found = analysed(network, flow, above=0.0)
    by_outage, by_branch = {}, {}
    for c, m, loading in zip(
        found.pair_outage.tolist(), found.pair_branch.tolist(), found.pair_loading.tolist()
    ):
        by_outage[c] = max(by_outage.get(c, 0.0), loading)
        by_branch[m] = max(by_branch.get(m, 0.0), loading)
        assert found.branch[c] != m
    for c, worst in by_outage.items():
        assert found.worst_loading[c] == worst
    for m, worst in by_branch.items():
        assert found.branch_worst_loading[m] == worst
        c = int(found.branch_worst_outage[m])
        assert ((found.pair_outage == c) & (found.pair_branch == m)).any()


@pytest.mark.parametrize("limits", [False, True])
def test_the_number_of_threads_changes_no_bit(limits: bool) -> None:
    network = read_network("case_ACTIVSg500")
    flow = solve_power_flow(network, enforce_reactive_limits=limits)
    one, two, three = (
        analysed(network, flow, enforce_reactive_limits=limits, above=0.5, threads=threads)
        for threads in (1, 2, 3)
    )
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            for other in (two, three):
                assert np.array_equal(value, getattr(other, name), equal_nan=True), name
    assert np.array_equal(one.voltages.change, two.voltages.change, equal_nan=True)
    assert np.array_equal(one.voltages.change, three.voltages.change, equal_nan=True)


# Full re-solves


@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize(
    ("name", "sampled"), [("case118", None), ("case_ACTIVSg500", 60), ("case_ACTIVSg2000", 40)]
)
def test_full_solves_of_the_changed_network_find_the_same(
    name: str, sampled: int | None, limits: bool
) -> None:
    network = read_network(name)
    flow = solve_power_flow(network, enforce_reactive_limits=limits, tolerance_pu=1e-10)
    found = analysed(network, flow, enforce_reactive_limits=limits)
    solved = np.flatnonzero(found.status <= OutageStatus.ISLANDED)
    if sampled is not None:
        solved = np.sort(np.random.default_rng(7).choice(solved, sampled, replace=False))
    told = [differences(network, flow, found, c, limits=limits) for c in solved.tolist()]
    pairs = np.array([pair for pair in told if pair is not None])
    print(
        f"{name}, limits {'on' if limits else 'off'}: {len(solved)} outages, "
        f"{len(solved) - len(pairs)} not solved from nothing, voltages {pairs[:, 0].max():.1e} pu, "
        f"worst flows {pairs[:, 1].max():.1e} MVA, {int(found.sides_changed[solved].sum())} buses "
        f"changed sides, {int(found.by_newton.sum())} by full Newton"
    )
    assert len(pairs) >= 0.99 * len(solved)
    assert pairs[:, 0].max() <= (2e-5 if limits else 1e-6)
    assert pairs[:, 1].max() <= 0.1


# Edges


def test_what_is_not_simulated_says_why() -> None:
    network = network_of(
        table_of_buses([3, 1, 1, 4], [0, 10, 10, 0]),
        table_of_branches(
            [(0, 1), (1, 2), (0, 2), (1, 3)],
            0.01 + 0.1j,
            in_service=np.array([True, True, False, True]),
        ),
        table_of_units([0, 1, 3], [0, 1, 1], [(-99, 99)] * 3),
    )
    found = analysed(network, solve_power_flow(network), simulate_islanding=False)
    assert found.reason.tolist() == [
        Reason.ISLANDING_OFF,
        Reason.ISLANDING_OFF,
        Reason.OUT_OF_SERVICE,
        Reason.OUT_OF_SERVICE,
        Reason.LAST_SLACK_UNIT,
        Reason.NONE,
        Reason.OUT_OF_SERVICE,
    ]
    assert found.lost_load_mw[:2].tolist() == [20, 10]
    assert found.count(OutageStatus.NOT_SIMULATED) == 6


def test_an_outage_that_leaves_the_slack_alone_is_not_simulated() -> None:
    network = network_of(
        table_of_buses([3, 1, 1], [0, 10, 10]),
        table_of_branches([(0, 1), (1, 2), (1, 2)], 0.01 + 0.1j),
        table_of_units([0, 1], [0, 5], [(-99, 99)] * 2),
    )
    found = analysed(network, solve_power_flow(network))
    assert found.reason[0] == Reason.SLACK_CUT_OFF
    assert (found.lost_buses[0], found.lost_load_mw[0], found.lost_generation_mw[0]) == (2, 20, 5)


def test_an_outage_without_a_solution_is_named_and_loses_nobody_else() -> None:
    network = network_of(
        table_of_buses([3, 1, 1], [0, 250 + 50j, 10]),
        table_of_branches([(0, 1), (0, 1), (0, 2)], [0.1j, 0.35j, 0.1j]),
        table_of_units([0], [0], [(-999, 999)]),
    )
    found = analysed(network, solve_power_flow(network))
    assert found.status.tolist() == [
        OutageStatus.DIVERGED,
        OutageStatus.SOLVED,
        OutageStatus.ISLANDED,
        OutageStatus.NOT_SIMULATED,
    ]
    assert found.by_newton.tolist() == [True, False, False, False]
    assert np.isnan(found.worst_loading[0])
    assert np.isnan(found.voltages.of(0)[0]).all()


def test_a_dc_line_with_one_end_lost_gives_nothing_at_the_other() -> None:
    network = network_of(
        table_of_buses([3, 1, 1], [0, 20, 10]),
        table_of_branches([(0, 1), (1, 2)], 0.01 + 0.1j),
        table_of_units([0], [0], [(-99, 99)]),
        table_of_dc_lines([(1, 2, 5.0, 4.5, 0.0, 0.0)]),
    )
    flow = solve_power_flow(network)
    found = analysed(network, flow, tolerance_pu=1e-10)
    c = 1
    assert found.status[c] == OutageStatus.ISLANDED
    assert differences(network, flow, found, c, limits=True) == pytest.approx((0, 0), abs=1e-6)


def test_a_base_case_without_a_solution_is_refused() -> None:
    network = network_of(
        table_of_buses([3, 1], [0, 900]),
        table_of_branches([(0, 1)], 0.5j),
        table_of_units([0], [0], [(-99, 99)]),
    )
    with pytest.raises(SingularBase):
        analysed(network, solve_power_flow(network))
