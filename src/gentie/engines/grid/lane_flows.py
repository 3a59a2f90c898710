"""Powers of sixteen states at once: what buses inject, what branches carry, how high voltages are.

A state is, for every bus, the angle and the relative voltage by which it differs from the base:
``V_i = V0_i (1 + u_i) exp(j t_i)``. With ``s_ij = V0_i conj(Y_ij V0_j)`` the power from i towards
j is ``s_ij (1 + u_i)(1 + u_j) exp(j (t_i - t_j))``; what it changes by is ``s_ij (g + j h)`` with

    g = (1 + a) cos d - 1,  h = (1 + a) sin d,  d = t_i - t_j,  a = u_i + u_j + u_i u_j.

Cosine and sine are their series, cut where an angle of one radian leaves less than 1e-12 (cosine)
and 1e-13 (sine); larger angles are noticed (``add_edges``) and solved elsewhere.
"""

# ruff: noqa: ARG001  (numba calls an intrinsic with the typing context first)

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from gentie.engines.grid.lanes import (
    DOUBLES,
    LANES,
    LONG,
    LONGS,
    SHORT,
    SHORTS,
    SINGLES,
    constants,
    everywhere,
    fetch,
    index_at,
    keep,
    larger,
    loop,
    minus_times,
    pair_at,
    plus,
    size_of,
    splats,
    times,
    times_plus,
    whole,
)

I8 = types.int64
COSINE = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(1, 7))
"""(cos d - 1) / d² in powers of d²."""
SINE = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(7))
"""sin d / d in powers of d²."""


def _series(builder: Any, terms: tuple[float, ...], x: Any) -> Any:
    value = constants(terms[-1])
    for term in terms[-2::-1]:
        value = times_plus(builder, x, value, constants(term))
    return value


def _turned(builder: Any, near: tuple[Any, Any], far: tuple[Any, Any]) -> tuple[Any, Any, Any]:
    """g, h and d² of an edge from its two buses."""
    angle = builder.fsub(near[0], far[0])
    grown = times_plus(builder, near[1], far[1], plus(builder, near[1], far[1]))
    square = times(builder, angle, angle)
    cosine = times(builder, square, _series(builder, COSINE, square))
    sine = times(builder, angle, _series(builder, SINE, square))
    g = times_plus(builder, grown, cosine, plus(builder, grown, cosine))
    h = times_plus(builder, grown, sine, sine)
    return g, h, square


@intrinsic
def begin_injections(context, state, change, own, first, last):  # type: ignore[no-untyped-def]
    """``change[i] = s_ii ((1 + u_i)^2 - 1)``."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        state, change, own, first, last = given

        def body(i: Any, _: list[Any]) -> list[Any]:
            _, growth, angle_at, growth_at = pair_at(builder, state, i, DOUBLES)
            grown = times_plus(builder, growth, growth, plus(builder, growth, growth))
            p, q = splats(builder, own, i, 2, DOUBLES)
            keep(builder, times(builder, p, grown), change, angle_at)
            keep(builder, times(builder, q, grown), change, growth_at)
            return []

        loop(builder, first, last, [], body)
        return context.get_dummy_value()

    return types.void(*[I8] * 5), made


@intrinsic
def add_edges(context, state, change, near, far, coefficient, widest, first, last):  # type: ignore[no-untyped-def]
    """Add to ``change`` what every edge gives its two ends; ``widest`` keeps the largest d².

    ``coefficient`` is (e, 4): real and imaginary s_ij, real and imaginary s_ji.
    """

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        state, change, near, far, coefficient, widest, first, last = given

        def body(e: Any, carried: list[Any]) -> list[Any]:
            i, j = index_at(builder, near, e), index_at(builder, far, e)
            at_i = pair_at(builder, state, i, DOUBLES)
            at_j = pair_at(builder, state, j, DOUBLES)
            g, h, square = _turned(builder, at_i[:2], at_j[:2])
            a, b, c, d = splats(builder, coefficient, e, 4, DOUBLES)
            p, q, p_at, q_at = pair_at(builder, change, i, DOUBLES)
            keep(builder, minus_times(builder, times_plus(builder, a, g, p), b, h), change, p_at)
            keep(builder, times_plus(builder, b, g, times_plus(builder, a, h, q)), change, q_at)
            p, q, p_at, q_at = pair_at(builder, change, j, DOUBLES)
            keep(builder, times_plus(builder, d, h, times_plus(builder, c, g, p)), change, p_at)
            keep(builder, minus_times(builder, times_plus(builder, d, g, q), c, h), change, q_at)
            return [larger(builder, square, carried[0])]

        begin = fetch(builder, widest, whole(0), DOUBLES)
        (end,) = loop(builder, first, last, [begin], body)
        keep(builder, end, widest, whole(0))
        return context.get_dummy_value()

    return types.void(*[I8] * 8), made


@intrinsic
def to_mismatch(context, change, right, is_free, largest, first, last):  # type: ignore[no-untyped-def]
    """``right = -change`` where the quantity is free, else 0; ``largest`` keeps the worst size."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        change, right, is_free, largest, first, last = given

        def body(i: Any, carried: list[Any]) -> list[Any]:
            worst = carried[0]
            p, q, _, _ = pair_at(builder, change, i, DOUBLES)
            _, _, p_at, q_at = pair_at(builder, right, i, SINGLES)
            masks = splats(builder, is_free, i, 2, DOUBLES)
            for value, mask, at in zip((p, q), masks, (p_at, q_at), strict=True):
                wanted = times(builder, value, mask)
                worst = larger(builder, size_of(builder, wanted), worst)
                keep(builder, builder.fptrunc(builder.fneg(wanted), SINGLES), right, at)
            return [worst]

        begin = fetch(builder, largest, whole(0), DOUBLES)
        (end,) = loop(builder, first, last, [begin], body)
        keep(builder, end, largest, whole(0))
        return context.get_dummy_value()

    return types.void(*[I8] * 6), made


@intrinsic
def branch_loadings(  # type: ignore[no-untyped-def]
    context,
    state,
    near,
    far,
    coefficient,
    opened_lane,
    is_kept,
    squares,
    worst,
    worst_at,
    first,
    last,
):
    """Squared loading of branches in every lane.

    ``coefficient`` is (k, 9): s_ff, s_ft, s_tt, s_tf as real and imaginary parts, and one over the
    squared limit. ``squares[k - first]`` gets the loadings of branch k, 0 in the lane that
    ``opened_lane`` names and in lanes where ``is_kept`` is 0; ``worst`` and ``worst_at`` keep the largest of each lane and its branch.
    """

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        state, near, far, coefficient, opened, kept, squares, worst, worst_at, first, last = given
        lanes = ir.Constant(SHORTS, list(range(LANES)))
        one = constants(1.0)
        is_idle = builder.fcmp_ordered(
            "==", fetch(builder, kept, whole(0), DOUBLES), constants(0.0)
        )

        def body(k: Any, carried: list[Any]) -> list[Any]:
            i, j = index_at(builder, near, k), index_at(builder, far, k)
            at_i = pair_at(builder, state, i, DOUBLES)
            at_j = pair_at(builder, state, j, DOUBLES)
            g, h, _ = _turned(builder, at_i[:2], at_j[:2])
            g = plus(builder, g, one)
            size_i, size_j = plus(builder, at_i[1], one), plus(builder, at_j[1], one)
            size_i, size_j = times(builder, size_i, size_i), times(builder, size_j, size_j)
            c = splats(builder, coefficient, k, 9, DOUBLES)
            p = times_plus(builder, c[2], g, times(builder, c[0], size_i))
            p = minus_times(builder, p, c[3], h)
            q = times_plus(builder, c[3], g, times(builder, c[1], size_i))
            q = times_plus(builder, c[2], h, q)
            at_near = times_plus(builder, p, p, times(builder, q, q))
            p = times_plus(builder, c[6], g, times(builder, c[4], size_j))
            p = times_plus(builder, c[7], h, p)
            q = times_plus(builder, c[7], g, times(builder, c[5], size_j))
            q = minus_times(builder, q, c[6], h)
            at_far = times_plus(builder, p, p, times(builder, q, q))
            loading = times(builder, larger(builder, at_near, at_far), c[8])
            own = fetch(builder, opened, builder.mul(k, whole(4)), SHORT)
            is_own = builder.icmp_signed("==", everywhere(builder, own, SHORTS), lanes)
            is_empty = builder.or_(is_own, is_idle)
            loading = builder.select(is_empty, constants(0.0), loading)
            offset = builder.mul(builder.sub(k, first), whole(8 * LANES))
            keep(builder, loading, squares, offset)
            is_worse = builder.fcmp_ordered(">", loading, carried[0])
            return [
                builder.select(is_worse, loading, carried[0]),
                builder.select(is_worse, everywhere(builder, k, LONGS), carried[1]),
            ]

        begin = [
            fetch(builder, worst, whole(0), DOUBLES),
            fetch(builder, worst_at, whole(0), LONGS),
        ]
        end = loop(builder, first, last, begin, body)
        keep(builder, end[0], worst, whole(0))
        keep(builder, end[1], worst_at, whole(0))
        return context.get_dummy_value()

    return types.void(*[I8] * 11), made


@intrinsic
def voltage_extremes(context, state, base, lowest, lowest_at, highest, highest_at, first, last):  # type: ignore[no-untyped-def]
    """Lowest and highest voltage of each lane and its bus; buses of no voltage are passed over."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        state, base, lowest, lowest_at, highest, highest_at, first, last = given

        def body(i: Any, carried: list[Any]) -> list[Any]:
            low, low_at, high, high_at = carried
            _, growth, _, _ = pair_at(builder, state, i, DOUBLES)
            (size,) = splats(builder, base, i, 1, DOUBLES)
            voltage = times_plus(builder, growth, size, size)
            here = everywhere(builder, i, LONGS)
            is_live = builder.fcmp_ordered(">", voltage, constants(0.0))
            is_low = builder.and_(is_live, builder.fcmp_ordered("<", voltage, low))
            is_high = builder.fcmp_ordered(">", voltage, high)
            return [
                builder.select(is_low, voltage, low),
                builder.select(is_low, here, low_at),
                builder.select(is_high, voltage, high),
                builder.select(is_high, here, high_at),
            ]

        kept = [(lowest, DOUBLES), (lowest_at, LONGS), (highest, DOUBLES), (highest_at, LONGS)]
        begin = [fetch(builder, base_of, whole(0), kind) for base_of, kind in kept]
        end = loop(builder, first, last, begin, body)
        for (base_of, _), value in zip(kept, end, strict=True):
            keep(builder, value, base_of, whole(0))
        return context.get_dummy_value()

    return types.void(*[I8] * 8), made


@intrinsic
def keep_lanes(context, state, quantity, rows, tiles, last):  # type: ignore[no-untyped-def]
    """Write one quantity of every lane to a row of memory of its own, in single precision.

    Sixteen buses are turned at a time, in registers, from bus by lane to lane by bus.

    Args:
        context: of the compiler.
        state: (n, 2, LANES).
        quantity: 0 for angles, 1 for relative voltages.
        rows: addresses, one for each lane, of ``LANES * tiles`` single-precision numbers.
        tiles: how many times sixteen buses.
        last: n - 1; what is beyond it repeats the last bus.
    """

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        state, quantity, rows, tiles, last = given
        targets = [fetch(builder, rows, whole(8 * w), LONG) for w in range(LANES)]

        def body(tile: Any, _: list[Any]) -> list[Any]:
            first = builder.mul(tile, whole(LANES))
            table = []
            for k in range(LANES):
                bus = builder.add(first, whole(k))
                bus = builder.select(builder.icmp_signed("<", bus, last), bus, last)
                row = builder.add(builder.mul(bus, whole(2)), quantity)
                value = fetch(builder, state, builder.mul(row, whole(8 * LANES)), DOUBLES)
                table.append(builder.fptrunc(value, SINGLES))
            for w, value in enumerate(_turned_over(builder, table)):
                place = builder.add(targets[w], builder.mul(first, whole(4)))
                place = builder.inttoptr(place, SINGLES.as_pointer())
                builder.store(value, place, align=4)
            return []

        loop(builder, whole(0), tiles, [], body)
        return context.get_dummy_value()

    return types.void(*[I8] * 5), made


def _turned_over(builder: Any, table: list[Any]) -> list[Any]:
    """Transpose of LANES rows of LANES numbers, by exchanging ever smaller quarters."""
    table = list(table)
    step = LANES // 2
    while step:
        low = [k if not k & step else LANES + k - step for k in range(LANES)]
        high = [k + step if not k & step else LANES + k for k in range(LANES)]
        for k in range(LANES):
            if not k & step:
                a, b = table[k], table[k | step]
                for at, chosen in ((k, low), (k | step, high)):
                    table[at] = builder.shuffle_vector(a, b, ir.Constant(SHORTS, chosen))
        step //= 2
    return table
