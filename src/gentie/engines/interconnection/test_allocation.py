"""Who pays for an upgrade, by hand and by law."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gentie.engines.interconnection.allocation import (
    Basis,
    LedgerRow,
    payers,
    share_by_impact,
    share_equally,
)
from gentie.engines.interconnection.upgrades import CostClass, Upgrade, UpgradeKind
from gentie.quantities.money import Money, total

THRESHOLDS = {"least_factor": 0.05, "least_share": 0.05}


def upgrade_of(amount: str) -> Upgrade:
    return Upgrade(
        id="circuit:line:1:2:1:2",
        kind=UpgradeKind.CIRCUIT,
        cost_class=CostClass.RELIABILITY,
        branch_row=0,
        point=-1,
        constraint="C",
        loading_percent=120.0,
        miles=10.0,
        rating_before_mva=100.0,
        rating_after_mva=200.0,
        cost=Money(Decimal(amount), "USD"),
    )


def shared(amount: str, factor: list[float], mw: list[float], limit: float = 1000.0):
    return share_by_impact(
        upgrade_of(amount),
        ids=[f"R{place + 1}" for place in range(len(mw))],
        factor=np.array(factor),
        mw=np.array(mw),
        limit_mw=limit,
        **THRESHOLDS,
    )


def test_a_cost_is_shared_by_factor_times_mw() -> None:
    rows = shared("1000000.00", [0.2, 0.1, 0.04, -0.3], [100, 50, 100, 500])
    assert rows == (
        LedgerRow(
            upgrade="circuit:line:1:2:1:2",
            constraint="C",
            request="R1",
            basis=Basis.FLOW_IMPACT,
            distribution_factor=0.2,
            mw=100.0,
            impact_mw=20.0,
            impact_sum_mw=25.0,
            share=0.8,
            amount=Money(Decimal("800000.00"), "USD"),
        ),
        LedgerRow(
            upgrade="circuit:line:1:2:1:2",
            constraint="C",
            request="R2",
            basis=Basis.FLOW_IMPACT,
            distribution_factor=0.1,
            mw=50.0,
            impact_mw=5.0,
            impact_sum_mw=25.0,
            share=0.2,
            amount=Money(Decimal("200000.00"), "USD"),
        ),
    )


def test_the_least_factor_itself_pays() -> None:
    chosen, basis = payers(
        np.array([0.05, 0.0499999]), np.array([10.0, 10.0]), limit_mw=1000.0, **THRESHOLDS
    )
    assert (chosen.tolist(), basis) == ([True, False], Basis.FLOW_IMPACT)


def test_a_large_plant_with_a_small_factor_pays_by_its_impact() -> None:
    # 0.04 x 1,250 MW are 50 MW: 5% of the limit of 1,000 MW.
    for mw, pays in ((1250.0, True), (1249.0, False)):
        chosen, _ = payers(
            np.array([0.04, 0.2]), np.array([mw, 10.0]), limit_mw=1000.0, **THRESHOLDS
        )
        assert chosen.tolist() == [pays, True]


def test_where_nobody_meets_a_threshold_all_who_add_pay_and_the_rows_say_so() -> None:
    rows = shared("99.99", [0.04, 0.02, 0.0, -0.02], [10, 10, 10, 10])
    assert [(row.request, row.basis) for row in rows] == [
        ("R1", Basis.DISPLACEMENT),
        ("R2", Basis.DISPLACEMENT),
    ]
    assert [str(row.amount) for row in rows] == ["$66.66", "$33.33"]


def test_a_factor_without_mw_pays_nothing() -> None:
    chosen, basis = payers(
        np.array([0.5, 0.01]), np.array([0.0, 10.0]), limit_mw=1000.0, **THRESHOLDS
    )
    assert (chosen.tolist(), basis) == ([False, True], Basis.DISPLACEMENT)


def test_an_upgrade_that_nobody_calls_for_is_a_fault() -> None:
    with pytest.raises(ValueError, match="weights that are not all zero"):
        shared("100.00", [0.0, -0.1], [10, 10])


def test_equal_shares() -> None:
    rows = share_equally(
        upgrade_of("100.00"), ids=["R3", "R1", "R2"], mw=[10, 20, 30], basis=Basis.EQUAL_SHARE
    )
    assert [(row.request, row.mw, str(row.amount)) for row in rows] == [
        ("R3", 10.0, "$33.33"),
        ("R1", 20.0, "$33.34"),
        ("R2", 30.0, "$33.33"),
    ]
    assert {row.basis for row in rows} == {Basis.EQUAL_SHARE}
    assert {row.share for row in rows} == {1 / 3}
    (own,) = share_equally(upgrade_of("7.00"), ids=["R1"], mw=[10], basis=Basis.OWN)
    assert (own.amount, own.share, own.basis) == (Money(Decimal("7.00"), "USD"), 1.0, Basis.OWN)


@given(
    st.integers(0, 10**12),
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0.1, 2000)),
        min_size=1,
        max_size=25,
    ),
    st.floats(1, 5000),
    st.randoms(use_true_random=False),
)
def test_the_rows_sum_to_the_cost_in_any_order(
    cents: int, requests: list[tuple[float, float]], limit: float, chance: object
) -> None:
    factor, mw = (np.array(column) for column in zip(*requests, strict=True))
    assume((factor * mw > 0).any())
    upgrade = upgrade_of(str(Decimal(cents) / 100))
    ids = [f"R{place:02}" for place in range(len(mw))]
    rows = share_by_impact(upgrade, ids=ids, factor=factor, mw=mw, limit_mw=limit, **THRESHOLDS)
    assert total([row.amount for row in rows], "USD").amount == upgrade.cost.amount
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    for row in rows:
        assert row.impact_mw == row.distribution_factor * row.mw
        assert row.impact_mw > 0
        assert abs(float(row.amount.amount) - row.share * cents / 100) <= 0.01 + 1e-12 * cents
    order = list(range(len(mw)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    turned = share_by_impact(
        upgrade,
        ids=[ids[place] for place in order],
        factor=factor[order],
        mw=mw[order],
        limit_mw=limit,
        **THRESHOLDS,
    )
    assert {row.request: (row.basis, row.amount) for row in turned} == {
        row.request: (row.basis, row.amount) for row in rows
    }
