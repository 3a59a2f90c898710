"""Which branches a study watches."""

from __future__ import annotations

import numpy as np

from gentie.engines.grid.network import Integers, Network
from gentie.quantities.findings import BadInput, Finding


def monitored_branches(
    network: Network,
    *,
    areas: tuple[int, ...] = (),
    minimum_kv: float = 0.0,
    maximum_kv: float = np.inf,
    elements: tuple[str, ...] = (),
) -> Integers:
    """Rows of the rated branches to watch: by area, by voltage, or by a list of their identities.

    Args:
        network: the case.
        areas: an end in one of these; all where empty.
        minimum_kv: the lower of the two ends at this voltage or above, 0 kV counts as above.
        maximum_kv: the higher of the two at this or below.
        elements: identities as ``Network.element_ids``; these alone where any is given.

    Returns:
        (k,) rows, each live and with a normal rating.

    Raises:
        BadInput: an element of the list is not in the case, or cannot be watched.
    """
    branches, buses = network.branches, network.buses
    can = network.is_branch_live & (branches.rating_normal_mva > 0)
    if elements:
        row_of = {name: row for row, name in enumerate(network.element_ids)}
        wrong = [
            Finding(
                "monitored.element",
                f"{name} is not in the case. Name a branch as `gentie case flow --out` lists it."
                if name not in row_of
                else f"{name} is out of service or has no normal rating, so it cannot be watched.",
                where=name,
            )
            for name in elements
            if name not in row_of or not can[row_of[name]]
        ]
        if wrong:
            raise BadInput(wrong)
        return np.array(sorted({row_of[name] for name in elements}), np.int64)
    a, z = branches.from_bus, branches.to_bus
    kv_a, kv_z = buses.nominal_kv[a], buses.nominal_kv[z]
    low, high = np.minimum(kv_a, kv_z), np.maximum(kv_a, kv_z)
    wanted = can & ((low >= minimum_kv) | (low <= 0)) & (high <= maximum_kv)
    if areas:
        wanted &= np.isin(buses.area[a], areas) | np.isin(buses.area[z], areas)
    return np.flatnonzero(wanted)
