"""Remedial action schemes: which requests one outage trips, so that no wire need be built.

One scheme belongs to one outage. It must clear every overload of the cluster after that outage,
within the limits on MW and on the number of requests, and must cause none elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from gentie.engines.grid.network import Booleans, Floats
from gentie.engines.interconnection.elements import ElementTable
from gentie.engines.interconnection.published import AT_LIMIT


@dataclass(frozen=True, slots=True)
class RemedialActionRules:
    """Values of the rulebook about schemes; none is ever allowed with nothing out.

    Attributes:
        is_allowed_after_outage: a scheme may act after a single outage.
        trip_limit_mw: most that one outage may trip.
        most_requests: most requests that one outage may trip.
        least_factor: least distribution factor of a request that is tripped.
    """

    is_allowed_after_outage: bool
    trip_limit_mw: float
    most_requests: int
    least_factor: float


@dataclass(frozen=True, slots=True)
class Scheme:
    """What one outage trips.

    Attributes:
        outage: place of the outage in the table.
        requests: places of the tripped requests.
        tripped_mw: their MW together.
        elements: places of the elements it protects.
    """

    outage: int
    requests: tuple[int, ...]
    tripped_mw: float
    elements: tuple[int, ...]


def design_scheme(
    table: ElementTable,
    *,
    outage: int,
    flow_mw: Floats,
    request_factor: Floats,
    request_mw: Floats,
    overloaded: Booleans,
    ignored: Booleans,
    rules: RemedialActionRules,
) -> Scheme | None:
    """The scheme of one outage, or None where none within the limits clears it.

    The request with the largest factor on the worst element is tripped first, until nothing is
    above its limit; then those that turn out not to be needed are taken out again.

    Args:
        table: state of the grid.
        outage: place of the outage.
        flow_mw: (e,) flows with the cluster, nothing out.
        request_factor: (e, r) distribution factors, nothing out.
        request_mw: (r,) MW of the requests.
        overloaded: (e,) elements that it must protect.
        ignored: (e,) pairs with this outage that are not the cluster's.
        rules: limits.

    Neglects: arming levels, timing, schemes that exist already, overlap with other outages'
    schemes when two outages coincide.
    """
    watched = table.is_monitored & ~ignored
    if table.circuits[outage] < 1.5:
        watched[outage] = False
    tripped = _trip(
        table.after_outage(flow_mw, outage),
        np.ascontiguousarray(request_factor),
        table.outage_factor(outage),
        outage,
        request_mw,
        table.post_mw,
        watched,
        rules.trip_limit_mw,
        rules.most_requests,
        rules.least_factor,
    )
    if tripped is None:
        return None
    requests = np.flatnonzero(tripped)
    return Scheme(
        outage=outage,
        requests=tuple(requests.tolist()),
        tripped_mw=float(sum(request_mw[requests[np.argsort(tripped[requests])]])),
        elements=tuple(np.flatnonzero(overloaded).tolist()),
    )


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _trip(  # type: ignore[no-untyped-def]
    flow,
    factor,
    share,
    outage,
    request_mw,
    limit,
    watched,
    trip_limit_mw,
    most_requests,
    least_factor,
):
    """(r,) 1, 2, … in the order of tripping, 0 for the others; None where no trips clear it.

    ``flow`` is that after the outage and is changed; factors after it are
    ``factor[m] + share[m] factor[outage]``.
    """
    elements, requests = factor.shape
    order = np.zeros(requests, np.int64)
    count = 0
    tripped_mw = 0.0
    while True:
        worst = 0
        highest = -1.0
        for m in range(elements):
            loading = abs(flow[m]) / limit[m] if watched[m] else 0.0
            if loading > highest:
                highest = loading
                worst = m
        if highest <= 1.0 + AT_LIMIT:
            break
        sign = 1.0 if flow[worst] > 0 else -1.0
        chosen = -1
        largest = -np.inf
        unrounded = -np.inf
        for r in range(requests):
            if order[r] or request_mw[r] > trip_limit_mw - tripped_mw + 1e-9:
                continue
            along = sign * (factor[worst, r] + share[worst] * factor[outage, r])
            # Equal to nine decimals counts as equal: the first request is taken.
            if np.rint(along * 1e9) / 1e9 > largest:
                largest = np.rint(along * 1e9) / 1e9
                unrounded = along
                chosen = r
        if unrounded < least_factor or count == most_requests:
            return None
        count += 1
        order[chosen] = count
        tripped_mw += request_mw[chosen]
        for m in range(elements):
            flow[m] -= (factor[m, chosen] + share[m] * factor[outage, chosen]) * request_mw[chosen]
    back = np.empty(elements)
    for number in range(1, count + 1):
        request = 0
        while order[request] != number:
            request += 1
        is_clear = True
        for m in range(elements):
            back[m] = (
                flow[m]
                + (factor[m, request] + share[m] * factor[outage, request]) * request_mw[request]
            )
            if watched[m] and not abs(back[m]) <= limit[m] * (1.0 + AT_LIMIT):
                is_clear = False
                break
        if is_clear:
            flow[:] = back
            order[request] = 0
    return order
