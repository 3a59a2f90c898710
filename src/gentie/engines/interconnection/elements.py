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
from gentie.engines.interconnection.pair_kernels import (
    minus_outer,
    mixed,
    pairs_above,
    pairs_above_of,
    worst_loadings,
)
from gentie.engines.interconnection.published import AT_LIMIT, PublishedCase
from gentie.engines.interconnection.transfer_factors import TransferFactors, transfer_factors

PAIRS_AT_FIRST = 100_000
"""Room for pairs above their limit, for each thread; more is made where they are more."""

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

    @classmethod
    def none(cls) -> Pairs:
        """No pair."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros(0), nothing, np.zeros(0, np.bool_))

    def joined(self, others: Pairs) -> Pairs:
        """These and others, in their order."""
        both = Pairs(
            np.concatenate([self.element, others.element]),
            np.concatenate([self.outage, others.outage]),
            np.concatenate([self.loading, others.loading]),
            np.concatenate([self.sign, others.sign]),
            np.concatenate([self.is_reached, others.is_reached]),
        )
        return both.only(np.lexsort((both.element, both.outage)))

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
        version: how many times circuits were added; flows and factors of one version are the same.
        raised: elements whose limits were raised in this version, in their order.
        apart_codes: (v,) sorted codes ``(outage + 1) * e + element`` of the pairs set apart.

    Neglects: what the linear model neglects. A second three-winding transformer is drawn to the
    star point of the first one and without a tertiary winding of its own.
    """

    def __init__(
        self,
        case: PublishedCase,
        column_bus: Integers,
        *,
        kept: TransferFactors | None = None,
    ) -> None:
        """Make the table of a published case, with one injection column for each bus row.

        Args:
            case: the published case.
            column_bus: (q,) bus rows.
            kept: factors of the same case that hold these buses; solved for where there are none.
        """
        kept = kept or transfer_factors(case, column_bus)
        e = len(kept.row)
        self.case, self.row = case, kept.row
        self.transfer = kept.transfer
        self._is_shared = True
        self.injection = kept.columns(column_bus)
        self.susceptance = case.model.susceptance_mw_per_rad[self.row].copy()
        self.circuits = np.ones(e)
        self.base_mw = case.flow_mw[self.row].copy()
        self.is_monitored = np.isin(self.row, case.monitored)
        self.is_outage = np.isin(self.row, case.outages)
        self.normal_mw = np.full(e, np.inf)
        self.post_mw = np.full(e, np.inf)
        self.normal_mw[self.is_monitored] = case.normal_limit_mw
        self.post_mw[self.is_monitored] = case.post_limit_mw
        self.version = 0
        self.raised: list[int] = []
        place = np.full(len(case.network.branches) + 1, BASE, np.int64)
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
        return self.susceptance[:, None] * np.take(self.injection, columns, axis=1)

    def mixed_factor(self, columns: Integers, share: Floats) -> Floats:
        """(e,) MW on every element per MW injected at columns in these shares."""
        return mixed(self.injection, self.susceptance, columns, share)

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

    def after_outage_at(self, element: int, values: Floats, outage: int) -> Floats:
        """The same for one element: (...)."""
        if outage == BASE:
            return values[element]
        own = self.susceptance[outage] / self.circuits[outage] * self.transfer[outage, outage]
        share = (
            self.susceptance[element]
            * self.transfer[outage, element]
            / (self.circuits[outage] * (1.0 - own))
        )
        return values[element] + share * values[outage]

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
        self.raised.append(element)

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
        changed = np.empty_like(self.transfer) if self._is_shared else self.transfer
        minus_outer(self.transfer, column, column * scale, changed)
        self.transfer, self._is_shared = changed, False
        minus_outer(self.injection, column, across * scale, self.injection)
        self.susceptance[element] += added
        self.circuits[element] = count + 1.0
        for limit in (self.normal_mw, self.post_mw):
            limit[element] *= (count + 1.0) / count
        self.is_outage[element] = self.is_monitored[element]
        self.version += 1
        self.raised = []

    def pairs_above(
        self,
        flow_mw: Floats,
        request_factor: Floats,
        *,
        collective_impact: float,
        elements: Integers | None = None,
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
            elements: places of those looked at; all of them by default.
            threads: numba threads.
        """
        threads = max(1, min(threads, numba.config.NUMBA_NUM_THREADS))
        numba.set_num_threads(threads)
        asked = (
            self.transfer,
            self.susceptance,
            self.circuits,
            self.base_mw,
            flow_mw,
            self.normal_mw,
            self.post_mw,
            self.is_outage,
            np.ascontiguousarray(request_factor),
            self.case.screening.cut_off,
            collective_impact if request_factor.shape[1] > 1 else np.inf,
            self.apart_codes,
        )
        capacity = PAIRS_AT_FIRST
        while True:
            places = np.empty((threads, capacity, 4), np.int64)
            loadings = np.empty((threads, capacity))
            counts = np.zeros(threads, np.int64)
            if elements is None:
                pairs_above(*asked, places, loadings, counts)
            else:
                pairs_above_of(elements, *asked, places, loadings, counts)
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
        worst_loadings(
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
