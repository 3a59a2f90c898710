"""Which buses hang together."""

from __future__ import annotations

import numpy as np

from gentie.engines.grid.network import Booleans, Integers


def part_of_bus(bus_count: int, from_bus: Integers, to_bus: Integers) -> Integers:
    """Label every bus with the smallest row that it is connected to.

    Args:
        bus_count: number of buses.
        from_bus: (m,) row of one end of each branch that connects.
        to_bus: (m,) row of the other end.

    Returns:
        (n,) label; two buses are connected if, and only if, theirs are equal.

    Follows: label propagation with pointer jumping (Shiloach and Vishkin, 1982).
    """
    label = np.arange(bus_count)
    while True:
        smaller = np.minimum(label[from_bus], label[to_bus])
        joined = label.copy()
        np.minimum.at(joined, label[from_bus], smaller)
        np.minimum.at(joined, label[to_bus], smaller)
        np.minimum.at(joined, from_bus, smaller)
        np.minimum.at(joined, to_bus, smaller)
        while True:
            jumped = joined[joined]
            if np.array_equal(jumped, joined):
                break
            joined = jumped
        if np.array_equal(joined, label):
            return label
        label = joined


def rows_by_label(label: Integers, is_wanted: Booleans) -> dict[int, Integers]:
    """Rows of each label among the wanted ones, smallest label first."""
    rows = np.flatnonzero(is_wanted)
    order = rows[np.argsort(label[rows], kind="stable")]
    labels, starts = np.unique(label[order], return_index=True)
    pieces = np.split(order, starts[1:]) if len(labels) else []
    return {int(key): piece for key, piece in zip(labels, pieces, strict=True)}
