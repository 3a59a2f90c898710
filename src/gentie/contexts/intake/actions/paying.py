"""Record what was paid for a request."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction

from gentie.contexts.intake.actions.drafting import no_request
from gentie.contexts.intake.models import Request
from gentie.contexts.intake.reads import money_of, subject_of
from gentie.contexts.ledger.actions import post
from gentie.contexts.ledger.chart import Account
from gentie.contexts.notices.actions import queue
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.money import Money


@transaction.atomic
def record_payment(*, request_id: int, amount: str, by: str, at: datetime) -> Money:
    """Record a payment that the operator received for a filed request.

    Args:
        request_id: of it.
        amount: as typed, in the currency of the request.
        by: who, as ``kind:id``.
        at: when.

    Returns:
        What is still due.

    Raises:
        BadInput: the request is not filed, or the amount is none that is due.
    """
    request = Request.objects.select_related("filing", "position").filter(pk=request_id).first()
    if request is None or request.state != "filed":
        raise BadInput(no_request())
    currency = request.filing.currency
    due = money_of(request).due
    try:
        said = Decimal(amount.strip().replace(",", "").lstrip("$"))
    except InvalidOperation:
        said = Decimal("NaN")
    if not said.is_finite() or said <= 0 or said != round(said, 2):
        raise BadInput(
            Finding(
                "intake.payment.amount",
                f"“{amount[:40]}” is not an amount that can be received; give one such as 155,000.00.",
            )
        )
    paid = Money.of(said, currency)
    if paid.amount > due.amount:
        raise BadInput(
            Finding(
                "intake.payment.more",
                f"{paid} is more than the {due} that are due for {request.position.number}: look at "
                "the request it is for.",
            )
        )
    post(
        subject=subject_of(request_id),
        organisation_id=request.organisation_id,
        kind="payment_received",
        postings={Account.CASH: paid, Account.RECEIVABLE: -paid},
        memo="intake.study_deposit",
        by=by,
        at=at,
    )
    left = Money(due.amount - paid.amount, currency)
    queue(
        organisation_id=request.organisation_id,
        code="intake.payment.received",
        title=f"{paid} received for {request.position.number}",
        body=f"Still due: {left}." if left.amount else "Nothing more is due with this request.",
        subject=subject_of(request_id),
        address=f"/projects/{request_id}/",
        by=by,
        at=at,
    )
    return left
