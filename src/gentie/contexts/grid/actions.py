"""What can be done to a base case: publish it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.grid.models import BaseCase, PointCapacity
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.tables import Tier

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A base case and the rules by which it is read; the attributes of ``BaseCase``."""

    name: str
    sha256: str
    operator: str
    note: str
    credit: str
    is_synthetic: bool
    areas: tuple[int, ...]
    rulebook: str
    rulebook_version: str
    rulebook_digest: str
    time_zone: str
    engine_version: str
    cut_off: float
    minimum_kv: float
    emergency_multiplier: float


@transaction.atomic
def publish_case(
    *, facts: CaseFacts, points: Sequence[Mapping[str, Any]], by: str, at: datetime
) -> BaseCase:
    """Publish a base case together with the capacity of its points.

    Publishing the same again changes nothing and gives the case that is there.

    Args:
        facts: of the case.
        points: rows of ``gentie.workbench.capacity.capacity_map``.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: two rows are about the same point; all such points are named.
    """
    told = Counter(str(row["point"]) for row in points)
    twice = [point for point, times in told.items() if times > 1]
    if twice:
        raise BadInput(
            [
                Finding(
                    "grid.point.twice",
                    f"{point} has two capacities; publish one row for each point.",
                    where=point,
                )
                for point in twice
            ]
        )
    said = {"facts": asdict(facts), "points": [dict(row) for row in points]}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    case, is_new = BaseCase.objects.get_or_create(
        digest=digest,
        defaults={
            **asdict(facts),
            "areas": list(facts.areas),
            "tier": Tier.PUBLIC,
            "published_at": at,
        },
    )
    if not is_new:
        return case
    PointCapacity.objects.bulk_create(
        (
            PointCapacity(
                base_case=case,
                point=row["point"],
                bus=row["bus"],
                bus_name=row["name"],
                kv=row["kv"],
                area=row["area"],
                owner=row["owner"],
                latitude_deg=row["latitude_deg"],
                longitude_deg=row["longitude_deg"],
                capacity_mw=row["capacity_mw"],
                limiting_element=row["limiting_element"] or "",
                outage=row["outage"] or "",
                next_mw=row["next_mw"],
                next_element=row["next_element"] or "",
                next_outage=row["next_outage"] or "",
                # The limiting outage is shown with it.
                tier=Tier.CEII,
            )
            for row in points
        ),
        batch_size=AT_ONCE,
    )
    record(by=by, action="grid.case.published", subject=f"base_case:{case.pk}", at=at)
    return case
