"""Pages of a published study: the list, the summary, remedial action, and the bundle."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gentie.contexts.intake.reads import clusters
from gentie.contexts.studies import reads
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Listing
from gentie.portal.studies.within import of_study, sees_ceii, shown

PER_KW_BANDS = (0, 25, 50, 75, 100, 150, 200, 300, 500)


@require_safe
def studies(request: HttpRequest) -> HttpResponse:
    """Studies that were published."""
    return render(
        request,
        "studies/studies.html",
        {
            "studies": [(study, reads.costs_of(study).get("total")) for study in reads.studies()],
            "clusters": clusters() if who_asks(request).is_operator else (),
            "crumbs": [Crumb(_("Studies"))],
        },
    )


@of_study
def study(request: HttpRequest, study: Any) -> HttpResponse:
    """What the cluster is, what it needs, and what that rests on."""
    found = study.summary["constraints"]
    classes = reads.classes_of(study)
    cost = reads.costs_of(study)
    each_per_kw = reads.costs_per_kw_of(study)
    counted = Counter(_band(one) for one in each_per_kw or ())
    per_kw = [(_band_words(place), counted[place]) for place in range(len(PER_KW_BANDS))]
    dearest = classes[0][2] if classes else None
    bundle = reads.bundle_file(study)
    return shown(
        request,
        study,
        "studies/study.html",
        "study",
        together=reads.alone_and_together(study),
        worst=reads.constraints_of(study).order_by("-with_percent", "pk").first(),
        reliability=found.get(reads.RELIABILITY, {"found": 0}),
        deliverability=found.get(reads.DELIVERABILITY, {"found": 0}),
        cost=cost,
        classes=classes,
        dearest=dearest or 0,
        share_of_dearest=100 * dearest / sum(cost or 0 for _, _, cost in classes)
        if dearest
        else None,
        per_kw=per_kw if each_per_kw is not None else None,
        most_per_kw=max(count for words, count in per_kw),
        dispatch_rule=_rule(study, "deliverability.dispatch"),
        has_bundle=bundle is not None and bundle.is_file(),
    )


def _rule(study: Any, key: str) -> Any:
    """The value of an entry of the rulebook that the study pins; None where it has no such entry."""
    return next((rule["value"] for rule in study.assumptions if rule["key"] == key), None)


def _band(per_kw: float) -> int:
    return max(place for place, low in enumerate(PER_KW_BANDS) if per_kw >= low or place == 0)


def _band_words(place: int) -> str:
    if place + 1 == len(PER_KW_BANDS):
        return _("%(low)s or more") % {"low": PER_KW_BANDS[place]}
    return _("%(low)s to %(high)s") % {"low": PER_KW_BANDS[place], "high": PER_KW_BANDS[place + 1]}


@of_study
def schemes(request: HttpRequest, study: Any) -> HttpResponse:
    """Outages after which some requests are tripped."""
    has_outages, sees_all = sees_ceii(study), reads.sees_all_of(study)
    columns = [
        Column("outage", _("When this goes out"), "contingency__outage")
        if has_outages
        else Column("number", _("Scheme"), "number"),
        Column("", _("Requests tripped")),
        Column(
            "mw",
            _("Together, MW") if sees_all else _("Of these, MW"),
            "tripped_mw",
            is_figure=True,
            largest_first=True,
        ),
    ]
    if has_outages:
        columns.append(Column("", _("Elements protected")))
    listing = Listing(request, reads.schemes_of(study), columns, sort="-mw")
    return shown(
        request,
        study,
        "studies/schemes.html",
        "schemes",
        listing=listing,
        sees_ceii=has_outages,
        most_mw=_rule(study, "mitigation.remedial_action_trip_limit"),
        most_requests=_rule(study, "mitigation.remedial_action_requests"),
    )


@of_study
def bundle(request: HttpRequest, study: Any) -> HttpResponseBase:  # noqa: ARG001 - Django passes it
    """The bundle as a zip archive, for who sees all of the study.

    Raises:
        PermissionDenied: the study is not shown in full, and somebody else than the operator asks.
    """
    file = reads.bundle_file(study)
    if file is None:
        raise PermissionDenied(
            _(
                "The bundle of this study holds the case file and the costs of every request: it "
                "is the operator's."
            )
        )
    if not file.is_file():
        raise Http404
    return FileResponse(
        file.open("rb"),
        as_attachment=True,
        filename=f"{study.slug}-{study.bundle_digest[:12]}.zip",
        content_type="application/zip",
    )
