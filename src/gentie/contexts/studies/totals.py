"""Which sums of a study everybody may know: those from which nobody can tell what another pays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEAST_PAYERS = 3
"""Of a sum of two, each knows the other's part."""


@dataclass(frozen=True, slots=True)
class Payment:
    """That somebody pays some of an upgrade.

    Attributes:
        upgrade: identity.
        cost_class: of the upgrade.
        payer: whoever knows all payments of this payer; an organisation, or one request.
    """

    upgrade: str
    cost_class: str
    payer: str


def public_summary(
    summary: Mapping[str, Any], payments: Sequence[Payment], *, is_shown_in_full: bool
) -> dict[str, Any]:
    """The summary of a bundle without the sums that are not everybody's.

    The highest cost per kilowatt is one request's, and a median can be; the sums stay where
    ``hides_everybody`` holds, those by class only if it holds for each of them.

    Args:
        summary: of the bundle.
        payments: every one of the study.
        is_shown_in_full: nothing of the study is anybody's, and everything stays.
    """
    if is_shown_in_full:
        return dict(summary)
    cost = {"currency": summary["cost"]["currency"]}
    if hides_everybody(payments):
        cost["total"] = summary["cost"]["total"]
        by_class = defaultdict(list)
        for payment in payments:
            by_class[payment.cost_class].append(payment)
        if all(hides_everybody(of_class) for of_class in by_class.values()):
            cost["by_class"] = summary["cost"]["by_class"]
    return {**summary, "cost": cost}


def hides_everybody(payments: Iterable[Payment]) -> bool:
    """Whether the sum of these payments tells no payer what another one pays.

    A payer knows the cost of every upgrade that it pays for. What is left of the sum is then paid
    by nobody, or by at least two others, and the whole by at least three.

    Args:
        payments: whose sum is told.

    Neglects: payers who put together what they know, and what unit costs and voltages tell.
    """
    payers: dict[str, set[str]] = defaultdict(set)
    upgrades: dict[str, set[str]] = defaultdict(set)
    for payment in payments:
        payers[payment.upgrade].add(payment.payer)
        upgrades[payment.payer].add(payment.upgrade)
    if 0 < len(upgrades) < LEAST_PAYERS:
        return False
    return all(
        len(set().union(*(payers[one] for one in payers.keys() - own))) != 1
        for own in upgrades.values()
    )
