import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gentie.engines.grid.network import BusKind
from gentie.formats.matpower import fidelity_report, network_from, read_matpower, reference_of
from gentie.formats.matpower.examples import BRANCH, BUS, GEN, case_text
from gentie.formats.matpower.parts import part_of_bus, rows_by_label
from gentie.quantities.findings import BadInput


def made(content):
    case = read_matpower(content, "small.m")
    reference = reference_of(case)
    network = network_from(case, reference)
    return network, {f.code: f for f in fidelity_report(case, network, reference)}


def buses(*rows):
    return "mpc.bus = [" + "; ".join(f"{row} 1 1 0 138 1 1.1 0.9" for row in rows) + "];\n"


def branches(*rows):
    return "mpc.branch = [" + ";\n".join(rows) + "];\n"


def units(*rows):
    return "mpc.gen = [" + ";\n".join(rows) + "];\n"


def test_columns_arrive():
    more = "mpc.dcline = [1 3 1 10 9.5 1 2];\nmpc.genfuel = {'wind'; ''};\n"
    network, _ = made(case_text(more=more))
    assert network.digest == read_matpower(case_text(more=more), "x.m").digest
    assert network.buses.number.tolist() == [1, 2, 3]
    assert network.buses.kind.tolist() == [3, 1, 2]
    assert network.buses.load_mw.tolist() == [0, 50, 0]
    assert network.element_ids == ("line:1:2:1", "line:2:3:1", "line:1:3:1")
    assert network.unit_ids == ("unit:1:1", "unit:3:1")
    assert network.generators.fuel == ("wind", "unknown")
    assert network.generators.q_min_mvar.tolist() == [-30, -30]
    assert network.dc_lines.p_to_mw.tolist() == [9.5]
    assert network.injection_mw.tolist() == [10, -50, 39.5]


def test_a_plain_case_has_little_to_tell():
    _, told = made(case_text())
    assert sorted(told) == [
        "case.bus_name.missing",
        "case.genfuel.missing",
        "case.gentype.missing",
    ]


def test_transformers_and_circuits():
    branch = branches(
        "1 2 0 .1 0 9 9 9 0 0 1",
        "2 1 0 .1 0 9 9 9 1.02 0 1",
        "1 2 0 .1 0 9 9 9 0 -30 1",
        "1 3 0 .1 0 9 9 9 0 0 1",
    )
    bus = BUS.replace("138\t1\t1.1\t0.9;\n]", "69\t1\t1.1\t0.9;\n]")
    network, told = made(case_text(branch=branch, bus=bus))
    assert network.element_ids == (
        "line:1:2:1",
        "transformer:2:1:2",
        "transformer:1:2:3",
        "transformer:1:3:1",
    )
    assert network.branches.tap_ratio.tolist() == [1, 1.02, 1, 1]
    assert told["case.branch.parallel"].count == 2
    assert told["case.branch.voltage_step"].where == "transformer:1:3:1"
    assert told["case.branch.phase_shift"].where == "transformer:1:2:3"


def test_impedances_and_ratings():
    branch = branches(
        "1 2 0 0 0 0 0 0 0 0 1", "2 3 .1 0 0 Inf 9 9 0 0 1", "1 3 -.1 -.1 0 9 0 8 0 0 1"
    )
    network, told = made(case_text(branch=branch))
    assert network.branches.reactance_pu.tolist() == [1e-4, 1e-4, -0.1]
    assert network.branches.resistance_pu.tolist() == [0, 0.1, -0.1]
    assert network.branches.rating_normal_mva.tolist() == [0, 0, 9]
    assert told["case.branch.no_impedance"].sentence == (
        "Branches without impedance (r and x are 0): 1 (line:1:2:1). "
        "Their reactance is taken as 0.0001 pu."
    )
    assert told["case.branch.no_reactance"].where == "line:2:3:1"
    assert told["case.branch.negative_reactance"].where == "line:1:3:1"
    assert told["case.branch.negative_resistance"].where == "line:1:3:1"
    assert told["case.branch.unrated"].count == 2
    assert told["case.branch.rating_infinite"].where == "line:2:3:1"
    assert told["case.branch.long_term_missing"].where == "line:1:3:1"
    assert told["case.branch.emergency_below"].where == "line:1:3:1"
    assert told["case.branch.tie"].count == 2


def test_isolated_buses_and_what_is_on_them():
    bus = BUS.replace("\t3\t2\t0", "\t3\t4\t7")
    more = "mpc.dcline = [1 3 1 10 9.5 1 2; 1 2 0 1 1 0 0];\n"
    network, told = made(case_text(bus=bus, more=more))
    assert told["case.bus.isolated"].sentence == (
        "Isolated buses (type 4): 1 (bus 3). They are not studied, nor the 7.0 MW of load and "
        "30.0 MW of generation on them."
    )
    assert told["case.branch.end_isolated"].count == 2
    assert told["case.unit.isolated"].where == "unit:3:1"
    assert told["case.dcline.isolated"].where == "DC line 1 to 3"
    assert not network.dc_lines.in_service.any()
    assert "case.part.cut_off" not in told


def test_parts_without_a_slack_are_left_out_and_named():
    bus = buses("1 3 0 0 0 0", "2 1 50 0 0 0", "3 2 5 0 0 0", "4 1 20 0 0 0", "5 1 1 0 0 0")
    branch = branches("1 2 0 .1 0 9 9 9 0 0 1", "3 4 0 .1 0 9 9 9 0 0 1", "2 3 0 .1 0 9 9 9 0 0 0")
    network, told = made(case_text(bus=bus, branch=branch))
    assert network.buses.kind.tolist() == [3, 1, 4, 4, 4]
    assert told["case.part.cut_off"].sentence == (
        "Parts without a path to a slack bus: 2 (2 buses at bus 3 with 25.0 MW of load and 30.0 MW "
        "of generation, 1 bus at bus 5 with 1.0 MW of load and 0.0 MW of generation). They are not "
        "studied: their buses are taken as isolated."
    )
    assert told["case.branch.out_of_service"].where == "line:2:3:1"


def test_parts_with_a_slack_each():
    bus = buses("1 3 0 0 0 0", "2 1 50 0 0 0", "3 3 5 0 0 0", "4 1 20 0 0 0")
    branch = branches("1 2 0 .1 0 9 9 9 0 0 1", "3 4 0 .1 0 9 9 9 0 0 1")
    network, told = made(case_text(bus=bus, branch=branch))
    assert network.buses.kind.tolist() == [3, 1, 3, 1]
    assert told["case.part.several"].where == "slack bus 1, slack bus 3"


def test_several_slacks_of_one_part():
    network, told = made(case_text(bus=BUS.replace("\t3\t2\t0", "\t3\t3\t0")))
    assert network.buses.kind.tolist() == [3, 1, 2]
    assert told["case.slack.several"].where == "bus 3"


@pytest.mark.parametrize(
    ("types", "kinds", "code"),
    [
        ((1, 1, 2), [2, 1, 3], "case.slack.chosen"),  # none is slack: largest unit
        ((1, 3, 2), [1, 1, 3], "case.slack.chosen"),  # the slack has no unit
    ],
)
def test_the_slack_is_chosen_at_the_largest_unit(types, kinds, code):
    bus = buses(*(f"{number} {kind} 0 0 0 0" for number, kind in enumerate(types, 1)))
    network, told = made(case_text(bus=bus, gen=GEN.replace("80", "30")))
    expected = kinds if types[0] != 1 or kinds[0] != 2 else [1, 1, 3]
    assert network.buses.kind.tolist() == expected
    assert told[code].where == "bus 3"


def test_a_slack_without_any_unit_stays():
    network, told = made(case_text(gen=GEN.replace("\t100\t1\t", "\t100\t0\t")))
    assert network.buses.kind.tolist() == [3, 1, 1]
    assert told["case.slack.without_unit"].where == "bus 1"
    assert told["case.bus.unheld"].where == "bus 3"
    assert told["case.unit.out_of_service"].count == 2


def test_nothing_to_balance_with():
    bus = BUS.replace("\t1\t3\t0", "\t1\t1\t0")
    case = read_matpower(case_text(bus=bus, gen="mpc.gen = [];\n"), "small.m")
    with pytest.raises(BadInput) as refusal:
        network_from(case)
    assert str(refusal.value) == (
        "small.m, table bus: no bus is of type 3 and no unit is in service, so nothing can balance "
        "the case. Mark one bus with type 3 or put a unit in service."
    )


def test_star_points():
    bus = "mpc.bus = [1 3 0 0 0 0 1 1 0 345 1 1.1 .9; 2 1 5 0 0 0 1 1 0 138 1 1.1 .9;"
    bus += "3 1 0 0 0 0 1 1 0 1 1 1.1 .9; 4 1 0 0 0 0 1 1 0 13.8 1 1.1 .9];\n"
    branch = branches(
        *(f"{end} 3 0 {x} 0 9 9 9 1 0 1" for end, x in ((1, 0.1), (2, -0.01), (4, 0.2)))
    )
    _, told = made(case_text(bus=bus, branch=branch, gen=units("1 9 0 9 -9 1 1 1 9 0")))
    assert told["case.bus.star_point"].where == "bus 3"


def test_units_and_voltages():
    gen = units(
        "1 90 40 30 -30 1.02 100 1 80 0 0 5 0 0 0 0 1 0 0 0 .5",
        "1 -5 0 Inf -30 1.01 50 1 80 -9 0 0 0 0 0 0 0 0 0 0 0",
        "2 5 0 -3 30 0 100 1 4 9 0 0 0 0 0 0 0 0 0 0 0",
    )
    bus = BUS.replace("\t50\t10", "\t-50\t10").replace(
        "1\t1\t0\t138\t1\t1.1\t0.9", "1\t0\t0\t0\t1\t1\t1", 1
    )
    network, told = made(case_text(gen=gen, bus=bus))
    assert told["case.unit.outside_limits"].count == 2
    assert told["case.unit.reactive_outside"].count == 2
    assert told["case.unit.consumes"].where == "unit:1:2"
    assert told["case.unit.reactive_unlimited"].where == "unit:1:2"
    assert told["case.unit.limits_reversed"].where == "unit:2:1"
    assert told["case.unit.setpoints_disagree"].count == 2
    assert told["case.unit.setpoint_missing"].where == "unit:2:1"
    assert told["case.unit.at_load_bus"].where == "unit:2:1"
    assert told["case.unit.capability_curve"].where == "unit:1:1"
    assert told["case.unit.ramps"].where == "unit:1:1"
    assert told["case.unit.participation"].where == "unit:1:1"
    assert told["case.unit.machine_base"].where == "unit:1:2"
    assert told["case.bus.unheld"].where == "bus 3"
    assert told["case.bus.negative_load"].sentence.startswith(
        "Buses with a load below 0: 1 (bus 2). Their 50.0 MW stay loads below 0"
    )
    assert told["case.bus.nominal_kv"].where == "bus 1"
    assert told["case.bus.voltage_missing"].where == "bus 1"
    assert told["case.bus.voltage_limits"].where == "bus 1"
    assert network.buses.voltage_pu.tolist() == [1, 1, 1]
    assert network.generators.voltage_setpoint_pu.tolist() == [1.02, 1.01, 1]


def test_the_file_itself():
    more = "mpc.gencost = [2 0 0 1 0];\nmpc.dclinecost = [2 0 0 1 0];\nmpc.areas = [1 1];\n"
    more += "mpc.other = [1];\nk = 2;\nmpc.bus(:, 3) = mpc.bus(:, 3) * k;\n"
    more += "off = 0;\nif off\nx;\nend\nmpc.bus_name = {'a'; 'a'; ''};\n"
    more += "mpc.genfuel = {'wi\x07nd'; ''};\n"
    branch = BRANCH.replace("\t1;", "\t1\t-30\t30\t5\t0\t-5\t0;")
    content = case_text(more=more, branch=branch).replace(b"mpc.version = '2';\n", b"% \xe9\n")
    network, told = made(content)
    assert network.buses.load_mw[1] == 100
    assert network.generators.fuel == ("wi nd", "unknown")
    for code in (
        *("case.gencost.unused", "case.dclinecost.unused", "case.areas.unused"),
        *("case.table.dropped", "case.statement.applied", "case.statement.skipped"),
        *("case.bus_name.shared", "case.bus_name.blank", "case.genfuel.blank"),
        *("case.genfuel.unprintable", "case.gentype.missing", "case.file.encoding"),
        *("case.version.missing", "case.branch.angle_limits", "case.branch.results"),
    ):
        assert code in told
    assert told["case.statement.applied"].where.startswith("line ")


def test_findings_are_sentences_with_stable_codes():
    _, told = made(case_text(branch=BRANCH.replace("100\t100\t100", "0\t0\t0")))
    for code, finding in told.items():
        assert code.startswith("case.")
        assert finding.sentence.endswith(".")
        assert finding.count > 0


@given(st.integers(1, 30), st.data())
def test_parts_are_those_of_a_walk(count, data):
    rows = st.integers(0, count - 1)
    links = data.draw(st.lists(st.tuples(rows, rows), max_size=40))
    ends = np.array(links, np.int64).reshape(-1, 2)
    label = part_of_bus(count, ends[:, 0], ends[:, 1])
    group = list(range(count))
    for a, z in links:
        old, new = group[z], group[a]
        group = [new if other == old else other for other in group]
    smallest = {name: group.index(name) for name in group}
    assert label.tolist() == [smallest[name] for name in group]
    rows_of = rows_by_label(label, np.ones(count, bool))
    assert sorted(np.concatenate(list(rows_of.values())).tolist()) == list(range(count))


def test_kinds_are_those_of_the_network():
    assert [int(kind) for kind in BusKind] == [1, 2, 3, 4]
