"""What the cluster overloads: the list of constraints, and each of them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from gentie.contexts.studies import reads
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Listing, chosen, selection
from gentie.portal.studies.network_picture import network_picture
from gentie.portal.studies.within import of_study, sees_ceii, shown
from gentie.portal.templatetags.figures import condition, element


@of_study
def constraints(request: HttpRequest, study: Any) -> HttpResponse:
    """What the cluster overloads."""
    treatments, has_outages = reads.treatments_of(study), sees_ceii(study)
    asked_condition = chosen(request, "condition", (reads.RELIABILITY, reads.DELIVERABILITY))
    asked_treatment = chosen(request, "treatment", treatments)
    listing = Listing(
        request,
        reads.constraints_of(study, condition=asked_condition, treatment=asked_treatment),
        (
            Column("element", _("Overloaded element"), "element"),
            Column("kv", _("Voltage, kV"), "kv", is_figure=True, largest_first=True),
            *(
                [Column("outage", _("When this is out"), "contingency__outage")]
                if has_outages
                else []
            ),
            Column("condition", _("Found in"), "condition"),
            Column("before", _("Before, %"), "before_percent", is_figure=True, largest_first=True),
            Column("with", _("With, %"), "with_percent", is_figure=True, largest_first=True),
            Column("after", _("After, %"), "after_percent", is_figure=True, largest_first=True),
            Column("requests", _("Requests"), "request_count", is_figure=True, largest_first=True),
            Column("treatment", _("What became of it"), "treatment"),
        ),
        sort="-with",
        filters=(
            selection(
                "condition",
                _("Found in the study of"),
                asked_condition,
                [
                    (reads.RELIABILITY, condition(reads.RELIABILITY)),
                    (reads.DELIVERABILITY, condition(reads.DELIVERABILITY)),
                ],
                _("either"),
            ),
            selection(
                "treatment",
                _("What became of it"),
                asked_treatment,
                [(one, one) for one in treatments],
                _("anything"),
            ),
        ),
    )
    return shown(
        request,
        study,
        "studies/constraints.html",
        "constraints",
        listing=listing,
        sees_ceii=has_outages,
    )


@of_study
def constraint(request: HttpRequest, study: Any, *, number: int) -> HttpResponse:
    """One constraint: its picture, who shares it, and what is built for it."""
    found = reads.constraint_by_number(study, number)
    if found is None:
        raise Http404
    shares = list(reads.shares_of(found))
    picture = network_picture(found.picture.content) if hasattr(found, "picture") else None
    others = found.request_count - len(shares)
    return shown(
        request,
        study,
        "studies/constraint.html",
        "constraints",
        crumbs=[Crumb(element(found.element))],
        constraint=found,
        contingency=getattr(found, "contingency", None),
        picture=picture,
        panels=list(
            zip(
                (_("Before the cluster"), _("With the cluster"), _("After everything is done")),
                (found.before_percent, found.with_percent, found.after_percent),
                picture.panels,
                strict=True,
            )
        )
        if picture
        else [],
        shares=shares,
        largest_mw=max((one.impact_mw for one in shares), default=0.0),
        impact_mw=sum(one.impact_mw for one in shares),
        others=others,
        upgrades=reads.upgrades_for(found),
    )
