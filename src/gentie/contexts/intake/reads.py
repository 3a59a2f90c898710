"""Questions to intake. Each is answered with the rows that the one who acts may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum

from gentie.contexts.accounts.reads import grants_with, organisation_by_id
from gentie.contexts.accounts.roles import Scope
from gentie.contexts.documents.reads import documents_of
from gentie.contexts.grid.reads import point_at
from gentie.contexts.intake.answers import read_answers
from gentie.contexts.intake.checks import Asked
from gentie.contexts.intake.lifecycles import Window
from gentie.contexts.intake.models import Answer, Cluster, QueuePosition, Request, Typed
from gentie.contexts.ledger.reads import DueAndPaid, due_and_paid, entries_of
from gentie.formats.requests import Component, Deliverability
from gentie.formats.requests import Request as StudyRequest
from gentie.formats.requests.writing import write_requests
from gentie.rulebook.book import Rulebook, rulebook_of

SITE_CONTROL = "site_control"
"""Kind of the documents that show the control of a site."""


def clusters() -> QuerySet[Cluster]:
    """All clusters, the latest first, with how many of their requests are in and their MW."""
    inside = Q(positions__state="in_cluster")
    return (
        Cluster.objects.select_related("base_case")
        .defer("rulebook_files")
        .annotate(
            filed=Count("positions"),
            taken_in=Count("positions", filter=inside),
            taken_in_mw=Sum("positions__net_mw", filter=inside),
        )
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


def requests_seen() -> QuerySet[Request]:
    """Requests that the one who acts may see, drafts and filed ones, the latest first."""
    return Request.objects.select_related(
        "cluster__base_case", "filing", "position", "organisation"
    ).defer("cluster__rulebook_files")


def request_by_id(request_id: int) -> Request | None:
    """A request with its cluster, filing and position."""
    return (
        Request.objects.filter(pk=request_id)
        .defer("cluster__rulebook_files")
        .select_related(
            "cluster__base_case", "filing__filed_by", "position", "organisation", "made_by"
        )
        .first()
    )


def answers_of(request: Request) -> Mapping[str, Answer]:
    """What stands in the fields of a request, by field."""
    found = Answer.objects.filter(request=request).select_related("by")
    return {answer.field: answer for answer in found}


def set_aside(request: Request) -> QuerySet[Typed]:
    """What was typed and became no answer, because somebody else had written meanwhile."""
    return Typed.objects.filter(request=request, revision=0).select_related("by").order_by("-id")


def owners_for(organisation_id: int | None) -> list[Any]:
    """Organisations for which somebody may begin a request: their own, and those that let them."""
    if organisation_id is None:
        return []
    own = organisation_by_id(organisation_id)
    given = grants_with(organisation_id).filter(receiver_id=organisation_id, scope=Scope.ACT)
    return [*([own] if own else []), *(grant.owner for grant in given)]


def drafts_of(organisation_id: int) -> QuerySet[Request]:
    """Drafts of an organisation, the latest first."""
    return Request.objects.filter(organisation_id=organisation_id, state="draft")


def project_names(requests: Sequence[Request]) -> dict[int, str]:
    """What stands as the name of the project, by request."""
    found = Answer.objects.filter(request__in=requests, field="project").exclude(text="")
    return dict(found.values_list("request_id", "text"))


_rulebooks: dict[str, Rulebook] = {}
"""By their digest: read once in a process."""


def rulebook_pinned(cluster: Cluster) -> Rulebook:
    """The rules that the requests of a cluster are filed under."""
    known = _rulebooks.get(cluster.rulebook_digest)
    if known is None:
        files = Cluster.objects.values_list("rulebook_files", flat=True).get(pk=cluster.pk)
        known = rulebook_of({name: text.encode() for name, text in files.items()})
        _rulebooks[cluster.rulebook_digest] = known
    return known


def window_of(cluster: Cluster, at: datetime) -> Window:
    """The window of a cluster, asked at a moment."""
    return Window(
        name=cluster.name,
        opens_at=cluster.opens_at,
        closes_at=cluster.closes_at,
        zone=cluster.base_case.time_zone,
        is_closed=cluster.state == "closed",
        at=at,
    )


def evidence_count(request: Request) -> int:
    """Documents of site control that were handed in."""
    return evidence_of(request).count()


def evidence_of(request: Request) -> QuerySet[Any]:
    """Documents of site control, the latest version first."""
    return documents_of(subject_of(request.pk)).filter(kind=SITE_CONTROL)


def subject_of(request_id: int) -> str:
    """A request as the audit, the ledger, documents and notices name it."""
    return f"request:{request_id}"


def entries_about(request: Request) -> QuerySet[Any]:
    """Every entry of the ledger about a request, oldest first."""
    return entries_of(subject_of(request.pk))


def money_of(request: Request) -> DueAndPaid:
    """What was asked for with a filed request, and what came in."""
    return due_and_paid(subject_of(request.pk), currency=request.filing.currency)


def asked_of(request: Request, *, at: datetime) -> Asked:
    """What the checks of a request are asked about, as it stands now."""
    cluster = request.cluster
    texts = dict(Answer.objects.filter(request=request).values_list("field", "text"))
    answers = read_answers(texts)
    rulebook = rulebook_pinned(cluster)
    bus = answers.values.get("bus")
    return Asked(
        answers=answers,
        rulebook=rulebook,
        today=at.astimezone(ZoneInfo(rulebook.time_zone)).date(),
        point_is_known=bus is not None and point_at(cluster.base_case, bus) is not None,
        case_name=cluster.base_case.name,
        evidence_count=evidence_count(request),
    )


def open_cluster_at(at: datetime) -> Cluster | None:
    """The cluster whose window is open at a moment, or opens next."""
    return clusters().filter(state="open", closes_at__gt=at).order_by("opens_at", "pk").first()
