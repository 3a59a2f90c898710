"""The one thing that can be done to the audit: add to it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction


def record(*, by: str, action: str, subject: str, at: datetime) -> int:
    """Add an entry, in the transaction of what it tells of.

    Args:
        by: who, as ``kind:id`` (``person:12``, ``program:demo``).
        action: what, as a dotted word (``study.published``).
        subject: to which thing, as ``kind:id``.
        at: when; an aware time.

    Returns:
        The entry's number.

    Raises:
        ValueError: ``at`` has no time zone.
        TransactionManagementError: outside a transaction an entry could outlive what it tells of.
        django.db.IntegrityError: something other than an id or a dotted word was given.
    """
    if at.tzinfo is None:
        raise ValueError(f"The time of an audit entry needs a time zone: {at.isoformat()} has none")
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "An audit entry belongs into the transaction of what it tells of"
        )
    with connection.cursor() as cursor:
        # Number, previous digest and digest are the database's: see the migration's trigger.
        cursor.execute(
            'INSERT INTO audit_entry ("at", "by", action, subject) VALUES (%s, %s, %s, %s) '
            "RETURNING number",
            [at, by, action, subject],
        )
        (number,) = cursor.fetchone()
    return int(number)
