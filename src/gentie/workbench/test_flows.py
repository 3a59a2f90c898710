import json
from dataclasses import replace

import numpy as np
import pytest

from gentie.formats.matpower.examples import BRANCH, case_text
from gentie.quantities.findings import BadInput
from gentie.workbench.cases import case_from, read_case
from gentie.workbench.flows import Mode, balanced_parts, solve_case


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", ["case14", "case118", "case_RTS_GMLC", "case2383wp"])
def test_power_balances(name, mode):
    report = solve_case(read_case(name), mode)
    assert report.converged
    left = report.generation_mw + report.dc_lines_mw
    left -= report.load_mw + report.shunt_mw + report.losses_mw
    assert left == pytest.approx(0, abs=1e-3)
    assert (report.losses_mw == 0) == (mode is Mode.DC)


def test_a_flow_on_paper():
    report = solve_case(case_from(case_text(), "small.m"), Mode.DC)
    assert (report.generation_mw, report.load_mw, report.slack_mw) == (50, 50, 20)
    # 20 MW at bus 1 and 30 MW at bus 3 to 50 MW at bus 2, three equal reactances
    assert [(told.element, told.flow_mva) for told in report.loadings] == [
        ("line:2:3:1", 26.6667),
        ("line:1:2:1", 23.3333),
        ("line:1:3:1", 3.3333),
    ]
    assert report.loadings[0].loading_percent == 26.6667
    assert report.overloaded == 0


def test_voltages_and_limits_are_named():
    report = solve_case(read_case("case39"))
    assert (report.lowest_voltage.bus, report.highest_voltage.bus) == (31, 36)
    assert [(unit.unit, unit.limit) for unit in report.units_at_reactive_limits] == [
        ("unit:37:1", "min")
    ]
    assert report.loadings[0].element == "line:16:19:1"
    assert len(report.loadings) == 10


def test_divergence_is_a_report_without_figures():
    heavy = case_text().replace(b"\t50\t10\t", b"\t5000\t1000\t")
    report = solve_case(case_from(heavy, "small.m"))
    assert not report.converged
    assert report.reason.endswith(".")
    assert (report.losses_mw, report.lowest_voltage, report.loadings) == (None, None, ())
    json.dumps(report.as_dict(), allow_nan=False)


def test_each_part_is_balanced_by_its_own_slack():
    report = solve_case(read_case("case16ci"), Mode.DC)
    assert report.converged
    network = read_case("case16ci").network
    parts = list(balanced_parts(network))
    assert [int(part.buses.number[part.buses.kind == 3][0]) for part in parts] == [1, 2, 3]
    alive = np.array([part.is_bus_live for part in parts])
    assert (alive.sum(axis=0) == 1).all()


def test_no_linear_model():
    tiny = BRANCH.replace("\t0.1\t", "\t1e-9\t")
    case = case_from(case_text(branch=tiny), "small.m")
    with pytest.raises(BadInput) as refusal:
        solve_case(case, Mode.DC)
    assert str(refusal.value) == (
        "small.m: the case has no DC model (line:1:2:1 has no reactance). "
        "Run `gentie case check` on it and mend what it names."
    )


def test_the_report_says_which_case():
    case = replace(case_from(case_text(), "small.m"))
    report = solve_case(case)
    assert (report.case, report.file, report.sha256) == ("small", "small.m", case.sha256)
