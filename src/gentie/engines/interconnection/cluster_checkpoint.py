"""Where a study stands, so that it can go on elsewhere: the decisions taken so far, and no arrays.

The tables of a large grid take gigabytes and are made in seconds; what takes long is to search
them after every upgrade. So a checkpoint holds what the searches found. Replaying it applies the
same rank-1 updates in the same order, which gives the same bits on the same kind of processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gentie.engines.interconnection.cluster_study import Condition, UnreachedOverload
from gentie.engines.interconnection.remedial_action import Scheme


class Stage(StrEnum):
    """What is done next."""

    RELIABILITY = "reliability"
    DELIVERABILITY = "deliverability"
    RELIABILITY_UPGRADES = "reliability upgrades"
    DELIVERABILITY_UPGRADES = "deliverability upgrades"
    ENDED = "ended"


class Act(StrEnum):
    """What was decided about a pair of element and outage."""

    NAMED = "named"
    BUILT = "built"


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that a search led to.

    Attributes:
        act: it was named as a constraint, or something was built against it.
        condition: under which it was found.
        element: place in the element table.
        outage: place in the element table, -1 for the base case.
        sign: +1 where the flow runs along the element.
        loading: share of the limit.
        outages: of a named one: how many outages load the element above its limit.
        arose: of a named one: the element was within its limits until an upgrade moved its flow.
    """

    act: Act
    condition: Condition
    element: int
    outage: int
    sign: int
    loading: float
    outages: int = 1
    arose: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that a study has found, from which it goes on.

    Attributes:
        start: digest of the element table before the first decision.
        stage: what is done next.
        built_before: upgrades that stood when the pass through both conditions began.
        decisions: in their order.
        schemes: kept by the last search; ``outage`` and ``elements`` are places.
        unreached: overloads that are not the cluster's by the rules.
        dispatch_share: of the last deliverability test; nan without one.
    """

    start: str
    stage: Stage
    built_before: int
    decisions: tuple[Decision, ...]
    schemes: tuple[Scheme, ...]
    unreached: tuple[UnreachedOverload, ...]
    dispatch_share: float


class OtherStart(Exception):
    """The case, the requests or the arithmetic are not those that the checkpoint was made with."""
