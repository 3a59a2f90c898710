"""Contingencies of the planning standard on grids that fit on paper."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.grid import generated_contingencies as generated
from gentie.engines.grid.contingency_list import Category, ElementKind
from gentie.engines.grid.corridors import KM_PER_DEGREE, shared_corridors
from gentie.engines.grid.generated_contingencies import Wanted, generated_contingencies
from gentie.engines.grid.labels import plain_labels
from gentie.engines.grid.monitored_set import monitored_branches
from gentie.engines.grid.network import (
    Branches,
    Buses,
    DirectCurrentLines,
    Generators,
    Network,
    numbered_within_groups,
)
from gentie.quantities.findings import BadInput


def grid(ends, *, units=(0,), kv=None, area=None, shunt=(), dc=(), reactance=None, rating=100.0):
    """A network of lines between bus rows; 138 kV and area 1 unless told."""
    n = 1 + max(max(pair) for pair in ends)
    nominal = np.full(n, 138.0) if kv is None else np.array(kv, float)
    a, z = np.array([pair[0] for pair in ends]), np.array([pair[1] for pair in ends])
    m, g, d = len(ends), len(units), len(dc)
    mvar = np.zeros(n)
    mvar[list(shunt)] = 30.0
    return Network(
        name="paper",
        base_mva=100.0,
        buses=Buses(
            number=np.arange(1, n + 1),
            name=("",) * n,
            kind=np.array([3] + [1] * (n - 1)),
            area=np.ones(n, np.int64) if area is None else np.array(area),
            zone=np.ones(n, np.int64),
            nominal_kv=nominal,
            load_mw=np.zeros(n),
            load_mvar=np.zeros(n),
            shunt_mw=np.zeros(n),
            shunt_mvar=mvar,
            voltage_pu=np.ones(n),
            angle_deg=np.zeros(n),
            voltage_max_pu=np.ones(n),
            voltage_min_pu=np.ones(n),
        ),
        branches=Branches(
            from_bus=a,
            to_bus=z,
            circuit=numbered_within_groups([tuple(sorted(pair)) for pair in ends]),
            resistance_pu=np.zeros(m),
            reactance_pu=np.full(m, 0.1) if reactance is None else np.array(reactance, float),
            charging_pu=np.zeros(m),
            rating_normal_mva=np.full(m, float(rating)),
            rating_long_term_mva=np.zeros(m),
            rating_emergency_mva=np.zeros(m),
            tap_ratio=np.ones(m),
            shift_deg=np.zeros(m),
            is_transformer=nominal[a] != nominal[z],
            in_service=np.ones(m, bool),
        ),
        generators=Generators(
            bus=np.array(units, np.int64),
            unit=numbered_within_groups(list(units)),
            p_mw=np.zeros(g),
            q_mvar=np.zeros(g),
            q_max_mvar=np.zeros(g),
            q_min_mvar=np.zeros(g),
            p_max_mw=np.ones(g),
            p_min_mw=np.zeros(g),
            voltage_setpoint_pu=np.ones(g),
            in_service=np.ones(g, bool),
            fuel=("unknown",) * g,
            unit_type=("unknown",) * g,
        ),
        dc_lines=DirectCurrentLines(
            from_bus=np.array([one[0] for one in dc], np.int64),
            to_bus=np.array([one[1] for one in dc], np.int64),
            p_from_mw=np.zeros(d),
            p_to_mw=np.zeros(d),
            q_from_mvar=np.zeros(d),
            q_to_mvar=np.zeros(d),
            in_service=np.ones(d, bool),
        ),
    )


def made(network, *categories, places=None, **bounds):
    latitude, longitude = (None, None) if places is None else np.array(places, float).T
    return generated_contingencies(
        network,
        plain_labels(network),
        Wanted(tuple(categories), **bounds),
        latitude_deg=latitude,
        longitude_deg=longitude,
    )


def names(listed):
    return [outage.name for outage in listed.contingencies]


def test_p1_is_every_element_once():
    network = grid([(0, 1), (1, 2), (0, 2)], units=(0, 2), shunt=(1,), dc=((0, 2),))
    listed = made(network, Category.P1)
    assert names(listed) == [
        *("P1 line:1:2:1", "P1 line:2:3:1", "P1 line:1:3:1", "P1 shunt:2:1", "P1 dc:1:3:1"),
        *("P1 unit:1:1", "P1 unit:3:1"),
    ]
    assert [one.elements[0].kind for one in listed.contingencies] == [
        *(ElementKind.BRANCH,) * 3,
        ElementKind.SHUNT,
        ElementKind.DC_POLE,
        *(ElementKind.UNIT,) * 2,
    ]
    assert listed.not_studied == ()


def test_a_three_winding_transformer_is_one():
    network = grid([(0, 3), (1, 3), (2, 3), (0, 1)], kv=[345, 138, 13.8, 1])
    listed = made(network, Category.P1)
    assert names(listed)[:2] == ["P1 transformer:1:2:3:1", "P1 transformer:1:2:1"]
    assert [one.row for one in listed.contingencies[0].elements] == [0, 1, 2]


def test_ties_are_not_taken_out():
    network = grid([(0, 1), (1, 2)], reactance=[0.1, 0.001], rating=0)
    assert names(made(network, Category.P1)) == ["P1 line:1:2:1", "P1 unit:1:1"]


def test_areas_and_voltages_bound_a_list():
    ends = [(0, 1), (1, 2), (2, 3)]
    network = grid(ends, kv=[345, 345, 69, 69], area=[1, 1, 2, 2], units=(0, 3))
    assert names(made(network, Category.P1, areas=(2,))) == [
        *("P1 transformer:2:3:1", "P1 line:3:4:1", "P1 unit:4:1")
    ]
    assert names(made(network, Category.P1, minimum_kv=100))[:2] == [
        *("P1 line:1:2:1", "P1 transformer:2:3:1")
    ]


def test_p3_and_p6_within_reach():
    # a string of four lines with a unit at its left end
    network = grid([(0, 1), (1, 2), (2, 3), (3, 4)])
    assert names(made(network, Category.P3)) == ["P3 unit:1:1 + line:1:2:1"]
    listed = made(network, Category.P6)
    assert names(listed) == [
        *("P6 line:1:2:1 + line:2:3:1", "P6 line:2:3:1 + line:3:4:1", "P6 line:3:4:1 + line:4:5:1")
    ]
    assert [finding.sentence for finding in listed.not_studied] == [
        (
            "P6: 3 pairs are not studied, since only elements that share a bus are put together. A larger "
            "reach makes more."
        )
    ]
    listed = made(network, Category.P6, reach=1)
    assert len(listed) == 5
    assert listed.not_studied[0].sentence == (
        "P6: 1 pairs are not studied, since only elements that are at most 1 branches apart are put "
        "together. A larger reach makes more."
    )
    assert len(made(network, Category.P6, reach=9)) == 6


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_reach_without_bound_makes_every_pair_once(data):
    n = data.draw(st.integers(3, 7))
    ends = [(row, row + 1) for row in range(n - 1)]
    more = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(
        lambda one: one[0] != one[1]
    )
    ends += data.draw(st.lists(more, max_size=4))
    units = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3))
    network = grid(ends, units=tuple(units))
    singles = made(network, Category.P1)
    lines = len(singles.single_branches)
    p6 = made(network, Category.P6, reach=20)
    assert len(p6) == len(list(combinations(range(lines), 2)))
    p3 = made(network, Category.P3, reach=20)
    assert len(p3) == len(units) * lines + len(units) * (len(units) - 1) // 2
    assert len(set(names(p3))) == len(p3)
    near = made(network, Category.P6)
    beyond = sum(finding.count for finding in near.not_studied)
    assert len(near) + beyond == len(p6)


def test_p2_and_p4_are_said_not_to_be_studied():
    listed = made(grid([(0, 1)]), Category.P2, Category.P4, Category.P7)
    assert [finding.sentence for finding in listed.not_studied] == [
        (
            "P2 (bus sections and breakers) is not studied. The case is of buses and branches and has no "
            "breakers or bus sections to take out."
        ),
        (
            "P4 (stuck breakers) is not studied. The case is of buses and branches and has no breakers or "
            "bus sections to take out."
        ),
        "P7 is not studied: nothing says where the buses stand. Give their coordinates.",
    ]
    assert listed.columns.start.tolist() == [0]


def test_too_many(monkeypatch):
    monkeypatch.setattr(generated, "MOST_CONTINGENCIES", 2)
    with pytest.raises(BadInput) as refusal:
        made(grid([(0, 1), (1, 2)]), Category.P1)
    assert str(refusal.value) == (
        "paper: 3 contingencies would be made, and at most 2 are. Name areas, a higher voltage or a "
        "smaller reach."
    )


# ----------------------------------------------------------------------------------- corridors

KM = 1 / KM_PER_DEGREE
"""Degrees of latitude; on the equator, of longitude too."""


def corridor(ends, places, **bounds):
    network = grid(ends)
    latitude, longitude = np.array(places, float).T * KM
    found = shared_corridors(
        network,
        latitude_deg=latitude,
        longitude_deg=longitude,
        is_line=np.ones(len(ends), bool),
        **bounds,
    )
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    return pairs, found.shared_km.tolist(), found.without_place.tolist()


def test_two_circuits_between_the_same_buses():
    pairs, km, _ = corridor([(0, 1), (0, 1), (1, 2)], [(0, 0), (0, 20), (30, 20)])
    assert pairs == [(0, 1)]
    assert km == [pytest.approx(20, abs=0.3)]


def test_lines_beside_one_another_for_part_of_their_way():
    # 10 km along the equator, and a line 0.3 km north of its second half
    places = [(0, 0), (0, 10), (0.3, 5), (0.3, 15)]
    pairs, km, _ = corridor([(0, 1), (2, 3), (1, 2)], places)
    assert (0, 1) in pairs
    assert km[pairs.index((0, 1))] == pytest.approx(5, abs=0.6)
    far = [(0, 0), (0, 10), (0.9, 5), (0.9, 15)]
    assert (0, 1) not in corridor([(0, 1), (2, 3), (1, 2)], far)[0]


def test_lines_that_cross_or_leave_one_station_apart_share_nothing():
    crossing = [(0, 0), (0, 20), (-10, 10), (10, 10)]
    assert corridor([(0, 1), (2, 3), (1, 2)], crossing)[0] == []
    leaving = [(0, 0), (0, 20), (20, 0)]
    assert corridor([(0, 1), (0, 2)], leaving)[0] == []


def test_a_line_without_a_place_is_told():
    network = grid([(0, 1), (1, 2)])
    listed = made(network, Category.P7, places=[(0, 0), (0, 1), (np.nan, 0)])
    assert len(listed) == 0
    assert listed.not_studied[0].sentence == (
        "P7: 1 lines are not compared, since an end has no coordinates (line:2:3:1)."
    )
    listed = made(grid([(0, 1), (0, 1)]), Category.P7, places=[(0, 0), (0, 1)])
    assert names(listed) == ["P7 line:1:2:1 + line:1:2:2"]


# -------------------------------------------------------------------------------------- monitored


def test_monitored_sets():
    network = grid([(0, 1), (1, 2), (2, 3)], kv=[345, 345, 69, 69], area=[1, 1, 2, 2])
    assert monitored_branches(network).tolist() == [0, 1, 2]
    assert monitored_branches(network, areas=(2,)).tolist() == [1, 2]
    assert monitored_branches(network, minimum_kv=100).tolist() == [0]
    assert monitored_branches(network, maximum_kv=100).tolist() == [2]
    assert monitored_branches(network, elements=("line:3:4:1", "line:1:2:1")).tolist() == [0, 2]
    assert monitored_branches(grid([(0, 1)], rating=0)).tolist() == []
    with pytest.raises(BadInput) as refusal:
        monitored_branches(grid([(0, 1)], rating=0), elements=("line:1:2:1", "line:9:9:1"))
    assert [finding.sentence for finding in refusal.value.findings] == [
        "line:1:2:1 is out of service or has no normal rating, so it cannot be watched.",
        ("line:9:9:1 is not in the case. Name a branch as `gentie case flow --out` lists it."),
    ]
