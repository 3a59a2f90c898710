"""Scans over all pairs of element and outage.

A row of the transfer table is first asked block by block whether anything in it is above its
limit, by the very arithmetic that decides, which the compiler does eight at a time. Only blocks
that answer yes are looked at pair by pair.
"""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.interconnection.published import AT_LIMIT

AT_ONCE = 16
"""Elements asked together."""


@numba.njit(cache=True, boundscheck=False, nogil=True)
def minus_outer(source, column, across, target):  # type: ignore[no-untyped-def]
    """``target = source - column across^T``; source and target may be the same table."""
    for i in range(source.shape[0]):
        scale = column[i]
        for j in range(source.shape[1]):
            target[i, j] = source[i, j] - scale * across[j]


@numba.njit(cache=True, boundscheck=False, nogil=True)
def mixed(injection, susceptance, columns, weight):  # type: ignore[no-untyped-def]
    """(e,) MW on every element per MW injected at columns in these shares."""
    found = np.empty(len(susceptance))
    for m in range(len(susceptance)):
        total = 0.0
        for g in range(len(columns)):
            total += susceptance[m] * injection[m, columns[g]] * weight[g]
        found[m] = total
    return found


@numba.njit(cache=True, boundscheck=False, nogil=True)
def weighted(factor, weight):  # type: ignore[no-untyped-def]
    """(e,) sums of every row by weight, in the order of the columns on any machine."""
    found = np.zeros(factor.shape[0])
    for m in range(factor.shape[0]):
        for r in range(factor.shape[1]):
            found[m] += factor[m, r] * weight[r]
    return found


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _judged(  # type: ignore[no-untyped-def]
    m,
    c,
    pushed,
    pushed_base,
    scale,
    transfer,
    susceptance,
    circuits,
    base,
    flow,
    limits,
    request_factor,
    cut_off,
    collective,
    apart,
    places,
    loadings,
    count,
):
    """Write one pair down if it is above its limit and not set apart; how many there are then."""
    after = flow[m]
    limit = limits[m]
    if c >= 0:
        if m == c and circuits[m] < 1.5:
            return count
        after += susceptance[m] * transfer[c, m] * pushed
    if not abs(after) > limit * (1.0 + AT_LIMIT):
        return count
    code = (c + 1) * len(susceptance) + m
    at = np.searchsorted(apart, code)
    if at < len(apart) and apart[at] == code:
        return count
    sign = 1.0 if after > 0 else -1.0
    reached = 0
    for r in range(request_factor.shape[1]):
        factor = request_factor[m, r]
        if c >= 0:
            factor += susceptance[m] * transfer[c, m] * scale * request_factor[c, r]
        if sign * factor >= cut_off:
            reached = 1
            break
    if reached == 0:
        before = base[m]
        if c >= 0:
            before += susceptance[m] * transfer[c, m] * pushed_base
        if sign * (after - before) >= collective * limit:
            reached = 1
    if count < len(loadings):
        places[count, 0] = m
        places[count, 1] = c
        places[count, 2] = int(sign)
        places[count, 3] = reached
        loadings[count] = abs(after) / limit
    return count + 1


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _any_above(flow, susceptance, transfer, pushed, edge):  # type: ignore[no-untyped-def]
    """How many of these are above their limit; on views from 0 on, or no compiler packs it."""
    count = 0
    for m in range(len(flow)):
        count += abs(flow[m] + susceptance[m] * transfer[m] * pushed) > edge[m]
    return count


@numba.njit(cache=True, parallel=True, boundscheck=False, nogil=True)
def pairs_above(  # type: ignore[no-untyped-def]
    transfer,
    susceptance,
    circuits,
    base,
    flow,
    normal,
    post,
    is_outage,
    request_factor,
    cut_off,
    collective,
    apart,
    places,
    loadings,
    counts,
):
    """Scan base case (row 0) and outages (rows 1 on); threads take rows in turn."""
    e = len(susceptance)
    threads = len(counts)
    edge = post * (1.0 + AT_LIMIT)
    for thread in numba.prange(threads):
        count = 0
        for scan in range(thread, e + 1, threads):
            c = scan - 1
            if c < 0:
                for m in range(e):
                    count = _judged(
                        m, c, 0.0, 0.0, 0.0, transfer, susceptance, circuits, base, flow,
                        normal, request_factor, cut_off, collective, apart, places[thread],
                        loadings[thread], count,
                    )  # fmt: skip
                continue
            if not is_outage[c]:
                continue
            own = susceptance[c] / circuits[c] * transfer[c, c]
            scale = 1.0 / (circuits[c] * (1.0 - own))
            pushed = flow[c] * scale
            pushed_base = base[c] * scale
            for start in range(0, e, AT_ONCE):
                stop = min(start + AT_ONCE, e)
                if not _any_above(
                    flow[start:stop],
                    susceptance[start:stop],
                    transfer[c, start:stop],
                    pushed,
                    edge[start:stop],
                ):
                    continue
                for m in range(start, stop):
                    count = _judged(
                        m, c, pushed, pushed_base, scale, transfer, susceptance, circuits, base,
                        flow, post, request_factor, cut_off, collective, apart, places[thread],
                        loadings[thread], count,
                    )  # fmt: skip
        counts[thread] = count


@numba.njit(cache=True, boundscheck=False, nogil=True)
def pairs_above_of(  # type: ignore[no-untyped-def]
    elements,
    transfer,
    susceptance,
    circuits,
    base,
    flow,
    normal,
    post,
    is_outage,
    request_factor,
    cut_off,
    collective,
    apart,
    places,
    loadings,
    counts,
):
    """The same scan for some elements only."""
    count = 0
    for m in elements:
        count = _judged(
            m, -1, 0.0, 0.0, 0.0, transfer, susceptance, circuits, base, flow, normal,
            request_factor, cut_off, collective, apart, places[0], loadings[0], count,
        )  # fmt: skip
    for c in range(len(susceptance)):
        if not is_outage[c]:
            continue
        own = susceptance[c] / circuits[c] * transfer[c, c]
        scale = 1.0 / (circuits[c] * (1.0 - own))
        for m in elements:
            count = _judged(
                m, c, flow[c] * scale, base[c] * scale, scale, transfer, susceptance, circuits,
                base, flow, post, request_factor, cut_off, collective, apart, places[0],
                loadings[0], count,
            )  # fmt: skip
    counts[0] = count


@numba.njit(cache=True, boundscheck=False, nogil=True)
def worst_loadings(  # type: ignore[no-untyped-def]
    transfer, susceptance, circuits, flow, post, is_outage, loading, outage
):
    """Raise ``loading`` by every outage; the first outage among equal ones is kept."""
    e = len(susceptance)
    for c in range(e):
        if not is_outage[c]:
            continue
        own = susceptance[c] / circuits[c] * transfer[c, c]
        pushed = flow[c] / (circuits[c] * (1.0 - own))
        for m in range(e):
            if m == c and circuits[m] < 1.5:
                continue
            after = abs(flow[m] + susceptance[m] * transfer[c, m] * pushed) / post[m]
            if after > loading[m] + AT_LIMIT:
                loading[m] = after
                outage[m] = c
