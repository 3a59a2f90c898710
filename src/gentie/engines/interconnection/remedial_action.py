"""Remedial action schemes: which requests one outage trips, so that no wire need be built.

One scheme belongs to one outage. It must clear every overload of the cluster after that outage,
within the limits on MW and on the number of requests, and must cause none elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    flow = table.after_outage(flow_mw, outage)
    factor = table.after_outage(request_factor, outage)
    limit = table.post_mw
    watched = table.is_monitored & ~ignored
    if table.circuits[outage] < 1.5:
        watched = watched.copy()
        watched[outage] = False
    tripped: list[int] = []
    tripped_mw = 0.0
    while True:
        loading = np.where(watched, np.abs(flow) / limit, 0.0)
        worst = int(loading.argmax())
        if loading[worst] <= 1.0 + AT_LIMIT:
            break
        along = np.sign(flow[worst]) * factor[worst]
        along[tripped] = -np.inf
        along[request_mw > rules.trip_limit_mw - tripped_mw + 1e-9] = -np.inf
        chosen = int(np.round(along, 9).argmax())
        if along[chosen] < rules.least_factor or len(tripped) == rules.most_requests:
            return None
        tripped.append(chosen)
        tripped_mw += float(request_mw[chosen])
        flow = flow - factor[:, chosen] * request_mw[chosen]
    for request in tuple(tripped):
        back = flow + factor[:, request] * request_mw[request]
        if np.all(np.abs(back[watched]) <= limit[watched] * (1.0 + AT_LIMIT)):
            flow = back
            tripped.remove(request)
    return Scheme(
        outage=outage,
        requests=tuple(sorted(tripped)),
        tripped_mw=float(sum(request_mw[request] for request in tripped)),
        elements=tuple(np.flatnonzero(overloaded).tolist()),
    )
