"""Questions to published studies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db.models import Case, Count, Q, QuerySet, Sum, When

from gentie.contexts.accounts.acting import Acting
from gentie.contexts.grid.reads import capacity_by_point
from gentie.contexts.studies.models import (
    Constraint,
    ConstraintRequest,
    LedgerRow,
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
    return Study.objects.select_related("base_case").defer("assumptions", "fidelity")


def latest_study() -> Study | None:
    """The study published last."""
    return studies().first()


def study_by_slug(slug: str) -> Study | None:
    """A study by its address, with its base case."""
    return Study.objects.select_related("base_case").filter(slug=slug).first()


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


def has_study_of(inputs_digest: str) -> bool:
    """Whether a study with these inputs and this engine is published, bundle included."""
    return any(
        bundle_file(study).is_file() for study in Study.objects.filter(inputs_digest=inputs_digest)
    )


def bundle_file(study: Study) -> Path:
    """Where the zipped bundle lies."""
    return Path(settings.DATA_DIR) / study.bundle_place


def may_have_bundle(study: Study, acting: Acting) -> bool:
    """Whether somebody may download a bundle, which holds everybody's costs."""
    return study.is_shown_in_full or acting.is_operator


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
    found = Constraint.objects.filter(study=study)
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
    """A constraint with its picture."""
    return Constraint.objects.select_related("picture").filter(study=study, number=number).first()


def shares_of(constraint: Constraint) -> QuerySet[ConstraintRequest]:
    """Requests that share a constraint, the largest impact first."""
    return (
        ConstraintRequest.objects.filter(constraint=constraint)
        .select_related("request")
        .order_by("-impact_mw", "request__number")
    )


def upgrades_of(study: Study, *, cost_class: str = "", kind: str = "") -> QuerySet[Upgrade]:
    """Upgrades of a study."""
    found = Upgrade.objects.filter(study=study)
    if cost_class:
        found = found.filter(cost_class=cost_class)
    if kind:
        found = found.filter(kind=kind)
    return found


def upgrade_by_number(study: Study, number: int) -> Upgrade | None:
    """An upgrade."""
    return Upgrade.objects.filter(study=study, number=number).first()


def kinds_of(study: Study) -> list[str]:
    """Kinds of upgrades in a study."""
    return list(study.upgrades.order_by("kind").values_list("kind", flat=True).distinct())


def classes_of(study: Study) -> list[tuple[str, int, Decimal]]:
    """Classes of cost with how many upgrades each has and what they cost, the dearest first."""
    counted = (
        Upgrade.objects.filter(study=study)
        .order_by()
        .values("cost_class")
        .annotate(count=Count("pk"), whole=Sum("cost"))
        .order_by("-whole", "cost_class")
    )
    return [(one["cost_class"], one["count"], one["whole"]) for one in counted]


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
        .select_related("upgrade")
        .order_by("-amount", "upgrade__number")
    )


def requests_of(
    study: Study, *, owner: str = "", technology: str = "", deliverability: str = ""
) -> QuerySet[StudiedRequest]:
    """Requests of a study."""
    found = StudiedRequest.objects.filter(study=study)
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
    """A request."""
    return StudiedRequest.objects.filter(study=study, name=name).first()


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
        .select_related("constraint")
        .order_by("-impact_mw", "constraint__number")
    )


def schemes_of(study: Study) -> QuerySet[Scheme]:
    """Remedial action schemes with the requests that they trip."""
    return Scheme.objects.filter(study=study).prefetch_related("requests")
