"""The factor and the selected inverse against numpy's dense inverse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.grid.symmetric_factor import Singular, factor_of, pattern_of


def grid(n: int, m: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Ends, series admittances and admittances to ground; every bus has some of the latter."""
    draw = np.random.default_rng(seed)
    a = draw.integers(0, n, m)
    z = (a + draw.integers(1, n, m)) % n
    y = 1 / (draw.uniform(0.001, 0.02, m) + 1j * draw.uniform(0.02, 0.2, m))
    ground = draw.uniform(0.1, 0.2, n) - 1j * draw.uniform(0.0, 8.0, n)
    return a, z, y, ground


def dense(a: Any, z: Any, y: Any, ground: Any) -> Any:
    matrix = np.diag(ground)
    for place, value in (((a, a), y), ((z, z), y), ((a, z), -y), ((z, a), -y)):
        np.add.at(matrix, place, value)
    return matrix


@settings(max_examples=60, deadline=None, derandomize=True)
@given(n=st.integers(2, 40), more=st.integers(0, 60), seed=st.integers(0, 10_000))
def test_the_inverse_is_that_of_the_dense_matrix(n: int, more: int, seed: int) -> None:
    a, z, y, ground = grid(n, n // 2 + more, seed)
    matrix = dense(a, z, y, ground)
    factor = factor_of(pattern_of(n, a, z), np.diag(matrix).copy(), -y)
    inverse = np.linalg.inv(matrix)
    found = factor.selected_inverse()
    scale = np.abs(inverse).max()
    assert np.abs(found.diagonal - np.diag(inverse)).max() < 1e-11 * scale
    assert found.largest_residual < 1e-11
    columns = factor.columns(np.arange(n))
    assert np.abs(columns - inverse).max() < 1e-11 * scale
    assert np.abs(columns - columns.T).max() < 1e-11 * scale  # reciprocity

    pattern = factor.pattern
    order = np.argsort(pattern.position)
    place = np.repeat(np.arange(n), np.diff(pattern.factor_start))
    on_pattern = inverse[order[pattern.factor_row], order[place]]
    assert np.abs(found.below - on_pattern).max(initial=0.0) < 1e-11 * scale


def test_one_bus_and_no_bus() -> None:
    none = np.empty(0, np.int64)
    alone = factor_of(pattern_of(1, none, none), np.array([4j]), none.astype(complex))
    assert alone.selected_inverse().diagonal == pytest.approx(np.array([-0.25j]))
    empty = factor_of(pattern_of(0, none, none), none.astype(complex), none.astype(complex))
    assert len(empty.selected_inverse().diagonal) == 0


def test_a_bus_without_a_path_to_ground_is_named() -> None:
    a, z = np.array([0, 2]), np.array([1, 3])
    y = np.array([-5j, -5j])
    diagonal = np.array([-5j - 1j, -5j, -5j, -5j])
    with pytest.raises(Singular) as refusal:
        factor_of(pattern_of(4, a, z), diagonal, -y)
    assert refusal.value.place in {2, 3}


def test_the_residual_shows_what_rounding_lost() -> None:
    """A path to ground of 1e-10 of the branches: no pivot vanishes, and digits are gone."""
    a, z = np.arange(9), np.arange(1, 10)
    y = np.full(9, 1e4 * (1 - 3j))
    ground = np.zeros(10, complex)
    ground[0] = 1e-6
    matrix = dense(a, z, y, ground)
    factor = factor_of(pattern_of(10, a, z), np.diag(matrix).copy(), -y)
    assert factor.selected_inverse().largest_residual > 1e-7
