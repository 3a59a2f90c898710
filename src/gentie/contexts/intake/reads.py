"""Questions to intake. Each is answered with the rows that the one who acts may see."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q, QuerySet, Sum

from gentie.contexts.intake.models import Cluster, QueuePosition, Request
from gentie.formats.requests import Component, Deliverability
from gentie.formats.requests import Request as StudyRequest
from gentie.formats.requests.writing import write_requests


def clusters() -> QuerySet[Cluster]:
    """All clusters, the latest first, with how many of their requests are in and their MW."""
    inside = Q(positions__state="in_cluster")
    return Cluster.objects.select_related("base_case").annotate(
        filed=Count("positions"),
        taken_in=Count("positions", filter=inside),
        taken_in_mw=Sum("positions__net_mw", filter=inside),
    )


def cluster_by_slug(slug: str) -> Cluster | None:
    """A cluster by its address, with its base case."""
    return clusters().filter(slug=slug).first()


def positions_in(cluster: Cluster, *, state: str = "") -> QuerySet[QueuePosition]:
    """Requests filed in a cluster's window."""
    found = QueuePosition.objects.filter(cluster=cluster)
    return found.filter(state=state) if state else found


def study_file(cluster: Cluster) -> bytes:
    """The requests taken into a cluster as the canonical file that a study reads."""
    return write_requests(
        StudyRequest(
            request=one.number,
            bus=one.bus,
            components=tuple(
                Component(technology, mw, mwh)
                for technology, mw, mwh in zip(
                    one.technologies, one.technology_mw, one.technology_mwh, strict=True
                )
            ),
            deliverability=Deliverability(one.deliverability),
            net_mw=one.net_mw,
        )
        for one in positions_in(cluster, state="in_cluster")
    )


def organisations_in(cluster: Cluster) -> dict[str, int]:
    """Whose the requests of a cluster are, by their number, as far as the one who acts may know."""
    owned = Request.objects.filter(position__cluster=cluster)
    return dict(owned.values_list("position__number", "organisation_id"))


def requests_of(organisations: Sequence[int]) -> QuerySet[Request]:
    """Requests of organisations, drafts and filed ones, the latest first."""
    return Request.objects.filter(organisation__in=organisations).select_related(
        "cluster", "filing", "position", "organisation"
    )
