"""A cluster study on its way: one search at a time, so that it can be stopped and go on elsewhere.

Reliability comes first: every request at full output, the studied area's fleet making room. Then
deliverability, on the grid with the reliability upgrades in it. Either may disturb the other, so
both are repeated until neither finds anything that the cluster causes.
"""

from __future__ import annotations

import numpy as np

from gentie.engines.grid.network import Floats
from gentie.engines.interconnection.cluster_checkpoint import (
    Act,
    Checkpoint,
    Decision,
    OtherStart,
    Stage,
)
from gentie.engines.interconnection.cluster_state import ClusterState, Progress
from gentie.engines.interconnection.cluster_study import (
    Condition,
    Policy,
    StudyRequest,
    StudyRules,
    UnreachedOverload,
)
from gentie.engines.interconnection.elements import BASE, Pairs
from gentie.engines.interconnection.pair_search import DeliverabilitySearch, PairSearch
from gentie.engines.interconnection.published import AT_LIMIT, PublishedCase
from gentie.engines.interconnection.remedial_action import Scheme, design_scheme
from gentie.engines.interconnection.transfer_factors import TransferFactors


class ClusterWork(ClusterState):
    """Searches the state for what the cluster overloads, and decides.

    Attributes:
        stage: what is done next.
        built_before: upgrades that stood when the pass through both conditions began.
        schemes: kept by the last search, by the place of their outage.
        unreached: overloads that are not the cluster's by the rules.
        dispatch_share: of the last deliverability test; nan without one.
        left: elements above their limit at the last search that something must be built for; -1
            before one.
    """

    def __init__(
        self,
        case: PublishedCase,
        requests: tuple[StudyRequest, ...],
        rules: StudyRules,
        *,
        miles: Floats,
        threads: int = 2,
        progress: Progress | None = None,
        kept: TransferFactors | None = None,
    ) -> None:
        """Begin; see ``cluster.study_cluster``."""
        super().__init__(
            case, requests, rules, miles=miles, threads=threads, progress=progress, kept=kept
        )
        self._pairs = PairSearch(collective_impact=rules.collective_impact, threads=threads)
        self._tested = DeliverabilitySearch(threads=threads)
        self.stage = Stage.RELIABILITY
        self.built_before = 0
        self.schemes: dict[int, Scheme] = {}
        self.unreached: tuple[UnreachedOverload, ...] = ()
        self.dispatch_share = float("nan")
        self.left = -1

    # The way

    @property
    def is_ended(self) -> bool:
        """Nothing of the cluster's is left to relieve."""
        return self.stage is Stage.ENDED

    def advance(self) -> None:
        """Make one search and what follows from it: constraints named, at most one upgrade built.

        Raises:
            NoEnd: the upgrades do not come to an end.
        """
        if self.stage is Stage.RELIABILITY:
            self.look_at_reliability()
            self.stage = Stage.DELIVERABILITY
        elif self.stage is Stage.DELIVERABILITY:
            self.look_at_deliverability()
            self.stage = Stage.RELIABILITY_UPGRADES
        elif self.stage is Stage.RELIABILITY_UPGRADES:
            if not self.relieve_reliability():
                self.stage = Stage.DELIVERABILITY_UPGRADES
        elif self.stage is Stage.DELIVERABILITY_UPGRADES and not self.relieve_deliverability():
            is_calm = len(self.upgrades) == self.built_before
            self.stage = Stage.ENDED if is_calm else Stage.RELIABILITY_UPGRADES
            self.built_before = len(self.upgrades)

    def checkpoint(self) -> Checkpoint:
        """Where the study stands."""
        return Checkpoint(
            start=self.start,
            stage=self.stage,
            built_before=self.built_before,
            decisions=tuple(self.decisions),
            schemes=tuple(scheme for _, scheme in sorted(self.schemes.items())),
            unreached=self.unreached,
            dispatch_share=self.dispatch_share,
        )

    def go_on_from(self, checkpoint: Checkpoint) -> None:
        """Take the decisions of a checkpoint again, without the searches that led to them.

        Raises:
            OtherStart: the checkpoint is not of this study, or not of this kind of processor.
        """
        if checkpoint.start != self.start or self.decisions:
            raise OtherStart
        for decision in checkpoint.decisions:
            self.take(decision)
        self.stage, self.built_before = checkpoint.stage, checkpoint.built_before
        self.schemes = {scheme.outage: scheme for scheme in checkpoint.schemes}
        self.unreached, self.dispatch_share = checkpoint.unreached, checkpoint.dispatch_share

    def pairs(self) -> Pairs:
        """Everything above its limit with the cluster at full output."""
        return self._pairs.look(self.now)

    def build_worst(self, found: Pairs, condition: Condition) -> None:
        """Relieve the worst of these pairs."""
        self.take(_decision(Act.BUILT, found, found.worst(), condition))

    def known(self, condition: Condition) -> set[int]:
        """Branch rows of the elements that are named as constraints under a condition."""
        return {
            constraint.branch_row
            for constraint in self.constraints.values()
            if constraint.condition is condition
        }

    # Reliability

    def look_at_reliability(self) -> None:
        """Name every constraint of the grid as it is, before anything is done about it."""
        self.progress("reliability", 0, 0)
        found = self.pairs()
        self.name_reliability(found.only(found.is_reached), arose=False)
        others = found.only(~found.is_reached).worst_of_each_element()
        row = self.table.row
        self.unreached = tuple(
            UnreachedOverload(
                int(row[element]),
                int(row[outage]) if outage != BASE else BASE,
                100.0 * float(loading),
            )
            for element, outage, loading in zip(
                others.element, others.outage, others.loading, strict=True
            )
        )

    def name_reliability(self, found: Pairs, *, arose: bool) -> None:
        """Keep the worst pair of each element as a constraint, unless it is known already."""
        known = self.known(Condition.RELIABILITY)
        if known.issuperset(self.table.row[np.unique(found.element)].tolist()):
            return
        worst = found.worst_of_each_element()
        for place, element in enumerate(worst.element):
            if int(self.table.row[element]) not in known:
                self.take(
                    _decision(
                        Act.NAMED,
                        worst,
                        place,
                        Condition.RELIABILITY,
                        outages=int((found.element == element).sum()),
                        arose=arose,
                    )
                )

    def relieve_reliability(self) -> bool:
        """Design schemes and build against the worst of what they leave; False for nothing left."""
        everything = self.pairs()
        found = everything.only(everything.is_reached)
        self.name_reliability(found, arose=True)
        others = everything.only(~everything.is_reached)
        wires = self.pairs_for_wires(found, others)
        self.left = len(np.unique(wires.element))
        self.progress("reliability upgrades", len(self.upgrades), 0)
        if len(wires.element) == 0:
            return False
        self.build_worst(wires, Condition.RELIABILITY)
        return True

    def pairs_for_wires(self, found: Pairs, others: Pairs) -> Pairs:
        """What schemes may not or cannot clear; keeps the schemes that do."""
        self.schemes = {}
        if (
            self.rules.policy is Policy.WIRES_FIRST
            or not self.rules.remedial_action.is_allowed_after_outage
        ):
            return found
        base = found.only(found.outage == BASE)
        if len(base.element):
            return base
        flow, factor = self.now.flow, self.now.request_factor
        left = []
        for outage in np.unique(found.outage):
            at = found.outage == outage
            overloaded = np.zeros(len(self.table.row), np.bool_)
            overloaded[found.element[at]] = True
            ignored = self.table.set_apart_after(int(outage))
            ignored[others.element[others.outage == outage]] = True
            scheme = design_scheme(
                self.table,
                outage=int(outage),
                flow_mw=flow,
                request_factor=factor,
                request_mw=self.mw,
                overloaded=overloaded,
                ignored=ignored,
                rules=self.rules.remedial_action,
            )
            if scheme is None:
                left.append(np.flatnonzero(at))
            else:
                self.schemes[int(outage)] = scheme
        places = np.concatenate(left) if left else np.zeros(0, np.int64)
        return found.only(places)

    # Deliverability

    def look_at_deliverability(self) -> None:
        """Name every deliverability constraint of the grid as it is."""
        if (self.study_mw > 0).any():
            self.progress("deliverability", 0, 0)
            self.name_deliverability(self.deliverability_pairs(), arose=False)

    def relieve_deliverability(self) -> bool:
        """Build against the worst that keeps a full-capacity request in; False for nothing left."""
        if not (self.study_mw > 0).any():
            return False
        found = self.deliverability_pairs()
        self.name_deliverability(found, arose=True)
        self.left = len(found.element)
        self.progress("deliverability upgrades", len(self.upgrades), 0)
        if len(found.element) == 0:
            return False
        self.build_worst(found, Condition.DELIVERABILITY)
        return True

    def deliverability_pairs(self) -> Pairs:
        """Constraints of the deliverability test, the worst pair of each element."""
        tested = self._tested.look(self.now)
        self.dispatch_share = tested.dispatch_share
        kept = np.flatnonzero(tested.loading > 1.0 + AT_LIMIT)
        return Pairs(
            kept,
            tested.outage[kept],
            tested.loading[kept],
            tested.sign[kept],
            np.ones(len(kept), np.bool_),
        )

    def name_deliverability(self, found: Pairs, *, arose: bool) -> None:
        """Keep each pair as a constraint, unless its element is known already."""
        known = self.known(Condition.DELIVERABILITY)
        for place, element in enumerate(found.element):
            if int(self.table.row[element]) not in known:
                self.take(_decision(Act.NAMED, found, place, Condition.DELIVERABILITY, arose=arose))


def _decision(
    act: Act,
    found: Pairs,
    place: int,
    condition: Condition,
    *,
    outages: int = 1,
    arose: bool = False,
) -> Decision:
    return Decision(
        act,
        condition,
        element=int(found.element[place]),
        outage=int(found.outage[place]),
        sign=int(found.sign[place]),
        loading=float(found.loading[place]),
        outages=outages,
        arose=arose,
    )
