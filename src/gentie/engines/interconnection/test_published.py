"""The published case: the deterministic facts of the California part of ACTIVSg10k, and rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gentie.engines.grid.contingencies import NO_OUTAGE
from gentie.engines.grid.linear import Islanded
from gentie.engines.interconnection.published import (
    PublishedCase,
    Screening,
    buses_in_areas,
    post_contingency_limit_mw,
    publish,
)
from gentie.quantities.findings import BadInput
from tests.networks import (
    floats,
    network_of,
    read_network,
    resolved_flow_mw,
    table_of_branches,
    table_of_buses,
    table_of_units,
)

EVERYTHING = Screening(
    areas=(), cut_off=0.0, minimum_kv=69.0, emergency_multiplier=1.15, imbalance_on_load=True
)

# A slack with a unit, two circuits to a load, a far unit behind a bridge.
SMALL = network_of(
    table_of_buses([3, 1, 1], [0, 120, 0]),
    table_of_branches([(0, 1), (0, 1), (1, 2)], 0.1j, rating_normal_mva=floats(60.0, 80.0, 50.0)),
    table_of_units([0, 2], [90.0, 30.0], [(-9.0, 9.0)] * 2),
)


# Facts


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_facts_of_california(california: PublishedCase) -> None:
    assert len(california.monitored) == 3490
    assert len(california.studied_points) == 2330
    kv = california.network.buses.nominal_kv
    kv = kv[california.points.principal_bus[california.studied_points]]
    assert ((kv >= 138).sum(), (kv == 115).sum()) == (2327, 3)
    assert california.base.base_loading.max() == pytest.approx(0.784, abs=5e-4)
    assert california.fleet_mw.sum() == pytest.approx(59_364, rel=1e-5)
    units = california.network.generators
    inside = buses_in_areas(california.network, california.screening.areas)[units.bus]
    assert (california.network.is_generator_live & inside & (units.p_mw > 0)).sum() == 853
    load = california.network.buses.load_mw
    here = buses_in_areas(california.network, california.screening.areas)
    assert load[here].sum() == pytest.approx(67_019, rel=1e-5)
    spread = california.injection_mw - california.network.injection_mw
    assert spread.sum() == pytest.approx(-2_479, abs=1)


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_only_without_a_margin_a_pair_is_above_its_limit(
    california: PublishedCase, without_margin: PublishedCase
) -> None:
    assert california.set_apart == ()
    assert california.base.worst_loading.max() < 1.0
    (pair,) = without_margin.set_apart
    assert pair.loading == pytest.approx(1.028, abs=5e-4)
    assert pair.outage_row != NO_OUTAGE
    network = without_margin.network
    again = resolved_flow_mw(network, without_margin.injection_mw, pair.outage_row)
    rating = network.branches.rating_normal_mva[pair.branch_row]
    assert abs(again[pair.branch_row]) / rating == pytest.approx(pair.loading, abs=1e-9)


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_why_a_first_trial_counted_fewer_outages(california: PublishedCase) -> None:
    """It took ``1 - h_cc < 1e-6`` for radial; star legs of negative reactance have less than 0."""
    model, network = california.model, california.network
    assert (len(california.outages), len(california.islanding)) == (3405, 85)
    left = np.empty(len(california.outages))
    for first in range(0, len(left), 512):
        rows = california.outages[first : first + 512]
        between = np.zeros((len(network.buses), len(rows)))
        column = np.arange(len(rows))
        between[network.branches.from_bus[rows], column] = 1.0
        between[network.branches.to_bus[rows], column] -= 1.0
        own = model.flow_per_angle(model.angles_rad(between))[rows, column]
        left[first : first + 512] = 1.0 - own
    dropped = california.outages[left < 1e-6]
    assert np.abs(left).min() > 1e-6
    assert len(dropped) == 52
    assert california.roles.is_star_leg[dropped].all()
    assert (network.branches.reactance_pu[dropped] < 0).all()
    assert len(california.outages) - len(dropped) == 3353
    # They are no bridges: the grid without one has a solution, and the kernel's flows are its.
    row = int(dropped[0])
    after = california.flow_mw + model.outage_factors(row) * california.flow_mw[row]
    again = resolved_flow_mw(network, california.injection_mw, row)
    assert after == pytest.approx(again, abs=1e-6)


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_distribution_factors_are_the_flows_of_a_displaced_fleet(
    california: PublishedCase,
) -> None:
    rows = california.points.principal_bus[california.studied_points[[5, 900, 2000]]]
    factors = california.distribution_factors(rows)
    for column, bus in enumerate(rows):
        injection = california.injection_mw.copy()
        injection[bus] += 100.0
        np.add.at(injection, california.fleet_bus, -100.0 * california.fleet_share)
        change = resolved_flow_mw(california.network, injection) - california.flow_mw
        assert factors[:, column] * 100.0 == pytest.approx(change, abs=1e-6)
    assert california.fleet_share.sum() == pytest.approx(1.0)


# Rules


def test_flows_limits_and_names_on_paper() -> None:
    case = publish(SMALL, EVERYTHING)
    assert case.flow_mw == pytest.approx([45.0, 45.0, -30.0])
    assert case.monitored.tolist() == [0, 1, 2]
    assert case.normal_limit_mw.tolist() == [60.0, 80.0, 50.0]
    assert case.post_limit_mw == pytest.approx([69.0, 92.0, 57.5])
    assert case.outages.tolist() == [0, 1]
    assert [lost.branch_row for lost in case.islanding] == [2]
    # One circuit alone carries 90 MW.
    (apart,) = case.set_apart
    assert (apart.branch_row, apart.outage_row) == (0, 1)
    assert apart.loading == pytest.approx(90 / 69)
    assert (
        case.constraint(0, 1, +1, "reliability") == "line:10:20:1|line:10:20:2|forward|reliability"
    )
    assert case.constraint(2, NO_OUTAGE, -1, "x") == "line:20:30:1|base|reverse|x"


def test_an_element_above_its_limit_with_nothing_out_is_set_apart_too() -> None:
    tight = replace(SMALL.branches, rating_normal_mva=floats(60.0, 80.0, 20.0))
    case = publish(replace(SMALL, branches=tight), EVERYTHING)
    base, *pairs = case.set_apart
    assert (base.branch_row, base.outage_row) == (2, NO_OUTAGE)
    assert base.loading == pytest.approx(1.5)
    assert {(pair.branch_row, pair.outage_row) for pair in pairs} == {(0, 1), (2, 0), (2, 1)}


def test_the_emergency_rating_goes_before_the_long_term_one_and_the_multiple() -> None:
    branches = replace(
        table_of_branches([(0, 1)] * 4, 0.1j, rating_normal_mva=floats(100, 100, 100, 0)),
        rating_long_term_mva=floats(110, 110, 0, 110),
        rating_emergency_mva=floats(130, 0, 0, 130),
    )
    network = replace(SMALL, branches=branches)
    limits = post_contingency_limit_mw(network, emergency_multiplier=1.2)
    assert limits == pytest.approx([130, 110, 120, 0])


def test_only_what_touches_the_areas_is_studied() -> None:
    buses = replace(SMALL.buses, area=np.array([1, 1, 2]))
    network = replace(SMALL, buses=buses)
    case = publish(network, replace(EVERYTHING, areas=(2,)))
    assert case.monitored.tolist() == [2]
    assert case.fleet_bus.tolist() == [2]
    assert case.points.principal_bus[case.studied_points].tolist() == [2]
    assert buses_in_areas(network, ()).all()


def test_an_idle_fleet_is_refused() -> None:
    buses = replace(SMALL.buses, area=np.array([1, 2, 1]))
    network = replace(SMALL, buses=buses)
    with pytest.raises(BadInput) as refused:
        publish(network, replace(EVERYTHING, areas=(2,)))
    assert refused.value.findings[0].code == "published.no_fleet"


def test_an_island_is_refused() -> None:
    on = np.array([True, True, False])
    off = replace(SMALL, branches=replace(SMALL.branches, in_service=on))
    with pytest.raises(Islanded):
        publish(off, EVERYTHING)


def test_a_case_without_ratings_watches_nothing(unrated: PublishedCase) -> None:
    assert len(unrated.monitored) == len(unrated.outages) == 0
    assert unrated.set_apart == ()
    assert len(unrated.studied_points) == len(read_network("case118").buses)
