"""What somebody wants to connect, and the words that say it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

TECHNOLOGIES = frozenset(
    {
        "solar",
        "wind",
        "storage",
        "gas",
        "geothermal",
        "hydro",
        "biomass",
        "nuclear",
        "coal",
        "other",
    }
)
NEEDED_COLUMNS = ("request", "bus", "technology", "mw", "mwh", "deliverability")
OPTIONAL_COLUMNS = ("net_mw",)


class Deliverability(StrEnum):
    """Whether the whole output must be deliverable at peak."""

    FULL = "full"
    ENERGY_ONLY = "energy_only"


@dataclass(frozen=True)
class Component:
    """One technology of a request.

    Attributes:
        technology: one of the technologies allowed.
        mw: largest output.
        mwh: energy that storage holds, ``None`` where none is given.
    """

    technology: str
    mw: float
    mwh: float | None = None


@dataclass(frozen=True)
class Request:
    """What somebody wants to connect.

    Attributes:
        request: its identity.
        bus: number of the bus in the case.
        components: by technology, in alphabetical order.
        deliverability: asked for.
        net_mw: most that the site delivers at its point.
    """

    request: str
    bus: int
    components: tuple[Component, ...]
    deliverability: Deliverability
    net_mw: float

    @property
    def sum_mw(self) -> float:
        """Largest outputs of all technologies together."""
        return math.fsum(component.mw for component in self.components)


def natural_order(identity: str) -> tuple[tuple[int, int, str], ...]:
    """A key by which ``R2`` comes before ``R10``."""
    return tuple(
        (0, int(piece), "") if piece.isdigit() else (1, 0, piece.lower())
        for piece in re.split(r"(\d+)", identity)
        if piece
    )


def sequence(identity: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """The natural order, made strict by the identity itself."""
    return natural_order(identity), identity
