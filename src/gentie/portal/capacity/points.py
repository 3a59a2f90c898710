"""One point: what limits it, and what some MW there would do."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gentie.contexts.grid import reads
from gentie.contexts.grid.runs import MOST_MW, Busy, report_at
from gentie.contexts.intake.reads import drafts_of, open_cluster_at, project_names
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.capacity import PointReport

IN_PANEL = 8
"""Facilities that the panel beside the map shows; the point's page shows all."""
MOST_DRAFTS = 5
"""Drafts that a point is offered for."""


def _asked_mw(words: str) -> float:
    """The MW that were typed in.

    Raises:
        BadInput: they are not a number; which numbers can be asked about, the run says.
    """
    try:
        mw = float(words.replace(",", ""))
    except ValueError:
        mw = math.nan
    if not math.isfinite(mw):
        raise BadInput(
            Finding(
                "capacity.mw.number",
                _("“%(words)s” is not a number of megawatts; give one such as 200.")
                % {"words": words[:40]},
            )
        )
    return mw


def _report(case: Any, bus: int, words: str) -> PointReport:
    if not reads.may_ask(case):
        raise PermissionDenied(
            _(
                "Loadings of a real grid are critical energy infrastructure information (CEII), "
                "shown to cleared organisations: ask the operator for clearance."
            )
        )
    return report_at(case, bus=bus, mw=_asked_mw(words))


def _shown(report: PointReport) -> list[dict[str, object]]:
    return [
        {**asdict(one), "factor_percent": 100 * one.distribution_factor}
        for one in report.facilities
    ]


def _asking_here(request: HttpRequest) -> dict[str, object]:
    """What lets a customer begin a request at a point, or take the point into a draft."""
    acting = who_asks(request)
    window = open_cluster_at(datetime.now(UTC))
    found: list[Any] = []
    if window is not None and acting.is_customer and acting.organisation is not None:
        found = list(drafts_of(acting.organisation)[:MOST_DRAFTS])
    names = project_names(found) if found else {}
    return {
        "window": window,
        "is_customer": acting.is_customer,
        "drafts": [
            (one, names.get(one.pk) or _("request %(number)s") % {"number": one.pk})
            for one in found
        ],
    }


def _told(
    request: HttpRequest, bus: int, *, most: int | None = None
) -> tuple[dict[str, object], int]:
    """What page and panel show, and with which status; at most some facilities.

    Raises:
        Http404: the bus stands for no point.
    """
    case = reads.latest_case()
    point = reads.point_at(case, bus) if case else None
    if case is None or point is None:
        raise Http404
    words = request.GET.get("mw", "").strip()
    context: dict[str, object] = {
        "case": case,
        "point": point,
        "contingency": getattr(point, "contingency", None),
        "may_ask": reads.may_ask(case),
        "mw": words,
        "most_mw": MOST_MW,
        "name": point.bus_name.strip() or point.point,
        **_asking_here(request),
        "crumbs": [
            Crumb(_("Capacity"), reverse("capacity")),
            Crumb(_("Point %(bus)s") % {"bus": bus}),
        ],
    }
    status = 200
    if words:
        try:
            report = _report(case, bus, words)
            context |= {"report": report, "shown": _shown(report)[:most]}
        except BadInput as wrong:
            context["errors"], status = [one.sentence for one in wrong.findings], 400
        except Busy as busy:
            context["errors"], status = [str(busy)], 503
    return context, status


@require_safe
def capacity_point(request: HttpRequest, bus: int) -> HttpResponse:
    """A point with its limits, and with MW typed in everything that they impact."""
    context, status = _told(request, bus)
    return render(request, "capacity/point.html", context, status=status)


@require_safe
def capacity_panel(request: HttpRequest, bus: int) -> HttpResponse:
    """The same beside the map: a part of a page, with the facilities loaded most.

    A refusal is told in it, and is no failure of what asked for it.
    """
    context, _status = _told(request, bus, most=IN_PANEL)
    context["in_panel"] = IN_PANEL
    return render(request, "capacity/panel.html", context)


@require_safe
def capacity_figures(request: HttpRequest, bus: int) -> JsonResponse:
    """The same for programs: ``?mw=200`` gives the five figures of every impacted facility."""
    case = reads.latest_case()
    if case is None:
        nothing = Finding("capacity.case.none", _("No base case has been published here yet."))
        return _refused([nothing], 404)
    words = request.GET.get("mw", "").strip()
    if not words:
        missing = Finding("capacity.mw.missing", _("Say how many megawatts, as in ?mw=200."))
        return _refused([missing], 400)
    try:
        report = _report(case, bus, words)
    except BadInput as wrong:
        is_about_bus = any(one.code.startswith("capacity.bus.") for one in wrong.findings)
        return _refused(list(wrong.findings), 404 if is_about_bus else 400)
    except Busy as busy:
        return _refused([Finding("capacity.busy", str(busy))], 503)
    return JsonResponse(report.as_dict())


def _refused(findings: list[Finding], status: int) -> JsonResponse:
    told = [{"code": one.code, "sentence": one.sentence} for one in findings]
    return JsonResponse({"errors": told}, status=status)
