from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gentie.engines.grid.short_circuit import Method
from gentie.formats.breakers import BreakerRow
from gentie.formats.matpower.examples import BRANCH, GEN, case_text
from gentie.formats.requests import read_requests
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import load_rulebook
from gentie.workbench.cases import case_from, read_case
from gentie.workbench.short_circuit import sequence_defaults, short_circuit_of

BOOK = load_rulebook()
REQUESTS = b"""request,bus,technology,mw,mwh,deliverability,net_mw
R1,2,solar,200,,full,250
R1,2,storage,300,1200,full,250
R2,1,gas,300,,full,
"""
RATINGS = (
    BreakerRow(1, "A", 20.0, None, None),
    BreakerRow(2, "B", 30.0, 17.0, 2.0),
    BreakerRow(100, "C", 63.0, None, None),
)


@cache
def case200():
    return read_case("case_ACTIVSg200")


@cache
def with_requests(method=Method.FLAT):
    case = case200()
    return short_circuit_of(
        case,
        rulebook=BOOK,
        method=method,
        ratings=RATINGS,
        requests=read_requests(REQUESTS, "requests.csv", case.network),
    )


def test_every_bus_in_the_order_of_the_case_or_the_asked_ones_in_theirs():
    report = short_circuit_of(case200(), rulebook=BOOK)
    assert [bus.bus for bus in report.buses] == case200().network.buses.number.tolist()
    asked = short_circuit_of(case200(), rulebook=BOOK, buses=[7, 3, 7])
    assert [bus.bus for bus in asked.buses] == [7, 3]
    assert asked.buses[1] == report.buses[2]
    assert report.requests == report.duties == ()
    assert report.buses[0].before_ka == {}
    assert report.assumptions["short_circuit.machine_reactance"] == 0.2
    assert report.rulebook == BOOK.version
    json.dumps(report.as_dict(), allow_nan=False)


@pytest.mark.parametrize("method", list(Method))
def test_the_methods_differ_as_they_should(method):
    report = short_circuit_of(case200(), rulebook=BOOK, method=method, buses=[1])
    bus = report.buses[0]
    flat = short_circuit_of(case200(), rulebook=BOOK, method=Method.FLAT, buses=[1]).buses[0]
    ratio = bus.current_ka["three-phase"] / flat.current_ka["three-phase"]
    assert (bus.peak_ka is None) == (method is not Method.IEC)
    assert (bus.breaking_ka is None) == (method is not Method.IEC)
    low, high = {"iec": (1.1, 1.25), "flat": (1, 1), "profile": (1.0, 1.06)}[method.value]
    assert low <= ratio <= high


@pytest.mark.parametrize("method", [Method.IEC, Method.FLAT])
def test_requests_raise_currents_and_each_has_its_part(method):
    report = with_requests(method)
    by_bus = {bus.bus: bus for bus in report.buses}
    assert {share.request for share in report.requests} == {"R1", "R2"}
    for share in report.requests:
        assert max(share.three_phase_ka, share.line_to_ground_ka) >= 0.1
        bus = by_bus[share.bus]
        if share.request == "R2":  # a machine: the current rises by more before than after another
            rise = bus.current_ka["three-phase"] - bus.before_ka["three-phase"]
            assert share.three_phase_ka < rise + 1e-3
    # 250 of 500 MW net at a power factor of 0.95, 1.2 times, seen whole at its own bus, but that
    # outside IEC 60909 the angles differ a little.
    own = next(share for share in report.requests if (share.request, share.bus) == ("R1", 2))
    assert own.three_phase_ka == pytest.approx(250 / 0.95 * 1.2 / np.sqrt(3) / 115, rel=5e-3)


def test_breakers_are_held_against_currents_and_rises():
    report = with_requests()
    by_name = {duty.breaker: duty for duty in report.duties}
    assert [duty.duty_percent for duty in report.duties] == sorted(
        (duty.duty_percent for duty in report.duties), reverse=True
    )
    a, b, c = (by_name[name] for name in "ABC")
    by_bus = {bus.bus: bus for bus in report.buses}
    for duty in (a, b):
        bus = by_bus[duty.bus]
        assert duty.fault_ka == max(bus.current_ka["three-phase"], bus.current_ka["line-to-ground"])
        percent = 100 * duty.fault_ka * duty.factor / duty.rating_ka
        assert duty.duty_percent == pytest.approx(percent, abs=0.02)
        assert duty.rise_ka > 0.1
    assert (a.is_over, a.is_flagged) == (True, True)
    assert (b.is_over, b.is_flagged) == (False, b.duty_percent > 60)
    assert (c.is_over, c.is_flagged) == (False, False)


def test_equipment_is_only_held_against_transmission_buses():
    report = short_circuit_of(case200(), rulebook=BOOK)
    above = [bus for bus in report.buses if bus.current_ka["three-phase"] > 63]
    assert above
    assert all(bus.nominal_kv < report.minimum_kv for bus in above)
    assert not any(bus.over_equipment_limit for bus in report.buses)


def test_what_is_assumed_is_said():
    codes = {finding.code for finding in short_circuit_of(case200(), rulebook=BOOK).findings}
    assert codes == {
        "short_circuit.unit.assumed",
        "short_circuit.unit.inverter",
        "short_circuit.branch.assumed",
    }
    rts = short_circuit_of(read_case("case_RTS_GMLC"), rulebook=BOOK)
    assert "short_circuit.unit.step_up" in {finding.code for finding in rts.findings}
    unknown = short_circuit_of(read_case("case14"), rulebook=BOOK)
    said = {finding.code: finding.sentence for finding in unknown.findings}
    assert "1, 2, 3, 4, 5 and 9 more" in said["short_circuit.bus.voltage"]
    assert unknown.buses[0].current_ka["three-phase"] is None


def refused(case, **options):
    with pytest.raises(BadInput) as refusal:
        short_circuit_of(case, rulebook=BOOK, **options)
    return [(finding.code, finding.sentence) for finding in refusal.value.findings]


def test_a_case_without_machines_is_refused_with_every_other_reason():
    off = case_from(case_text(gen=GEN.replace("\t100\t1\t", "\t100\t0\t")), "small.m")
    assert refused(off, buses=[9]) == [
        (
            "short_circuit.bus.unknown",
            "small.m: bus 9 is not a bus in service of the case. Give the number of one that is.",
        ),
        (
            "short_circuit.machine.none",
            (
                "small has no synchronous machine in service, and inverters alone form no voltage to "
                "fault. Put a machine or an equivalent of the neighbours in service."
            ),
        ),
    ]


def test_impedances_that_no_fault_can_pass_are_named():
    case = case_from(case_text(), "small.m")
    network = case.network
    none = np.zeros(3)
    branches = replace(
        network.branches,
        resistance_pu=none,
        reactance_pu=none.copy(),
        tap_ratio=np.array([1.0, -1.0, 1.0]),
    )
    codes = [
        code for code, _ in refused(replace(case, network=replace(network, branches=branches)))
    ]
    assert codes == [
        "short_circuit.branch.impedance",
        "short_circuit.branch.impedance",
        "short_circuit.branch.tap",
    ]


def test_impedances_that_cancel_are_named():
    """Two branches of x and -x beside each other, to a bus that nothing else reaches."""
    rows = BRANCH.split("\n")
    rows[1] = "\t1\t2\t0\t0.1\t0\t100\t100\t100\t0\t0\t1;"
    rows[2] = "\t1\t2\t0\t-0.1\t0\t100\t100\t100\t0\t0\t1;"
    case = case_from(case_text(branch="\n".join(rows)), "small.m")
    ((code, sentence),) = refused(case)
    assert code == "short_circuit.singular"
    assert "Look for a negative reactance beside an equal positive one." in sentence


def test_a_profile_needs_a_solution():
    bus = case_text().decode().split("mpc.gen")[0].split(";\n", 2)[2]
    case = case_from(case_text(bus=bus.replace("\t50\t", "\t9000\t")), "small.m")
    ((code, sentence),) = refused(case, method=Method.PROFILE)
    assert code == "short_circuit.profile"
    assert sentence.endswith("Take the flat method, or mend the case.")


def test_the_rulebook_gives_every_default():
    defaults = sequence_defaults(BOOK)
    assert defaults.step_up_reactance_pu == 0.12
    assert defaults.minimum_kv == 69.0
    rules = [rule for rule in BOOK if rule.key.startswith("short_circuit.")]
    assert len(rules) == 22
    assert all(rule.standing != "confirmed" for rule in rules)


def test_results_are_the_same_bytes_again():
    one, other = (
        short_circuit_of(case200(), rulebook=BOOK, method=Method.FLAT).as_dict() for _ in range(2)
    )
    assert json.dumps(one) == json.dumps(other)


def test_the_golden_case_reads_as_a_case():
    path = Path(__file__).resolve().parents[3] / "cases" / "short_circuit_on_paper" / "case.m"
    report = short_circuit_of(read_case(path), rulebook=BOOK, method=Method.FLAT)
    assert [bus.nominal_kv for bus in report.buses] == [13.8, 138.0, 138.0, 13.8]
