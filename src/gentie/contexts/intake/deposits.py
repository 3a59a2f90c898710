"""What filing a request costs, by the rulebook."""

from __future__ import annotations

from dataclasses import dataclass

from gentie.quantities.money import Money, total
from gentie.rulebook.book import Rulebook


@dataclass(frozen=True, slots=True)
class Deposits:
    """What is due with a request.

    Attributes:
        application_fee: not refunded.
        study_deposit: against the actual cost of the study.
        site_deposit: in lieu of site control; zero where the site is controlled.
    """

    application_fee: Money
    study_deposit: Money
    site_deposit: Money

    @property
    def due(self) -> Money:
        """All of it."""
        parts = [self.application_fee, self.study_deposit, self.site_deposit]
        return total(parts, self.study_deposit.currency)


def deposits(rulebook: Rulebook, *, net_mw: float, is_in_lieu: bool) -> Deposits:
    """Fee and deposits of a request.

    Args:
        rulebook: that it is filed under.
        net_mw: at the point.
        is_in_lieu: a deposit stands for site control.
    """
    currency = rulebook.currency
    tier = next(
        one
        for one in rulebook.value("intake.study_deposit")
        if "below_mw" not in one or net_mw < one["below_mw"]
    )
    site = rulebook.value("intake.site_deposit")
    in_lieu = min(max(site["per_mw"] * net_mw, site["least"]), site["most"]) if is_in_lieu else 0
    return Deposits(
        application_fee=Money.of(rulebook.value("intake.application_fee"), currency),
        study_deposit=Money.of(tier["amount"] + tier["per_mw"] * net_mw, currency),
        site_deposit=Money.of(in_lieu, currency),
    )
