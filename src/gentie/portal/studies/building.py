"""What is built: the list of upgrades, and each of them with who pays."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from gentie.contexts.studies import reads
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Listing, chosen, selection
from gentie.portal.studies.within import of_study, sees_ceii, shown
from gentie.portal.templatetags.figures import upgrade_words


@of_study
def upgrades(request: HttpRequest, study: Any) -> HttpResponse:
    """What is built."""
    classes, kinds = [one for one, _, _ in reads.classes_of(study)], reads.kinds_of(study)
    has_ratings, has_costs = sees_ceii(study), reads.sees_costs_in(study)
    asked_class, asked_kind = chosen(request, "class", classes), chosen(request, "kind", kinds)
    listing = Listing(
        request,
        reads.upgrades_of(study, cost_class=asked_class, kind=asked_kind),
        (
            Column("what", _("What is built"), "identity"),
            Column("class", _("Class of cost"), "cost_class"),
            Column("kv", _("Voltage, kV"), "kv", is_figure=True, largest_first=True),
            *(_miles() if has_costs else ()),
            *(_ratings() if has_ratings else ()),
            Column("payers", _("Payers"), "payers", is_figure=True, largest_first=True),
            *(_cost(study.currency) if has_costs else ()),
        ),
        sort="-cost" if has_costs else "what",
        filters=(
            selection(
                "class", _("Class of cost"), asked_class, [(one, one) for one in classes], _("any")
            ),
            selection(
                "kind", _("What is built"), asked_kind, [(one, one) for one in kinds], _("anything")
            ),
        ),
    )
    return shown(
        request,
        study,
        "studies/upgrades.html",
        "upgrades",
        listing=listing,
        sees_ceii=has_ratings,
        sees_costs=has_costs,
    )


def _ratings() -> tuple[Column, ...]:
    return tuple(
        Column(key, word, f"reason__rating_{key}_mva", is_figure=True, largest_first=True)
        for key, word in (("before", _("Rating before, MVA")), ("after", _("Rating after, MVA")))
    )


def _miles() -> tuple[Column, ...]:
    return (Column("miles", _("Miles"), "estimate__miles", is_figure=True, largest_first=True),)


def _cost(currency: str) -> tuple[Column, ...]:
    return (
        Column(
            "cost",
            _("Cost, %(currency)s") % {"currency": currency},
            "estimate__cost",
            is_figure=True,
            largest_first=True,
        ),
    )


@of_study
def upgrade(request: HttpRequest, study: Any, *, number: int) -> HttpResponse:
    """One upgrade and who pays for it."""
    found = reads.upgrade_by_number(study, number)
    if found is None:
        raise Http404
    ledger = list(reads.ledger_of_upgrade(found))
    return shown(
        request,
        study,
        "studies/upgrade.html",
        "upgrades",
        crumbs=[Crumb(upgrade_words(found))],
        upgrade=found,
        estimate=getattr(found, "estimate", None),
        reason=getattr(found, "reason", None),
        others=found.payers - len(ledger),
        ledger=ledger,
        largest=ledger[0].amount if ledger else 0,
        top_share_percent=100 * ledger[0].share if ledger else None,
        paid=sum(row.amount for row in ledger),
        has_impacts=any(row.impact_sum_mw for row in ledger),
        constraints=found.constraints.all(),
    )
