"""The tables of a network: frozen, of one length, with names for their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gentie.engines.grid.network import numbered_within_groups
from tests.networks import (
    network_of,
    read_network,
    table_of_branches,
    table_of_buses,
    table_of_dc_lines,
    table_of_units,
)

NETWORK = network_of(
    table_of_buses([3, 1, 1, 4], [10, 20, 30, 40], shunt_mw=np.array([0.0, 0.0, 5.0, 5.0])),
    table_of_branches(
        [(0, 1), (1, 0), (1, 2), (2, 3)], 0.1j, in_service=np.array([True, True, False, True])
    ),
    table_of_units(
        [0, 1, 1, 3],
        [50.0, 7.0, 8.0, 9.0],
        [(-9.0, 9.0)] * 4,
        in_service=np.array([True, True, False, True]),
    ),
    table_of_dc_lines([(0, 2, 12.0, 11.0, 0.0, 0.0)]),
)


def test_columns_have_one_length() -> None:
    with pytest.raises(ValueError, match="Branches: columns of different lengths"):
        replace(NETWORK.branches, reactance_pu=np.ones(3))


def test_columns_are_frozen() -> None:
    with pytest.raises(ValueError, match="read-only"):
        NETWORK.branches.reactance_pu[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        NETWORK.injection_mw[0] = 1.0


def test_what_takes_part() -> None:
    assert NETWORK.is_bus_live.tolist() == [True, True, True, False]
    assert NETWORK.is_branch_live.tolist() == [True, True, False, False]
    assert NETWORK.is_generator_live.tolist() == [True, True, False, False]
    # Generation less load, less the shunt, less and plus the ends of the DC line.
    assert NETWORK.injection_mw.tolist() == [50 - 10 - 12, 7 - 20, -30 - 5 + 11, 0]


def test_names_of_rows() -> None:
    transformers = replace(NETWORK.branches, is_transformer=np.array([False, False, True, False]))
    named = replace(NETWORK, branches=transformers)
    assert named.element_ids == (
        "line:10:20:1",
        "line:20:10:2",
        "transformer:20:30:1",
        "line:30:40:1",
    )
    assert NETWORK.bus_row == {10: 0, 20: 1, 30: 2, 40: 3}
    assert numbered_within_groups(["b", "a", "b", "b"]).tolist() == [1, 1, 2, 3]


@pytest.mark.parametrize("name", ["case118", "case_RTS_GMLC", "case_ACTIVSg10k"])
def test_every_row_of_a_real_case_has_a_name_of_its_own(name: str) -> None:
    network = read_network(name)
    assert len(set(network.element_ids)) == len(network.branches)
    assert len(set(network.unit_ids)) == len(network.generators)
    assert len(network.bus_row) == len(network.buses)
