"""Building blocks of kernels that carry sixteen states at once, one in each lane of a vector.

A row of sixteen numbers is one value of LLVM's vector type, so that the processor's vectors are
used whatever a compiler would make of a loop. Every lane goes through the same arithmetic and
never sees its neighbours: what a lane comes to does not depend on who is in the others.

Arrays are (n, 2, LANES) and begin at a multiple of 64 bytes (``lane_array``); kernels take their
addresses as integers. The kernels proper are in ``lane_solves`` and ``lane_flows``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir

LANES = 16
ALIGNED_BYTES = 64

SINGLE, DOUBLE = ir.FloatType(), ir.DoubleType()
SHORT, LONG = ir.IntType(32), ir.IntType(64)
SINGLES = ir.VectorType(SINGLE, LANES)
DOUBLES = ir.VectorType(DOUBLE, LANES)
SHORTS = ir.VectorType(SHORT, LANES)
LONGS = ir.VectorType(LONG, LANES)
SIZE = {SINGLES: 4 * LANES, DOUBLES: 8 * LANES, LONGS: 8 * LANES}
"""Bytes of a row."""

CONTRACT = ("contract",)
"""A product and a sum may become one instruction; nothing else is rearranged."""


@numba.njit(cache=True)
def lane_array(rows, bytes_each):  # type: ignore[no-untyped-def]
    """Zeroed bytes for ``rows`` rows of lanes, at an address that vectors like."""
    size = rows * LANES * bytes_each
    block = np.zeros(size + ALIGNED_BYTES, np.uint8)
    skip = (-block.ctypes.data) % ALIGNED_BYTES
    return block[skip : skip + size]


def whole(value: int) -> Any:
    """A constant address or index."""
    return ir.Constant(LONG, value)


def everywhere(builder: Any, scalar: Any, vector: Any) -> Any:
    """The scalar in every lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(SHORT, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(SHORTS, [0] * LANES))


def constants(value: float) -> Any:
    """A constant in every lane, double precision."""
    return ir.Constant(DOUBLES, [value] * LANES)


def fetch(builder: Any, base: Any, offset: Any, kind: Any) -> Any:
    """Read a scalar or a row at a byte offset."""
    place = builder.inttoptr(builder.add(base, offset), kind.as_pointer())
    return builder.load(place, align=_alignment(kind))


def keep(builder: Any, value: Any, base: Any, offset: Any) -> None:
    """Write a scalar or a row at a byte offset."""
    place = builder.inttoptr(builder.add(base, offset), value.type.as_pointer())
    builder.store(value, place, align=_alignment(value.type))


def _alignment(kind: Any) -> int:
    if kind in SIZE:
        return min(ALIGNED_BYTES, SIZE[kind])
    return 8 if kind in {DOUBLE, LONG} else 4


def index_at(builder: Any, base: Any, entry: Any) -> Any:
    """A 32-bit index of a table, as an address."""
    return builder.sext(fetch(builder, base, builder.mul(entry, whole(4)), SHORT), LONG)


def splats(builder: Any, base: Any, entry: Any, count: int, vector: Any) -> list[Any]:
    """The ``count`` numbers of a row of a table, each in every lane."""
    scalar = SINGLE if vector is SINGLES else DOUBLE
    size = 4 if vector is SINGLES else 8
    first = builder.mul(entry, whole(size * count))
    return [
        everywhere(
            builder,
            fetch(builder, base, builder.add(first, whole(size * k)), scalar),
            vector,
        )
        for k in range(count)
    ]


def pair_at(builder: Any, base: Any, row: Any, vector: Any) -> tuple[Any, Any, Any, Any]:
    """Both quantities of a bus, and their offsets."""
    size = SIZE[vector]
    first = builder.mul(row, whole(2 * size))
    second = builder.add(first, whole(size))
    return (
        fetch(builder, base, first, vector),
        fetch(builder, base, second, vector),
        first,
        second,
    )


def times(builder: Any, x: Any, y: Any) -> Any:
    """Product x y in every lane."""
    return builder.fmul(x, y, flags=CONTRACT)


def plus(builder: Any, x: Any, y: Any) -> Any:
    """Sum x + y in every lane."""
    return builder.fadd(x, y, flags=CONTRACT)


def minus(builder: Any, x: Any, y: Any) -> Any:
    """Difference x - y in every lane."""
    return builder.fsub(x, y, flags=CONTRACT)


def times_plus(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Product and sum x y + z in every lane."""
    return plus(builder, times(builder, x, y), z)


def minus_times(builder: Any, z: Any, x: Any, y: Any) -> Any:
    """Difference z - x y in every lane."""
    return minus(builder, z, times(builder, x, y))


def larger(builder: Any, x: Any, y: Any) -> Any:
    """The larger of two numbers in every lane; x where it is not a number."""
    return builder.select(builder.fcmp_unordered(">", x, y), x, y)


def size_of(builder: Any, x: Any) -> Any:
    """|x| in every lane."""
    sign_off = ir.Constant(LONGS, [0x7FFFFFFFFFFFFFFF] * LANES)
    return builder.bitcast(builder.and_(builder.bitcast(x, LONGS), sign_off), DOUBLES)


def loop(
    builder: Any,
    first: Any,
    last: Any,
    carried: list[Any],
    body: Callable[[Any, list[Any]], list[Any]],
) -> list[Any]:
    """Run ``body(index, carried)`` for every index from ``first`` to before ``last``.

    Args:
        builder: of the function.
        first: index to begin with.
        last: index to stop before.
        carried: values that go from round to round.
        body: gives their next values.

    Returns:
        The carried values at the end.
    """
    function = builder.function
    head = function.append_basic_block("lanes.head")
    inside = function.append_basic_block("lanes.body")
    end = function.append_basic_block("lanes.end")
    before = builder.block
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(LONG)
    index.add_incoming(first, before)
    values = [builder.phi(value.type) for value in carried]
    for phi, value in zip(values, carried, strict=True):
        phi.add_incoming(value, before)
    builder.cbranch(builder.icmp_signed("<", index, last), inside, end)
    builder.position_at_end(inside)
    following = body(index, values)
    index.add_incoming(builder.add(index, whole(1)), builder.block)
    for phi, value in zip(values, following, strict=True):
        phi.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(end)
    return values
