"""Pages of a published study."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from gentie.contexts.intake.reads import clusters
from gentie.contexts.studies import reads
from gentie.portal.accounts.asking import who_asks
from gentie.portal.crumbs import Crumb
from gentie.portal.listing import Column, Listing, chosen, selection
from gentie.portal.standings import MARKS, STANDINGS
from gentie.portal.studies.network_picture import network_picture
from gentie.portal.templatetags.figures import condition, element, upgrade_words

if TYPE_CHECKING:
    Of = Callable[..., HttpResponseBase]

TABS: tuple[tuple[str, str | Promise], ...] = (
    ("study", gettext_lazy("Summary")),
    ("constraints", gettext_lazy("Constraints")),
    ("upgrades", gettext_lazy("Upgrades")),
    ("requests", gettext_lazy("Requests and costs")),
    ("schemes", gettext_lazy("Remedial action")),
    ("assumptions", gettext_lazy("Assumptions")),
)
PER_KW_BANDS = (0, 25, 50, 75, 100, 150, 200, 300, 500)


def of_study(view: Of) -> Of:
    """Give the view its study instead of the address; no study, no page."""

    @require_safe
    @wraps(view)
    def entered(request: HttpRequest, slug: str, **keywords: Any) -> HttpResponseBase:
        study = reads.study_by_slug(slug)
        if study is None:
            raise Http404
        return view(request, study, **keywords)

    return entered


def _shown(
    request: HttpRequest,
    study: Any,
    template: str,
    tab: str,
    *,
    crumbs: Sequence[Crumb] = (),
    **context: object,
) -> HttpResponse:
    """A page of a study inside its frame: where you are, and the tabs."""
    way = [Crumb(_("Studies"), reverse("studies"))]
    words = dict(TABS)
    if tab == "study":
        way.append(Crumb(study.title))
    else:
        way.append(Crumb(study.title, reverse("study", args=[study.slug])))
        way.append(Crumb(words[tab], reverse(tab, args=[study.slug]) if crumbs else ""))
        way += crumbs
    tabs = [
        {
            "word": word,
            "address": reverse(name, args=[study.slug]),
            "is_here": name == tab,
            "current": "true" if crumbs else "page",
        }
        for name, word in TABS
    ]
    return render(
        request,
        template,
        {"study": study, "case": study.base_case, "crumbs": way, "tabs": tabs, **context},
    )


@require_safe
def studies(request: HttpRequest) -> HttpResponse:
    """Studies that were published."""
    return render(
        request,
        "studies/studies.html",
        {
            "studies": reads.studies(),
            "clusters": clusters() if who_asks(request).is_operator else (),
            "crumbs": [Crumb(_("Studies"))],
        },
    )


@of_study
def study(request: HttpRequest, study: Any) -> HttpResponse:
    """What the cluster is, what it needs, and what that rests on."""
    found = study.summary["constraints"]
    classes = reads.classes_of(study)
    counted = Counter(_band(one) for one in study.requests.values_list("cost_per_kw", flat=True))
    per_kw = [(_band_words(place), counted[place]) for place in range(len(PER_KW_BANDS))]
    return _shown(
        request,
        study,
        "studies/study.html",
        "study",
        together=reads.alone_and_together(study),
        worst=reads.constraints_of(study).order_by("-with_percent", "pk").first(),
        reliability=found.get(reads.RELIABILITY, {"found": 0}),
        deliverability=found.get(reads.DELIVERABILITY, {"found": 0}),
        classes=classes,
        dearest=classes[0][2] if classes else 0,
        share_of_dearest=100 * classes[0][2] / sum(cost for _, _, cost in classes)
        if classes
        else None,
        per_kw=per_kw,
        most_per_kw=max(count for words, count in per_kw),
        dispatch_rule=_rule(study, "deliverability.dispatch"),
        has_bundle=reads.bundle_file(study).is_file(),
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
def constraints(request: HttpRequest, study: Any) -> HttpResponse:
    """What the cluster overloads."""
    treatments = reads.treatments_of(study)
    asked_condition = chosen(request, "condition", (reads.RELIABILITY, reads.DELIVERABILITY))
    asked_treatment = chosen(request, "treatment", treatments)
    listing = Listing(
        request,
        reads.constraints_of(study, condition=asked_condition, treatment=asked_treatment),
        (
            Column("element", _("Overloaded element"), "element"),
            Column("kv", _("Voltage, kV"), "kv", is_figure=True, largest_first=True),
            Column("outage", _("When this is out"), "outage"),
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
    return _shown(request, study, "studies/constraints.html", "constraints", listing=listing)


@of_study
def constraint(request: HttpRequest, study: Any, *, number: int) -> HttpResponse:
    """One constraint: its picture, who shares it, and what is built for it."""
    found = reads.constraint_by_number(study, number)
    if found is None:
        raise Http404
    shares = list(reads.shares_of(found))
    picture = network_picture(found.picture.content) if hasattr(found, "picture") else None
    return _shown(
        request,
        study,
        "studies/constraint.html",
        "constraints",
        crumbs=[Crumb(element(found.element))],
        constraint=found,
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
        upgrades=found.upgrades.all(),
    )


@of_study
def upgrades(request: HttpRequest, study: Any) -> HttpResponse:
    """What is built."""
    classes, kinds = [one for one, _, _ in reads.classes_of(study)], reads.kinds_of(study)
    asked_class, asked_kind = chosen(request, "class", classes), chosen(request, "kind", kinds)
    listing = Listing(
        request,
        reads.upgrades_of(study, cost_class=asked_class, kind=asked_kind),
        (
            Column("what", _("What is built"), "identity"),
            Column("class", _("Class of cost"), "cost_class"),
            Column("kv", _("Voltage, kV"), "kv", is_figure=True, largest_first=True),
            Column("miles", _("Miles"), "miles", is_figure=True, largest_first=True),
            Column(
                "before",
                _("Rating before, MVA"),
                "rating_before_mva",
                is_figure=True,
                largest_first=True,
            ),
            Column(
                "after",
                _("Rating after, MVA"),
                "rating_after_mva",
                is_figure=True,
                largest_first=True,
            ),
            Column("payers", _("Payers"), "payers", is_figure=True, largest_first=True),
            Column(
                "cost",
                _("Cost, %(currency)s") % {"currency": study.currency},
                "cost",
                is_figure=True,
                largest_first=True,
            ),
        ),
        sort="-cost",
        filters=(
            selection(
                "class", _("Class of cost"), asked_class, [(one, one) for one in classes], _("any")
            ),
            selection(
                "kind", _("What is built"), asked_kind, [(one, one) for one in kinds], _("anything")
            ),
        ),
    )
    return _shown(request, study, "studies/upgrades.html", "upgrades", listing=listing)


@of_study
def upgrade(request: HttpRequest, study: Any, *, number: int) -> HttpResponse:
    """One upgrade and who pays for it."""
    found = reads.upgrade_by_number(study, number)
    if found is None:
        raise Http404
    ledger = list(reads.ledger_of_upgrade(found))
    return _shown(
        request,
        study,
        "studies/upgrade.html",
        "upgrades",
        crumbs=[Crumb(upgrade_words(found))],
        upgrade=found,
        ledger=ledger,
        largest=ledger[0].amount if ledger else 0,
        top_share_percent=100 * ledger[0].share if ledger else None,
        paid=sum(row.amount for row in ledger),
        has_impacts=any(row.impact_sum_mw for row in ledger),
        constraints=found.constraints.all(),
    )


@of_study
def requests(request: HttpRequest, study: Any) -> HttpResponse:
    """What every request pays."""
    owners, technologies = reads.owners_of(study), reads.technologies_of(study)
    owner = chosen(request, "owner", owners)
    technology = chosen(request, "technology", technologies)
    wanted = chosen(request, "deliverability", ("full", "energy_only"))
    money = {"currency": study.currency}
    listing = Listing(
        request,
        reads.requests_of(study, owner=owner, technology=technology, deliverability=wanted),
        (
            Column("request", _("Request"), "number"),
            Column("mw", _("MW"), "net_mw", is_figure=True, largest_first=True),
            Column("technologies", _("Technologies"), "technologies"),
            Column("deliverability", _("Deliverability"), "deliverability"),
            Column("point", _("Point of interconnection"), "bus_name"),
            Column(
                "network",
                _("Network upgrades, %(currency)s") % money,
                "reliability_cost",
                is_figure=True,
                largest_first=True,
            ),
            Column(
                "local",
                _("Local delivery, %(currency)s") % money,
                "local_delivery_cost",
                is_figure=True,
                largest_first=True,
            ),
            Column(
                "switchyard",
                _("Switchyard, %(currency)s") % money,
                "switchyard_cost",
                is_figure=True,
                largest_first=True,
            ),
            Column(
                "own",
                _("Own facilities, %(currency)s") % money,
                "own_cost",
                is_figure=True,
                largest_first=True,
            ),
            Column(
                "total",
                _("Total, %(currency)s") % money,
                "total_cost",
                is_figure=True,
                largest_first=True,
            ),
            Column(
                "per_kw",
                _("Per kW, %(currency)s") % money,
                "cost_per_kw",
                is_figure=True,
                largest_first=True,
            ),
        ),
        sort="-total",
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
    return _shown(request, study, "studies/requests.html", "requests", listing=listing)


@of_study
def request_costs(request: HttpRequest, study: Any, *, name: str) -> HttpResponse:
    """One request: what it pays for, with the arithmetic of each row."""
    found = reads.request_by_name(study, name)
    if found is None:
        raise Http404
    ledger = list(reads.ledger_of_request(found))
    classes = [
        (_("Reliability network upgrades"), found.reliability_cost),
        (_("Local delivery network upgrades"), found.local_delivery_cost),
        (_("Switchyard at the point"), found.switchyard_cost),
        (_("Own interconnection facilities"), found.own_cost),
    ]
    return _shown(
        request,
        study,
        "studies/request.html",
        "requests",
        crumbs=[Crumb(found.name)],
        request_costs=found,
        ledger=ledger,
        paid=sum(row.amount for row in ledger),
        classes=classes,
        dearest=max(cost for _, cost in classes),
        reaches=list(reads.reached_by(found)),
    )


@of_study
def schemes(request: HttpRequest, study: Any) -> HttpResponse:
    """Outages after which some requests are tripped."""
    listing = Listing(
        request,
        reads.schemes_of(study),
        (
            Column("outage", _("When this goes out"), "outage"),
            Column("", _("Requests tripped")),
            Column("mw", _("Together, MW"), "tripped_mw", is_figure=True, largest_first=True),
            Column("", _("Elements protected")),
        ),
        sort="-mw",
    )
    return _shown(
        request,
        study,
        "studies/schemes.html",
        "schemes",
        listing=listing,
        most_mw=_rule(study, "mitigation.remedial_action_trip_limit"),
        most_requests=_rule(study, "mitigation.remedial_action_requests"),
    )


@of_study
def assumptions(request: HttpRequest, study: Any) -> HttpResponse:
    """What the study rests on: rules with their standing, and what the case lacked."""
    standing = chosen(request, "standing", tuple(STANDINGS))
    rules = [
        {
            **rule,
            "mark": MARKS.get(rule["standing"], ""),
            "state": STANDINGS.get(rule["standing"], ("draft", rule["standing"], ""))[0],
            "name": re.sub(r"\bkv\b", "kV", rule["key"].partition(".")[2].replace("_", " ")),
            "shown": _rule_value(rule["value"]),
        }
        for rule in study.assumptions
        if standing in {"", rule["standing"]}
    ]
    counted = Counter(rule["standing"] for rule in study.assumptions)
    return _shown(
        request,
        study,
        "studies/assumptions.html",
        "assumptions",
        rules=rules,
        standings=[
            {
                "state": state,
                "word": word,
                "says": says,
                "mark": MARKS[name],
                "count": counted[name],
            }
            for name, (state, word, says) in STANDINGS.items()
        ],
        filters=[
            selection(
                "standing",
                _("Standing"),
                standing,
                [(name, words[1]) for name, words in STANDINGS.items()],
                _("any"),
            )
        ],
        fidelity=study.fidelity,
    )


def _rule_value(value: Any) -> list[tuple[str, str]]:
    """A rule's value as pairs of a name and a figure; one pair without a name for a single one."""
    if isinstance(value, dict):
        return [(str(key).replace("_", " "), _figures(inner)) for key, inner in value.items()]
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return [
            (
                _("from %(kv)s kV") % {"kv": f"{one['from_kv']:g}"} if "from_kv" in one else "",
                _figures({key: inner for key, inner in one.items() if key != "from_kv"}),
            )
            for one in value
        ]
    return [("", _figures(value))]


def _figures(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return f"{value:,g}"
    if isinstance(value, dict):
        return ", ".join(
            f"{str(key).replace('_', ' ')} {_figures(inner)}"
            for key, inner in value.items()
            if inner is not None
        )
    if isinstance(value, list):
        return ", ".join(_figures(one) for one in value)
    return str(value).replace("_", " ")


@of_study
def bundle(request: HttpRequest, study: Any) -> HttpResponseBase:
    """The bundle as a zip archive; it holds everybody's costs, so only who sees them all has it.

    Raises:
        PermissionDenied: the study is not shown in full, and somebody else than the operator asks.
    """
    if not reads.may_have_bundle(study, who_asks(request)):
        raise PermissionDenied(
            _("The bundle of this study holds the costs of every request: it is the operator's.")
        )
    file = reads.bundle_file(study)
    if not file.is_file():
        raise Http404
    return FileResponse(
        file.open("rb"),
        as_attachment=True,
        filename=f"{study.slug}-{study.bundle_digest[:12]}.zip",
        content_type="application/zip",
    )
