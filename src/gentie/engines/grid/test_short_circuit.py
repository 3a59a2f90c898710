"""Fault currents against paper, laws, brute force in phase quantities, and pandapower."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.short_circuit_tables import comparable
from gentie.engines.grid.breaker_duty import Breakers, breaker_duty, direct_component_factor
from gentie.engines.grid.inverter_currents import InverterControl
from gentie.engines.grid.network import Network
from gentie.engines.grid.short_circuit import (
    FaultModel,
    FaultSettings,
    FaultType,
    Method,
    fault_model,
    short_circuit,
)
from gentie.engines.grid.short_circuit_data import (
    SequenceData,
    SequenceDefaults,
    ZeroPath,
    default_sequence_data,
)
from gentie.engines.grid.short_circuit_requests import (
    contributions,
    request_units,
    with_requests,
)
from tests.networks import read_network

CASES = Path(__file__).resolve().parents[4] / "cases"
PAPER = json.loads((CASES / "short_circuit_on_paper" / "expect.json").read_text())
PEER = json.loads((CASES / "short_circuit_pandapower" / "expect.json").read_text())
ON_PAPER = SequenceDefaults(**PAPER["defaults"])
USUAL = replace(
    ON_PAPER, machine_rx=0.02, machine_power_factor=0.85, step_up_reactance_pu=0.12, step_up_rx=0.03
)
CONTROL = InverterControl(threshold_pu=0.9, gain=2.0, memory_pu=0.4)
IEC, FLAT = (
    FaultSettings(method, flat_voltage_pu=1.0, control=CONTROL)
    for method in (Method.IEC, Method.FLAT)
)
TWO_SOURCES = (FaultType.THREE_PHASE, FaultType.LINE_TO_GROUND)


def paper() -> tuple[Network, SequenceData]:
    network = read_network(CASES / "short_circuit_on_paper" / "case.m")
    return network, default_sequence_data(network, ON_PAPER)


@cache
def model_of(name: str, method: Method = Method.FLAT) -> FaultModel:
    network = read_network(name)
    data = default_sequence_data(network, USUAL)
    return fault_model(network, data, replace(FLAT, method=method))


# On paper


def test_the_simple_method_on_paper() -> None:
    found = short_circuit(fault_model(*paper(), FLAT))
    expected, close = PAPER["flat"], PAPER["tolerance"]
    assert found.positive_pu.imag == pytest.approx(expected["positive_x_pu"], rel=close)
    assert np.isinf(found.zero_pu[0])
    assert found.zero_pu.imag[1:] == pytest.approx(expected["zero_x_pu"][1:], rel=close)
    for fault in FaultType:
        in_pu = found.current_ka[fault] / PAPER["base_ka"]
        assert in_pu == pytest.approx(expected[fault.value], rel=close), fault
    double = FaultType.LINE_LINE_TO_GROUND
    earth = found.earth_ka[double] / PAPER["base_ka"]
    assert earth == pytest.approx(expected["earth of line-line-to-ground"], rel=close)
    single = FaultType.LINE_TO_GROUND
    assert np.array_equal(found.earth_ka[single], found.current_ka[single])
    assert np.isnan(found.peak_ka).all()
    assert np.isinf(found.x_over_r[FaultType.THREE_PHASE]).all()


def test_iec_60909_on_paper() -> None:
    found = short_circuit(fault_model(*paper(), IEC))
    expected, close = PAPER["iec"], PAPER["tolerance"]
    in_pu = found.current_ka[FaultType.THREE_PHASE] / PAPER["base_ka"]
    assert in_pu == pytest.approx(expected["three-phase"], rel=close)
    peak = found.peak_ka[1] / PAPER["base_ka"][1]
    assert peak == pytest.approx(expected["peak at bus 2"], rel=close)
    assert found.breaking_ka is found.current_ka[FaultType.THREE_PHASE]


def test_a_request_on_paper() -> None:
    network, data = paper()
    expected = PAPER["request"]
    row = network.bus_row[expected["bus"]]
    brought = request_units([("R1", row, expected["mw"], False)], ON_PAPER)
    assert brought.units.rating_mva.tolist() == [100.0]
    found = contributions(network, data, FLAT, brought, least_rise_ka=0.1)
    at = found.bus.tolist().index(row)
    for fault in TWO_SOURCES:
        part = found.contribution_ka[fault][0, at] / PAPER["base_ka"][row]
        assert part == pytest.approx(expected[fault.value], rel=PAPER["tolerance"])


def test_a_breaker_on_paper() -> None:
    network, data = paper()
    found = short_circuit(fault_model(network, data, FLAT))
    expected = PAPER["breaker"]
    one = Breakers(
        bus=np.array([network.bus_row[expected["bus"]]]),
        rating_ka=np.array([expected["rating_ka"]]),
        rated_x_over_r=np.array([expected["x_over_r"]]),
        contact_parting_cycles=np.array([expected["cycles"]]),
    )
    three, ground = TWO_SOURCES
    duty = breaker_duty(
        one,
        three_phase_ka=found.current_ka[three],
        three_phase_x_over_r=found.x_over_r[three],
        ground_ka=found.current_ka[ground],
        ground_x_over_r=found.x_over_r[ground],
    )
    assert duty.duty_percent == pytest.approx([expected["duty_percent"]], rel=PAPER["tolerance"])
    assert duty.is_ground_fault.tolist() == [True]


def test_the_direct_component_counts_only_above_the_rated_x_over_r() -> None:
    ratios = np.array([1.0, 10.0, 17.0, 17.5, 40.0, 200.0])
    factor = direct_component_factor(ratios, np.full(6, 17.0), np.full(6, 2.0))
    assert factor[:3].tolist() == [1.0, 1.0, 1.0]
    assert np.all(np.diff(factor[2:]) > 0)
    assert factor[-1] < np.sqrt(3.0)


# pandapower


@pytest.mark.parametrize("name", list(PEER["cases"]))
def test_iec_60909_agrees_with_pandapower(name: str) -> None:
    network, given_there = read_network(name), PEER["defaults"]
    defaults = replace(
        USUAL,
        machine_reactance_pu=given_there["machine_reactance_pu"],
        machine_rx=given_there["machine_rx"],
        machine_power_factor=given_there["machine_power_factor"],
        rating_span=given_there["rating_span"],
        line_zero_reactance_ratio=given_there["line_zero_ratio"],
        line_zero_resistance_ratio=given_there["line_zero_ratio"],
        minimum_kv=given_there["delta_below_kv"],
    )
    data = comparable(default_sequence_data(network, defaults))
    found = short_circuit(fault_model(network, data, IEC))
    theirs, close = PEER["cases"][name], PEER["tolerance"]
    for fault in (FaultType.THREE_PHASE, FaultType.LINE_TO_LINE):
        assert found.current_ka[fault] == pytest.approx(theirs[fault.value], rel=close)
    assert found.peak_ka == pytest.approx(theirs["peak"], rel=close)
    # pandapower stands a machine's neutral on 1,000 ohms so that its matrix has a factor: 0.1 A.
    ground = found.current_ka[FaultType.LINE_TO_GROUND]
    assert ground == pytest.approx(theirs["line-to-ground"], rel=1e-5, abs=5e-4)


# Brute force: the three phases as they are


def phase_matrix(model: FaultModel, data: SequenceData) -> Any:
    """Bus matrix in phase quantities, assembled from the sequence impedances of every element."""
    network, turn = model.network, np.exp(2j * np.pi / 3)
    to_phase = np.array([[1, 1, 1], [1, turn**2, turn], [1, turn, turn**2]])
    back = np.linalg.inv(to_phase)
    n = len(network.buses)
    matrix = np.zeros((n, 3, n, 3), complex)

    def add(a: int, z: int, zero: complex, one: complex, two: complex) -> None:
        matrix[a, :, z, :] += to_phase @ np.diag([zero, one, two]) @ back

    branches, given = network.branches, data.branches
    for row in np.flatnonzero(network.is_branch_live):
        a, z, tap = branches.from_bus[row], branches.to_bus[row], branches.tap_ratio[row]
        y = 1 / (branches.resistance_pu[row] + 1j * branches.reactance_pu[row])
        y0 = 1 / (given.zero_resistance_pu[row] + 1j * given.zero_reactance_pu[row])
        path = given.zero_path[row]
        at_from = y0 * (path in {ZeroPath.THROUGH, ZeroPath.GROUND_AT_FROM})
        at_to = y0 * (path in {ZeroPath.THROUGH, ZeroPath.GROUND_AT_TO})
        across = y0 * (path == ZeroPath.THROUGH)
        add(a, a, at_from / tap**2, y / tap**2, y / tap**2)
        add(z, z, at_to, y, y)
        add(a, z, -across / tap, -y / tap, -y / tap)
        add(z, a, -across / tap, -y / tap, -y / tap)
    units = data.units
    for row in np.flatnonzero(network.is_generator_live & ~units.is_inverter):
        scale = units.rating_mva[row] / network.base_mva
        step_up = units.step_up_resistance_pu[row] + 1j * units.step_up_reactance_pu[row]
        one = scale / (units.resistance_pu[row] + 1j * units.subtransient_pu[row] + step_up)
        negative = units.negative_resistance_pu[row] + 1j * units.negative_reactance_pu[row]
        two = scale / (negative + step_up)
        nil = units.zero_resistance_pu[row] + 1j * units.zero_reactance_pu[row]
        zero = scale / nil if np.isfinite(units.zero_reactance_pu[row]) else 0.0
        bus = network.generators.bus[row]
        add(bus, bus, zero, one, two)
    return matrix.reshape(3 * n, 3 * n)


SHORTED = {
    FaultType.THREE_PHASE: [(1, 1, 1)],
    FaultType.LINE_TO_GROUND: [(1, 0, 0)],
    FaultType.LINE_TO_LINE: [(0, 1, -1)],
    FaultType.LINE_LINE_TO_GROUND: [(0, 1, 0), (0, 0, 1)],
}


@pytest.mark.parametrize("negative_ratio", [1.0, 1.3])
@pytest.mark.parametrize("name", ["case9", "case39", "case_RTS_GMLC"])
def test_every_fault_in_phase_quantities(name: str, negative_ratio: float) -> None:
    """Short the phases of the dense three-phase impedance matrix, nothing of sequences used."""
    network = read_network(name)
    data = default_sequence_data(network, replace(USUAL, negative_ratio=negative_ratio))
    kept = replace(data.units, zero_reactance_pu=np.full(len(data.units), 0.1))  # all grounded
    kept = replace(kept, zero_resistance_pu=np.full(len(data.units), 0.003))
    data = replace(data, units=kept)
    model = fault_model(network, data, FLAT)
    found = short_circuit(model)
    n = len(network.buses)
    matrix = phase_matrix(model, data)
    # What has no path to ground in zero sequence gets one of a millionth, to have an inverse.
    matrix += 1e-9 * np.eye(3 * n)
    impedance = np.linalg.inv(matrix).reshape(n, 3, n, 3)
    turn = np.exp(2j * np.pi / 3)
    voltage = np.array([1, turn**2, turn])
    base = network.base_mva / (np.sqrt(3) * network.buses.nominal_kv)
    for bus in range(n):
        own = impedance[bus, :, bus, :]
        for fault, pattern in SHORTED.items():
            if fault is FaultType.THREE_PHASE:
                current = np.linalg.solve(own, voltage)
            else:
                ends = np.array(pattern).T
                current = ends @ np.linalg.solve(ends.T @ own @ ends, ends.T @ voltage)
            assert found.current_ka[fault][bus] == pytest.approx(
                np.abs(current).max() * base[bus], rel=1e-5, abs=1e-5
            ), (bus, fault)


# Laws


@settings(max_examples=30, deadline=None, derandomize=True)
@given(row=st.integers(0, 45), more=st.floats(1.01, 5.0))
def test_current_falls_when_an_impedance_grows(row: int, more: float) -> None:
    model = model_of("case39")
    network = model.network
    branches = network.branches
    r, x = branches.resistance_pu.copy(), branches.reactance_pu.copy()
    r[row], x[row] = 0.0, x[row] * more
    lossless = replace(branches, resistance_pu=0.0 * r, reactance_pu=branches.reactance_pu.copy())
    grown = replace(lossless, reactance_pu=x)
    defaults = replace(USUAL, machine_rx=0.0, step_up_rx=0.0)
    currents = []
    for changed in (lossless, grown):
        other = replace(network, branches=changed)
        data = default_sequence_data(other, defaults)
        currents.append(short_circuit(fault_model(other, data, FLAT)).current_ka)
    for fault in FaultType:
        assert np.all(currents[1][fault] <= currents[0][fault] * (1 + 1e-12))
    assert np.any(currents[1][FaultType.THREE_PHASE] < currents[0][FaultType.THREE_PHASE])


@pytest.mark.parametrize("is_inverter", [False, True])
@pytest.mark.parametrize("settings_", [IEC, FLAT], ids=["iec", "flat"])
def test_a_further_source_raises_every_current(settings_: FaultSettings, is_inverter: bool) -> None:
    network = read_network("case39")
    data = default_sequence_data(network, USUAL)
    before = short_circuit(fault_model(network, data, settings_)).current_ka
    brought = request_units([("R1", 15, 400.0, is_inverter)], USUAL)
    grown = with_requests(network, data, brought)
    after = short_circuit(fault_model(*grown, settings_)).current_ka
    for fault in FaultType:
        assert np.all(after[fault] >= before[fault] * (1 - 1e-12)), fault
        assert after[fault][15] > before[fault][15]


def test_transfer_impedances_are_reciprocal_and_the_check_is_tight() -> None:
    networks = model_of("case_ACTIVSg2000").networks
    some = np.arange(0, 2000, 97)
    for one in (networks.positive, networks.zero):
        square = one.columns(some)[some]
        assert np.abs(square - square.T).max() < 1e-12
        diagonal = np.where(one.is_grounded[some], one.impedance_pu[some], 0.0)
        assert np.diag(square) == pytest.approx(diagonal, rel=1e-11)
    assert networks.negative is networks.positive
    assert networks.largest_residual < 1e-11


def test_a_delta_stops_zero_sequence() -> None:
    found = short_circuit(model_of("case_ACTIVSg200"))
    network = model_of("case_ACTIVSg200").network
    units = network.generators
    behind = np.unique(units.bus[network.is_generator_live])
    behind = behind[network.buses.nominal_kv[behind] < USUAL.minimum_kv]
    assert len(behind)
    assert np.isinf(found.zero_pu[behind]).all()
    assert not found.current_ka[FaultType.LINE_TO_GROUND][behind].any()
    assert found.current_ka[FaultType.LINE_LINE_TO_GROUND][behind] == pytest.approx(
        found.current_ka[FaultType.LINE_TO_LINE][behind]
    )


def test_star_points_are_no_places_and_their_lowest_leg_grounds_them() -> None:
    network = read_network("case_ACTIVSg10k")
    data = default_sequence_data(network, USUAL)
    star = np.unique(data.branches.star_bus[data.branches.star_bus >= 0])
    assert len(star) == 300
    legs = np.flatnonzero(data.branches.star_bus >= 0)
    is_ground = data.branches.zero_path[legs] != ZeroPath.THROUGH
    assert int(is_ground.sum()) == 300
    found = short_circuit(fault_model(network, data, IEC))
    assert np.isnan(found.current_ka[FaultType.THREE_PHASE][star]).all()
    assert np.isfinite(found.current_ka[FaultType.THREE_PHASE]).sum() == 10_000 - 300
    assert found.largest_residual < 1e-10


# Inverters


def with_an_inverter(mw: float, settings_: FaultSettings) -> tuple[Any, Any]:
    """The case on paper without and with an inverter at bus 3."""
    network, data = paper()
    without = short_circuit(fault_model(network, data, settings_))
    brought = request_units([("R1", 2, mw, True)], ON_PAPER)
    grown = with_requests(network, data, brought)
    return without, short_circuit(fault_model(*grown, settings_))


def test_an_inverter_at_the_fault_gives_its_limit() -> None:
    for settings_ in (IEC, FLAT):
        without, found = with_an_inverter(95.0, settings_)  # 100 MVA, 1.2 times
        base, three = PAPER["base_ka"][2], FaultType.THREE_PHASE
        assert found.inverter_ka[three][2] / base == pytest.approx(1.2, rel=1e-5)
        rise = found.current_ka[three][2] - without.current_ka[three][2]
        assert rise / base == pytest.approx(1.2, rel=1e-5)


def test_iec_counts_every_inverter_whole_and_the_voltage_decides_otherwise() -> None:
    """At bus 4 the inverter sees 0.5385 pu without its current, |Z_43| / |Z_44| = 6/13."""
    three, base = FaultType.THREE_PHASE, PAPER["base_ka"][3]
    _, iec = with_an_inverter(95.0, IEC)
    z3, z4 = 0.1641799599970319, 0.3507871028541747
    assert iec.inverter_ka[three][3] / base == pytest.approx(1.2 * z3 / z4, rel=1e-6)
    _, flat = with_an_inverter(95.0, FLAT)
    # v = 7/13 + (Z_33 - Z_34²/Z_44) i and i = 2 (0.9 - v), all in phase without resistance.
    z33, z44 = 6 / 35, 13 / 35
    seen = (7 / 13 + (z33 - z33**2 / z44) * 1.8) / (1 + 2 * (z33 - z33**2 / z44))
    current = 2 * (0.9 - seen)
    assert 0 < current < 1.2
    assert flat.inverter_ka[three][3] / base == pytest.approx(current * 6 / 13, rel=1e-5)


def test_inverters_stay_below_the_upper_bound_and_settle() -> None:
    model = model_of("case_ACTIVSg2000")
    found = short_circuit(model)
    assert len(model.inverters.place) > 50
    assert len(found.unsettled) == 0
    bound = np.abs(model.inverters.columns[model.source]) @ model.inverters.limit_pu
    bound = bound / np.abs(model.points.positive) * model.base_ka[model.source]
    added = found.inverter_ka[FaultType.THREE_PHASE][model.networks.bus[model.source]]
    assert np.all(added <= bound * (1 + 1e-6))


# Requests


@pytest.mark.parametrize("settings_", [IEC, FLAT], ids=["iec", "flat"])
def test_taking_a_request_out_is_a_grid_without_it(settings_: FaultSettings) -> None:
    network = read_network("case_ACTIVSg200")
    data = default_sequence_data(network, USUAL)
    asked = [("A", 10, 200.0, False), ("B", 60, 150.0, True), ("C", 10, 90.0, True)]
    asked += [("A", 10, 50.0, True), ("D", int(network.generators.bus[0]), 80.0, False)]
    found = contributions(network, data, settings_, request_units(asked, USUAL), least_rise_ka=0.1)
    assert found.request == ("A", "B", "C", "D")
    assert 5 < len(found.bus) < len(network.buses)
    whole = short_circuit(found.after).current_ka
    for row, name in enumerate(found.request):
        others = request_units([one for one in asked if one[0] != name], USUAL)
        left = fault_model(*with_requests(network, data, others), settings_)
        without = short_circuit(left).current_ka
        for fault in TWO_SOURCES:
            part = (whole[fault] - without[fault])[found.bus]
            assert found.contribution_ka[fault][row] == pytest.approx(part, rel=1e-5, abs=1e-6)


def test_the_request_that_was_the_only_ground() -> None:
    """A request at a bus behind a delta brings the first path to ground there."""
    network = read_network("case_ACTIVSg200")
    data = default_sequence_data(network, USUAL)
    bus = int(network.generators.bus[0])
    brought = request_units([("A", bus, 80.0, False)], USUAL)
    found = contributions(network, data, FLAT, brought, least_rise_ka=0.02)
    at = found.bus.tolist().index(bus)
    whole = short_circuit(found.after).current_ka[FaultType.LINE_TO_GROUND][bus]
    assert whole > 1.0
    assert found.contribution_ka[FaultType.LINE_TO_GROUND][0, at] == pytest.approx(whole)


# Edges


def test_a_part_without_machines_has_no_current() -> None:
    network, _ = paper()
    units = replace(network.generators, in_service=np.array([True, False]))
    branches = replace(network.branches, in_service=np.array([True, False, True]))
    changed = replace(network, generators=units, branches=branches)
    found = short_circuit(fault_model(changed, default_sequence_data(changed, ON_PAPER), FLAT))
    three = found.current_ka[FaultType.THREE_PHASE]
    assert np.isnan(three[2:]).all()
    assert three[1] / PAPER["base_ka"][1] == pytest.approx(1 / 0.3)


def test_a_solved_profile_scales_the_current_by_the_voltage() -> None:
    network, data = paper()
    voltage = np.array([1.02, 1.01, 1.0, 0.97]) * np.exp(1j * np.array([0.0, -0.1, -0.2, -0.3]))
    profile = replace(FLAT, method=Method.PROFILE)
    flat = short_circuit(fault_model(network, data, FLAT)).current_ka
    found = fault_model(network, data, profile, prefault_voltage_pu=voltage)
    for fault in FaultType:
        assert short_circuit(found).current_ka[fault] == pytest.approx(
            flat[fault] * np.abs(voltage)
        )
    with pytest.raises(ValueError, match="solved voltages"):
        fault_model(network, data, profile)


def test_a_filler_machine_base_is_not_believed() -> None:
    network, _ = paper()
    units = network.generators
    large = replace(units, p_max_mw=np.array([340.0, 20.0]))
    data = default_sequence_data(replace(network, generators=large), USUAL)
    assert data.units.rating_mva == pytest.approx([340 / 0.85, 20 / 0.85])
