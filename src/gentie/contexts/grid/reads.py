"""Questions to the published grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from gentie.contexts.grid.models import BaseCase, PointCapacity

BANDS_MW = (0, 50, 100, 200, 300, 500, 1000, 2000)
"""Lower ends of the bands that a histogram of capacities shows."""


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

    A point that nothing limits has room for any MW.
    """
    found = PointCapacity.objects.filter(base_case=case)
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


def bands_of(points: QuerySet[PointCapacity]) -> list[Band]:
    """How many of these points have how much room."""
    ends: Sequence[int | None] = (*BANDS_MW[1:], None)
    counted = points.order_by().aggregate(
        **{
            f"from_{low}": Count(
                "pk",
                filter=Q(capacity_mw__gte=low)
                & (Q(capacity_mw__lt=high) if high is not None else Q()),
            )
            for low, high in zip(BANDS_MW, ends, strict=True)
        }
    )
    return [
        Band(low, high, counted[f"from_{low}"]) for low, high in zip(BANDS_MW, ends, strict=True)
    ]


def capacity_by_point(case_id: int, points: Sequence[str]) -> dict[str, float | None]:
    """Room at some points of a case."""
    return dict(
        PointCapacity.objects.filter(base_case_id=case_id, point__in=points).values_list(
            "point", "capacity_mw"
        )
    )
