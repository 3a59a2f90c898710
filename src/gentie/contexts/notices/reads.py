"""Questions to the notices. Each is answered with those for whoever acts."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from gentie.contexts.notices.models import Notice

Notices = QuerySet[Notice]


def notices_of(*, organisation_id: int, person_id: int | None = None) -> Notices:
    """Notices to an organisation, the newest first; with a person, also those to that one alone."""
    return Notice.objects.filter(
        Q(person=None) | Q(person_id=person_id), organisation_id=organisation_id
    )


def unread_count(*, organisation_id: int, person_id: int | None = None) -> int:
    """How many of them nobody has marked as read."""
    return (
        notices_of(organisation_id=organisation_id, person_id=person_id)
        .filter(read_at=None)
        .count()
    )


def notices_about(subject: str) -> Notices:
    """What was told about one thing, the newest first."""
    return Notice.objects.filter(subject=subject)
