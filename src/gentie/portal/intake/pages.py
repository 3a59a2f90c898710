"""My projects, and the page of one: a form while it is a draft, its state once it is filed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from gentie.contexts.intake import reads
from gentie.contexts.intake.actions.drafting import (
    Words,
    discard_request,
    hand_in_evidence,
    save_answers,
    start_request,
)
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.actions.paying import record_payment
from gentie.contexts.intake.actions.queueing import move_positions
from gentie.contexts.intake.form import FIELD, asked_fields
from gentie.contexts.studies.reads import request_by_name
from gentie.contexts.studies.run_reads import latest_study_of
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.portal.intake.drawing import answered, posted, sections_of, summary_of
from gentie.quantities.findings import BadInput, Finding


def _now() -> datetime:
    return datetime.now(UTC)


def _found(request_id: int) -> Any:
    found = reads.request_by_id(request_id)
    if found is None:
        raise Http404
    return found


@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """Everything that the one who asks may see and act on, the latest first."""
    acting, now = who_asks(request), _now()
    found = list(reads.requests_seen())
    names = reads.project_names(found)
    cluster = reads.open_cluster_at(now)
    return render(
        request,
        "intake/projects.html",
        {
            "projects": [
                (one, names.get(one.pk) or _("Request without a name"))
                for one in found
                if one.state != "discarded"
            ],
            "cluster": cluster,
            "is_early": cluster is not None and now < cluster.opens_at,
            "owners": reads.owners_for(acting.organisation),
            "acting": acting,
            "crumbs": [Crumb(_("My projects"))],
        },
    )


@require_POST
def project_new(request: HttpRequest) -> HttpResponse:
    """Begin a request, with the point that was chosen on the map."""
    acting, now = who_asks(request), _now()
    cluster = reads.open_cluster_at(now)
    if cluster is None:
        return _message(
            request,
            [
                Finding(
                    "intake.window.none", _("No window is open or planned: nothing can be begun.")
                )
            ],
        )
    asked = request.POST.get("organisation", "")
    owners = {str(one.pk): one.pk for one in reads.owners_for(acting.organisation)}
    organisation = owners.get(asked) if asked else acting.organisation
    if organisation is None:
        return _message(
            request,
            [
                Finding(
                    "intake.owner.unknown", _("You may not begin a request for this organisation.")
                )
            ],
        )
    bus = request.POST.get("bus", "").strip()
    made = start_request(
        organisation_id=organisation,
        cluster_id=cluster.pk,
        person_id=acting.person,
        by=acting.by,
        at=now,
        texts={"bus": bus} if bus else {},
    )
    return redirect("project", made.pk)


def _message(request: HttpRequest, reasons: Iterable[Finding], status: int = 409) -> HttpResponse:
    context = {"reasons": list(reasons), "crumbs": [Crumb(_("My projects"), reverse("projects"))]}
    return render(request, "intake/refused.html", context, status=status)


@require_safe
def project(request: HttpRequest, request_id: int) -> HttpResponse:
    """One project: its form, or what became of it."""
    return _shown(request, _found(request_id))


def _shown(
    request: HttpRequest, found: Any, reasons: tuple[Finding, ...] = (), status: int = 200
) -> HttpResponse:
    now, acting = _now(), who_asks(request)
    asked = reads.asked_of(found, at=now)
    name = asked.answers.texts.get("project", "").strip() or _("Request without a name")
    way = Crumb(_("My projects"), reverse("projects")) if acting.is_customer else None
    cluster = found.cluster
    context: dict[str, object] = {
        "project": found,
        "name": name,
        "cluster": cluster,
        "zone": cluster.base_case.time_zone,
        "reasons": reasons,
        "may_write": acting.is_customer,
        "crumbs": [
            way or Crumb(cluster.name, reverse("cluster", args=[cluster.slug])),
            Crumb(name),
        ],
    }
    if found.state == "draft":
        context |= {
            "sections": sections_of(found, reasons),
            "evidence": reads.evidence_of(found),
            "evidence_wrong": [one for one in reasons if one.where == "site_evidence"],
            "window": reads.window_of(cluster, now),
            **summary_of(found, asked),
        }
        return render(request, "intake/draft.html", context, status=status)
    if found.state == "filed":
        context |= {"sections": answered(found), "filing": found.filing, "place": found.position}
        context |= {
            "evidence": reads.evidence_of(found),
            "paid": reads.money_of(found),
            "entries": posted(reads.entries_about(found)),
            "may_record": acting.is_operator,
            **_studied(found),
        }
        return render(request, "intake/filed.html", context, status=status)
    return render(request, "intake/discarded.html", context, status=status)


def _studied(found: Any) -> dict[str, object]:
    """What the latest study of its cluster says of a filed request."""
    study = latest_study_of(found.cluster_id)
    one = request_by_name(study, found.position.number) if study is not None else None
    costs = getattr(one, "costs", None)
    return {"study": study, "studied": one, "costs": costs} if costs is not None else {}


@require_POST
def project_answers(request: HttpRequest, request_id: int) -> HttpResponse:
    """Keep what was typed: as JSON while it is typed, or the whole form where there is no script."""
    acting, found = who_asks(request), _found(request_id)
    is_script = request.content_type == "application/json"
    try:
        words = _typed_json(request.body) if is_script else _typed_form(request, found)
        kept = save_answers(
            request_id=found.pk,
            words=words,
            person_id=acting.person,
            by=acting.by,
            at=_now(),
        )
    except BadInput as wrong:
        if is_script:
            return JsonResponse({"errors": [one.as_dict() for one in wrong.findings]}, status=422)
        return _shown(request, found, wrong.findings, 422)
    if not is_script:
        return redirect("project", found.pk)
    asked = reads.asked_of(found, at=_now())
    return JsonResponse(
        {
            "kept": {
                one.field: {
                    "revision": one.revision,
                    "text": one.text,
                    "is_saved": one.is_saved,
                    "by": one.by,
                }
                for one in kept
            },
            "asked": [field.key for field in asked_fields(asked.answers.texts)],
            "summary": render_to_string(
                "intake/summary.html", {"cluster": found.cluster, **summary_of(found, asked)}
            ),
        }
    )


def _typed_json(body: bytes) -> dict[str, Words]:
    unreadable = Finding(
        "intake.answers.unreadable",
        'Answers are sent as {"answers": {"FIELD": {"text": "…", "revision": 0}}}.',
    )
    try:
        told = json.loads(body)["answers"]
        words = {
            str(field): Words(text=said["text"], revision=int(said["revision"]))
            for field, said in told.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise BadInput(unreadable) from wrong
    if not all(isinstance(said.text, str) for said in words.values()):
        raise BadInput(unreadable)
    return words


def _typed_form(request: HttpRequest, found: Any) -> dict[str, Words]:
    """What was changed in a form that was sent whole."""
    stands = reads.answers_of(found)
    words = {}
    for key in FIELD:
        if f"revision_{key}" not in request.POST:
            continue
        text = request.POST.get(key, "")
        revision = request.POST.get(f"revision_{key}", "")
        before = request.POST.get(f"was_{key}", stands[key].text if key in stands else "")
        if text != before:
            words[key] = Words(text, int(revision) if revision.isdecimal() else 0)
    return words


@require_POST
def project_evidence(request: HttpRequest, request_id: int) -> HttpResponse:
    """Take a document that shows the control of the site."""
    acting, found = who_asks(request), _found(request_id)
    uploaded = request.FILES.get("evidence")
    if uploaded is None:
        nothing = Finding(
            "intake.evidence.none",
            _("No file came with it: choose a document first."),
            where="site_evidence",
        )
        return _shown(request, found, (nothing,), 422)
    try:
        hand_in_evidence(
            request_id=found.pk,
            file_name=uploaded.name or "",
            content=uploaded.read(),
            by=acting.by,
            at=_now(),
        )
    except BadInput as refused:
        here = tuple(replace(one, where="site_evidence") for one in refused.findings)
        return _shown(request, _found(request_id), here, 422)
    return redirect(f"{reverse('project', args=[found.pk])}#field-site_evidence")


@require_POST
def project_payment(request: HttpRequest, request_id: int) -> HttpResponse:
    """Record a payment that came in."""
    acting, found = who_asks(request), _found(request_id)
    if found.state != "filed":
        raise Http404
    try:
        record_payment(
            request_id=found.pk, amount=request.POST.get("amount", ""), by=acting.by, at=_now()
        )
    except BadInput as refused:
        return _shown(request, found, refused.findings, 422)
    return redirect("project", found.pk)


@require_POST
def project_submit(request: HttpRequest, request_id: int) -> HttpResponse:
    """Keep what the form holds, then file it; or tell everything that is in the way."""
    acting, found, now = who_asks(request), _found(request_id), _now()
    try:
        words = _typed_form(request, found)
        if words:
            kept = save_answers(
                request_id=found.pk, words=words, person_id=acting.person, by=acting.by, at=now
            )
            if not all(one.is_saved for one in kept):
                return redirect("project", found.pk)
        submit_request(
            request_id=found.pk,
            role=acting.role,
            person_id=acting.person,
            by=acting.by,
            at=now,
        )
    except BadInput as refused:
        return _shown(request, _found(request_id), refused.findings, 422)
    return redirect("project", found.pk)


@require_POST
def project_discard(request: HttpRequest, request_id: int) -> HttpResponse:
    """Let a draft go."""
    acting, found = who_asks(request), _found(request_id)
    try:
        discard_request(request_id=found.pk, role=acting.role, by=acting.by, at=_now())
    except BadInput as refused:
        return _shown(request, _found(request_id), refused.findings, 422)
    return redirect("projects")


@require_POST
def project_withdraw(request: HttpRequest, request_id: int) -> HttpResponse:
    """Leave the queue."""
    acting, found = who_asks(request), _found(request_id)
    if found.state != "filed":
        raise Http404
    try:
        move_positions(
            numbers=[found.position.number],
            move="withdraw",
            role=acting.role,
            by=acting.by,
            at=_now(),
        )
    except BadInput as refused:
        return _shown(request, _found(request_id), refused.findings, 422)
    return redirect("project", found.pk)


@require_POST
def project_point(request: HttpRequest, request_id: int) -> HttpResponse:
    """Take the point that was chosen on the map into the request."""
    acting, found = who_asks(request), _found(request_id)
    stands = reads.answers_of(found).get("bus")
    try:
        save_answers(
            request_id=found.pk,
            words={
                "bus": Words(request.POST.get("bus", "").strip(), stands.revision if stands else 0)
            },
            person_id=acting.person,
            by=acting.by,
            at=_now(),
        )
    except BadInput as refused:
        return _shown(request, found, refused.findings, 422)
    return redirect(f"{reverse('project', args=[found.pk])}#field-bus")
