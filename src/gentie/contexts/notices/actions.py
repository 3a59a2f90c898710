"""What can be done to notices: queue one, and mark them as read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import connection, transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.notices.models import ADDRESS, CODE, REFERENCE, Notice
from gentie.quantities.findings import BadInput, Finding

TITLE_LENGTH = 200


@transaction.atomic
def queue(
    *,
    organisation_id: int,
    code: str,
    title: str,
    body: str,
    subject: str,
    address: str,
    by: str,
    at: datetime,
    person_id: int | None = None,
) -> int:
    """Tell an organisation something, in the transaction of what it tells of.

    Anybody who acts may tell anybody; who tells need not see what the receiver sees.

    Args:
        organisation_id: the receiver.
        code: what kind of thing it is, as a dotted word (``intake.request.accepted``).
        title: in one line.
        body: in whole sentences, as it was said.
        subject: about which thing, as ``kind:id``.
        address: path of the page that it leads to.
        by: who tells, as ``kind:id``.
        at: when; an aware time.
        person_id: the one person that it is for; without one it is for all of the organisation.

    Returns:
        The notice's id.

    Raises:
        BadInput: something is not as it must be; every reason is told.
        django.db.IntegrityError: there is no such organisation or person.
    """
    title, body = title.strip(), body.strip()
    reasons = list(_words_refused(title, body, code, subject, address))
    if reasons:
        raise BadInput(reasons)
    with connection.cursor() as cursor:
        # By hand: the ORM asks for the row back, which its sender need not be allowed to see.
        cursor.execute("SELECT nextval(pg_get_serial_sequence('notices_notice', 'id'))")
        (number,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO notices_notice (id, organisation_id, person_id, code, subject, title, "
            "body, address, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [number, organisation_id, person_id, code, subject, title, body, address, at],
        )
    record(by=by, action="notice.queued", subject=f"notice:{number}", at=at)
    return int(number)


@transaction.atomic
def mark_read(*, notice_ids: Sequence[int], by: str, at: datetime) -> int:
    """Mark notices as read; those that were read before stay as they are.

    Args:
        notice_ids: of notices that are for whoever acts.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Returns:
        How many were unread.

    Raises:
        BadInput: one of them is not for whoever acts, or does not exist; nothing is marked.
    """
    wanted = set(notice_ids)
    mine = Notice.objects.filter(pk__in=wanted)
    if mine.count() != len(wanted):
        raise BadInput(
            Finding("notices.unknown", "There is no such notice for you: open your notices again.")
        )
    unread = list(mine.filter(read_at=None).select_for_update().values_list("pk", flat=True))
    Notice.objects.filter(pk__in=unread).update(read_at=at)
    for number in unread:
        record(by=by, action="notice.read", subject=f"notice:{number}", at=at)
    return len(unread)


def _words_refused(
    title: str, body: str, code: str, subject: str, address: str
) -> Iterator[Finding]:
    if not 0 < len(title) <= TITLE_LENGTH:
        yield Finding(
            "notices.title",
            f"A notice needs a title of 1 to {TITLE_LENGTH} letters, not of {len(title)}.",
        )
    if not body:
        yield Finding(
            "notices.body", "A notice needs a sentence: say what happened and what to do."
        )
    if not re.fullmatch(CODE, code):
        yield Finding(
            "notices.code",
            f"{code!r} is not a dotted word: name what kind of thing the notice tells.",
        )
    if not re.fullmatch(REFERENCE, subject):
        yield Finding(
            "notices.subject",
            f"{subject!r} is not a kind and an id: say about which thing the notice is.",
        )
    if not re.fullmatch(ADDRESS, address):
        yield Finding(
            "notices.address",
            f"{address!r} is not a path of this service: give one that begins with a slash.",
        )
