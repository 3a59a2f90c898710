"""What is above its limit, looked for again only where something moved since the last look.

A raised rating changes what is above its limit on that element alone; a further circuit moves
every flow. So after the one the pairs of one element are looked at again, after the other all.
The answers are those of a search of everything, to the bit.
"""

from __future__ import annotations

import numpy as np

from gentie.engines.grid.network import Floats, Integers
from gentie.engines.interconnection.cluster_flows import ClusterFlows
from gentie.engines.interconnection.deliverability import DeliverabilityLoading, loading_of
from gentie.engines.interconnection.elements import ElementTable, Pairs


class _Look:
    """Which state of a table the last look was at."""

    def __init__(self) -> None:
        self.version = -1
        self.raised = 0

    def moved(self, table: ElementTable) -> Integers | None:
        """Places to look at again; None for all. This look is the last one from now on."""
        is_same, seen = self.version == table.version, self.raised
        self.version, self.raised = table.version, len(table.raised)
        return np.unique(np.array(table.raised[seen:], np.int64)) if is_same else None


class PairSearch:
    """Pairs above their limit with a cluster at full output."""

    def __init__(self, *, collective_impact: float, threads: int) -> None:
        """See ``ElementTable.pairs_above``."""
        self.collective_impact, self.threads = collective_impact, threads
        self._look, self._found = _Look(), Pairs.none()

    def look(self, flows: ClusterFlows) -> Pairs:
        """All pairs above their limit now."""
        moved = self._look.moved(flows.table)
        if moved is None:
            self._found = self._above(flows, None)
        elif len(moved):
            kept = self._found.only(~np.isin(self._found.element, moved))
            self._found = kept.joined(self._above(flows, moved))
        return self._found

    def _above(self, flows: ClusterFlows, elements: Integers | None) -> Pairs:
        return flows.table.pairs_above(
            flows.flow,
            flows.request_factor,
            collective_impact=self.collective_impact,
            elements=elements,
            threads=self.threads,
        )


class DeliverabilitySearch:
    """The worst loading of every element in the deliverability test."""

    def __init__(self, *, threads: int) -> None:
        """See ``deliverability.loading_of``."""
        self.threads = threads
        self._look = _Look()
        self._loading: Floats = np.zeros(0)
        self._outage: Integers = np.zeros(0, np.int64)
        self._sign: Integers = np.zeros(0, np.int64)

    def look(self, flows: ClusterFlows) -> DeliverabilityLoading:
        """The worst loadings now."""
        moved = self._look.moved(flows.table)
        worked_out = 0
        if moved is None:
            found = self._tested(flows, None)
            self._loading, self._outage, self._sign = found.loading, found.outage, found.sign
            worked_out = found.pairs_worked_out
        elif len(moved):
            found = self._tested(flows, moved)
            self._loading[moved] = found.loading[moved]
            self._outage[moved] = found.outage[moved]
            self._sign[moved] = found.sign[moved]
            worked_out = found.pairs_worked_out
        return DeliverabilityLoading(
            loading=self._loading.copy(),
            outage=self._outage.copy(),
            sign=self._sign.copy(),
            dispatch_share=flows.dispatch.share,
            pairs_worked_out=worked_out,
        )

    def _tested(self, flows: ClusterFlows, elements: Integers | None) -> DeliverabilityLoading:
        return loading_of(
            flows.table,
            flows.dispatch,
            is_request=flows.is_request,
            rules=flows.rules,
            elements=elements,
            threads=self.threads,
        )
