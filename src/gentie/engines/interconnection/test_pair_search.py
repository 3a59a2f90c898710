"""What is looked at again only where something moved is what a search of everything finds."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.interconnection.cluster import study_cluster
from gentie.engines.interconnection.cluster_costs import cluster_costs
from gentie.engines.interconnection.cluster_flows import ClusterFlows
from gentie.engines.interconnection.cluster_study import Policy, StudyRequest
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.deliverability import DeliverabilityLoading
from gentie.engines.interconnection.elements import ElementTable, Pairs
from gentie.engines.interconnection.examples import (
    DELIVERABILITY_RULES,
    published,
    random_network,
    study_rules,
)
from gentie.engines.interconnection.pair_search import DeliverabilitySearch, PairSearch
from gentie.engines.interconnection.published import PublishedCase
from gentie.engines.interconnection.transfer_factors import transfer_factors


def same(mine: Pairs | DeliverabilityLoading, theirs: Pairs | DeliverabilityLoading) -> bool:
    """To the bit, in everything but how much work it was."""
    return all(
        np.array_equal(getattr(mine, field.name), getattr(theirs, field.name))
        for field in fields(mine)
        if field.name != "pairs_worked_out"
    )


def random_cluster(
    seed: int, requests: int, *, rating_mva: float = 80.0
) -> tuple[PublishedCase, tuple[StudyRequest, ...]]:
    """A random case and requests at random buses of it, some of them energy only."""
    chance = np.random.default_rng(seed)
    case = published(random_network(chance, rating_mva=rating_mva))
    count = len(case.network.buses) - 1
    mw = chance.uniform(5, 60, requests)
    return case, tuple(
        StudyRequest(
            f"R{number}",
            int(chance.integers(0, count)),
            mw=float(mw[number]),
            study_mw=float(mw[number]) * float(chance.integers(0, 2)),
        )
        for number in range(requests)
    )


def flows_of(table: ElementTable, case: PublishedCase, requests: tuple[StudyRequest, ...]):
    return ClusterFlows(
        table,
        mw=np.array([request.mw for request in requests]),
        study_mw=np.array([request.study_mw for request in requests]),
        request_column=np.array([request.bus_row for request in requests]),
        fleet_column=case.fleet_bus,
        rules=DELIVERABILITY_RULES,
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    requests=st.integers(1, 5),
    acts=st.lists(st.tuples(st.booleans(), st.integers(0, 100), st.booleans()), max_size=8),
)
def test_after_any_upgrades_the_search_is_one_of_everything(seed, requests, acts) -> None:
    case, asked = random_cluster(seed, requests, rating_mva=50.0)
    table = ElementTable(case, np.arange(len(case.network.buses)))
    pairs = PairSearch(collective_impact=0.05, threads=1)
    tested = DeliverabilitySearch(threads=1)
    flows = flows_of(table, case, asked)
    for is_circuit, place, looks in [(True, 0, True), *acts, (False, 1, True)]:
        element = place % len(table.row)
        if is_circuit:
            table.add_circuit(element)
        else:
            table.raise_rating(element, 1.6)
        if not looks:
            continue
        if flows.version != table.version:
            flows = flows_of(table, case, asked)
        everything = flows_of(table, case, asked)
        assert same(
            pairs.look(flows), PairSearch(collective_impact=0.05, threads=2).look(everything)
        )
        assert same(tested.look(flows), DeliverabilitySearch(threads=2).look(everything))


def test_a_raised_rating_leads_to_a_look_at_one_element(monkeypatch) -> None:
    case, requests = random_cluster(3, 4, rating_mva=40.0)
    table = ElementTable(case, np.arange(len(case.network.buses)))
    looked_at: list[object] = []
    above = ElementTable.pairs_above

    def counted(self, *given, elements=None, **said):
        looked_at.append(None if elements is None else elements.tolist())
        return above(self, *given, elements=elements, **said)

    monkeypatch.setattr(ElementTable, "pairs_above", counted)
    search, flows = PairSearch(collective_impact=0.05, threads=1), flows_of(table, case, requests)
    before = search.look(flows)
    worst = int(before.element[before.worst()])
    assert search.look(flows) is before
    table.raise_rating(worst, 1e6)
    after = search.look(flows)
    assert worst not in after.element.tolist()
    assert len(after.element) == (before.element != worst).sum() > 0
    table.add_circuit(worst)
    search.look(flows_of(table, case, requests))
    assert looked_at == [None, [worst], None]


class Everywhere(ClusterWork):
    """A study that searches everything anew before every decision."""

    def advance(self) -> None:
        self._now = None
        self._pairs = PairSearch(collective_impact=self.rules.collective_impact, threads=1)
        self._tested = DeliverabilitySearch(threads=1)
        super().advance()


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("seed", range(12))
def test_a_study_decides_what_one_that_searches_everything_decides(seed, policy) -> None:
    case, requests = random_cluster(seed, 6)
    rules, miles = study_rules(policy), np.full(len(case.network.branches), 10.0)
    works = [kind(case, requests, rules, miles=miles) for kind in (ClusterWork, Everywhere)]
    for work in works:
        while not work.is_ended:
            work.advance()
    mine, theirs = works
    assert mine.decisions == theirs.decisions
    assert mine.ledger == theirs.ledger
    assert mine.schemes == theirs.schemes


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    policy=st.sampled_from(Policy),
    gone=st.sets(st.integers(0, 6), max_size=6),
)
def test_the_bill_alone_is_the_bill_of_the_study(seed, policy, gone) -> None:
    """From factors kept for more requests than are studied, in any order."""
    case, requests = random_cluster(seed, 7)
    kept = transfer_factors(
        case, np.concatenate([[request.bus_row for request in requests], case.fleet_bus])
    )
    staying = tuple(request for place, request in enumerate(requests) if place not in gone)
    rules, miles = study_rules(policy), np.full(len(case.network.branches), 10.0)
    before = kept.transfer.copy(), kept.injection.copy()
    costs = cluster_costs(kept, staying[::-1], rules, miles=miles)
    study = study_cluster(case, staying, rules, miles=miles)
    assert costs.upgrades == study.upgrades
    assert costs.ledger == study.ledger
    assert np.array_equal(kept.transfer, before[0])
    assert np.array_equal(kept.injection, before[1])


# --------------------------------------------------------------------------- kept factors


@pytest.mark.parametrize("seed", range(6))
def test_kept_factors_are_the_grid_solved_bus_by_bus(seed: int) -> None:
    case, _ = random_cluster(seed, 1)
    n = len(case.network.buses)
    kept = transfer_factors(case, np.arange(n))
    a, z = case.network.branches.from_bus[kept.row], case.network.branches.to_bus[kept.row]
    angle = case.model.angles_rad(np.eye(n))
    assert kept.injection == pytest.approx(angle[a] - angle[z], abs=1e-15)
    assert kept.transfer == pytest.approx(kept.injection[:, a] - kept.injection[:, z], abs=1e-12)


def test_buses_asked_for_later_have_the_same_columns() -> None:
    case, _ = random_cluster(5, 1)
    n = len(case.network.buses)
    whole = transfer_factors(case, np.arange(n))
    some = transfer_factors(case, np.array([4, 1]))
    assert some.bus.tolist() == [1, 4]
    more = some.holding(np.array([7, 0, 4]))
    assert more.bus.tolist() == [0, 1, 4, 7]
    assert np.array_equal(more.injection, whole.injection[:, [0, 1, 4, 7]])
    assert np.array_equal(more.columns(np.array([7, 1, 7])), whole.injection[:, [7, 1, 7]])
    assert more.holding(np.array([1, 7])) is more
    with pytest.raises(KeyError, match="3"):
        more.columns(np.array([1, 3]))
    with pytest.raises(KeyError, match="8"):
        more.columns(np.array([8]))
