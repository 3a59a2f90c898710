"""Studies that several tests look at, run once."""

from __future__ import annotations

from importlib.resources import files

import pytest

from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.cases import read_case
from gentie.workbench.study import Inputs, StudyRun, run_study


@pytest.fixture(scope="session")
def demo_inputs() -> Inputs:
    """The demonstration: 120 requests, 28 GW, on the 10,000-bus grid."""
    case = read_case("case_ACTIVSg10k")
    return Inputs(
        case=case,
        requests_content=(files("gentie") / "demo" / "requests.csv").read_bytes(),
        requests_name="requests.csv",
        rulebook=load_rulebook(),
        profile=load_grid_profile(case.name),
    )


@pytest.fixture(scope="session")
def demo_run(demo_inputs: Inputs) -> StudyRun:
    """The demonstration by the default policy, remedial action first."""
    return run_study(demo_inputs)


@pytest.fixture(scope="session")
def demo_wires(demo_inputs: Inputs) -> StudyRun:
    """The demonstration with wires for everything."""
    return run_study(
        Inputs(
            case=demo_inputs.case,
            requests_content=demo_inputs.requests_content,
            requests_name=demo_inputs.requests_name,
            rulebook=demo_inputs.rulebook,
            profile=demo_inputs.profile,
            policy="wires_first",
        )
    )
