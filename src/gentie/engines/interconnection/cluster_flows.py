"""Flows and factors of a cluster on the grid as it is, found once for each version of it.

A rating that is raised moves no flow: only a further circuit makes a new version of the grid, and
only then is anything here found again.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.engines.interconnection.deliverability import (
    DeliverabilityRules,
    Dispatch,
    dispatch_of,
    raised_flow,
)
from gentie.engines.interconnection.elements import ElementTable
from gentie.engines.interconnection.pair_kernels import weighted


class ClusterFlows:
    """What a cluster does to one version of an element table.

    Attributes:
        table: state of the grid; its ratings may be raised, which changes nothing here.
        version: of it.
        mw: (r,) full output of the requests.
        study_mw: (r,) their study amounts.
        request_column: (r,) injection columns.
        fleet_column: (f,) injection columns of the fleet.
        rules: of the deliverability test.
    """

    def __init__(
        self,
        table: ElementTable,
        *,
        mw: Floats,
        study_mw: Floats,
        request_column: Integers,
        fleet_column: Integers,
        rules: DeliverabilityRules,
    ) -> None:
        """Nothing is computed before it is asked for."""
        self.table, self.version, self.rules = table, table.version, rules
        self.mw, self.study_mw = mw, study_mw
        self.request_column, self.fleet_column = request_column, fleet_column

    @cached_property
    def request_factor(self) -> Floats:
        """(e, r) MW on every element per MW of each request, the fleet displaced pro rata."""
        table = self.table
        fleet = table.mixed_factor(self.fleet_column, table.case.fleet_share)
        return table.factors(self.request_column) - fleet[:, None]

    @cached_property
    def flow(self) -> Floats:
        """(e,) flows with the cluster at full output."""
        return self.table.base_mw + weighted(self.request_factor, self.mw)

    # The deliverability test

    @cached_property
    def is_request(self) -> Booleans:
        """(g,) which of the dispatched generators are the cluster's."""
        count = len(self.fleet_column) + int((self.study_mw > 0).sum())
        return np.arange(count) >= len(self.fleet_column)

    @cached_property
    def dispatch(self) -> Dispatch:
        """The fleet and all requests with a study amount, at the share that balances."""
        full = self.study_mw > 0
        fleet_mw = self.table.case.fleet_mw
        return dispatch_of(
            self.table,
            columns=np.concatenate([self.fleet_column, self.request_column[full]]),
            study_mw=np.concatenate([fleet_mw, self.study_mw[full]]),
            existing_mw=np.concatenate([fleet_mw, np.zeros(int(full.sum()))]),
            rules=self.rules,
        )

    @cached_property
    def deliverability_factor(self) -> Floats:
        """(e, r) factors of the requests against all dispatched generators."""
        return self.table.factors(self.request_column) - self.dispatch.mean[:, None]

    def deliverability_flow(self, element: int, outage: int, sign: int) -> Floats:
        """(e,) flows of the deliverability test that loads a pair most."""
        return raised_flow(
            self.table, self.dispatch, element=element, outage=outage, sign=sign, rules=self.rules
        )
