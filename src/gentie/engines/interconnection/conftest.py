"""The published cases that several tests look at, made once in a process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gentie.engines.interconnection.capacity import Capacity, capacity_of
from gentie.engines.interconnection.published import PublishedCase, Screening, publish
from tests.networks import read_network

CALIFORNIA = Screening(
    areas=(3, 4, 5, 6, 7),
    cut_off=0.03,
    minimum_kv=69.0,
    emergency_multiplier=1.15,
    imbalance_on_load=True,
)


@pytest.fixture(scope="session")
def california() -> PublishedCase:
    """The California part of the large case, as the demonstration publishes it."""
    return publish(read_network("case_ACTIVSg10k"), CALIFORNIA)


@pytest.fixture(scope="session")
def without_margin() -> PublishedCase:
    """The same where an outage allows no more than the normal rating."""
    screening = replace(CALIFORNIA, emergency_multiplier=1.0)
    return publish(read_network("case_ACTIVSg10k"), screening)


@pytest.fixture(scope="session")
def california_map(california: PublishedCase) -> Capacity:
    """Capacity of every studied point."""
    return capacity_of(california, california.points.principal_bus[california.studied_points])


@pytest.fixture(scope="session")
def map_without_margin(without_margin: PublishedCase) -> Capacity:
    """The same without a margin."""
    points = without_margin.points.principal_bus[without_margin.studied_points]
    return capacity_of(without_margin, points)


@pytest.fixture(scope="session")
def whole_rts() -> PublishedCase:
    """All of the RTS-GMLC system."""
    return publish(read_network("case_RTS_GMLC"), replace(CALIFORNIA, areas=()))


@pytest.fixture(scope="session")
def unrated() -> PublishedCase:
    """A case without a single rating."""
    network = read_network("case118")
    assert not np.any(network.branches.rating_normal_mva)
    return publish(network, replace(CALIFORNIA, areas=()))
