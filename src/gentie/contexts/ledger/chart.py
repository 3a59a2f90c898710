"""The chart of accounts, and between which of them each kind of entry moves money.

An account that is debited grows by a positive amount, one that is credited by a negative one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Account(TextChoices):
    """Where an amount stands."""

    RECEIVABLE = "receivable", _("Accounts receivable")
    CASH = "cash", _("Cash")
    DEPOSITS_HELD = "deposits_held", _("Deposits held")
    STUDY_COST = "study_cost", _("Study cost")
    REFUNDS_PAYABLE = "refunds_payable", _("Refunds payable")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entry.

    Attributes:
        word: its name in a row.
        label: for a reader.
        debits: accounts that it may debit.
        credits: accounts that it may credit.
    """

    word: str
    label: str | Promise
    debits: frozenset[str]
    credits: frozenset[str]


DEPOSIT_INVOICED = "deposit_invoiced"
"""The one kind that an organisation may post itself: by submitting it owes its deposit."""
REVERSAL = "reversal"
PAYMENTS = ("payment_received",)
INVOICES = (DEPOSIT_INVOICED, "study_cost_invoiced")

_R, _C, _D, _S, _P = (
    Account.RECEIVABLE,
    Account.CASH,
    Account.DEPOSITS_HELD,
    Account.STUDY_COST,
    Account.REFUNDS_PAYABLE,
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        word: Kind(word, label, frozenset(debits), frozenset(credits_))
        for word, label, debits, credits_ in (
            (DEPOSIT_INVOICED, _("Deposit invoiced"), {_R}, {_D}),
            ("payment_received", _("Payment received"), {_C}, {_R}),
            ("study_cost_drawn", _("Study cost drawn from the deposit"), {_D}, {_S}),
            ("study_cost_invoiced", _("Study cost above the deposit invoiced"), {_R}, {_S}),
            ("refund_owed", _("Rest of the deposit to be refunded"), {_D}, {_P}),
            ("deposit_settled", _("Deposit settled"), {_D}, {_S, _P}),
            ("refund_paid", _("Refund paid"), {_P}, {_C}),
            (REVERSAL, _("Correction of an entry"), set(Account), set(Account)),
        )
    }
)
