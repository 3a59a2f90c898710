"""What can be done to a base case: publish it, and keep what its map is drawn from."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.grid.models import (
    BaseCase,
    CaseFile,
    Drawing,
    PointCapacity,
    PointContingency,
)
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


@dataclass(frozen=True, slots=True)
class CaseSource:
    """What a base case was made of and how it is drawn; see ``runs.case_source``.

    Attributes:
        source_name: of the case file.
        content: of the case file.
        rulebook: the rulebook's files by name.
        profile: the files of the operator's profile by name; empty for a case without one.
        drawings: JSON of the map by kind: ``points``, ``lines``.
    """

    source_name: str
    content: bytes
    rulebook: Mapping[str, bytes]
    profile: Mapping[str, bytes]
    drawings: Mapping[str, bytes]


@transaction.atomic
def publish_case(
    *,
    facts: CaseFacts,
    points: Sequence[Mapping[str, Any]],
    by: str,
    at: datetime,
    source: CaseSource | None = None,
) -> BaseCase:
    """Publish a base case together with the capacity of its points.

    Publishing the same again changes nothing and gives the case that is there.

    Args:
        facts: of the case.
        points: rows of ``gentie.workbench.capacity.capacity_map``.
        by: who, as ``kind:id``.
        at: when; an aware time.
        source: for the map and for questions with MW; without it there are none.

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
        if source is not None:
            keep_source(base_case=case, source=source, by=by, at=at)
        return case
    made = PointCapacity.objects.bulk_create(
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
                next_mw=row["next_mw"],
                next_element=row["next_element"] or "",
                tier=Tier.PUBLIC,
            )
            for row in points
        ),
        batch_size=AT_ONCE,
    )
    PointContingency.objects.bulk_create(
        (
            PointContingency(
                point=point,
                outage=row["outage"] or "",
                next_outage=row["next_outage"] or "",
                tier=_guarded(case),
            )
            for point, row in zip(made, points, strict=True)
        ),
        batch_size=AT_ONCE,
    )
    record(by=by, action="grid.case.published", subject=f"base_case:{case.pk}", at=at)
    if source is not None:
        keep_source(base_case=case, source=source, by=by, at=at)
    return case


@transaction.atomic
def keep_source(*, base_case: BaseCase, source: CaseSource, by: str, at: datetime) -> None:
    """Keep what a published case was made of; where it is kept already, nothing changes.

    Args:
        base_case: as published.
        source: of it.
        by: who, as ``kind:id``.
        at: when; an aware time.

    Raises:
        BadInput: it is the file of another case.
    """
    digest = hashlib.sha256(source.content).hexdigest()
    if digest != base_case.sha256:
        raise BadInput(
            Finding(
                "grid.source.other",
                f"The file {source.source_name} is {digest[:12]}…, and the base case was made of "
                f"{base_case.sha256[:12]}…: give the file of the published case.",
            )
        )
    guarded = _guarded(base_case)
    _, is_new = CaseFile.objects.get_or_create(
        base_case=base_case,
        defaults={
            "source_name": source.source_name,
            "content": gzip.compress(source.content, mtime=0),
            "rulebook": {name: content.decode() for name, content in source.rulebook.items()},
            "profile": {name: content.decode() for name, content in source.profile.items()},
            "tier": guarded,
        },
    )
    if not is_new:
        return
    Drawing.objects.bulk_create(
        Drawing(
            base_case=base_case,
            kind=kind,
            digest=hashlib.sha256(content).hexdigest(),
            content=gzip.compress(content, mtime=0),
            tier=Tier.PUBLIC if kind == "points" else guarded,
        )
        for kind, content in sorted(source.drawings.items())
    )
    record(by=by, action="grid.case.source_kept", subject=f"base_case:{base_case.pk}", at=at)


def _guarded(base_case: BaseCase) -> Tier:
    """Tier of outages, lines, ratings and flows; the points of a real grid are public."""
    return Tier.PUBLIC if base_case.is_synthetic else Tier.CEII
