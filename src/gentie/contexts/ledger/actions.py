"""What can be done to the ledger: post an entry, and correct one by its opposite."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.ledger.chart import KINDS, REVERSAL, Account
from gentie.contexts.ledger.models import REFERENCE, Entry, Posting
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.money import CENT, Money

LARGEST = Decimal(10) ** 14
"""Amounts of this size and more do not fit into a row."""


@transaction.atomic
def post(
    *,
    subject: str,
    organisation_id: int,
    kind: str,
    postings: Mapping[str, Money],
    by: str,
    at: datetime,
    memo: str = "",
    figures: Mapping[str, Any] | None = None,
) -> Entry:
    """Post an entry, in the transaction of what it tells of.

    Args:
        subject: about which thing, as ``kind:id`` (``request:12``).
        organisation_id: whose money it is about.
        kind: a word of ``chart.KINDS``.
        postings: amount by account, positive where the account is debited; they sum to zero.
        by: who, as ``kind:id``.
        at: when; an aware time.
        memo: dotted word of the rule that asked for it.
        figures: what the amount was worked out from; plain data.

    Raises:
        BadInput: the entry makes no sense; every reason is told.
        django.db.IntegrityError: there is no such organisation.
        django.db.ProgrammingError: whoever acts may not post this.
    """
    reasons = [*_entry_refused(subject, kind), *_postings_refused(kind, postings)]
    if reasons:
        raise BadInput(reasons)
    return _write(
        Entry(
            subject=subject,
            organisation_id=organisation_id,
            kind=kind,
            memo=memo,
            figures=dict(figures or {}),
            by=by,
            at=at,
        ),
        postings,
        action="ledger.posted",
    )


@transaction.atomic
def reverse(*, entry_id: int, by: str, at: datetime, memo: str = "") -> Entry:
    """Correct an entry by its opposite; both stay.

    Args:
        entry_id: of the entry that was wrong.
        by: who, as ``kind:id``.
        at: when; an aware time.
        memo: dotted word of the reason.

    Raises:
        BadInput: there is no such entry, it is corrected already, or it is a correction itself.
    """
    wrong = Entry.objects.filter(pk=entry_id).prefetch_related("postings").first()
    if wrong is None:
        raise BadInput(Finding("ledger.entry.unknown", f"There is no entry {entry_id}."))
    if wrong.kind == REVERSAL:
        raise BadInput(
            Finding(
                "ledger.entry.is_correction",
                f"Entry {entry_id} is a correction itself: post what it took away again.",
            )
        )
    if Entry.objects.filter(reverses=wrong).exists():
        raise BadInput(
            Finding("ledger.entry.corrected", f"Entry {entry_id} was corrected already.")
        )
    return _write(
        Entry(
            subject=wrong.subject,
            organisation_id=wrong.organisation_id,
            kind=REVERSAL,
            reverses=wrong,
            memo=memo,
            by=by,
            at=at,
        ),
        {one.account: Money(-one.amount, one.currency) for one in wrong.postings.all()},
        action="ledger.reversed",
    )


def _write(entry: Entry, postings: Mapping[str, Money], *, action: str) -> Entry:
    entry.posting_count = len(postings)
    entry.save(force_insert=True)
    Posting.objects.bulk_create(
        Posting(entry=entry, account=account, amount=money.amount, currency=money.currency)
        for account, money in postings.items()
    )
    record(by=entry.by, action=action, subject=f"ledger_entry:{entry.pk}", at=entry.at)
    return entry


def _entry_refused(subject: str, kind: str) -> list[Finding]:
    reasons = []
    if not re.fullmatch(REFERENCE, subject):
        reasons.append(
            Finding(
                "ledger.subject",
                f"{subject!r} is not a kind and an id: say about which thing the entry is.",
            )
        )
    if kind not in KINDS or kind == REVERSAL:
        reasons.append(
            Finding(
                "ledger.kind",
                f"There is no kind of entry {kind!r}; choose one of: "
                f"{', '.join(word for word in KINDS if word != REVERSAL)}.",
            )
        )
    return reasons


def _postings_refused(kind: str, postings: Mapping[str, Money]) -> list[Finding]:
    reasons = []
    if len(postings) < 2:
        reasons.append(
            Finding(
                "ledger.postings.too_few",
                "An entry moves an amount from one account to another: give both of them.",
            )
        )
    for account, money in postings.items():
        reasons += _posting_refused(kind, account, money)
    currencies = sorted({money.currency for money in postings.values()})
    if len(currencies) > 1:
        reasons.append(
            Finding(
                "ledger.currencies",
                f"An entry has one currency, not {' and '.join(currencies)}: post one for each.",
            )
        )
        return reasons
    left = sum((money.amount for money in postings.values()), Decimal(0))
    if left != 0:
        reasons.append(
            Finding(
                "ledger.unbalanced",
                f"The postings of an entry sum to zero; these leave {left} {currencies[0]}.",
            )
        )
    return reasons


def _posting_refused(kind: str, account: str, money: Money) -> list[Finding]:
    if account not in Account.values:
        return [
            Finding(
                "ledger.account",
                f"There is no account {account!r}; choose one of: {', '.join(Account.values)}.",
            )
        ]
    if (
        not money.amount.is_finite()
        or money.amount == 0
        or abs(money.amount) >= LARGEST
        or money.amount != money.amount.quantize(CENT)
    ):
        return [
            Finding(
                "ledger.amount",
                f"{money.amount} {money.currency} cannot be posted to {account}: an amount is not "
                "zero, to the cent, and below a hundred million millions.",
            )
        ]
    known = KINDS.get(kind)
    if known is None:
        return []
    side, allowed = ("debit", known.debits) if money.amount > 0 else ("credit", known.credits)
    if account in allowed:
        return []
    return [
        Finding(
            "ledger.side",
            f"An entry of kind {kind} does not {side} {account}; it may {side} "
            f"{', '.join(sorted(allowed))}.",
        )
    ]
