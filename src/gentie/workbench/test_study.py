"""The demonstration cluster: its figures, and what must hold of any cluster.

The list is section 7 of the facts about the demonstration: nothing here is about one draw of
requests, except the broad bands.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from gentie.engines.interconnection.cluster import study_cluster
from gentie.engines.interconnection.cluster_study import ClusterStudy, Condition, Policy
from gentie.engines.interconnection.deliverability import circle_of, deliverability_flow
from gentie.engines.interconnection.elements import ElementTable
from gentie.engines.interconnection.published import publish
from gentie.engines.interconnection.upgrades import CostClass, UpgradeKind
from gentie.formats.requests import Deliverability
from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.capacity import capacity_map
from gentie.workbench.publication import branch_miles, published_case
from gentie.workbench.study import Inputs, StudyRun, run_study

pytestmark = pytest.mark.xdist_group("demonstration")

AT_POINTS = {UpgradeKind.SWITCHYARD, UpgradeKind.POSITION}


@pytest.fixture(scope="module")
def miles(demo_inputs: Inputs) -> np.ndarray:
    return branch_miles(demo_inputs.case, demo_inputs.rulebook, demo_inputs.profile)


@pytest.fixture(scope="module")
def table(demo_run: StudyRun) -> ElementTable:
    """The grid as it is, with a column for every request and then for every fleet bus."""
    cluster = demo_run.cluster
    buses = [request.bus_row for request in cluster.requests]
    return ElementTable(cluster.case, np.concatenate([buses, cluster.case.fleet_bus]))


def request_factors(table: ElementTable, cluster: ClusterStudy) -> np.ndarray:
    columns = np.arange(table.injection.shape[1])
    count = len(cluster.requests)
    fleet = table.factors(columns[count:]) @ cluster.case.fleet_share
    return table.factors(columns[:count]) - fleet[:, None]


# ---------------------------------------------------------------------- figures and bands


def test_the_demonstration_is_120_requests_and_28_gw(demo_run: StudyRun) -> None:
    assert len(demo_run.requests) == 120
    assert sum(request.net_mw for request in demo_run.requests) == pytest.approx(28_000, abs=20)
    full = [r for r in demo_run.requests if r.deliverability is Deliverability.FULL]
    assert 0.5 <= len(full) / 120 <= 0.7


def test_wires_first_lies_in_the_bands_of_the_trial(demo_wires: StudyRun) -> None:
    summary = demo_wires.results.document("summary")
    assert 30 <= summary["constraints"]["peak-reliability"]["found"] <= 95
    assert 5 <= summary["constraints"]["peak-deliverability"]["found"] <= 40
    by_class = summary["cost"]["by_class"]
    network = sum(
        Decimal(by_class[one]) for one in (CostClass.RELIABILITY, CostClass.LOCAL_DELIVERABILITY)
    )
    assert Decimal("0.6e9") <= network <= Decimal("2.4e9")
    assert summary["schemes"] == 0


def test_remedial_action_first_builds_less(demo_run: StudyRun, demo_wires: StudyRun) -> None:
    cheap = Decimal(demo_run.results.document("summary")["cost"]["total"])
    dear = Decimal(demo_wires.results.document("summary")["cost"]["total"])
    assert cheap < dear
    assert demo_run.cluster.schemes


# -------------------------------------------------------------------------- the power flows


@pytest.mark.parametrize("policy", ["demo_run", "demo_wires"])
def test_the_upgraded_grid_solved_from_nothing_agrees(
    policy: str, request: pytest.FixtureRequest
) -> None:
    run: StudyRun = request.getfixturevalue(policy)
    check = run.cluster.verification
    assert check.overloads_left == 0
    assert check.largest_flow_difference_mw < 1e-6
    assert check.largest_loading_difference < 1e-8


@pytest.mark.parametrize("policy", ["demo_run", "demo_wires"])
def test_no_constraint_is_left_above_its_limit(policy: str, request: pytest.FixtureRequest) -> None:
    run: StudyRun = request.getfixturevalue(policy)
    for constraint in run.cluster.constraints:
        assert constraint.with_percent > 100.0
        assert constraint.after_percent <= 100.0 + 1e-6, constraint.id


def test_projects_and_displacement_add_up_to_the_change_of_flow(
    demo_run: StudyRun, table: ElementTable
) -> None:
    cluster = demo_run.cluster
    case, model = cluster.case, cluster.case.model
    mw = np.array([request.mw for request in cluster.requests])
    injection = case.injection_mw.copy()
    np.add.at(injection, [request.bus_row for request in cluster.requests], mw)
    displaced = case.fleet_share * mw.sum()
    np.add.at(injection, case.fleet_bus, -displaced)
    assert displaced.sum() == pytest.approx(mw.sum(), abs=1e-6)
    assert injection.sum() == pytest.approx(case.injection_mw.sum(), abs=1e-6)
    change = model.flow_mw(injection)[table.row] - case.flow_mw[table.row]
    shares = request_factors(table, cluster) * mw
    assert np.abs(shares.sum(axis=1) - change).max() < 1e-6


def test_each_request_alone_overloads_nothing(demo_run: StudyRun, table: ElementTable) -> None:
    cluster = demo_run.cluster
    factor = request_factors(table, cluster)
    for place, request in enumerate(cluster.requests):
        found = table.pairs_above(
            table.base_mw + factor[:, place] * request.mw,
            factor[:, [place]],
            collective_impact=cluster.rules.collective_impact,
        )
        assert not found.is_reached.any(), request.id


def test_larger_requests_never_lower_an_overload(demo_run: StudyRun, table: ElementTable) -> None:
    cluster = demo_run.cluster
    factor = request_factors(table, cluster)
    mw = np.array([request.mw for request in cluster.requests])
    seen: dict[tuple[int, int], float] = {}
    counts = []
    for scale in (0.25, 0.5, 0.75, 1.0, 1.25, 1.5):
        found = table.pairs_above(
            table.base_mw + factor @ (scale * mw), factor, collective_impact=np.inf
        )
        now = dict(zip(zip(found.element, found.outage, strict=True), found.loading, strict=True))
        for pair, loading in seen.items():
            assert now[pair] >= loading - 1e-12
        seen = now
        counts.append(len(set(found.element)))
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_a_larger_emergency_rating_never_adds_an_element(
    demo_run: StudyRun, demo_inputs: Inputs, table: ElementTable
) -> None:
    cluster = demo_run.cluster
    mw = np.array([request.mw for request in cluster.requests])
    found = []
    for multiplier in (1.00, 1.15, 1.30):
        case = publish(
            demo_inputs.case.network,
            replace(cluster.case.screening, emergency_multiplier=multiplier),
        )
        other = ElementTable(
            case,
            np.concatenate([[r.bus_row for r in cluster.requests], case.fleet_bus]),
        )
        factor = request_factors(other, cluster)
        pairs = other.pairs_above(
            other.base_mw + factor @ mw,
            factor,
            collective_impact=cluster.rules.collective_impact,
        )
        found.append(set(other.row[pairs.element[pairs.is_reached]].tolist()))
    assert found[0] >= found[1] >= found[2]
    assert len(found[0]) > len(found[1]) > len(found[2]) > 0


# ---------------------------------------------------------------------------- deliverability


def test_all_generators_at_the_dispatch_share_give_the_output_of_the_fleet(
    demo_run: StudyRun,
) -> None:
    cluster = demo_run.cluster
    fleet = cluster.case.fleet_mw.sum()
    study = fleet + sum(request.study_mw for request in cluster.requests)
    assert cluster.dispatch_share * study == pytest.approx(fleet, rel=1e-12)
    assert 0.75 <= cluster.dispatch_share <= 0.85


def test_deliverability_constraints_written_out_generator_by_generator(
    demo_run: StudyRun, table: ElementTable
) -> None:
    cluster = demo_run.cluster
    rules = cluster.rules.deliverability
    study = np.array([request.study_mw for request in cluster.requests])
    full = np.flatnonzero(study > 0)
    count = len(cluster.requests)
    fleet = cluster.case.fleet_mw
    columns = np.concatenate([np.arange(len(fleet)) + count, full])
    study_mw = np.concatenate([fleet, study[full]])
    existing = np.concatenate([fleet, np.zeros(len(full))])
    circle = circle_of(table, rules)
    seen = 0
    for constraint in cluster.constraints:
        if constraint.condition is not Condition.DELIVERABILITY or constraint.arose_from_upgrades:
            continue
        element = table.place_of(constraint.branch_row)
        outage = -1 if constraint.outage_row < 0 else table.place_of(constraint.outage_row)
        flow = deliverability_flow(
            table,
            element=element,
            outage=outage,
            sign=1 if "|forward|" in constraint.id else -1,
            columns=columns,
            study_mw=study_mw,
            existing_mw=existing,
            rules=rules,
        )
        limit = table.limit_mw(element, outage)
        assert 100 * abs(flow[element]) / limit == pytest.approx(constraint.with_percent, abs=1e-6)
        if constraint.basis == "flow impact":
            meets = (constraint.factor >= circle[element]) | (
                constraint.impact_mw >= rules.flow_impact * limit
            )
            assert meets.all()
        seen += 1
    assert seen >= 5


def test_energy_only_requests_pay_for_no_delivery_upgrade(demo_run: StudyRun) -> None:
    delivery = {
        upgrade.id
        for upgrade in demo_run.cluster.upgrades
        if upgrade.cost_class is CostClass.LOCAL_DELIVERABILITY
    }
    full = {request.id for request in demo_run.cluster.requests if request.study_mw > 0}
    payers = {row.request for row in demo_run.cluster.ledger if row.upgrade in delivery}
    assert delivery
    assert payers
    assert payers <= full


def test_energy_only_requests_change_no_deliverability_constraint(
    demo_run: StudyRun, miles: np.ndarray
) -> None:
    cluster = demo_run.cluster
    only_full = study_cluster(
        cluster.case,
        tuple(request for request in cluster.requests if request.study_mw > 0),
        cluster.rules,
        miles=miles,
    )

    def found(study: ClusterStudy) -> dict[str, float]:
        return {
            constraint.id: round(constraint.with_percent, 6)
            for constraint in study.constraints
            if constraint.condition is Condition.DELIVERABILITY
            and not constraint.arose_from_upgrades
        }

    assert found(cluster)
    assert found(only_full) == found(cluster)


# ------------------------------------------------------------------------------------- money


@pytest.mark.parametrize("policy", ["demo_run", "demo_wires"])
def test_the_ledger_sums_to_the_cent(policy: str, request: pytest.FixtureRequest) -> None:
    run: StudyRun = request.getfixturevalue(policy)
    owed: dict[str, Decimal] = defaultdict(Decimal)
    shares: dict[str, float] = defaultdict(float)
    for row in run.cluster.ledger:
        assert row.amount.amount >= 0
        owed[row.upgrade] += row.amount.amount
        shares[row.upgrade] += row.share
    assert owed == {upgrade.id: upgrade.cost.amount for upgrade in run.cluster.upgrades}
    assert all(share == pytest.approx(1.0, abs=1e-9) for share in shares.values())
    assert len({upgrade.id for upgrade in run.cluster.upgrades}) == len(run.cluster.upgrades)
    total = sum(row["total_cost"] for row in run.results.table("requests").as_dicts())
    assert str(total) == run.results.document("summary")["cost"]["total"]


def test_schemes_keep_their_limits(demo_run: StudyRun) -> None:
    rules = demo_run.cluster.rules.remedial_action
    for scheme in demo_run.cluster.schemes:
        assert 0 < scheme.tripped_mw <= rules.trip_limit_mw
        assert 0 < len(scheme.requests) <= rules.most_requests
        assert scheme.elements


# -------------------------------------------------------------------------- the same again


def test_the_order_of_requests_changes_nothing(demo_run: StudyRun, demo_inputs: Inputs) -> None:
    lines = demo_inputs.requests_content.decode().splitlines()
    shuffled = np.random.default_rng(4).permutation(lines[1:]).tolist()
    content = "\n".join([lines[0], *shuffled]).encode()
    again = run_study(replace(demo_inputs, requests_content=content), threads=1)
    assert again.results.files() == demo_run.results.files()


def test_a_study_of_the_upgraded_grid_builds_nothing_more(
    demo_wires: StudyRun, miles: np.ndarray
) -> None:
    first = demo_wires.cluster
    more = len(first.upgraded.branches) - len(miles)
    again = study_cluster(
        publish(first.upgraded, first.case.screening),
        first.requests,
        first.rules,
        miles=np.concatenate([miles, np.zeros(more)]),
    )
    assert again.constraints == ()
    assert {upgrade.kind for upgrade in again.upgrades} == AT_POINTS


# ------------------------------------------------------------------- one engine, many doors


def one_request_study(run: StudyRun, miles: np.ndarray, bus_row: int, mw: float) -> ClusterStudy:
    alone = replace(run.cluster.requests[0], id="alone", bus_row=bus_row, mw=mw, study_mw=0.0)
    return study_cluster(
        run.cluster.case,
        (alone,),
        replace(run.cluster.rules, policy=Policy.WIRES_FIRST),
        miles=miles,
    )


def points_of_the_map(run: StudyRun, count: int) -> list[tuple[int, float, str, str]]:
    """Bus row, capacity, limiting element and outage of points drawn from the map."""
    published = run.cluster.case
    rows = [
        row
        for row in capacity_map(published, run.inputs.profile).as_dicts()
        if row["capacity_mw"] is not None
    ]
    return [
        (
            published.network.bus_row[int(str(row["bus"]))],
            float(str(row["capacity_mw"])),
            str(row["limiting_element"]),
            str(row["outage"]),
        )
        for row in (rows[at] for at in np.random.default_rng(7).choice(len(rows), count, False))
    ]


def test_fifty_points_meet_the_limit_of_the_map_in_the_first_step_of_a_study(
    demo_run: StudyRun,
) -> None:
    case = demo_run.cluster.case
    points = points_of_the_map(demo_run, 50)
    table = ElementTable(case, np.concatenate([[bus for bus, *_ in points], case.fleet_bus]))
    columns = np.arange(len(points) + len(case.fleet_bus))
    fleet = table.factors(columns[len(points) :]) @ case.fleet_share
    for place, (_, capacity, element, outage) in enumerate(points):
        factor = table.factors(columns[[place]]) - fleet[:, None]
        met = []
        for mw in (capacity - 0.1, capacity + 0.1):
            found = table.pairs_above(
                table.base_mw + factor[:, 0] * mw,
                factor,
                collective_impact=demo_run.cluster.rules.collective_impact,
            )
            found = found.only(found.is_reached)
            met.append(
                {
                    (
                        case.element(int(table.row[m])),
                        case.element(int(table.row[c]) if c >= 0 else -1),
                    )
                    for m, c in zip(found.element, found.outage, strict=True)
                }
            )
        assert met[0] == set()
        assert (element, outage) in met[1]


def whole_studies_meet_the_limit_of_the_map(run: StudyRun, miles: np.ndarray, count: int) -> None:
    published = run.cluster.case
    for bus, capacity, element, outage in points_of_the_map(run, count):
        below = one_request_study(run, miles, bus, capacity - 0.1)
        assert below.constraints == ()
        above = one_request_study(run, miles, bus, capacity + 0.1)
        met = {
            (published.element(one.branch_row), published.element(one.outage_row))
            for one in above.constraints
            if not one.arose_from_upgrades
        }
        assert (element, outage) in met


def test_a_whole_study_of_one_request_meets_the_limit_of_the_map(
    demo_run: StudyRun, miles: np.ndarray
) -> None:
    whole_studies_meet_the_limit_of_the_map(demo_run, miles, 1)


@pytest.mark.soak
def test_fifty_whole_studies_of_one_request_meet_the_limits_of_the_map(
    demo_run: StudyRun, miles: np.ndarray
) -> None:
    whole_studies_meet_the_limit_of_the_map(demo_run, miles, 50)


def test_two_policies_find_the_same_constraints(demo_run: StudyRun, demo_wires: StudyRun) -> None:
    def found(run: StudyRun) -> list[str]:
        return [one.id for one in run.cluster.constraints if not one.arose_from_upgrades]

    assert found(demo_run) == found(demo_wires)


def test_a_published_case_of_other_areas_is_another_case(demo_inputs: Inputs) -> None:
    rulebook = load_rulebook()
    profile = load_grid_profile(demo_inputs.case.name)
    whole = published_case(demo_inputs.case, rulebook, profile, areas=())
    part = published_case(demo_inputs.case, rulebook, profile, areas=(3,))
    assert len(whole.monitored) > len(part.monitored) > 0
    assert whole.fleet_mw.sum() > part.fleet_mw.sum() > 0
