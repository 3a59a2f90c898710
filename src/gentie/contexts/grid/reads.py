"""Questions to the published grid. Each is answered with what the one who acts may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, F, Q, QuerySet, When

from gentie.contexts.accounts.reads import may_see_ceii
from gentie.contexts.grid.models import (
    BaseCase,
    CaseFile,
    Drawing,
    PointCapacity,
    PointContingency,
)
from gentie.rulebook.book import GridProfile, profile_of
from gentie.workbench.tables import Tier

BANDS_MW = (0, 50, 100, 200, 300, 500, 1000, 2000)
"""Lower ends of the bands that a histogram of capacities shows."""
CLASSES_MW = (0, 100, 200, 300, 500, 1000, 2000)
"""Lower ends of the classes that the map shows by colour; one ramp has seven steps."""


@dataclass(frozen=True, slots=True)
class Band:
    """How many points have room in a band, half open; ``below_mw`` None for no upper end."""

    from_mw: int
    below_mw: int | None
    count: int


def latest_case() -> BaseCase | None:
    """The base case published last."""
    return BaseCase.objects.first()


def case_by_id(case_id: int) -> BaseCase:
    """A base case.

    Raises:
        BaseCase.DoesNotExist: there is none.
    """
    return BaseCase.objects.get(pk=case_id)


def points_of(
    case: BaseCase,
    *,
    kv: float | None = None,
    area: int | None = None,
    least_mw: float | None = None,
    words: str = "",
) -> QuerySet[PointCapacity]:
    """Points of a case, by voltage, area, room, and words in the name or number.

    A point that nothing limits has room for any MW. Each comes with its ``contingency`` where the
    one who acts may see it.
    """
    found = PointCapacity.objects.filter(base_case=case).select_related("contingency")
    if kv is not None:
        found = found.filter(kv=kv)
    if area is not None:
        found = found.filter(area=area)
    if least_mw is not None:
        found = found.filter(Q(capacity_mw__gte=least_mw) | Q(capacity_mw__isnull=True))
    for word in words.split():
        named = Q(bus_name__icontains=word)
        if word.isdecimal() and len(word) < 19:
            named |= Q(bus=int(word))
        found = found.filter(named)
    return found


def find_points(case: BaseCase, words: str) -> QuerySet[PointCapacity]:
    """Points of a case with all the words: by number first, then by the beginning of the name.

    Equal ones come with the most room first.
    """
    is_number = Q(bus=int(words)) if words.isdecimal() and len(words) < 19 else Q(pk=None)
    return (
        points_of(case, words=words)
        .annotate(
            nearness=Case(
                When(is_number, then=0), When(bus_name__istartswith=words, then=1), default=2
            )
        )
        .order_by("nearness", F("capacity_mw").desc(nulls_first=True), "bus")
    )


def voltages_of(case: BaseCase) -> list[float]:
    """Voltages of the points of a case, the highest first."""
    return list(
        PointCapacity.objects.filter(base_case=case)
        .order_by("-kv")
        .values_list("kv", flat=True)
        .distinct()
    )


def areas_of(case: BaseCase) -> list[tuple[int, str]]:
    """Areas of the points of a case with their owners."""
    return list(
        PointCapacity.objects.filter(base_case=case)
        .order_by("area")
        .values_list("area", "owner")
        .distinct()
    )


def point_at(case: BaseCase, bus: int) -> PointCapacity | None:
    """The point that a bus stands for."""
    found = PointCapacity.objects.select_related("contingency")
    return found.filter(base_case=case, bus=bus).first()


def sees_outages_of(case: BaseCase) -> bool:
    """Whether the outages that limit the points of a case are shown to the one who acts."""
    if case.is_synthetic:
        return True
    return PointContingency.objects.filter(point__base_case=case).exists()


def file_of(case: BaseCase) -> CaseFile | None:
    """The file of a case, where it was kept."""
    return CaseFile.objects.filter(base_case=case).first()


def profile_of_case(case: BaseCase) -> GridProfile | None:
    """What the operator says of a published case, for studies on it; ``None`` without its file.

    A case that was published without a profile has one of all its areas and no owners.
    """
    kept = file_of(case)
    if kept is None:
        return None
    return profile_of({name: text.encode() for name, text in kept.profile.items()}, case.name)


def may_ask(case: BaseCase) -> bool:
    """Whether the one who acts may ask what MW at a point of a case would do.

    The answer tells loadings with an outage, which are CEII on a real grid.
    """
    return case.is_synthetic or may_see_ceii()


def has_file(case: BaseCase) -> bool:
    """Whether points of a case can be asked about with MW."""
    return CaseFile.objects.filter(base_case=case).exists()


def rules_of(case: BaseCase) -> dict[str, bytes] | None:
    """The rulebook's files that a case was published by; None where its file was not kept."""
    kept = CaseFile.objects.filter(base_case=case).values_list("rulebook", flat=True).first()
    return None if kept is None else {name: text.encode() for name, text in kept.items()}


def drawings_of(case: BaseCase) -> dict[str, str]:
    """Digests of what the one who acts may see drawn of a case, by kind."""
    return dict(Drawing.objects.filter(base_case=case).values_list("kind", "digest"))


def drawing(kind: str, digest: str) -> Drawing | None:
    """A drawing by what is in its address; None where there is none that may be seen."""
    return Drawing.objects.filter(kind=kind, digest=digest).first()


def public_drawings(case: BaseCase) -> dict[str, str]:
    """Digests of what everybody may see drawn of a case, by kind."""
    found = Drawing.objects.filter(base_case=case, tier=Tier.PUBLIC)
    return dict(found.values_list("kind", "digest"))


def is_public_drawing(kind: str, digest: str) -> bool:
    """Whether everybody may see it drawn."""
    return Drawing.objects.filter(kind=kind, digest=digest, tier=Tier.PUBLIC).exists()


def bands_of(points: QuerySet[PointCapacity], limits_mw: Sequence[int] = BANDS_MW) -> list[Band]:
    """How many of these points have how much room, by the lower ends of the bands."""
    ends: Sequence[int | None] = (*limits_mw[1:], None)
    counted = points.order_by().aggregate(
        **{
            f"from_{low}": Count(
                "pk",
                filter=Q(capacity_mw__gte=low)
                & (Q(capacity_mw__lt=high) if high is not None else Q()),
            )
            for low, high in zip(limits_mw, ends, strict=True)
        }
    )
    return [
        Band(low, high, counted[f"from_{low}"]) for low, high in zip(limits_mw, ends, strict=True)
    ]


def capacity_by_point(case_id: int, points: Sequence[str]) -> dict[str, float | None]:
    """Room at some points of a case."""
    return dict(
        PointCapacity.objects.filter(base_case_id=case_id, point__in=points).values_list(
            "point", "capacity_mw"
        )
    )


def only_synthetic_cases() -> bool:
    """Whether no published case is of a real grid."""
    return not BaseCase.objects.filter(is_synthetic=False).exists()
