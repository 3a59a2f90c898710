"""AC outages as other programs solve them: lightsim2grid for the list, pypowsybl for the rules."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from bench.peers import lightsim2grid_model, lightsim2grid_order, powsybl_network
from gentie.engines.grid.ac_contingencies import (
    OutageStatus,
    PickUp,
    Reason,
    analyse_ac_contingencies,
)
from gentie.engines.grid.power_flow import solve_power_flow
from tests.networks import read_network


@pytest.mark.parametrize("name", ["case118", "case_ACTIVSg500", "case_ACTIVSg2000"])
def test_lightsim2grid_solves_the_same_list_to_the_same_voltages_and_flows(name: str) -> None:
    from lightsim2grid.lightsim2grid_cpp import AlgorithmType, ContingencyAnalysisCPP

    network = read_network(name)
    flow = solve_power_flow(network, enforce_reactive_limits=False, tolerance_pu=1e-10)
    rows = np.flatnonzero(network.is_branch_live)
    unit = np.ones(len(rows))
    found = analyse_ac_contingencies(
        network,
        flow,
        branches=rows,
        units=np.zeros(0, np.int64),
        monitored=rows,
        normal_limit_mva=unit,
        post_limit_mva=unit,
        enforce_reactive_limits=False,
        simulate_islanding=False,
        store_voltages=True,
    )
    model, order = lightsim2grid_model(network), lightsim2grid_order(network)
    base = model.ac_pf(flow.voltage_pu * np.exp(1j * np.deg2rad(flow.angle_deg)), 20, 1e-10)
    assert np.abs(np.abs(base) - flow.voltage_pu).max() < 1e-9
    theirs = np.empty(len(order), np.int64)
    theirs[order] = np.arange(len(order))
    analysis = ContingencyAnalysisCPP(model)
    analysis.change_algorithm(AlgorithmType.NR_KLU)
    analysis.add_multiple_n1(theirs[rows].tolist())
    analysis.compute(base, 20, 2e-7)
    analysis.compute_power_flows()
    opened = order[np.array([ids[0] for ids in analysis.my_defaults()])]
    solved = opened[np.array(analysis.converged_mask())]
    ours = found.branch[found.status == OutageStatus.SOLVED]
    assert set(ours.tolist()) == set(solved.tolist())
    place = {int(row): c for c, row in enumerate(found.branch)}
    voltages = np.array(analysis.get_voltages())
    largest = 0.0
    for row, state in zip(opened.tolist(), voltages, strict=True):
        if found.status[place[row]] != OutageStatus.SOLVED:
            continue
        voltage, angle = found.voltages.of(place[row])
        largest = max(
            largest, float(np.abs(voltage * np.exp(1j * np.deg2rad(angle)) - state).max())
        )
    print(f"{name}: {len(ours)} outages, complex voltages within {largest:.1e} pu (≤ 1e-6)")
    assert largest <= 1e-6


@pytest.mark.parametrize("name", ["case118", "case_ACTIVSg200"])
def test_powsybl_finds_the_same_with_reactive_limits_islanding_and_lost_units(
    name: str, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pypowsybl
        from pypowsybl._pypowsybl import ContingencyContextType

    network = read_network(name)
    flow = solve_power_flow(network, tolerance_pu=1e-9)
    theirs, branch_names, unit_names = powsybl_network(network, tmp_path)
    chosen = pypowsybl.loadflow.Parameters(
        distributed_slack=False,
        use_reactive_limits=True,
        read_slack_bus=True,
        twt_split_shunt_admittance=True,
        provider_parameters={"newtonRaphsonConvEpsPerEq": "1e-8", "maxOuterLoopIterations": "50"},
    )
    analysis = pypowsybl.security.create_analysis()
    live_units = np.flatnonzero(network.is_generator_live)
    live = np.flatnonzero(network.is_branch_live)
    names = [branch_names[row] for row in live] + [unit_names[row] for row in live_units]
    analysis.add_single_element_contingencies(names)
    analysis.add_monitored_elements(
        contingency_context_type=ContingencyContextType.ALL,
        voltage_level_ids=list(theirs.get_voltage_levels().index),
    )
    parameters = pypowsybl.security.Parameters(load_flow_parameters=chosen)
    answer = analysis.run_ac(theirs, parameters=parameters).bus_results.reset_index()
    nominal = theirs.get_voltage_levels().nominal_v
    answer["pu"] = answer.v_mag.to_numpy() / nominal.loc[answer.voltage_level_id].to_numpy()
    answer["bus"] = answer.bus_id.str.removeprefix("BUS-").astype(int)
    by_outage = dict(list(answer.groupby("contingency_id")))

    limit = np.full(len(live), 100.0)
    found = analyse_ac_contingencies(
        network,
        flow,
        branches=live,
        units=live_units,
        monitored=live,
        normal_limit_mva=limit,
        post_limit_mva=limit,
        pick_up=PickUp.SLACK,
        store_voltages=True,
        tolerance_pu=1e-9,
    )
    differences, islanded = [], 0
    for c, outage in enumerate(names):
        if found.reason[c] in {Reason.LAST_SLACK_UNIT, Reason.SLACK_CUT_OFF}:
            continue
        assert found.status[c] <= OutageStatus.ISLANDED
        voltage, _ = found.voltages.of(c)
        table = by_outage[outage]
        row = [network.bus_row[number] for number in table.bus]
        told = np.full(len(voltage), np.nan)
        told[row] = table.pu
        stays = ~np.isnan(voltage)
        islanded += not stays.all()
        assert np.isfinite(told[stays]).all()
        assert not np.isfinite(told[~stays]).any()
        differences.append(float(np.abs(voltage - told)[stays].max()))
    changed = int((found.sides_changed > 0).sum())
    print(
        f"{name}: {len(differences)} outages, {islanded} that island, {changed} in which buses "
        f"change sides; voltages within {max(differences):.1e} pu (≤ 1e-6)"
    )
    assert changed > 0
    assert islanded > 0
    assert max(differences) <= 1e-6
