"""The guide's pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from gentie.contexts.studies.reads import alone_and_together, costs_of, latest_study


@dataclass(frozen=True, slots=True)
class Part:
    """A step on the way, or a way in for those who are connected already."""

    name: str
    title: str | Promise
    words: str | Promise


STEPS = (
    Part(
        "request",
        _("Submit a request"),
        _(
            "Choose a point of interconnection that has room. Say what you want to build, show "
            "that you control the site, and pay the study deposit."
        ),
    ),
    Part(
        "study",
        _("Take part in the study"),
        _(
            "Your request is studied together with the others of its cluster. You see what limits "
            "it, which upgrades remove the limit, and your share of each, with the arithmetic."
        ),
    ),
    Part(
        "agreements",
        _("Complete the agreements"),
        _(
            "Negotiate and sign with the operator and the owner of the lines, and post the "
            "security for the upgrades that you need."
        ),
    ),
    Part(
        "service",
        _("Bring your resource into service"),
        _(
            "Go through metering, models, tests and synchronization, each by its date, up to "
            "commercial operation and your first day in the market."
        ),
    ),
)

CONNECTED = (
    Part(
        "qualifying-facility",
        _("You run a qualifying facility"),
        _(
            "A cogeneration plant or a small power production facility that is connected "
            "already. Prove its status, keep or convert its contract, and join the market with "
            "its net or its gross output."
        ),
    ),
    Part(
        "existing-resource",
        _("You are connected, but not in the market"),
        _(
            "On the transmission grid without a market contract, or on a distribution grid. "
            "Where nothing about the plant changes, you join without a new study."
        ),
    ),
    Part(
        "demand-response",
        _("You reduce demand"),
        _(
            "A demand response provider brings together customers who use less when it is "
            "asked of them. Register them, follow the dispatch, and be paid for the difference "
            "from a baseline."
        ),
    ),
)


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """What connecting means, the ways in for those already connected, and what stands here."""
    context: dict[str, object] = {"steps": STEPS, "connected": CONNECTED}
    study = latest_study()
    if study is not None:
        context |= {
            "study": study,
            "case": study.base_case,
            "together": alone_and_together(study),
            "cost": costs_of(study),
            "gw": study.summary["requests"]["mw"] / 1000,
        }
    return render(request, "guide/start.html", context)
