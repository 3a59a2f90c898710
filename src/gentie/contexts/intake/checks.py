"""What must hold for a request to be filed: one check, one subject, all reasons at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from gentie.contexts.intake.answers import Answers
from gentie.contexts.intake.form import IN_LIEU
from gentie.quantities.findings import Finding
from gentie.quantities.moments import said_day
from gentie.rulebook.book import Rulebook


@dataclass(frozen=True, slots=True)
class Asked:
    """What the checks are asked about.

    Attributes:
        answers: of the request.
        rulebook: that it would be filed under.
        today: in the operator's zone.
        point_is_known: the base case of the cluster has this point of interconnection.
        case_name: of that base case.
        evidence_count: documents of site control that were handed in.
    """

    answers: Answers
    rulebook: Rulebook
    today: date
    point_is_known: bool
    case_name: str
    evidence_count: int


def point_is_published(asked: Asked) -> Finding | None:
    """The bus is a point of interconnection of the published base case."""
    bus = asked.answers.values.get("bus")
    if bus is None or asked.point_is_known:
        return None
    return Finding(
        "intake.point.unknown",
        f"The base case {asked.case_name} has no point of interconnection at bus {bus}: choose one "
        "on the map.",
        where="bus",
    )


def technologies_reach_gross(asked: Asked) -> Finding | None:
    """The technologies together can give the gross capability."""
    gross, components = asked.answers.number("gross_mw"), asked.answers.components
    is_unread = any(one.where.startswith(("technology_", "mw_")) for one in asked.answers.faults)
    if gross is None or not components or is_unread:
        return None
    together = sum(one.mw for one in components)
    if together >= gross - asked.rulebook.number("intake.chain_tolerance"):
        return None
    return Finding(
        "intake.power.technologies",
        f"The technologies give {together:,g} MW together, and the gross capability is {gross:,g} "
        "MW: raise their output or lower the gross capability.",
        where="gross_mw",
    )


def power_arrives(asked: Asked) -> Finding | None:
    """Gross less own load less losses leaves something for the point."""
    net = asked.answers.net_mw
    if net is None or net > asked.rulebook.number("intake.chain_tolerance"):
        return None
    number = asked.answers.number
    return Finding(
        "intake.power.net",
        f"{number('gross_mw'):,g} MW gross less {number('auxiliary_mw'):,g} MW own load less "
        f"{number('losses_mw'):,g} MW losses leave {net:,g} MW for the point: mend the chain.",
        where="losses_mw",
    )


def technologies_are_few(asked: Asked) -> Finding | None:
    """No more technologies than the rules allow."""
    most = int(asked.rulebook.number("intake.most_technologies"))
    count = sum(1 for key in asked.answers.values if key.startswith("technology_"))
    if count <= most:
        return None
    return Finding(
        "intake.technologies.many",
        f"The request combines {count} technologies, and the rules allow {most}: split it.",
        where="technology_1",
    )


def dates_follow(asked: Asked) -> Finding | None:
    """In service, then trial operation, then commercial operation."""
    values = asked.answers.values
    named = [
        ("In service", values.get("in_service")),
        ("trial operation", values.get("trial_operation")),
        ("commercial operation", values.get("commercial_operation")),
    ]
    given = [(name, day) for name, day in named if day is not None]
    for (first, before), (second, after) in pairwise(given):
        if before > after:
            return Finding(
                "intake.dates.order",
                f"{first.capitalize()} on {said_day(before)} is after {second} on "
                f"{said_day(after)}: put the dates in order.",
                where="in_service",
            )
    return None


def dates_are_ahead(asked: Asked) -> Finding | None:
    """Nothing is to be in service before the request is filed."""
    day = asked.answers.values.get("in_service")
    if day is None or day > asked.today:
        return None
    return Finding(
        "intake.dates.past",
        f"In service on {said_day(day)} is not after today, {said_day(asked.today)}: give a later day.",
        where="in_service",
    )


def operation_is_near_enough(asked: Asked) -> Finding | None:
    """Commercial operation begins within the years that the rules allow."""
    day = asked.answers.values.get("commercial_operation")
    years = int(asked.rulebook.number("intake.commercial_operation"))
    latest = _years_later(asked.today, years)
    if day is None or day <= latest:
        return None
    return Finding(
        "intake.dates.far",
        f"Commercial operation on {said_day(day)} is more than {years} years after filing: "
        f"{said_day(latest)} is the latest day.",
        where="commercial_operation",
    )


def site_is_controlled(asked: Asked) -> Finding | None:
    """Enough of the site is controlled, or a deposit stands for it."""
    chosen, share = asked.answers.values.get("site_control"), asked.answers.number("site_share")
    least = 100.0 * asked.rulebook.number("intake.site_control_share")
    if chosen in {None, IN_LIEU} or share is None or share >= least:
        return None
    return Finding(
        "intake.site.short",
        f"You control {share:,g}% of the site, and the rules ask for {least:,g}%: control more, or, "
        "where a regulation prevents it, choose the deposit instead.",
        where="site_share",
    )


def site_control_is_shown(asked: Asked) -> Finding | None:
    """A document shows the control of the site, or the regulation that prevents it."""
    if asked.answers.values.get("site_control") is None or asked.evidence_count:
        return None
    what = (
        "the affidavit about the regulation"
        if asked.answers.values["site_control"] == IN_LIEU
        else "the deed, lease, option or right"
    )
    return Finding(
        "intake.site.unshown",
        f"No document shows the control of the site: upload {what}.",
        where="site_evidence",
    )


CHECKS: tuple[Callable[[Asked], Finding | None], ...] = (
    point_is_published,
    technologies_are_few,
    technologies_reach_gross,
    power_arrives,
    dates_follow,
    dates_are_ahead,
    operation_is_near_enough,
    site_is_controlled,
    site_control_is_shown,
)


def faults_of(asked: Asked) -> tuple[Finding, ...]:
    """Everything that keeps a request from being filed, in the order of the form."""
    return (
        *asked.answers.faults,
        *(reason for check in CHECKS if (reason := check(asked)) is not None),
    )


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
