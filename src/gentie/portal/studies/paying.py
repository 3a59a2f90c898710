"""What is paid: the list of requests, and each of them with its ledger rows."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from gentie.contexts.studies import reads
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Listing, chosen, selection
from gentie.portal.studies.within import of_study, sees_ceii, shown


@of_study
def requests(request: HttpRequest, study: Any) -> HttpResponse:
    """What every request pays."""
    owners, technologies = reads.owners_of(study), reads.technologies_of(study)
    owner = chosen(request, "owner", owners)
    technology = chosen(request, "technology", technologies)
    wanted = chosen(request, "deliverability", ("full", "energy_only"))
    has_costs = reads.sees_costs_in(study)
    listing = Listing(
        request,
        reads.requests_of(study, owner=owner, technology=technology, deliverability=wanted),
        (
            Column("request", _("Request"), "number"),
            Column("mw", _("MW"), "net_mw", is_figure=True, largest_first=True),
            Column("technologies", _("Technologies"), "technologies"),
            Column("deliverability", _("Deliverability"), "deliverability"),
            Column("point", _("Point of interconnection"), "bus_name"),
            *(_costs(study.currency) if has_costs else ()),
        ),
        sort="-total" if has_costs else "request",
        filters=(
            selection(
                "owner",
                _("Transmission owner"),
                owner,
                [(one, one) for one in owners if one],
                _("any"),
            ),
            selection(
                "technology",
                _("Technology"),
                technology,
                [(one, one) for one in technologies],
                _("any"),
            ),
            selection(
                "deliverability",
                _("Deliverability"),
                wanted,
                [("full", _("full capacity")), ("energy_only", _("energy only"))],
                _("either"),
            ),
        ),
        page_size=150,
    )
    return shown(
        request,
        study,
        "studies/requests.html",
        "requests",
        listing=listing,
        sees_costs=has_costs,
    )


def _costs(currency: str) -> tuple[Column, ...]:
    """Columns of the classes of cost, the total, and the cost of a kilowatt."""
    return tuple(
        Column(
            key,
            word % {"currency": currency},
            f"costs__{field}",
            is_figure=True,
            largest_first=True,
        )
        for key, word, field in (
            ("network", _("Network upgrades, %(currency)s"), "reliability_cost"),
            ("local", _("Local delivery, %(currency)s"), "local_delivery_cost"),
            ("switchyard", _("Switchyard, %(currency)s"), "switchyard_cost"),
            ("own", _("Own facilities, %(currency)s"), "own_cost"),
            ("total", _("Total, %(currency)s"), "total_cost"),
            ("per_kw", _("Per kW, %(currency)s"), "cost_per_kw"),
        )
    )


@of_study
def request_costs(request: HttpRequest, study: Any, *, name: str) -> HttpResponse:
    """One request: what it pays for, with the arithmetic of each row."""
    found = reads.request_by_name(study, name)
    if found is None:
        raise Http404
    costs = getattr(found, "costs", None)
    if costs is None:
        return shown(
            request,
            study,
            "studies/request.html",
            "requests",
            crumbs=[Crumb(found.name)],
            one=found,
        )
    ledger = list(reads.ledger_of_request(found))
    classes = [
        (_("Reliability network upgrades"), costs.reliability_cost),
        (_("Local delivery network upgrades"), costs.local_delivery_cost),
        (_("Switchyard at the point"), costs.switchyard_cost),
        (_("Own interconnection facilities"), costs.own_cost),
    ]
    return shown(
        request,
        study,
        "studies/request.html",
        "requests",
        crumbs=[Crumb(found.name)],
        one=found,
        costs=costs,
        sees_ceii=sees_ceii(study),
        ledger=ledger,
        paid=sum(row.amount for row in ledger),
        classes=classes,
        dearest=max(cost for _, cost in classes),
        reaches=list(reads.reached_by(found)),
        tripped_by=list(reads.schemes_that_trip(found)),
    )
