"""On-peak deliverability: can the energy of the studied area's generators get out together?

Every generator, existing and requested, has a study amount ``s``. All run at the share ``alpha``
that balances the stored output of the fleet. For each element and outage, the generators in the
circle (factor or impact above a threshold) with the largest impact are raised to their full study
amount, at most twenty of them, and everybody else makes room pro rata. What then exceeds 100% of
the limit is a deliverability constraint, if it belongs to the cluster: one request reaches it by the
cut-off, or two and more together move it by a share of its limit. Pairs that were above their limit
before the cluster are left out, so that they do not hide the others of their element.

Most pairs are settled by a bound: the impact of the best twenty on ``m`` after outage ``c`` is at
most that on ``m`` plus ``|L_mc|`` times that on ``c``. Only the pairs that the bound leaves are
worked out generator by generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.engines.interconnection.elements import BASE, ElementTable
from gentie.engines.interconnection.published import AT_LIMIT

NO_BOUND_MW = 1e12
"""Stands for a bound that excludes nothing: so few generators that all of them may be raised."""


@dataclass(frozen=True, slots=True)
class DeliverabilityRules:
    """Values of the rulebook that the test uses.

    Attributes:
        circle: least distribution factor of the circle.
        circle_extra_high_voltage: the same from ``extra_high_kv`` on.
        extra_high_kv: nominal voltage from which that one applies.
        flow_impact: share of the limit from which a study amount is in the circle.
        raised_units: most that run at their full study amount.
        collective_impact: share of the limit by which two and more requests that each stay below
            the cut-off make a constraint the cluster's together.
    """

    circle: float
    circle_extra_high_voltage: float
    extra_high_kv: float
    flow_impact: float
    raised_units: int
    collective_impact: float


@dataclass(frozen=True, eq=False)
class DeliverabilityLoading:
    """The worst test loading of every element, (e,) each.

    Attributes:
        loading: share of the limit, 0 where no pair comes above it.
        outage: place of the outage, ``BASE`` for none.
        sign: direction of the flow.
        dispatch_share: the share ``alpha`` that balances.
        pairs_worked_out: how many pairs the bound left.
    """

    loading: Floats
    outage: Integers
    sign: Integers
    dispatch_share: float
    pairs_worked_out: int


def circle_of(table: ElementTable, rules: DeliverabilityRules) -> Floats:
    """(e,) least distribution factor of the circle of each element."""
    buses, branches = table.case.network.buses, table.case.network.branches
    kv = np.maximum(
        buses.nominal_kv[branches.from_bus[table.row]], buses.nominal_kv[branches.to_bus[table.row]]
    )
    return np.where(kv >= rules.extra_high_kv, rules.circle_extra_high_voltage, rules.circle)


def deliverability_loading(
    table: ElementTable,
    *,
    columns: Integers,
    study_mw: Floats,
    existing_mw: Floats,
    is_request: Booleans,
    rules: DeliverabilityRules,
    threads: int = 2,
) -> DeliverabilityLoading:
    """Worst deliverability loading of every element, among the pairs that are the cluster's.

    Args:
        table: state of the grid.
        columns: (g,) injection column of every generator with a study amount.
        study_mw: (g,) study amounts, all positive.
        existing_mw: (g,) stored output there, 0 for requests.
        is_request: (g,) belongs to the cluster.
        rules: thresholds.
        threads: numba threads.

    Neglects: imports at their support levels, the 1,500 MW adder, off-peak conditions.
    Follows: the California ISO's on-peak methodology as the rulebook states it.
    """
    whole = study_mw.sum()
    share = existing_mw.sum() / whole
    factor = table.factors(columns)
    flow = table.base_mw + factor @ (share * study_mw - existing_mw)
    relative = np.ascontiguousarray(factor - (factor @ study_mw / whole)[:, None])
    raise_mw = (1.0 - share) * study_mw
    order = np.argsort(-study_mw, kind="stable")
    most = float(study_mw[order[: rules.raised_units]].sum())
    push = _best_twenty(relative, raise_mw, rules.raised_units)
    if whole - most > 1e-6 * whole:
        push *= whole / (whole - most)
    else:
        push[:] = NO_BOUND_MW
    e = len(table.row)
    threads = max(1, min(threads, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(threads)
    loading = np.zeros((threads, e))
    outage = np.full((threads, e), BASE, np.int64)
    sign = np.ones((threads, e), np.int64)
    worked_out = np.zeros(threads, np.int64)
    _scan(
        table.transfer,
        table.susceptance,
        table.circuits,
        flow,
        relative,
        study_mw,
        raise_mw,
        push,
        table.is_monitored,
        table.is_outage,
        table.normal_mw,
        table.post_mw,
        circle_of(table, rules),
        rules.flow_impact,
        rules.raised_units,
        table.apart_codes,
        table.base_mw,
        np.flatnonzero(is_request),
        table.case.screening.cut_off,
        rules.collective_impact if is_request.sum() > 1 else np.inf,
        loading,
        outage,
        sign,
        worked_out,
    )
    best = loading.max(axis=0)
    first = np.where(
        (loading >= best - AT_LIMIT) & (loading > 0), outage, np.iinfo(np.int64).max
    ).argmin(axis=0)
    at = np.arange(e)
    return DeliverabilityLoading(
        loading=loading[first, at],
        outage=outage[first, at],
        sign=sign[first, at],
        dispatch_share=float(share),
        pairs_worked_out=int(worked_out.sum()),
    )


def deliverability_flow(
    table: ElementTable,
    *,
    element: int,
    outage: int,
    sign: int,
    columns: Integers,
    study_mw: Floats,
    existing_mw: Floats,
    rules: DeliverabilityRules,
) -> Floats:
    """(e,) flows after the outage with the generators raised that load one element most.

    The same test as ``deliverability_loading`` for one pair, written out generator by generator.
    """
    whole = study_mw.sum()
    share = existing_mw.sum() / whole
    factor = table.after_outage(table.factors(columns), outage)
    relative = factor - (factor @ study_mw / whole)[:, None]
    towards = sign * relative[element]
    limit = table.limit_mw(element, outage)
    circle = (towards >= circle_of(table, rules)[element]) | (
        towards * study_mw >= rules.flow_impact * limit
    )
    impact = np.where(circle, towards * (1.0 - share) * study_mw, 0.0)
    order = np.argsort(-impact, kind="stable")[: rules.raised_units]
    raised = order[impact[order] > 0]
    output = share * study_mw - existing_mw
    output[raised] += (1.0 - share) * study_mw[raised]
    rest = np.setdiff1d(np.arange(len(study_mw)), raised)
    if len(rest):
        room = (1.0 - share) * study_mw[raised].sum()
        output[rest] -= room * study_mw[rest] / study_mw[rest].sum()
    return table.after_outage(table.base_mw, outage) + factor @ output


def _best_twenty(relative: Floats, raise_mw: Floats, most: int) -> Floats:
    """(2, e) largest sums of ``most`` positive (0) and negative (1) impacts, as magnitudes."""
    impact = relative * raise_mw
    if impact.shape[1] > most:
        upper = -np.partition(-np.maximum(impact, 0.0), most - 1, axis=1)[:, :most]
        lower = np.partition(np.minimum(impact, 0.0), most - 1, axis=1)[:, :most]
    else:
        upper, lower = np.maximum(impact, 0.0), np.minimum(impact, 0.0)
    return np.stack([upper.sum(axis=1), -lower.sum(axis=1)])


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


@numba.njit(cache=True, parallel=True, boundscheck=False, nogil=True)
def _scan(  # type: ignore[no-untyped-def]
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
    """Scan base case and outages; work out what the bound leaves above limit and record."""
    e = len(susceptance)
    threads = loading.shape[0]
    for thread in numba.prange(threads):
        for scan in range(thread, e + 1, threads):
            c = scan - 1
            scale = 0.0
            if c >= 0:
                if not is_outage[c]:
                    continue
                own = susceptance[c] / circuits[c] * transfer[c, c]
                scale = 1.0 / (circuits[c] * (1.0 - own))
            for m in range(e):
                if not is_monitored[m]:
                    continue
                if m == c and circuits[m] < 1.5:
                    continue
                share = 0.0
                after = flow[m]
                limit = normal[m]
                other = m
                if c >= 0:
                    share = susceptance[m] * transfer[c, m] * scale
                    after += share * flow[c]
                    limit = post[m]
                    other = c
                for side in range(2):
                    sign = 1.0 if side == 0 else -1.0
                    bound = sign * after + push[side, m]
                    if c >= 0:
                        along = side if share >= 0 else 1 - side
                        bound += abs(share) * push[along, c]
                    if bound <= limit or bound <= loading[thread, m] * limit:
                        continue
                    worked_out[thread] += 1
                    value = _raised_loading(
                        relative[m],
                        relative[other],
                        share,
                        sign,
                        after,
                        limit,
                        study,
                        raised,
                        threshold[m],
                        impact,
                        most,
                    )
                    if value > 1.0 + AT_LIMIT and value > loading[thread, m] + AT_LIMIT:
                        at = np.searchsorted(apart, scan * e + m)
                        if at < len(apart) and apart[at] == scan * e + m:
                            continue
                        is_reached = False
                        for g in requests:
                            if sign * (relative[m, g] + share * relative[other, g]) >= cut_off:
                                is_reached = True
                                break
                        if not is_reached:
                            before = base[m] + (share * base[c] if c >= 0 else 0.0)
                            if value * limit - sign * before < collective * limit:
                                continue
                        loading[thread, m] = value
                        outage[thread, m] = c
                        sign_of[thread, m] = int(sign)
