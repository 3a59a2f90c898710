"""Triangular solves with 2 x 2 blocks for sixteen right-hand sides, in single precision."""

# ruff: noqa: ARG001  (numba calls an intrinsic with the typing context first)

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic

from gentie.engines.grid.lanes import (
    DOUBLES,
    SINGLES,
    constants,
    fetch,
    index_at,
    keep,
    loop,
    minus_times,
    pair_at,
    plus,
    splats,
    times,
    times_plus,
    whole,
)

I8 = types.int64


@intrinsic
def eliminate(context, right, row, lower, first, last, j):  # type: ignore[no-untyped-def]
    """Column ``j`` of L x = y: ``right[row[q]] -= lower[q] right[j]`` for entries of the column."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        right, row, lower, first, last, j = given
        x, y, _, _ = pair_at(builder, right, j, SINGLES)

        def body(q: Any, _: list[Any]) -> list[Any]:
            a, b, c, d = splats(builder, lower, q, 4, SINGLES)
            at = index_at(builder, row, q)
            u, v, first_at, second_at = pair_at(builder, right, at, SINGLES)
            u = minus_times(builder, minus_times(builder, u, a, x), b, y)
            v = minus_times(builder, minus_times(builder, v, c, x), d, y)
            keep(builder, u, right, first_at)
            keep(builder, v, right, second_at)
            return []

        loop(builder, first, last, [], body)
        return context.get_dummy_value()

    return types.void(I8, I8, I8, I8, I8, I8), made


def _substituted(builder: Any, solution: Any, right: Any, factor: Any, span: Any, j: Any) -> Any:
    """Row ``j`` of D U x = y: ``D_j^-1 y_j - sum of upper[q] x[row[q]]``."""
    row, upper, inverse_diagonal = factor
    y, z, first_at, second_at = pair_at(builder, right, j, SINGLES)
    a, b, c, d = splats(builder, inverse_diagonal, j, 4, SINGLES)
    begin = [
        times_plus(builder, b, z, times(builder, a, y)),
        times_plus(builder, d, z, times(builder, c, y)),
    ]

    def body(q: Any, carried: list[Any]) -> list[Any]:
        a, b, c, d = splats(builder, upper, q, 4, SINGLES)
        u, v, _, _ = pair_at(builder, solution, index_at(builder, row, q), SINGLES)
        x, y = carried
        return [
            minus_times(builder, minus_times(builder, x, a, u), b, v),
            minus_times(builder, minus_times(builder, y, c, u), d, v),
        ]

    x, y = loop(builder, span[0], span[1], begin, body)
    return x, y, first_at, second_at


@intrinsic
def substitute(context, solution, right, row, upper, inverse_diagonal, first, last, j):  # type: ignore[no-untyped-def]
    """Row ``j`` of D U x = y, from ``right`` into ``solution``."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        solution, right, row, upper, inverse_diagonal, first, last, j = given
        x, y, first_at, second_at = _substituted(
            builder, solution, right, (row, upper, inverse_diagonal), (first, last), j
        )
        keep(builder, x, solution, first_at)
        keep(builder, y, solution, second_at)
        return context.get_dummy_value()

    return types.void(I8, I8, I8, I8, I8, I8, I8, I8), made


@intrinsic
def substitute_and_move(  # type: ignore[no-untyped-def]
    context,
    state,
    change,
    right,
    active,
    own,
    row,
    upper,
    inverse_diagonal,
    first,
    last,
    j,
):
    """Row ``j`` of D U x = y in place, the state moved by it, and its own injection begun anew.

    In lanes where ``active`` is set ``state[j] += x``; everywhere ``change[j]`` becomes
    ``s_jj ((1 + u_j)^2 - 1)``, to which ``lane_flows.add_edges`` adds the neighbours.
    """

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        state, change, right, active, own, row, upper, inverse_diagonal, first, last, j = given
        x, y, first_at, second_at = _substituted(
            builder, right, right, (row, upper, inverse_diagonal), (first, last), j
        )
        keep(builder, x, right, first_at)
        keep(builder, y, right, second_at)
        angle, growth, angle_at, growth_at = pair_at(builder, state, j, DOUBLES)
        moves = builder.fcmp_ordered(">", fetch(builder, active, whole(0), DOUBLES), constants(0.0))
        moved = plus(builder, angle, builder.fpext(x, DOUBLES))
        keep(builder, builder.select(moves, moved, angle), state, angle_at)
        moved = plus(builder, growth, builder.fpext(y, DOUBLES))
        growth = builder.select(moves, moved, growth)
        keep(builder, growth, state, growth_at)
        grown = times_plus(builder, growth, growth, plus(builder, growth, growth))
        p, q = splats(builder, own, j, 2, DOUBLES)
        keep(builder, times(builder, p, grown), change, angle_at)
        keep(builder, times(builder, q, grown), change, growth_at)
        return context.get_dummy_value()

    return types.void(*[I8] * 11), made


__all__ = ["eliminate", "substitute", "substitute_and_move"]
