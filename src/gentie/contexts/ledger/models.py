"""Ledger: who owes what, by double entry. The database balances and protects it: see migrations."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from gentie.contexts.ledger.chart import REVERSAL, Account

REFERENCE = r"^[a-z][a-z_]*:[A-Za-z0-9][A-Za-z0-9._-]*$"
WORD = r"^[a-z][a-z_]*$"


class Entry(models.Model):
    """Something that moved money, or the duty to pay it. Never changed; corrected by a reversal."""

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.PROTECT, related_name="ledger_entries"
    )
    """Whose money it is about."""
    subject = models.CharField(max_length=200)
    """About which thing, as ``kind:id``."""
    kind = models.CharField(max_length=50)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    memo = models.CharField(max_length=200, blank=True)
    """Dotted word of the rule that asked for it."""
    figures = models.JSONField(default=dict)
    """What the amount was worked out from."""
    posting_count = models.PositiveSmallIntegerField()
    """How many postings it was made with: an old entry gets no more of them."""
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="reversed_by"
    )

    class Meta:
        ordering = ("at", "id")
        verbose_name_plural = "entries"
        constraints = (
            models.CheckConstraint(
                condition=Q(subject__regex=REFERENCE), name="ledger_subject_is_id"
            ),
            models.CheckConstraint(condition=Q(by__regex=REFERENCE), name="ledger_by_is_id"),
            models.CheckConstraint(condition=Q(kind__regex=WORD), name="ledger_kind_is_a_word"),
            models.CheckConstraint(
                condition=Q(posting_count__gte=2), name="ledger_has_two_postings"
            ),
            models.CheckConstraint(
                condition=Q(kind=REVERSAL, reverses__isnull=False)
                | (~Q(kind=REVERSAL) & Q(reverses__isnull=True)),
                name="ledger_reversal_names_its_entry",
            ),
        )
        indexes = (models.Index(fields=["subject", "at"], name="ledger_by_subject"),)

    def __str__(self) -> str:
        """What and about which thing."""
        return f"{self.kind} of {self.subject}"


class Posting(models.Model):
    """One side of an entry: an account and an amount, positive where it is debited."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    account = models.CharField(max_length=30, choices=Account.choices)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["entry", "account", "currency"], name="ledger_account_once"
            ),
            models.CheckConstraint(
                condition=Q(account__in=Account.values), name="ledger_account_in_the_chart"
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_amount_not_zero"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="ledger_currency_code"
            ),
        )

    def __str__(self) -> str:
        """Account and amount."""
        return f"{self.account} {self.amount} {self.currency}"
