"""Cases written and read back: what must not change, and what is said where it does."""

from dataclasses import replace

import numpy as np
import pytest

from gentie.formats.matpower.examples import case_text
from gentie.formats.matpower.writer import matpower_bytes
from gentie.formats.psse.examples import raw_text, three_windings
from gentie.workbench.cases import case_from, read_case
from gentie.workbench.conversion import Target, _counted, convert_case

LOSSLESS = ["case9", "case118", "case_RTS_GMLC", "case300", "case_ACTIVSg2000"]


def columns_of(network):
    for table in ("buses", "branches", "generators", "dc_lines"):
        for name, column in vars(getattr(network, table)).items():
            yield f"{table}.{name}", column


@pytest.mark.parametrize("name", LOSSLESS)
def test_matpower_reads_back_to_the_same_network(name):
    network = read_case(name).network
    back = case_from(matpower_bytes(network), "back.m").network
    for (name_, mine), (_, theirs) in zip(columns_of(network), columns_of(back), strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=name_)
    assert back.name == network.name


def test_names_that_matpower_cannot_have():
    network = replace(read_case("case9").network, name="2026 base (peak)")
    text = matpower_bytes(replace(network, name="9 bus's"))
    assert text.startswith(b"function mpc = case_9_bus_s\n")
    names = (*network.buses.name[:-1], "O'Brien")
    named = replace(network, buses=replace(network.buses, name=names))
    assert case_from(matpower_bytes(named), "x.m").network.buses.name == names


@pytest.mark.parametrize("target", [Target.MATPOWER, Target.POWERMODELS])
@pytest.mark.parametrize("name", ["case9", "case118", "case_RTS_GMLC"])
def test_nothing_changes_by_way_of_text_formats(name, target):
    made = convert_case(read_case(name), target)
    assert made.differences == ()
    assert (made.voltage_pu, made.angle_deg, made.losses_mw) == (
        pytest.approx(0, abs=1e-9),
        pytest.approx(0, abs=1e-7),
        pytest.approx(0, abs=1e-6),
    )


def test_a_three_winding_transformer_by_way_of_text_formats():
    case = case_from(raw_text(transformer=three_windings(), branch=()), "star.raw")
    for target in (Target.MATPOWER, Target.POWERMODELS):
        assert convert_case(case, target).differences == ()


def test_cgmes_keeps_the_flow_and_the_ratings():
    pytest.importorskip("pypowsybl")
    case = read_case("case14")
    made = convert_case(case, Target.CGMES)
    assert made.differences == ()
    assert made.voltage_pu == pytest.approx(0, abs=1e-9)
    rts = convert_case(case_from(case_text(), "small.m"), Target.CGMES)
    assert rts.differences == ()


def test_what_cgmes_changes_is_listed():
    pytest.importorskip("pypowsybl")
    made = convert_case(read_case("case118"), Target.CGMES)
    # the charging of transformers goes to their buses, so the flow is the same
    assert [finding.sentence for finding in made.differences] == [
        "Shunts, Mvar: 108.85 in the file, 88.00 in the case."
    ]
    assert made.voltage_pu == pytest.approx(0, abs=1e-9)


def test_counts_are_compared():
    network = read_case("case9").network
    off = replace(
        network,
        branches=replace(network.branches, in_service=np.arange(9) > 0),
        buses=replace(network.buses, load_mw=network.buses.load_mw + 1),
    )
    assert [finding.sentence for finding in _counted(network, off)] == [
        "Lines and transformers in service: 8 in the file, 9 in the case.",
        "Load, MW: 324.00 in the file, 315.00 in the case.",
        "Rated branches in service: 8 in the file, 9 in the case.",
    ]


def test_a_case_without_a_solution_is_written_and_said():
    heavy = case_from(case_text().replace(b"\t50\t10\t", b"\t5000\t1000\t"), "heavy.m")
    made = convert_case(heavy, Target.MATPOWER)
    assert (made.flow_before, made.flow_after, made.voltage_pu) == (False, False, None)
    assert made.differences == ()
