"""The upgraded grid as a network of its own, and what the comparison notices."""

from __future__ import annotations

import numpy as np
import pytest

from gentie.engines.grid.linear import linear_model
from gentie.engines.interconnection.elements import ElementTable
from gentie.engines.interconnection.examples import (
    Line,
    Transformer,
    Unit,
    network_of,
    published,
    random_network,
)
from gentie.engines.interconnection.verification import Verification, upgraded_network, verify


def checked(table: ElementTable, injection_mw: np.ndarray, flow_mw: np.ndarray) -> Verification:
    return verify(
        table,
        upgraded_network(table.case.network, table),
        injection_mw=injection_mw,
        flow_mw=flow_mw,
        overloads_left=3,
        threads=1,
    )


@pytest.mark.parametrize("seed", range(15))
def test_every_step_of_a_study_agrees_with_the_grid_built_anew(seed: int) -> None:
    chance = np.random.default_rng(seed)
    case = published(random_network(chance))
    n = len(case.network.buses)
    table = ElementTable(case, np.arange(n))
    extra = chance.uniform(-40, 40, n)
    for element in chance.integers(0, len(table.row), 6):
        if chance.random() < 0.3:
            table.raise_rating(int(element), 1.6)
        else:
            table.add_circuit(int(element))
    flow = table.base_mw + table.factors(np.arange(n)) @ extra
    check = checked(table, case.injection_mw + extra, flow)
    assert check.largest_flow_difference_mw < 1e-8
    assert check.largest_loading_difference < 1e-9
    assert check.overloads_left == 3


@pytest.mark.parametrize("wrong", ["flow", "transfer"])
def test_a_wrong_step_is_noticed(wrong: str) -> None:
    case = published(random_network(np.random.default_rng(5)))
    table = ElementTable(case, np.arange(len(case.network.buses)))
    table.add_circuit(0)
    flow = table.base_mw.copy()
    if wrong == "flow":
        flow[1] += 0.5
    else:
        table.transfer *= 1.2
    check = checked(table, case.injection_mw, flow)
    if wrong == "flow":
        assert check.largest_flow_difference_mw == pytest.approx(0.5)
    else:
        assert check.largest_flow_difference_mw < 1e-8
        assert check.largest_loading_difference > 1e-3


def test_the_upgraded_network_on_paper() -> None:
    network = network_of(
        branches=[
            Line(1, 2, 100, emergency_mva=130),
            Line(2, 1, 80),
            Line(2, 3, 50),
            Transformer(1, 3, 70),
        ],
        units=[Unit(1, 60)],
        load_mw={2: 40, 3: 20},
    )
    table = ElementTable(published(network), np.array([0]))
    table.add_circuit(0)
    table.add_circuit(0)
    table.raise_rating(0, 1.6)
    table.add_circuit(3)
    table.raise_rating(2, 1.6)
    upgraded = upgraded_network(network, table)
    assert upgraded.element_ids == (
        "line:1:2:1",
        "line:2:1:2",
        "line:2:3:1",
        "transformer:1:3:1",
        "line:1:2:3",
        "line:1:2:4",
        "transformer:1:3:2",
    )
    assert upgraded.branches.rating_normal_mva == pytest.approx([160, 80, 80, 70, 160, 160, 70])
    assert upgraded.branches.rating_emergency_mva == pytest.approx([208, 0, 0, 0, 208, 208, 0])
    assert upgraded.digest == ""
    assert len(network.branches) == 4
    assert network.branches.rating_normal_mva.tolist() == [100, 80, 50, 70]


def test_nothing_built_is_the_same_network() -> None:
    network = random_network(np.random.default_rng(2))
    table = ElementTable(published(network), np.array([0]))
    upgraded = upgraded_network(network, table)
    assert upgraded.element_ids == network.element_ids
    assert np.array_equal(upgraded.branches.rating_normal_mva, network.branches.rating_normal_mva)
    assert checked(table, table.case.injection_mw, table.base_mw).largest_flow_difference_mw < 1e-9


def test_the_worst_element_outside_the_study_is_named() -> None:
    network = network_of(
        branches=[Line(1, 2, 100), Line(2, 3, 10), Line(3, 4, 10), Line(1, 4, 400)],
        units=[Unit(1, 40)],
        load_mw={3: 40},
        area={3: 2, 4: 2},
    )
    table = ElementTable(published(network, areas=(1,)), np.array([0]))
    assert table.row.tolist() == [0, 1, 3]
    injection = table.case.injection_mw
    check = checked(table, injection, table.base_mw)
    flow = linear_model(network).flow_mw(injection)
    assert check.worst_elsewhere_row == 2
    assert check.worst_elsewhere_percent == pytest.approx(100 * abs(flow[2]) / 10)
    whole = ElementTable(published(network), np.array([0]))
    check = checked(whole, whole.case.injection_mw, whole.base_mw)
    assert (check.worst_elsewhere_row, check.worst_elsewhere_percent) == (-1, 0.0)
