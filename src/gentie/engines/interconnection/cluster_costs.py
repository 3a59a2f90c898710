"""The bill of a cluster without its report: every search and every upgrade, nothing described.

What is left out changes no cent: naming the constraints with their flows, the pictures, and the
check of the upgraded grid solved from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from gentie.engines.grid.network import Floats
from gentie.engines.interconnection.allocation import LedgerRow
from gentie.engines.interconnection.at_points import at_points_of
from gentie.engines.interconnection.cluster_checkpoint import Stage
from gentie.engines.interconnection.cluster_study import StudyRequest, StudyRules
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.elements import Pairs
from gentie.engines.interconnection.transfer_factors import TransferFactors
from gentie.engines.interconnection.upgrades import Upgrade


@dataclass(frozen=True, eq=False)
class ClusterCosts:
    """What is built for a cluster and who pays for it.

    Attributes:
        upgrades: in the order in which they were called for.
        ledger: every row of what is owed.
    """

    upgrades: tuple[Upgrade, ...]
    ledger: tuple[LedgerRow, ...]


def cluster_costs(
    kept: TransferFactors,
    requests: tuple[StudyRequest, ...],
    rules: StudyRules,
    *,
    miles: Floats,
    threads: int = 1,
) -> ClusterCosts:
    """Upgrades and ledger of ``cluster.study_cluster``, to the cent, and nothing else of it.

    Args:
        kept: factors of the published case that hold the requests' buses and the fleet's.
        requests: in any order; the order changes nothing.
        rules: the rulebook's values.
        miles: (m,) length of every branch.
        threads: numba threads; the result is the same for any number.

    Raises:
        NoEnd: the upgrades do not come to an end.

    Neglects: what ``study_cluster`` neglects; the upgraded grid is not solved from nothing.
    """
    work = _Unnamed(kept.case, requests, rules, miles=miles, threads=threads, kept=kept)
    work.stage = Stage.RELIABILITY_UPGRADES
    while not work.is_ended:
        work.advance()
    at_points = at_points_of(work)
    return ClusterCosts(
        upgrades=(*work.upgrades, *at_points.upgrades),
        ledger=(*work.ledger, *at_points.ledger),
    )


class _Unnamed(ClusterWork):
    """The same searches and decisions, no constraint named."""

    def name_reliability(self, found: Pairs, *, arose: bool) -> None:
        """Nothing."""

    def name_deliverability(self, found: Pairs, *, arose: bool) -> None:
        """Nothing."""
