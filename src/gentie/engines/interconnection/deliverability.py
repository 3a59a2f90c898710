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
from gentie.engines.interconnection.deliverability_kernels import relative_factors, scan
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


@dataclass(frozen=True, eq=False)
class Dispatch:
    """All that is dispatched at the share that balances, on the grid as it is.

    Attributes:
        study_mw: (g,) study amounts.
        raise_mw: (g,) what is left up to them.
        share: the share ``alpha``.
        relative: (e, g) factors against all of them together.
        mean: (e,) the factor of all of them together.
        flow: (e,) flows at the share.
        push: (2, e) bounds of what raised generators add towards and against.
    """

    study_mw: Floats
    raise_mw: Floats
    share: float
    relative: Floats
    mean: Floats
    flow: Floats
    push: Floats


def dispatch_of(
    table: ElementTable,
    *,
    columns: Integers,
    study_mw: Floats,
    existing_mw: Floats,
    rules: DeliverabilityRules,
) -> Dispatch:
    """Dispatch generators at the share that balances.

    Args:
        table: state of the grid.
        columns: (g,) injection column of every generator with a study amount.
        study_mw: (g,) study amounts, all positive.
        existing_mw: (g,) stored output there, 0 for requests.
        rules: thresholds.
    """
    whole = float(study_mw.sum())
    share = float(existing_mw.sum()) / whole
    raise_mw = (1.0 - share) * study_mw
    relative, mean, moved, push = relative_factors(
        table.injection,
        table.susceptance,
        columns,
        study_mw,
        share * study_mw - existing_mw,
        raise_mw,
        rules.raised_units,
    )
    order = np.argsort(-study_mw, kind="stable")
    most = float(study_mw[order[: rules.raised_units]].sum())
    if whole - most > 1e-6 * whole:
        push *= whole / (whole - most)
    else:
        push[:] = NO_BOUND_MW
    return Dispatch(study_mw, raise_mw, share, relative, mean, table.base_mw + moved, push)


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
    dispatch = dispatch_of(
        table, columns=columns, study_mw=study_mw, existing_mw=existing_mw, rules=rules
    )
    return loading_of(table, dispatch, is_request=is_request, rules=rules, threads=threads)


def loading_of(
    table: ElementTable,
    dispatch: Dispatch,
    *,
    is_request: Booleans,
    rules: DeliverabilityRules,
    elements: Integers | None = None,
    threads: int = 2,
) -> DeliverabilityLoading:
    """The same for a dispatch that is known, of all elements or of some.

    Args:
        table: state of the grid.
        dispatch: of the same version of it.
        is_request: (g,) belongs to the cluster.
        rules: thresholds.
        elements: places of those looked at; all of them by default. The others are left at 0.
        threads: numba threads; the answer is the same for any number.
    """
    e = len(table.row)
    threads = max(1, min(threads, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(threads)
    loading = np.zeros((threads, e))
    outage = np.full((threads, e), BASE, np.int64)
    sign = np.ones((threads, e), np.int64)
    worked_out = np.zeros(threads, np.int64)
    looked_at = table.is_monitored
    if elements is not None:
        looked_at = np.zeros(e, np.bool_)
        looked_at[elements] = table.is_monitored[elements]
    scan(
        np.flatnonzero(looked_at) if elements is not None else np.zeros(0, np.int64),
        table.transfer,
        table.susceptance,
        table.circuits,
        dispatch.flow,
        dispatch.relative,
        dispatch.study_mw,
        dispatch.raise_mw,
        dispatch.push,
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
        dispatch_share=dispatch.share,
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
    dispatch = dispatch_of(
        table, columns=columns, study_mw=study_mw, existing_mw=existing_mw, rules=rules
    )
    return raised_flow(table, dispatch, element=element, outage=outage, sign=sign, rules=rules)


def raised_flow(
    table: ElementTable,
    dispatch: Dispatch,
    *,
    element: int,
    outage: int,
    sign: int,
    rules: DeliverabilityRules,
) -> Floats:
    """The same for a dispatch that is known."""
    study, raise_mw = dispatch.study_mw, dispatch.raise_mw
    towards = sign * table.after_outage_at(element, dispatch.relative, outage)
    limit = table.limit_mw(element, outage)
    circle = (towards >= circle_of(table, rules)[element]) | (
        towards * study >= rules.flow_impact * limit
    )
    impact = np.where(circle, towards * raise_mw, 0.0)
    order = np.argsort(-impact, kind="stable")[: rules.raised_units]
    raised = order[impact[order] > 0]
    factor = dispatch.relative[:, raised] + dispatch.mean[:, None]
    flow = dispatch.flow + factor @ raise_mw[raised]
    if len(raised) < len(study):
        # What the others put out together, by their study amounts, less the room they make.
        of_the_rest = dispatch.mean * study.sum() - factor @ study[raised]
        room = raise_mw[raised].sum() / (study.sum() - study[raised].sum())
        flow = flow - of_the_rest * room
    return table.after_outage(flow, outage)
