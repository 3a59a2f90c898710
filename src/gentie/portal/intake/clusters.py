"""Clusters: their windows, and the requests that were filed in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from gentie.contexts.intake import reads
from gentie.contexts.intake.actions.queueing import move_positions
from gentie.contexts.intake.actions.windows import move_window
from gentie.contexts.intake.lifecycles import CLUSTER
from gentie.contexts.studies.run_reads import active_run, latest_study_of
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Listing, chosen, selection
from gentie.quantities.findings import BadInput, Finding

STATES = {
    "waiting": gettext_lazy("waiting"),
    "in_cluster": gettext_lazy("in the cluster"),
    "withdrawn": gettext_lazy("withdrawn"),
}


def _now() -> datetime:
    return datetime.now(UTC)


@require_safe
def clusters(request: HttpRequest) -> HttpResponse:
    """All clusters."""
    now = _now()
    return render(
        request,
        "intake/clusters.html",
        {
            "clusters": [(one, _window_words(one, now)) for one in reads.clusters()],
            "crumbs": [Crumb(_("Clusters"))],
        },
    )


def _window_words(cluster: Any, now: datetime) -> tuple[str, str]:
    """State of a window: its colour and its word."""
    if cluster.state == "closed" or now >= cluster.closes_at:
        return "done", _("window closed")
    return (
        ("waiting", _("opens later")) if now < cluster.opens_at else ("waiting", _("window open"))
    )


def _found(slug: str) -> Any:
    found = reads.cluster_by_slug(slug)
    if found is None:
        raise Http404
    return found


@require_safe
def cluster(request: HttpRequest, slug: str) -> HttpResponse:
    """One cluster: what everybody may know of it, and for the operator what can be done."""
    return _shown(request, _found(slug))


def _shown(
    request: HttpRequest, found: Any, reasons: tuple[Finding, ...] = (), status: int = 200
) -> HttpResponse:
    acting, now = who_asks(request), _now()
    state = chosen(request, "state", tuple(STATES))
    listing = Listing(
        request,
        reads.positions_in(found, state=state),
        (
            Column("number", _("Request"), "number"),
            Column("technologies", _("Technologies"), "technologies"),
            Column("mw", _("Net MW"), "net_mw", is_figure=True, largest_first=True),
            Column("point", _("Point of interconnection"), "bus_name"),
            Column("kv", _("Voltage, kV"), "kv", is_figure=True, largest_first=True),
            Column("deliverability", _("Deliverability"), "deliverability"),
            Column("operation", _("Commercial operation"), "commercial_operation"),
            Column("filed", _("Filed"), "filed_at", largest_first=True),
            Column("state", _("State"), "state"),
        ),
        sort="number",
        filters=(selection("state", _("State"), state, list(STATES.items()), _("any")),),
    )
    return render(
        request,
        "intake/cluster.html",
        {
            "cluster": found,
            "zone": found.base_case.time_zone,
            "window_state": _window_words(found, now),
            "listing": listing,
            "states": STATES,
            "reasons": reasons,
            "is_staff": acting.is_operator,
            "study": latest_study_of(found.pk),
            "run": active_run(found.pk),
            "moves": [move.name for move in CLUSTER.moves if found.state in move.source],
            "crumbs": [Crumb(_("Clusters"), reverse("clusters")), Crumb(found.name)],
        },
        status=status,
    )


@require_POST
def cluster_positions(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the chosen requests into the cluster, or out of it."""
    acting, found = who_asks(request), _found(slug)
    move = request.POST.get("move", "")
    if move not in {"take_in", "take_out"}:
        raise Http404
    try:
        move_positions(
            numbers=request.POST.getlist("number"),
            move=move,
            role=acting.role,
            by=acting.by,
            at=_now(),
        )
    except BadInput as refused:
        return _shown(request, _found(slug), refused.findings, 422)
    return redirect("cluster", found.slug)


@require_POST
def cluster_window(request: HttpRequest, slug: str) -> HttpResponse:
    """Close the window, or open it again."""
    acting, found = who_asks(request), _found(slug)
    move = request.POST.get("move", "")
    if move not in {one.name for one in CLUSTER.moves}:
        raise Http404
    try:
        move_window(cluster_id=found.pk, move=move, role=acting.role, by=acting.by, at=_now())
    except BadInput as refused:
        return _shown(request, _found(slug), refused.findings, 422)
    return redirect("cluster", found.slug)
