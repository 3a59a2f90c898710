"""What all studies of one case by one rulebook share: the published case and its factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gentie.engines.interconnection.transfer_factors import TransferFactors, transfer_factors
from gentie.rulebook.book import GridProfile, Rulebook
from gentie.workbench.cases import Case
from gentie.workbench.publication import branch_miles, published_case


class KeptCase:
    """A published case from which one study after the other is made.

    Attributes:
        case: as it was read.
        rulebook: by which it is published.
        profile: what the operator says of it.
        published: what every study starts from, factored once.
        miles: (m,) length of every branch.
    """

    def __init__(
        self, case: Case, rulebook: Rulebook, profile: GridProfile, *, threads: int = 2
    ) -> None:
        """Publish a case.

        Raises:
            BadInput: it has no linear model, or not the profile's areas.
        """
        self.case, self.rulebook, self.profile = case, rulebook, profile
        self.published = published_case(case, rulebook, profile, threads=threads)
        self.miles = branch_miles(case, rulebook, profile)
        self._factors: TransferFactors | None = None

    def factors(self, bus_rows: Sequence[int]) -> TransferFactors:
        """Transfer factors that hold these buses; only those that are missing are solved for."""
        wanted = np.concatenate([np.array(bus_rows, np.int64), self.published.fleet_bus])
        if self._factors is None:
            self._factors = transfer_factors(self.published, wanted)
        self._factors = self._factors.holding(wanted)
        return self._factors

    def refuse_other(self, case: Case, rulebook: Rulebook, profile: GridProfile) -> None:
        """What was kept is of this case, rulebook and profile.

        Raises:
            ValueError: it is of another.
        """
        if (case.sha256, rulebook.digest, _bytes(profile.sources)) != (
            self.case.sha256,
            self.rulebook.digest,
            _bytes(self.profile.sources),
        ):
            raise ValueError("the case that was kept is not that of the study")


def _bytes(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    return dict(sources)
