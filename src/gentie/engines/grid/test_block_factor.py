"""Factors and selected inverse of 2 x 2 blocks against dense linear algebra."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.engines.grid.block_factor import factorise, postordered, selected_inverse, symbolic


@st.composite
def graphs(draw: st.DrawFn):
    n = draw(st.integers(2, 12))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1])
    edges = draw(st.lists(pairs, min_size=1, max_size=25, unique=True))
    return n, np.array(edges, np.int64).T, draw(st.integers(0, 2**32 - 1))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(graph=graphs())
def test_factors_and_inverse_are_those_of_the_dense_matrix(graph):
    n, (first, second), seed = graph
    random = np.random.default_rng(seed)
    pattern = symbolic(first, second, n)
    lower, upper = np.zeros((2, len(pattern.row), 4))
    diagonal = random.random((n, 4)) + np.array([20.0, 0, 0, 20.0])
    column = np.repeat(np.arange(n), np.diff(pattern.column_start))
    is_edge = {(a, b) for a, b in zip(first.tolist(), second.tolist())}
    dense = np.zeros((2 * n, 2 * n))
    for j in range(n):
        dense[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = diagonal[j].reshape(2, 2)
    for q, (j, i) in enumerate(zip(column.tolist(), pattern.row.tolist())):
        if (j, i) in is_edge:
            lower[q], upper[q] = random.random((2, 4))
            dense[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = lower[q].reshape(2, 2)
            dense[2 * j : 2 * j + 2, 2 * i : 2 * i + 2] = upper[q].reshape(2, 2)
    assert factorise(pattern, lower, upper, diagonal)
    below, above, own = selected_inverse(pattern, lower, upper, diagonal)
    inverse = np.linalg.inv(dense)
    for q, (j, i) in enumerate(zip(column.tolist(), pattern.row.tolist())):
        at_low = inverse[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        at_high = inverse[2 * j : 2 * j + 2, 2 * i : 2 * i + 2]
        np.testing.assert_allclose(below[q].reshape(2, 2), at_low, atol=1e-12)
        np.testing.assert_allclose(above[q].reshape(2, 2), at_high, atol=1e-12)
    for j in range(n):
        at_own = inverse[2 * j : 2 * j + 2, 2 * j : 2 * j + 2]
        np.testing.assert_allclose(own[j].reshape(2, 2), at_own, atol=1e-12)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(graph=graphs())
def test_postorder_keeps_the_fill_and_puts_parents_behind_their_children(graph):
    n, (first, second), seed = graph
    order = np.random.default_rng(seed).permutation(n)
    place = np.argsort(order)
    before = symbolic(place[first], place[second], n)
    place = np.argsort(postordered(first, second, order))
    after = symbolic(place[first], place[second], n)
    assert len(after.row) == len(before.row)
    parent = after.parent
    size = np.ones(n, np.int64)
    for j in range(n):
        if parent[j] >= 0:
            assert parent[j] > j
            size[parent[j]] += size[j]
    below = [[j for j in range(n) if parent[j] == p] for p in range(n)]
    for p, children in enumerate(below):
        assert sum(size[children]) == size[p] - 1
        assert not children or min(j - size[j] + 1 for j in children) == p - size[p] + 1


def test_a_singular_pivot_is_told():
    pattern = symbolic(np.array([0]), np.array([1]), 2)
    assert not factorise(pattern, np.zeros((1, 4)), np.zeros((1, 4)), np.zeros((2, 4)))
