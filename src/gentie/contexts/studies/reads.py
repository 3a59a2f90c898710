"""Questions to published studies.

Each is answered with the rows that the one who acts may see. What is withheld of a thing is a row
beside it that is not there: ``costs``, ``estimate``, ``reason``, ``contingency``, ``in_full``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, F, FloatField, Q, QuerySet, Sum, When

from gentie.contexts.grid.reads import capacity_by_point
from gentie.contexts.studies.models import (
    Constraint,
    ConstraintRequest,
    LedgerRow,
    RequestCosts,
    Scheme,
    StudiedRequest,
    Study,
    Upgrade,
)

RELIABILITY, DELIVERABILITY = "peak-reliability", "peak-deliverability"


@dataclass(frozen=True, slots=True)
class AloneAndTogether:
    """What the requests do one by one, and what they do as a cluster.

    Attributes:
        requests: of the cluster.
        fit_alone: how many of them their point takes when nobody else connects.
        overloaded: elements that they overload together, before anything is built.
    """

    requests: int
    fit_alone: int
    overloaded: int


def studies() -> QuerySet[Study]:
    """All studies, the latest first, with their base cases."""
    return Study.objects.select_related("base_case", "in_full").defer("assumptions")


def latest_study() -> Study | None:
    """The study published last."""
    return studies().first()


def study_by_slug(slug: str) -> Study | None:
    """A study by its address, with its base case."""
    return Study.objects.select_related("base_case", "in_full").filter(slug=slug).first()


def find_studies(words: str) -> QuerySet[Study]:
    """Studies with all the words in their title or operator, the latest first."""
    found = studies()
    for word in words.split():
        found = found.filter(
            Q(title__icontains=word)
            | Q(slug__icontains=word)
            | Q(base_case__operator__icontains=word)
        )
    return found


def find_requests(words: str) -> QuerySet[StudiedRequest]:
    """Requests with all the words in their name or point, those named so first."""
    found = StudiedRequest.objects.select_related("study")
    is_named = Q()
    for word in words.split():
        named = Q(name__icontains=word)
        is_named &= named
        at = Q(bus_name__icontains=word)
        if word.isdecimal() and len(word) < 19:
            at |= Q(bus=int(word))
        found = found.filter(named | at)
    return found.annotate(is_named=Case(When(is_named, then=0), default=1)).order_by(
        "is_named", "-study__published_at", "number"
    )


def sees_all_of(study: Study) -> bool:
    """Whether nothing of a study is withheld from the one who acts."""
    return hasattr(study, "in_full")


def sees_costs_in(study: Study) -> bool:
    """Whether the costs of any request of a study are shown to the one who acts."""
    return sees_all_of(study) or RequestCosts.objects.filter(request__study=study).exists()


def costs_of(study: Study) -> dict[str, Any]:
    """Sums of a study's costs, as the bundle's summary has them; a withheld one is not there."""
    cost: dict[str, Any] = study.in_full.cost if sees_all_of(study) else study.summary["cost"]
    return cost


def costs_per_kw_of(study: Study) -> list[float] | None:
    """What each request pays for a kilowatt; None for who does not see them all."""
    if not sees_all_of(study):
        return None
    return list(
        RequestCosts.objects.filter(request__study=study).values_list("cost_per_kw", flat=True)
    )


def fidelity_of(study: Study) -> list[dict[str, Any]] | None:
    """What the case lacked; None where it is withheld."""
    kept = getattr(study, "fidelity", None)
    return None if kept is None else kept.findings


def has_study_of(inputs_digest: str) -> bool:
    """Whether a study with these inputs and this engine is published, bundle included.

    Asked by who may not see the bundle, the answer is no.
    """
    return any(
        (file := bundle_file(study)) is not None and file.is_file()
        for study in studies().filter(inputs_digest=inputs_digest)
    )


def bundle_file(study: Study) -> Path | None:
    """Where the zipped bundle lies; None for who may not have it."""
    if not sees_all_of(study):
        return None
    return Path(settings.DATA_DIR) / study.in_full.bundle_place


def alone_and_together(study: Study) -> AloneAndTogether:
    """Why clusters are studied, in three figures."""
    wanted = list(study.requests.values_list("point", "net_mw"))
    room = capacity_by_point(study.base_case_id, [point for point, _ in wanted])
    fit = sum(
        1
        for point, mw in wanted
        if point in room and (room[point] is None or mw <= (room[point] or 0.0))
    )
    overloaded = (
        study.constraints.filter(condition=RELIABILITY, arose_from_upgrades=False)
        .values("element")
        .distinct()
        .count()
    )
    return AloneAndTogether(requests=len(wanted), fit_alone=fit, overloaded=overloaded)


def constraints_of(
    study: Study, *, condition: str = "", treatment: str = ""
) -> QuerySet[Constraint]:
    """Constraints of a study."""
    found = Constraint.objects.filter(study=study).select_related("contingency")
    if condition:
        found = found.filter(condition=condition)
    if treatment:
        found = found.filter(treatment=treatment)
    return found


def treatments_of(study: Study) -> list[str]:
    """What became of the constraints of a study."""
    return list(
        study.constraints.order_by("treatment").values_list("treatment", flat=True).distinct()
    )


def constraint_by_number(study: Study, number: int) -> Constraint | None:
    """A constraint with its contingency and its picture."""
    found = Constraint.objects.select_related("contingency", "picture")
    return found.filter(study=study, number=number).first()


def shares_of(constraint: Constraint) -> QuerySet[ConstraintRequest]:
    """Requests that share a constraint, the largest impact first, with ``impact_percent``.

    The percent of the limit are none for who may not see the limit.
    """
    return (
        ConstraintRequest.objects.filter(constraint=constraint)
        .select_related("request")
        .annotate(impact_percent=100.0 * F("impact_mw") / F("constraint__contingency__limit_mw"))
        .order_by("-impact_mw", "request__number")
    )


def upgrades_of(study: Study, *, cost_class: str = "", kind: str = "") -> QuerySet[Upgrade]:
    """Upgrades of a study."""
    found = Upgrade.objects.filter(study=study).select_related("estimate", "reason")
    if cost_class:
        found = found.filter(cost_class=cost_class)
    if kind:
        found = found.filter(kind=kind)
    return found


def upgrade_by_number(study: Study, number: int) -> Upgrade | None:
    """An upgrade with its estimate and its reason."""
    found = Upgrade.objects.select_related("estimate", "reason")
    return found.filter(study=study, number=number).first()


def upgrades_for(constraint: Constraint) -> QuerySet[Upgrade]:
    """What is built for a constraint, with estimates."""
    return Upgrade.objects.filter(constraints=constraint).select_related("estimate")


def kinds_of(study: Study) -> list[str]:
    """Kinds of upgrades in a study."""
    return list(study.upgrades.order_by("kind").values_list("kind", flat=True).distinct())


def classes_of(study: Study) -> list[tuple[str, int, Decimal | None]]:
    """Classes of cost with how many upgrades each has and what they cost, the dearest first.

    The cost is None where it would tell what one request pays.
    """
    counted = (
        Upgrade.objects.filter(study=study)
        .order_by()
        .values_list("cost_class")
        .annotate(count=Count("pk"))
    )
    by_class = costs_of(study).get("by_class")
    found = [
        (name, count, None if by_class is None else Decimal(by_class[name]))
        for name, count in counted
    ]
    return sorted(found, key=lambda one: (-(one[2] or 0), one[0]))


def ledger_of_upgrade(upgrade: Upgrade) -> QuerySet[LedgerRow]:
    """Who pays for an upgrade, the largest share first."""
    return (
        LedgerRow.objects.filter(upgrade=upgrade)
        .select_related("request")
        .order_by("-amount", "request__number")
    )


def ledger_of_request(request: StudiedRequest) -> QuerySet[LedgerRow]:
    """What a request pays for, the dearest first."""
    return (
        LedgerRow.objects.filter(request=request)
        .select_related("upgrade__estimate", "upgrade__reason")
        .order_by("-amount", "upgrade__number")
    )


def requests_of(
    study: Study, *, owner: str = "", technology: str = "", deliverability: str = ""
) -> QuerySet[StudiedRequest]:
    """Requests of a study, each with its costs where they may be seen."""
    found = StudiedRequest.objects.filter(study=study).select_related("costs")
    if owner:
        found = found.filter(owner=owner)
    if technology:
        # One technology stands at the beginning or after the plus sign of a hybrid.
        found = found.filter(
            Q(technologies__startswith=f"{technology} ")
            | Q(technologies__contains=f"+ {technology} ")
        )
    if deliverability:
        found = found.filter(deliverability=deliverability)
    return found


def request_by_name(study: Study, name: str) -> StudiedRequest | None:
    """A request with its costs where they may be seen."""
    found = StudiedRequest.objects.select_related("costs")
    return found.filter(study=study, name=name).first()


def owners_of(study: Study) -> list[str]:
    """Transmission owners at whose points the requests are."""
    return list(study.requests.order_by("owner").values_list("owner", flat=True).distinct())


def technologies_of(study: Study) -> list[str]:
    """Technologies of the requests."""
    written = study.requests.values_list("technologies", flat=True)
    return sorted({part.split(" ", 1)[0] for words in written for part in words.split(" + ")})


def reached_by(request: StudiedRequest) -> QuerySet[ConstraintRequest]:
    """Constraints that a request reaches, the largest impact first."""
    return (
        ConstraintRequest.objects.filter(request=request)
        .select_related("constraint__contingency")
        .order_by("-impact_mw", "constraint__number")
    )


def schemes_of(study: Study) -> QuerySet[Scheme]:
    """Remedial action schemes with those requests that they trip and that may be seen.

    ``tripped_mw`` is the sum of these.
    """
    return (
        Scheme.objects.filter(study=study)
        .select_related("contingency")
        .prefetch_related("requests")
        .annotate(tripped_mw=Sum("requests__net_mw", output_field=FloatField(), default=0.0))
    )


def schemes_that_trip(request: StudiedRequest) -> QuerySet[Scheme]:
    """Remedial action schemes that trip a request, where that may be seen."""
    return Scheme.objects.filter(requests=request).select_related("contingency")
