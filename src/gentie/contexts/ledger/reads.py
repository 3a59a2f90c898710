"""Questions to the ledger. Each is answered with the entries that whoever acts may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from gentie.contexts.ledger.chart import INVOICES, PAYMENTS, Account
from gentie.contexts.ledger.models import Entry, Posting
from gentie.quantities.money import Money


@dataclass(frozen=True, slots=True)
class DueAndPaid:
    """What was asked for, what came in, and what is still due; overpaid where that is negative."""

    invoiced: Money
    paid: Money

    @property
    def due(self) -> Money:
        """Still to be paid."""
        return Money(self.invoiced.amount - self.paid.amount, self.invoiced.currency)

    @property
    def is_paid(self) -> bool:
        """Whether something was asked for and all of it came in."""
        return self.invoiced.amount > 0 and self.due.amount <= 0


def entries_of(subject: str) -> QuerySet[Entry]:
    """Entries about one thing with their postings, oldest first."""
    return Entry.objects.filter(subject=subject).prefetch_related("postings")


def entry_by_id(entry_id: int) -> Entry | None:
    """An entry."""
    return Entry.objects.filter(pk=entry_id).first()


def balance(subject: str) -> dict[str, Money]:
    """What stands on each account about one thing, positive where more was debited.

    Accounts that nothing was posted to are left out.

    Raises:
        ValueError: the thing has entries in several currencies.
    """
    summed = (
        Posting.objects.filter(entry__subject=subject)
        .values("account", "currency")
        .order_by("account", "currency")
        .annotate(amount_sum=Sum("amount"))
    )
    found = [(row["account"], Money(row["amount_sum"], row["currency"])) for row in summed]
    _one_currency(subject, (money.currency for _, money in found))
    return dict(found)


def due_and_paid(subject: str, *, currency: str) -> DueAndPaid:
    """What was invoiced about one thing and what was paid of it, corrections taken into account.

    Args:
        subject: as ``kind:id``.
        currency: of the answer where nothing was posted yet.

    Raises:
        ValueError: the thing has entries in another currency.
    """
    summed = (
        Posting.objects.filter(entry__subject=subject, account=Account.RECEIVABLE)
        # A correction counts with what it corrects.
        .values("currency", means=Coalesce("entry__reverses__kind", "entry__kind"))
        .order_by()
        .annotate(amount_sum=Sum("amount"))
    )
    amounts = {"invoiced": Decimal(0), "paid": Decimal(0)}
    rows = list(summed)
    _one_currency(subject, (currency, *(row["currency"] for row in rows)))
    for row in rows:
        if row["means"] in INVOICES:
            amounts["invoiced"] += row["amount_sum"]
        elif row["means"] in PAYMENTS:
            amounts["paid"] -= row["amount_sum"]
    return DueAndPaid(
        invoiced=Money.of(amounts["invoiced"], currency), paid=Money.of(amounts["paid"], currency)
    )


def _one_currency(subject: str, currencies: Iterable[str]) -> None:
    different = sorted(set(currencies))
    if len(different) > 1:
        raise ValueError(f"{subject} has amounts in {' and '.join(different)}")
