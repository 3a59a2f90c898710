"""What goes into a cluster study and what comes out of it, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gentie.engines.grid.network import Floats, Integers, Network
from gentie.engines.interconnection.allocation import Basis, LedgerRow
from gentie.engines.interconnection.deliverability import DeliverabilityRules
from gentie.engines.interconnection.published import PublishedCase
from gentie.engines.interconnection.remedial_action import RemedialActionRules, Scheme
from gentie.engines.interconnection.upgrades import Upgrade, UpgradeRules
from gentie.engines.interconnection.verification import Verification


class Policy(StrEnum):
    """What is tried first against an overload after a single outage."""

    RAS_FIRST = "ras_first"
    WIRES_FIRST = "wires_first"


class Condition(StrEnum):
    """The last part of a constraint's identity: under which study condition it was found."""

    RELIABILITY = "peak-reliability"
    DELIVERABILITY = "peak-deliverability"


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """One request as the engine sees it.

    Attributes:
        id: its name; the study's order of requests is the order of these.
        bus_row: where it injects: the principal bus of its point.
        mw: net MW at the point.
        study_mw: deliverability study amount; 0 for energy only.
    """

    id: str
    bus_row: int
    mw: float
    study_mw: float


@dataclass(frozen=True, slots=True)
class StudyRules:
    """Everything that the rulebook says to a study."""

    policy: Policy
    collective_impact: float
    least_factor: float
    least_share: float
    deliverability: DeliverabilityRules
    remedial_action: RemedialActionRules
    upgrades: UpgradeRules


@dataclass(frozen=True, eq=False)
class Constraint:
    """An element that the cluster loads above its limit, with its worst outage.

    Attributes:
        id: ``element|outage|direction|condition``.
        condition: reliability or deliverability.
        branch_row: the element.
        outage_row: the outage, -1 for the base case.
        limit_mw: that applies, before any upgrade.
        before_percent: loading without the cluster.
        with_percent: loading with the cluster.
        after_percent: loading with the cluster and all that is built or tripped for it.
        outages: how many outages (the base case counts as one) load the element above its limit.
        arose_from_upgrades: the element was within its limits until an upgrade moved its flow.
        upgrades: ids of the upgrades built for it; empty where a remedial action covers it, or
            where the upgrades of other constraints relieve it.
        has_scheme: a remedial action trips requests after this outage.
        request: (r,) places of the requests that pay, or would pay.
        factor: (r,) their distribution factors.
        impact_mw: (r,) their impacts.
        basis: by which rule they were chosen.
        flows_mw: (3, e) flows on the elements after the outage: before, with, and finally.
    """

    id: str
    condition: Condition
    branch_row: int
    outage_row: int
    limit_mw: float
    before_percent: float
    with_percent: float
    after_percent: float
    outages: int
    arose_from_upgrades: bool
    upgrades: tuple[str, ...]
    has_scheme: bool
    request: Integers
    factor: Floats
    impact_mw: Floats
    basis: Basis
    flows_mw: Floats


@dataclass(frozen=True, eq=False)
class UnreachedOverload:
    """An overload that is not the cluster's by the rules: named, and assigned to nobody."""

    branch_row: int
    outage_row: int
    with_percent: float


@dataclass(frozen=True, eq=False)
class ClusterStudy:
    """The result; requests, and with them all ``request`` places, are in the order of their ids.

    Attributes:
        case: the published case.
        requests: studied.
        rules: by which.
        constraints: reliability first, then deliverability, each as found.
        unreached: overloads that are not the cluster's by the rules.
        upgrades: in the order in which they were called for.
        schemes: remedial actions that remain, by outage; ``outage`` is a branch row here.
        ledger: every row of what is owed.
        dispatch_share: what all generators run at in the deliverability test; nan without it.
        element_row: (e,) branch rows of the elements of ``Constraint.flows_mw``.
        limits_before_mw: (2, e) their limits, normal and after an outage, as the case has them.
        limits_after_mw: (2, e) the same with everything built.
        upgraded: the network with everything built.
        verification: the check of it.
    """

    case: PublishedCase
    requests: tuple[StudyRequest, ...]
    rules: StudyRules
    constraints: tuple[Constraint, ...]
    unreached: tuple[UnreachedOverload, ...]
    upgrades: tuple[Upgrade, ...]
    schemes: tuple[Scheme, ...]
    ledger: tuple[LedgerRow, ...]
    dispatch_share: float
    element_row: Integers
    limits_before_mw: Floats
    limits_after_mw: Floats
    upgraded: Network
    verification: Verification
