from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gentie.quantities.money import CENT, Money, shared, total

cents = st.integers(0, 10**14).map(lambda count: Money(CENT * count, "USD"))
weights = st.floats(0.0, 1e12, allow_nan=False)
clusters = st.dictionaries(st.text("RST0123456789", min_size=1), weights, min_size=1, max_size=30)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


@given(cents, clusters)
def test_shares_sum_to_the_cost_and_none_is_negative(cost: Money, by_id: dict[str, float]) -> None:
    if sum(by_id.values()) == 0:
        by_id |= {"one": 1.0}
    shares = shared(cost, list(by_id.values()), list(by_id))
    assert total(shares, "USD") == cost
    assert all(share.amount >= 0 for share in shares)
    assert all(share.amount == share.amount.quantize(CENT) for share in shares)


@given(cents, clusters, st.randoms(use_true_random=False))
def test_the_order_of_payers_changes_nobodys_share(
    cost: Money, by_id: dict[str, float], chance: object
) -> None:
    by_id |= {"one": 1.0}
    straight = dict(zip(by_id, shared(cost, list(by_id.values()), list(by_id)), strict=True))
    turned = list(by_id.items())
    chance.shuffle(turned)  # type: ignore[attr-defined]
    ids, by_weight = zip(*turned, strict=True)
    assert dict(zip(ids, shared(cost, by_weight, ids), strict=True)) == straight


@given(cents, st.integers(1, 50), st.floats(1e-300, 1e300))
def test_equal_weights_differ_by_at_most_a_cent(cost: Money, count: int, weight: float) -> None:
    ids = [f"R{place:02}" for place in range(count)]
    amounts = [share.amount for share in shared(cost, [weight] * count, ids)]
    assert max(amounts) - min(amounts) <= CENT
    assert amounts == sorted(amounts, reverse=True)


@given(cents, clusters)
def test_every_share_is_within_a_cent_of_its_exact_part(
    cost: Money, by_id: dict[str, float]
) -> None:
    by_id |= {"one": 1.0}
    whole = sum(Decimal(repr(weight)) for weight in by_id.values())
    shares = shared(cost, list(by_id.values()), list(by_id))
    for weight, share in zip(by_id.values(), shares, strict=True):
        assert abs(share.amount - cost.amount * Decimal(repr(weight)) / whole) < CENT


@given(cents, clusters)
def test_who_has_more_weight_never_pays_less(cost: Money, by_id: dict[str, float]) -> None:
    by_id |= {"one": 1.0}
    shares = shared(cost, list(by_id.values()), list(by_id))
    ordered = sorted(zip(by_id.values(), shares, strict=True), key=lambda pair: pair[0])
    for (less, small), (more, large) in pairwise(ordered):
        assert large.amount >= small.amount or (
            less == more and small.amount - CENT == large.amount
        )


def test_a_third_each_on_paper() -> None:
    assert shared(usd("100.00"), [1, 1, 1], ["b", "c", "a"]) == (
        usd("33.33"),
        usd("33.33"),
        usd("33.34"),
    )


def test_the_cent_goes_to_the_largest_remainder() -> None:
    # 10.00 by 1 : 2 : 4 is 1.428…, 2.857…, 5.714…: one cent is left, and 0.857… > 0.714… > 0.428….
    assert shared(usd("10.00"), [1, 2, 4], ["a", "b", "c"]) == (
        usd("1.43"),
        usd("2.86"),
        usd("5.71"),
    )


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_only_the_ratio_of_weights_counts(scale: float) -> None:
    assert shared(usd("0.05"), [3 * scale, 1 * scale], ["a", "b"]) == (usd("0.04"), usd("0.01"))


def test_a_tiny_weight_beside_a_huge_one() -> None:
    assert shared(usd("1000000000.01"), [1e300, 1e-300], ["a", "b"]) == (
        usd("1000000000.01"),
        usd("0.00"),
    )


def test_nothing_is_shared_as_nothing() -> None:
    assert shared(usd("0"), [1.0, 0.0], ["a", "b"]) == (usd("0"), usd("0"))


BY_NAME = "a cost is shared among payers with different names, one weight for each"
BY_WEIGHT = "a cost is shared by weights that are finite and not negative"
BY_SUM = "a cost that is not negative is shared by weights that are not all zero"


@pytest.mark.parametrize(
    ("cost", "by_weight", "ids", "why"),
    [
        ("-0.01", [1.0], ["a"], BY_SUM),
        ("1", [0.0, 0.0], ["a", "b"], BY_SUM),
        ("1", [], [], BY_SUM),
        ("1", [1.0, -1e-9], ["a", "b"], BY_WEIGHT),
        ("1", [1.0, math.nan], ["a", "b"], BY_WEIGHT),
        ("1", [1.0, math.inf], ["a", "b"], BY_WEIGHT),
        ("1", [1.0, 1.0], ["a", "a"], BY_NAME),
        ("1", [1.0, 1.0], ["a"], BY_NAME),
    ],
)
def test_what_cannot_be_shared(cost: str, by_weight: list[float], ids: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        shared(usd(cost), by_weight, ids)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("0", "USD", "$0"),
        ("1234567.00", "USD", "$1,234,567"),
        ("1234567.5", "USD", "$1,234,567.50"),
        ("0.01", "USD", "$0.01"),
        ("1234.5", "EUR", "1,234.50 EUR"),
        ("1000", "EUR", "1,000 EUR"),
    ],
)
def test_how_money_is_written(amount: str, currency: str, written: str) -> None:
    assert str(Money.of(amount, currency)) == written


def test_amounts_are_rounded_half_to_even() -> None:
    assert [Money.of(text, "USD").amount for text in ("0.005", "0.015", "0.025")] == [
        Decimal("0.00"),
        Decimal("0.02"),
        Decimal("0.02"),
    ]
    assert Money.of(0.1 + 0.2, "USD") == usd("0.30")


def test_currencies_are_not_mixed() -> None:
    with pytest.raises(ValueError, match=r"^cannot add USD and EUR$"):
        usd("1") + Money.of("1", "EUR")
    with pytest.raises(ValueError, match=r"^cannot add EUR and USD$"):
        total([usd("1")], "EUR")
    assert usd("1") != Money.of("1", "EUR")


def test_a_sum_of_nothing_has_a_currency() -> None:
    assert total([], "EUR") == Money.of("0", "EUR")
    assert total([usd("0.10"), usd("0.20")], "USD") == usd("0.30")
