"""The cluster study: what limits a group of requests, what must be built, and who pays why."""

from __future__ import annotations

from gentie.engines.grid.network import Floats
from gentie.engines.interconnection.cluster_result import result_of
from gentie.engines.interconnection.cluster_state import Progress
from gentie.engines.interconnection.cluster_study import ClusterStudy, StudyRequest, StudyRules
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.published import PublishedCase


def study_cluster(
    case: PublishedCase,
    requests: tuple[StudyRequest, ...],
    rules: StudyRules,
    *,
    miles: Floats,
    threads: int = 2,
    progress: Progress | None = None,
) -> ClusterStudy:
    """Study a cluster of requests on a published case, in one go.

    Args:
        case: the published case.
        requests: in any order; the order changes nothing.
        rules: the rulebook's values.
        miles: (m,) length of every branch.
        threads: numba threads; the result is the same for any number.
        progress: told the step, how much of it is done, and of how much (0 where unknown).

    Raises:
        NoEnd: the upgrades do not come to an end.

    Neglects: AC effects, voltage, short circuit, stability; outages of more than one element;
    off-peak and charging; redispatch and the tripping of existing units.
    Follows: the rulebook's sections on reliability, deliverability and cost allocation.
    """
    work = ClusterWork(case, requests, rules, miles=miles, threads=threads, progress=progress)
    while not work.is_ended:
        work.advance()
    return result_of(work)
