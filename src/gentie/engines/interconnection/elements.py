"""The studied elements against each other: transfer factors that upgrades change exactly.

``transfer[i, j]`` is the angle across element ``i`` per MW sent through element ``j``'s ends, and
``injection[i, p]`` the angle across ``i`` per MW injected at column ``p`` (taken out at the slack).
A parallel circuit of susceptance ``d`` on element ``k`` changes both by a rank-1 term,

    transfer -= transfer[:, k] transfer[k, :] / (1/d + transfer[k, k]),

which is exact (Sherman-Morrison). An element may hold several equal circuits; the outage of one
is a partial outage of ``b / circuits``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.engines.interconnection.published import AT_LIMIT, PublishedCase

COLUMNS_AT_ONCE = 256
BASE = -1
"""The outage place that stands for no outage."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of element and outage above their limit, in the order of outage, then element.

    Attributes:
        element: (v,) place of the element.
        outage: (v,) place of the outage, ``BASE`` for none.
        loading: (v,) share of the limit.
        sign: (v,) +1 where the flow runs along the element.
        is_reached: (v,) belongs to the cluster; see ``ElementTable.pairs_above``.
    """

    element: Integers
    outage: Integers
    loading: Floats
    sign: Integers
    is_reached: Booleans

    def only(self, chosen: Booleans | Integers) -> Pairs:
        """Some of them."""
        return Pairs(
            self.element[chosen],
            self.outage[chosen],
            self.loading[chosen],
            self.sign[chosen],
            self.is_reached[chosen],
        )

    def worst(self) -> int:
        """Place of the highest loading; among equal ones the first by element, then outage."""
        top = np.flatnonzero(self.loading >= self.loading.max() - AT_LIMIT)
        return int(top[np.lexsort((self.outage[top], self.element[top]))[0]])

    def worst_of_each_element(self) -> Pairs:
        """One pair for each element, in the order of elements."""
        order = np.lexsort((self.outage, -np.round(self.loading, 9), self.element))
        first = np.unique(self.element[order], return_index=True)[1]
        return self.only(order[first])


class ElementTable:
    """The working state of one study run; private to it and changed by its upgrades.

    Attributes:
        row: (e,) branch rows of the elements, monitored ones and their star legs.
        transfer: (e, e) radians per MW.
        injection: (e, q) radians per MW, by column.
        susceptance: (e,) MW per radian of all circuits together.
        circuits: (e,) equal circuits.
        normal_mw: (e,) limit with nothing out, of all circuits together.
        post_mw: (e,) limit after an outage.
        base_mw: (e,) flow of the stored dispatch.
        is_monitored: (e,) has limits.
        is_outage: (e,) is opened one circuit at a time.
        apart_codes: (v,) sorted codes ``(outage + 1) * e + element`` of the pairs set apart.

    Neglects: what the linear model neglects. A second three-winding transformer is drawn to the
    star point of the first one and without a tertiary winding of its own.
    """

    def __init__(self, case: PublishedCase, column_bus: Integers) -> None:
        """Make the table of a published case, with one injection column for each bus row."""
        roles, model = case.roles, case.model
        stars = np.unique(roles.star_bus[case.monitored])
        legs = roles.is_star_leg & ~roles.is_step_up & np.isin(roles.star_bus, stars[stars >= 0])
        self.case = case
        self.row = np.union1d(case.monitored, np.flatnonzero(legs & case.network.is_branch_live))
        branches = case.network.branches
        a, z = branches.from_bus[self.row], branches.to_bus[self.row]
        e = len(self.row)
        self.transfer = np.empty((e, e))
        for start in range(0, e, COLUMNS_AT_ONCE):
            part = slice(start, min(start + COLUMNS_AT_ONCE, e))
            sent = np.zeros((len(case.network.buses), part.stop - start))
            sent[a[part], np.arange(part.stop - start)] = 1.0
            sent[z[part], np.arange(part.stop - start)] -= 1.0
            angle = model.angles_rad(sent)
            self.transfer[:, part] = angle[a] - angle[z]
        self.injection = np.empty((e, len(column_bus)))
        for start in range(0, len(column_bus), COLUMNS_AT_ONCE):
            part = slice(start, min(start + COLUMNS_AT_ONCE, len(column_bus)))
            sent = np.zeros((len(case.network.buses), part.stop - start))
            sent[column_bus[part], np.arange(part.stop - start)] = 1.0
            angle = model.angles_rad(sent)
            self.injection[:, part] = angle[a] - angle[z]
        self.susceptance = model.susceptance_mw_per_rad[self.row].copy()
        self.circuits = np.ones(e)
        self.base_mw = case.flow_mw[self.row].copy()
        self.is_monitored = np.isin(self.row, case.monitored)
        self.is_outage = np.isin(self.row, case.outages)
        self.normal_mw = np.full(e, np.inf)
        self.post_mw = np.full(e, np.inf)
        self.normal_mw[self.is_monitored] = case.normal_limit_mw
        self.post_mw[self.is_monitored] = case.post_limit_mw
        place = np.full(len(branches) + 1, BASE, np.int64)
        place[self.row] = np.arange(e)
        self.apart_codes = np.array(
            sorted(
                (place[pair.outage_row] + 1) * e + place[pair.branch_row] for pair in case.set_apart
            ),
            np.int64,
        )

    def place_of(self, branch_row: int) -> int:
        """Place of a branch in the table."""
        return int(np.searchsorted(self.row, branch_row))

    def factors(self, columns: Integers) -> Floats:
        """(e, q) MW on every element per MW injected at columns, taken out at the slack."""
        return self.susceptance[:, None] * self.injection[:, columns]

    def outage_factor(self, outage: int) -> Floats:
        """(e,) share of one circuit's outage that every element takes of the flow through all.

        For the element itself the share stands for what loads its other circuits: flow times
        ``1 + share`` is compared with the limit of all its circuits.
        """
        own = self.susceptance[outage] / self.circuits[outage] * self.transfer[outage, outage]
        return self.susceptance * self.transfer[outage] / (self.circuits[outage] * (1.0 - own))

    def after_outage(self, values: Floats, outage: int) -> Floats:
        """Flows or factors (e, ...) after an outage; as they are for ``BASE``."""
        if outage == BASE:
            return values
        share = self.outage_factor(outage)
        return values + share.reshape(-1, *[1] * (values.ndim - 1)) * values[outage]

    def limit_mw(self, element: int, outage: int) -> float:
        """The limit that applies to a pair."""
        return float((self.normal_mw if outage == BASE else self.post_mw)[element])

    def set_apart_after(self, outage: int) -> Booleans:
        """(e,) elements that this outage loaded above their limit before the cluster."""
        e = len(self.row)
        codes = self.apart_codes[self.apart_codes // e == outage + 1]
        apart = np.zeros(e, np.bool_)
        apart[codes % e] = True
        return apart

    def legs_of_star(self, element: int) -> Integers:
        """Places of all legs of a three-winding transformer that have more than a terminal."""
        roles = self.case.roles
        star = roles.star_bus[self.row[element]]
        return np.flatnonzero(roles.star_bus[self.row] == star)

    def raise_rating(self, element: int, gain: float) -> None:
        """Reconductor: both limits times ``gain``, impedance as it was."""
        self.normal_mw[element] *= gain
        self.post_mw[element] *= gain

    def add_circuit(self, element: int) -> None:
        """One more circuit like those that the element has."""
        count = self.circuits[element]
        added = self.susceptance[element] / count
        column = self.transfer[:, element].copy()
        across = self.injection[element].copy()
        scale = 1.0 / (1.0 / added + column[element])
        driving = self.base_mw[element] / self.susceptance[element]
        self.base_mw -= self.susceptance * column * (driving * scale)
        self.base_mw[element] *= (count + 1.0) / count
        for start in range(0, len(column), COLUMNS_AT_ONCE):
            part = slice(start, start + COLUMNS_AT_ONCE)
            self.transfer[part] -= np.outer(column[part], column * scale)
        self.injection -= np.outer(column, across * scale)
        self.susceptance[element] += added
        self.circuits[element] = count + 1.0
        for limit in (self.normal_mw, self.post_mw):
            limit[element] *= (count + 1.0) / count
        self.is_outage[element] = self.is_monitored[element]

    def pairs_above(
        self,
        flow_mw: Floats,
        request_factor: Floats,
        *,
        collective_impact: float,
        threads: int = 2,
    ) -> Pairs:
        """All pairs above their limit that were not above it before the cluster.

        A pair belongs to the cluster (``is_reached``) when one request's factor towards the
        overload is at least the cut-off, or, among two requests and more, when all together move
        the element by ``collective_impact`` of its limit.

        Args:
            flow_mw: (e,) flows with the cluster.
            request_factor: (e, r) distribution factors of the requests, fleet displaced.
            collective_impact: share of the limit.
            threads: numba threads.
        """
        threads = max(1, min(threads, numba.config.NUMBA_NUM_THREADS))
        numba.set_num_threads(threads)
        capacity = 4096
        while True:
            places = np.empty((threads, capacity, 4), np.int64)
            loadings = np.empty((threads, capacity))
            counts = np.zeros(threads, np.int64)
            _pairs_above(
                self.transfer,
                self.susceptance,
                self.circuits,
                self.base_mw,
                flow_mw,
                self.normal_mw,
                self.post_mw,
                self.is_monitored,
                self.is_outage,
                np.ascontiguousarray(request_factor),
                self.case.screening.cut_off,
                collective_impact if request_factor.shape[1] > 1 else np.inf,
                self.apart_codes,
                places,
                loadings,
                counts,
            )
            if counts.max(initial=0) <= capacity:
                break
            capacity = int(counts.max())
        place = np.concatenate([places[t, : counts[t]] for t in range(threads)])
        loading = np.concatenate([loadings[t, : counts[t]] for t in range(threads)])
        order = np.lexsort((place[:, 0], place[:, 1]))
        place = place[order]
        return Pairs(place[:, 0], place[:, 1], loading[order], place[:, 2], place[:, 3] == 1)

    def worst_loadings(self, flow_mw: Floats) -> tuple[Floats, Integers]:
        """(e,) worst loading of every element over base case and outages, and the outage."""
        loading = np.abs(flow_mw) / self.normal_mw
        outage = np.full(len(self.row), BASE, np.int64)
        _worst_loadings(
            self.transfer,
            self.susceptance,
            self.circuits,
            flow_mw,
            self.post_mw,
            self.is_outage,
            loading,
            outage,
        )
        return loading, outage


@numba.njit(cache=True, parallel=True, boundscheck=False, nogil=True)
def _pairs_above(  # type: ignore[no-untyped-def]
    transfer,
    susceptance,
    circuits,
    base,
    flow,
    normal,
    post,
    is_monitored,
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
    requests = request_factor.shape[1]
    threads = len(counts)
    capacity = places.shape[1]
    for thread in numba.prange(threads):
        count = 0
        for scan in range(thread, e + 1, threads):
            c = scan - 1
            pushed = 0.0
            pushed_base = 0.0
            scale = 0.0
            if c >= 0:
                if not is_outage[c]:
                    continue
                own = susceptance[c] / circuits[c] * transfer[c, c]
                scale = 1.0 / (circuits[c] * (1.0 - own))
                pushed = flow[c] * scale
                pushed_base = base[c] * scale
            for m in range(e):
                if not is_monitored[m]:
                    continue
                after = flow[m]
                limit = normal[m]
                if c >= 0:
                    if m == c and circuits[m] < 1.5:
                        continue
                    after += susceptance[m] * transfer[c, m] * pushed
                    limit = post[m]
                if abs(after) <= limit * (1.0 + AT_LIMIT):
                    continue
                code = scan * e + m
                at = np.searchsorted(apart, code)
                if at < len(apart) and apart[at] == code:
                    continue
                sign = 1.0 if after > 0 else -1.0
                reached = 0
                for r in range(requests):
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
                if count < capacity:
                    places[thread, count, 0] = m
                    places[thread, count, 1] = c
                    places[thread, count, 2] = int(sign)
                    places[thread, count, 3] = reached
                    loadings[thread, count] = abs(after) / limit
                count += 1
        counts[thread] = count


@numba.njit(cache=True, boundscheck=False, nogil=True)
def _worst_loadings(  # type: ignore[no-untyped-def]
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
