"""Ratings of branches from the limits that a CGMES grid gives."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gentie.engines.grid.network import Floats

PERMANENT = -1
SIDES = {"ONE": 1, "TWO": 2, "THREE": 3, "NONE": 1}


@dataclass(frozen=True)
class Ratings:
    """Limits by element and side: kind, value, and how long it may be kept (-1: for good)."""

    limits: dict[tuple[str, int], list[tuple[str, float, float]]] = field(default_factory=dict)

    def columns(
        self, identities: tuple[str, ...], nominal_kv: Floats, *, side: int = 0
    ) -> tuple[Floats, Floats, Floats]:
        """Normal, long-term and emergency rating, MVA, 0 where there is none.

        The normal rating is the lowest that may be kept for good, of both sides or of one; the
        other two are the lowest with the longest, and with the shortest, time among the others.
        """
        made = np.zeros((len(identities), 3))
        for row, identity in enumerate(identities):
            sides = (side,) if side else (1, 2)
            given = [
                (_mva(kind, value, float(nominal_kv[row])), time)
                for one in sides
                for kind, value, time in self.limits.get((identity, one), ())
            ]
            lasting = [mva for mva, time in given if time == PERMANENT]
            times = sorted({time for _, time in given if time != PERMANENT})
            made[row, 0] = min(lasting, default=0.0)
            if times:
                made[row, 1] = min(mva for mva, time in given if time == times[-1])
                made[row, 2] = min(mva for mva, time in given if time == times[0])
        made[~np.isfinite(made) | (made > 1e6)] = 0.0
        return made[:, 0], made[:, 1], made[:, 2]


def _mva(kind: str, value: float, nominal_kv: float) -> float:
    return math.sqrt(3) * value * nominal_kv / 1000 if kind == "CURRENT" else value


def ratings_of(grid: Any) -> Ratings:
    """All limits of a grid, in A, MW and MVA; ask before the grid is put in per unit."""
    frame = grid.get_loading_limits().reset_index()
    limits: dict[tuple[str, int], list[tuple[str, float, float]]] = defaultdict(list)
    for row in frame.to_dict("records"):
        value, time = float(row["value"]), float(row["acceptable_duration"])
        limits[str(row["element_id"]), SIDES.get(str(row["side"]), 1)].append(
            (str(row["type"]), value, time)
        )
    return Ratings(dict(limits))
