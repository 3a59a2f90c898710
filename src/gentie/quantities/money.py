"""Money: exact amounts in one currency, and how a sum is shared so that nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount to the cent, in a currency named by its ISO 4217 code."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount: float | str | Decimal, currency: str) -> Money:
        """The amount, rounded half to even to the cent."""
        return cls(Decimal(str(amount)).quantize(CENT, ROUND_HALF_EVEN), currency)

    def __add__(self, other: Money) -> Money:
        """The sum.

        Raises:
            ValueError: the currencies differ.
        """
        if self.currency != other.currency:
            raise ValueError(f"cannot add {self.currency} and {other.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __neg__(self) -> Money:
        """The opposite amount."""
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        """Thousands separated; whole amounts without cents, dollars with their sign."""
        digits = 0 if self.amount == self.amount.to_integral_value() else 2
        figure = f"{self.amount:,.{digits}f}"
        return f"${figure}" if self.currency == "USD" else f"{figure} {self.currency}"


def total(amounts: Sequence[Money], currency: str) -> Money:
    """The sum of amounts, zero for none."""
    result = Money.of(0, currency)
    for amount in amounts:
        result = result + amount
    return result


def shared(cost: Money, weights: Sequence[float], ids: Sequence[str]) -> tuple[Money, ...]:
    """Share a cost by weight so that the shares sum to it, to the cent.

    Every share is rounded down to the cent; the cents left go to the largest remainders, among
    equal ones to the first by id. The order of the payers changes nobody's share.

    Args:
        cost: not negative.
        weights: (n,) not negative, not all zero.
        ids: (n,) different names of the payers.

    Returns:
        (n,) shares.

    Raises:
        ValueError: cost, weights or ids out of range.

    Follows: largest remainder (Hamilton) apportionment.
    """
    if len(weights) != len(ids) or len(set(ids)) != len(ids):
        raise ValueError("a cost is shared among payers with different names, one weight for each")
    exact_weights = [Decimal(repr(float(weight))) for weight in weights]
    if not all(weight.is_finite() and weight >= 0 for weight in exact_weights):
        raise ValueError("a cost is shared by weights that are finite and not negative")
    whole = sum(exact_weights, Decimal(0))
    if cost.amount < 0 or whole == 0:
        raise ValueError("a cost that is not negative is shared by weights that are not all zero")
    exact = [cost.amount * weight / whole for weight in exact_weights]
    floors = [value.quantize(CENT, ROUND_FLOOR) for value in exact]
    cents_left = int((cost.amount - sum(floors, Decimal(0))) / CENT)
    order = sorted(range(len(ids)), key=lambda place: (floors[place] - exact[place], ids[place]))
    amounts = list(floors)
    for place in order[:cents_left]:
        amounts[place] += CENT
    return tuple(Money(amount, cost.currency) for amount in amounts)
