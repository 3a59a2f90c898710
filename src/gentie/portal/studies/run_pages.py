"""The page from which an engineer runs a cluster's study and sees how far it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gentie.contexts.intake import reads as intake
from gentie.contexts.studies import run_reads
from gentie.contexts.studies.run_actions import cancel_run, start_run
from gentie.contexts.studies.run_freezing import policies_of, start_blockers
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.quantities.findings import BadInput, Finding

MINUTE_S = 60
EARLIER_SHOWN = 20


@never_cache
@require_safe
def cluster_run(request: HttpRequest, slug: str) -> HttpResponse:
    """The latest run of a cluster's study, or the one that is asked for by its number."""
    return _shown(request, slug)


@require_POST
def cluster_run_start(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a run; where one is under way, that one is shown and nothing is started twice."""
    acting = who_asks(request)
    try:
        asked = start_run(
            cluster_slug=slug,
            policy=request.POST.get("policy", ""),
            role=acting.role,
            asked_by=acting.person,
            by=acting.by,
            at=datetime.now(UTC),
        )
    except BadInput as bad:
        return _shown(request, slug, refused=bad.findings)
    address = reverse("cluster_run", args=[slug])
    return redirect(address if asked.is_new else f"{address}?already={asked.run.pk}")


@require_POST
def cluster_run_cancel(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the run up that is under way."""
    acting, number = who_asks(request), request.POST.get("run", "")
    run = run_reads.run_by_id(int(number)) if number.isdecimal() and len(number) < 19 else None
    if run is None or run.cluster.slug != slug:
        raise Http404
    try:
        cancel_run(run_id=run.pk, role=acting.role, by=acting.by, at=datetime.now(UTC))
    except BadInput as bad:
        return _shown(request, slug, refused=bad.findings)
    return redirect("cluster_run", slug)


@never_cache
@require_safe
def cluster_run_progress(request: HttpRequest, slug: str) -> HttpResponse:  # noqa: ARG001 - the door's
    """How far the latest run is, for the script of the page; ``mark`` changes with the page."""
    cluster = _cluster(slug)
    run = run_reads.runs_of(cluster.pk).first()
    if run is None:
        raise Http404
    steps = list(run_reads.steps_of(run))
    return JsonResponse(
        {
            "is_active": run.is_active,
            "words": _words(run),
            "done": run.done,
            "whole": run.whole,
            "mark": _mark(run, steps),
        }
    )


def _shown(request: HttpRequest, slug: str, *, refused: Sequence[Finding] = ()) -> HttpResponse:
    cluster, acting = _cluster(slug), who_asks(request)
    runs = list(run_reads.runs_of(cluster.pk)[: EARLIER_SHOWN + 1])
    asked = request.GET.get("run", "")
    run = next((one for one in runs if str(one.pk) == asked), runs[0] if runs else None)
    active = next((one for one in runs if one.is_active), None)
    steps = list(run_reads.steps_of(run)) if run else []
    may_start = acting.role == "planning_engineer"
    blockers = () if active else start_blockers(cluster_slug=slug, role=acting.role)
    return render(
        request,
        "studies/run.html",
        {
            "cluster": cluster,
            "zone": cluster.base_case.time_zone,
            "run": run,
            "is_latest": bool(runs) and run == runs[0],
            "inputs": run_reads.inputs_of_run(run) if run else None,
            "state": _state(run.state) if run else None,
            "words": _words(run) if run else "",
            "mark": _mark(run, steps) if run else "",
            "steps": [(step, _step_words(step.name), _state(step.state)) for step in steps],
            "reasons": run_reads.reasons_of(run) if run and run.state == "failed" else (),
            "earlier": [(one, _state(one.state)) for one in runs if one != run],
            "active": active,
            "is_already": active is not None and request.GET.get("already") == str(active.pk),
            "may_start": may_start,
            "blockers": blockers,
            "refused": refused,
            "policies": policies_of(slug) if may_start and not active and not blockers else (),
            "crumbs": [
                Crumb(_("Studies"), reverse("studies")),
                Crumb(_("Study run of %(cluster)s") % {"cluster": cluster.name}),
            ],
        },
        status=400 if refused else 200,
    )


def _cluster(slug: str) -> Any:
    cluster = intake.cluster_by_slug(slug)
    if cluster is None:
        raise Http404
    return cluster


def _mark(run: Any, steps: Sequence[Any]) -> str:
    """What changes when the page would look otherwise than by its progress."""
    said = [run.pk, run.state, *((step.number, step.state, step.attempts) for step in steps)]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _words(run: Any) -> str:
    """What is being done, how much of it, and how long the rest may take."""
    if run.state == "queued":
        before = run_reads.runs_before(run)
        if not before:
            return _("Waiting for a worker to take it up.")
        return ngettext(
            "Waiting: %(count)s other run is before it.",
            "Waiting: %(count)s other runs are before it.",
            before,
        ) % {"count": before}
    if run.state == "cancelling":
        return _("It ends after the search that is under way.")
    if run.state != "running":
        return ""
    words = [_doing(run.words)]
    if run.whole:
        words.append(
            _("%(done)s built, at least %(left)s to come")
            % {"done": run.done, "left": run.whole - run.done}
        )
    if run.left_s is not None:
        minutes = round(run.left_s / MINUTE_S)
        words.append(
            _("about %(minutes)s min left") % {"minutes": minutes}
            if minutes
            else _("less than a minute left")
        )
    return ", ".join(words) + "."


def _doing(words: str) -> str:
    """What a worker says that it does."""
    return {
        "published case": _("Making the published case"),
        "transfer factors": _("Making the transfer factors"),
        "reliability": _("Looking for reliability constraints"),
        "deliverability": _("Looking for deliverability constraints"),
        "reliability upgrades": _("Relieving reliability constraints"),
        "deliverability upgrades": _("Relieving deliverability constraints"),
        "upgrades kept so far": _("Taking up what an earlier worker kept"),
        "cost and check": _("Sharing the costs and checking the upgraded grid"),
        "tables": _("Writing the results"),
        "publication": _("Publishing"),
    }.get(words, _("Reading the inputs"))


def _step_words(name: str) -> str:
    return {
        "inputs": _("Inputs written down"),
        "grid": _("Published case and transfer factors"),
        "look": _("What the cluster overloads"),
        "upgrades": _("Upgrades, several searches together"),
        "results": _("Results and bundle"),
        "publication": _("Publication"),
    }.get(name, name)


def _state(state: str) -> tuple[str, str]:
    """A state in words, and the colour that repeats it."""
    return {
        "queued": (_("waiting"), "waiting"),
        "running": (_("under way"), "waiting"),
        "cancelling": (_("being cancelled"), "needs-you"),
        "cancelled": (_("cancelled"), "draft"),
        "failed": (_("failed"), "late"),
        "done": (_("done"), "done"),
        "stopped": (_("put down"), "draft"),
    }[state]
