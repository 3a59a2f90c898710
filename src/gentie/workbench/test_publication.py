"""What is published, what counts in the deliverability test, and which requests are refused."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from gentie.engines.interconnection.cluster_study import Policy
from gentie.formats.requests import Component, Deliverability, Request
from gentie.quantities.findings import BadInput
from gentie.rulebook.book import GridProfile, Owner, load_grid_profile, load_rulebook, rulebook_of
from gentie.workbench import study
from gentie.workbench.cases import Case, case_from
from gentie.workbench.examples import inputs_with, small_case
from gentie.workbench.publication import (
    branch_miles,
    bus_coordinates,
    published_case,
    study_amount_mw,
    study_rules,
)
from gentie.workbench.study import run_study, study_requests

# Buses 1-4 at 230 kV in areas 1 and 2, 5 at 34.5 kV, 9 the star point of a transformer.
MIXED = b"""function mpc = mixed
mpc.version = '2';
mpc.baseMVA = 100;
mpc.bus = [
 1 3 0 0 0 0 1 1 0 230 1 1.1 0.9;
 2 1 80 0 0 0 1 1 0 230 1 1.1 0.9;
 3 1 40 0 0 0 2 1 0 230 1 1.1 0.9;
 4 1 0 0 0 0 1 1 0 138 1 1.1 0.9;
 5 1 5 0 0 0 1 1 0 34.5 1 1.1 0.9;
 9 1 0 0 0 0 1 1 0 1 1 1.1 0.9;
];
mpc.gen = [ 1 125 0 9 -9 1 100 1 200 0; ];
mpc.branch = [
 1 2 0 0.1 0 100 0 0 0 0 1;
 2 3 0 0.1 0 100 0 0 0 0 1;
 1 3 0 0.1 0 100 0 0 0 0 1;
 1 9 0 0.1 0 100 0 0 1 0 1;
 4 9 0 0.1 0 100 0 0 1 0 1;
 5 9 0 0.1 0 50 0 0 1 0 1;
];
"""


@pytest.fixture(scope="module")
def mixed() -> Case:
    return case_from(MIXED, "mixed.m")


def profile(areas: tuple[int, ...] = (), **owners: str) -> GridProfile:
    """A profile with a region for areas named a1, a2, …"""
    return replace(
        load_grid_profile("nothing"),
        areas=areas,
        owners=MappingProxyType(
            {int(area[1:]): Owner(f"Owner {area}", region) for area, region in owners.items()}
        ),
    )


def refused(call) -> list[str]:
    with pytest.raises(BadInput) as refusal:
        call()
    return [finding.sentence for finding in refusal.value.findings]


# ----------------------------------------------------------------------------- study amounts


def amount(*parts: Component, region: str = "south", net: float | None = None, full=True) -> float:
    request = Request(
        "R1",
        1,
        parts,
        Deliverability.FULL if full else Deliverability.ENERGY_ONLY,
        sum(part.mw for part in parts) if net is None else net,
    )
    factors = load_rulebook().value("output_factors.on_peak")[region]
    return study_amount_mw(request, factors, storage_hours=4.0)


@pytest.mark.parametrize(
    ("technology", "region", "expected"),
    [
        ("solar", "south", 13.0),
        ("solar", "north", 15.0),
        ("solar", "far_south", 6.0),
        ("solar", "east", 8.0),
        ("wind", "north", 50.0),
        ("wind", "far_south", 35.0),
        ("gas", "north", 100.0),
        ("geothermal", "south", 100.0),
    ],
)
def test_the_study_amount_of_100_mw(technology: str, region: str, expected: float) -> None:
    assert amount(Component(technology, 100.0), region=region) == pytest.approx(expected)


@pytest.mark.parametrize(("mwh", "expected"), [(200.0, 50.0), (400.0, 100.0), (800.0, 100.0)])
def test_storage_counts_with_four_hours(mwh: float, expected: float) -> None:
    assert amount(Component("storage", 100.0, mwh)) == expected


def test_a_hybrid_counts_with_no_more_than_its_net_amount() -> None:
    parts = Component("solar", 100.0), Component("storage", 100.0, 400.0)
    assert amount(*parts) == pytest.approx(113.0)
    assert amount(*parts, net=120.0) == pytest.approx(113.0)
    assert amount(*parts, net=105.0) == 105.0


def test_energy_only_counts_with_nothing() -> None:
    assert amount(Component("gas", 100.0), full=False) == 0.0


def test_the_owner_of_the_area_decides_about_the_region(mixed: Case) -> None:
    rulebook = load_rulebook()
    requests = tuple(
        Request(f"R{bus}", bus, (Component("solar", 100.0),), Deliverability.FULL, 100.0)
        for bus in (2, 3)
    )
    owned = profile(a1="south")
    published = published_case(mixed, rulebook, owned)
    found = study_requests(requests, published, rulebook, owned)
    # Area 1 belongs to an owner in the south; nobody owns area 2, so the default region counts.
    assert [request.study_mw for request in found] == pytest.approx([13.0, 15.0])
    assert [request.mw for request in found] == [100.0, 100.0]
    assert refused(lambda: study_requests(requests, published, rulebook, profile(a1="middle"))) == [
        (
            "The rulebook has no output factors for the region 'middle'; it has east, far_south, "
            "north, south."
        )
    ]


# ------------------------------------------------------------------------------ the rulebook


def test_an_unknown_policy() -> None:
    assert refused(lambda: study_rules(load_rulebook(), "luck")) == [
        "There is no policy 'luck'; choose one of: ras_first, wires_first."
    ]


def test_the_rulebooks_policy_is_the_default() -> None:
    assert study_rules(load_rulebook()).policy is Policy.RAS_FIRST
    assert study_rules(load_rulebook(), "wires_first").policy is Policy.WIRES_FIRST


def changed_rulebook(name: str, old: str, new: str):
    sources = dict(load_rulebook().sources)
    assert old.encode() in sources[name]
    sources[name] = sources[name].replace(old.encode(), new.encode())
    return rulebook_of(sources)


def test_what_the_engine_does_not_know_is_refused() -> None:
    rulebook = changed_rulebook("cost_allocation.toml", '"equal"', '"by_acreage"')
    assert refused(lambda: study_rules(rulebook)) == [
        (
            "The rulebook asks for cost_allocation.switchyard = 'by_acreage'; this version of the "
            "engine knows 'equal' only."
        )
    ]


def test_remedial_action_can_be_ruled_out() -> None:
    assert study_rules(load_rulebook()).remedial_action.is_allowed_after_outage
    rulebook = changed_rulebook("mitigation.toml", '["single outage"]', "[]")
    assert not study_rules(rulebook).remedial_action.is_allowed_after_outage


def test_cost_classes_come_lowest_voltage_first() -> None:
    classes = study_rules(load_rulebook()).upgrades.classes
    assert [one.from_kv for one in classes] == [0, 170, 300, 450, 700]


# ----------------------------------------------------------------------- the published case


def test_the_areas_of_the_profile_unless_others_are_named(mixed: Case) -> None:
    rulebook = load_rulebook()
    assert published_case(mixed, rulebook, profile((1,))).screening.areas == (1,)
    assert published_case(mixed, rulebook, profile((2,)), areas=(1,)).screening.areas == (1,)
    whole = published_case(mixed, rulebook, profile((1,)), areas=())
    assert whole.screening.areas == ()
    assert (whole.screening.cut_off, whole.screening.emergency_multiplier) == (0.03, 1.15)
    assert whole.screening.minimum_kv == 69


def test_an_unknown_area(mixed: Case) -> None:
    assert refused(lambda: published_case(mixed, load_rulebook(), profile(), areas=(1, 7, 8))) == [
        "mixed.m has no area 7; its areas are 1, 2."
    ]


def test_areas_where_nothing_is_generated(mixed: Case) -> None:
    assert refused(lambda: published_case(mixed, load_rulebook(), profile(), areas=(2,))) == [
        (
            "mixed: no unit in the studied areas produces anything, so nothing can make room for a "
            "new injection; choose other areas or give the units an output."
        )
    ]


def test_a_case_in_two_pieces(mixed: Case) -> None:
    in_service = mixed.network.branches.in_service.copy()
    in_service[1:3] = False
    network = replace(
        mixed.network, branches=replace(mixed.network.branches, in_service=in_service)
    )
    case = replace(mixed, network=network)
    assert refused(lambda: published_case(case, load_rulebook(), profile())) == [
        (
            "mixed.m: buses without a path to the slack bus: (3,); connect them or mark them as "
            "isolated."
        )
    ]


def test_a_branch_without_reactance(mixed: Case) -> None:
    reactance = mixed.network.branches.reactance_pu.copy()
    reactance[1] = 0.0
    network = replace(
        mixed.network, branches=replace(mixed.network.branches, reactance_pu=reactance)
    )
    case = replace(mixed, network=network)
    assert refused(lambda: published_case(case, load_rulebook(), profile())) == [
        "mixed.m has no linear model: line:2:3:1 has no reactance."
    ]


def test_coordinates_and_miles(mixed: Case) -> None:
    rulebook = load_rulebook()
    assert bus_coordinates(mixed, profile()) is None
    placed = replace(
        profile(), coordinates=MappingProxyType({1: (40.0, -120.0), 2: (40.0, -120.0)})
    )
    found = bus_coordinates(mixed, placed)
    assert found is not None
    assert found[:2].tolist() == [[40.0, -120.0], [40.0, -120.0]]
    assert [row[0] != row[0] for row in found[2:].tolist()] == [True] * 4
    miles = branch_miles(mixed, rulebook, placed)
    assert miles[0] == 0.5
    assert miles[1] == pytest.approx(0.1 * 230**2 / 100 / 0.75)


# ------------------------------------------------------------------------ misplaced requests


def test_all_misplaced_requests_are_told_at_once(mixed: Case) -> None:
    inputs = inputs_with(
        "R1,3,solar,50,,full,",
        "R2,5,solar,50,,full,",
        "R3,9,solar,50,,full,",
        "R4,2,solar,50,,full,",
        case=mixed,
        name="mine.csv",
    )
    assert refused(lambda: run_study(replace(inputs, profile=profile((1,))))) == [
        (
            "mine.csv: request R1: bus 3 is in area 2, and the study covers areas 1; choose another "
            "bus."
        ),
        (
            "mine.csv: request R2: bus 5 is at 34.5 kV, below the 69 kV from which on points are "
            "studied; choose another bus."
        ),
        "mine.csv: request R3: bus 9 is the star point of a transformer; choose another bus.",
    ]


def test_a_bus_that_the_case_lacks_is_named_with_its_line(mixed: Case) -> None:
    inputs = inputs_with("R1,77,solar,50,,full,", case=mixed)
    assert refused(lambda: run_study(inputs)) == [
        (
            "requests.csv, line 2, field bus: request R1 is at bus 77, which mixed does not have. "
            "Write the number of a bus of the case."
        )
    ]


def test_a_study_too_large_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "MOST_ELEMENTS", 100)
    assert refused(lambda: run_study(inputs_with("R1,114,solar,50,,full,"))) == [
        (
            "The studied areas of case_RTS_GMLC hold 120 elements, and one study takes 100; study "
            "fewer areas at a time."
        )
    ]
    assert small_case().name == "case_RTS_GMLC"
