"""Scans of the deliverability test over all pairs of element and outage.

A pair is settled by a bound wherever the bound is within the limit. The bounds of a row are asked
block by block, which the compiler does eight at a time; only what they leave is worked out
generator by generator.
"""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.interconnection.published import AT_LIMIT

AT_ONCE = 256
"""Elements asked together."""

LEAST_FACTOR = 1e-9
"""Where no request adds more than this to an overload, it is none of the cluster's."""


@numba.njit(cache=True, boundscheck=False, nogil=True)
def relative_factors(  # type: ignore[no-untyped-def]
    injection, susceptance, columns, study, change, raised, most
):
    """Factors of generators against all of them, flows of a change, and the largest impacts.

    Returns:
        (e, g) factors less the mean by study amounts; (e,) that mean; (e,) MW that ``change``
        moves; (2, e) largest sums of ``most`` positive (0) and negative (1) impacts.
    """
    elements, generators = len(susceptance), len(columns)
    relative = np.empty((elements, generators))
    mean = np.empty(elements)
    moved = np.empty(elements)
    push = np.empty((2, elements))
    whole = study.sum()
    best = np.empty((2, most))
    for m in range(elements):
        weighted = 0.0
        flow = 0.0
        for g in range(generators):
            factor = susceptance[m] * injection[m, columns[g]]
            relative[m, g] = factor
            weighted += factor * study[g]
            flow += factor * change[g]
        mean[m] = weighted / whole
        moved[m] = flow
        best[:] = 0.0
        for g in range(generators):
            relative[m, g] -= mean[m]
            impact = relative[m, g] * raised[g]
            side = 0
            if impact < 0.0:
                side = 1
                impact = -impact
            if impact > best[side, 0]:
                q = 1
                while q < most and best[side, q] < impact:
                    best[side, q - 1] = best[side, q]
                    q += 1
                best[side, q - 1] = impact
        for side in range(2):
            push[side, m] = best[side].sum()
    return relative, mean, moved, push


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _raised_loading(  # type: ignore[no-untyped-def]
    factor_m, factor_c, share, sign, flow, limit, study, raised, threshold, impact, most
):
    """Loading with the ``most`` largest impacts of the circle raised, the rest making room."""
    best = np.empty(most)
    who = np.empty(most, np.int64)
    count = 0
    least_at = 0
    for g in range(len(study)):
        factor = sign * (factor_m[g] + share * factor_c[g])
        if factor < threshold and factor * study[g] < impact * limit:
            continue
        value = factor * raised[g]
        if value <= 0.0:
            continue
        if count < most:
            best[count] = value
            who[count] = g
            count += 1
        else:
            if value <= best[least_at]:
                continue
            best[least_at] = value
            who[least_at] = g
        if count == most:
            least_at = 0
            for q in range(1, most):
                if best[q] < best[least_at] or (
                    best[q] == best[least_at] and who[q] > who[least_at]
                ):
                    least_at = q
    moved = 0.0
    raised_sum = 0.0
    study_sum = 0.0
    weighted = 0.0
    for q in range(count):
        g = who[q]
        moved += best[q]
        raised_sum += raised[g]
        study_sum += study[g]
        weighted += sign * (factor_m[g] + share * factor_c[g]) * study[g]
    rest = study.sum() - study_sum
    if rest > 0.0:
        moved += raised_sum * weighted / rest
    return (sign * flow + moved) / limit


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _looked_at(  # type: ignore[no-untyped-def]
    m,
    c,
    scale,
    transfer,
    susceptance,
    circuits,
    flow,
    relative,
    study,
    raised,
    push,
    limits,
    threshold,
    impact,
    most,
    apart,
    base,
    requests,
    cut_off,
    collective,
    loading,
    outage,
    sign_of,
):
    """Work one pair out where its bounds leave it; how many directions that were."""
    if m == c and circuits[m] < 1.5:
        return 0
    share = 0.0
    after = flow[m]
    limit = limits[m]
    other = m
    if c >= 0:
        share = susceptance[m] * transfer[c, m] * scale
        after += share * flow[c]
        other = c
    worked_out = 0
    for side in range(2):
        sign = 1.0 if side == 0 else -1.0
        bound = sign * after + push[side, m]
        if c >= 0:
            along = side if share >= 0 else 1 - side
            bound += abs(share) * push[along, c]
        if bound <= limit or bound <= loading[m] * limit:
            continue
        worked_out += 1
        value = _raised_loading(
            relative[m], relative[other], share, sign, after, limit, study, raised, threshold[m],
            impact, most,
        )  # fmt: skip
        if value <= 1.0 + AT_LIMIT or value <= loading[m] + AT_LIMIT:
            continue
        code = (c + 1) * len(susceptance) + m
        at = np.searchsorted(apart, code)
        if at < len(apart) and apart[at] == code:
            continue
        largest = -np.inf
        for g in requests:
            largest = max(largest, sign * (relative[m, g] + share * relative[other, g]))
        if largest < cut_off:
            before = base[m] + (share * base[c] if c >= 0 else 0.0)
            if largest < LEAST_FACTOR or value * limit - sign * before < collective * limit:
                continue
        loading[m] = value
        outage[m] = c
        sign_of[m] = int(sign)
    return worked_out


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _any_left(  # type: ignore[no-untyped-def]
    flow, susceptance, transfer, scale, through, towards, against, forward, backward, limit
):
    """How many of these pairs the bounds leave; on views from 0 on, or no compiler packs it."""
    count = 0
    for m in range(len(flow)):
        share = susceptance[m] * transfer[m] * scale
        after = flow[m] + share * through
        one = after + towards[m] + share * (forward if share >= 0.0 else -backward)
        other = against[m] - after + share * (backward if share >= 0.0 else -forward)
        count += (one > limit[m]) | (other > limit[m])
    return count


@numba.njit(cache=True, parallel=True, boundscheck=False, nogil=True)
def scan(  # type: ignore[no-untyped-def]
    some,
    transfer,
    susceptance,
    circuits,
    flow,
    relative,
    study,
    raised,
    push,
    is_monitored,
    is_outage,
    normal,
    post,
    threshold,
    impact,
    most,
    apart,
    base,
    requests,
    cut_off,
    collective,
    loading,
    outage,
    sign_of,
    worked_out,
):
    """Scan base case and outages, of ``some`` elements or, where it is empty, of all."""
    e = len(susceptance)
    threads = loading.shape[0]
    everything = np.flatnonzero(is_monitored)
    for thread in numba.prange(threads):
        for row in range(thread, e + 1, threads):
            c = row - 1
            scale = 0.0
            limits = normal
            if c >= 0:
                if not is_outage[c]:
                    continue
                own = susceptance[c] / circuits[c] * transfer[c, c]
                scale = 1.0 / (circuits[c] * (1.0 - own))
                limits = post
            if len(some) > 0 or c < 0:
                for m in some if len(some) > 0 else everything:
                    worked_out[thread] += _looked_at(
                        m, c, scale, transfer, susceptance, circuits, flow, relative, study,
                        raised, push, limits, threshold, impact, most, apart, base, requests,
                        cut_off, collective, loading[thread], outage[thread], sign_of[thread],
                    )  # fmt: skip
                continue
            for start in range(0, e, AT_ONCE):
                stop = min(start + AT_ONCE, e)
                if not _any_left(
                    flow[start:stop],
                    susceptance[start:stop],
                    transfer[c, start:stop],
                    scale,
                    flow[c],
                    push[0, start:stop],
                    push[1, start:stop],
                    push[0, c],
                    push[1, c],
                    post[start:stop],
                ):
                    continue
                for m in range(start, stop):
                    if is_monitored[m]:
                        worked_out[thread] += _looked_at(
                            m, c, scale, transfer, susceptance, circuits, flow, relative, study,
                            raised, push, limits, threshold, impact, most, apart, base, requests,
                            cut_off, collective, loading[thread], outage[thread],
                            sign_of[thread],
                        )  # fmt: skip
