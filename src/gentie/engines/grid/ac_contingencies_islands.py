"""Bridges of the live grid to parts without a slack bus, and what is behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.ac_contingencies_grid import SLACK, FrozenGrid
from gentie.engines.grid.contingencies import bridges_below
from gentie.engines.grid.network import Integers

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Tree:
    """A depth-first walk from all slack buses, by place.

    Attributes:
        visit: (n,) depth-first number.
        last: (n,) last number below each place.
        sequence: (n,) places in depth-first order.
        entering: (k,) place that each live branch enters if it is a bridge to a part without a
            slack bus, else -1.
    """

    visit: Integers
    last: Integers
    sequence: Integers
    entering: Integers


def depth_first(frozen: FrozenGrid) -> Tree:
    """Bridges to parts without a slack bus, and what is behind them.

    A bus is added that hangs on every slack bus by two branches: a part with a slack bus is then
    never behind a bridge.

    Follows: Tarjan's bridge finding.
    """
    n, k = len(frozen.bus), len(frozen.branch)
    slack = np.flatnonzero(frozen.kind == SLACK)
    twice = np.repeat(slack, 2)
    near = np.concatenate([frozen.near.astype(np.int64), np.full(len(twice), n)])
    far = np.concatenate([frozen.far.astype(np.int64), twice])
    ends, others = np.concatenate([near, far]), np.concatenate([far, near])
    edges = np.tile(np.arange(len(near)), 2)
    order = np.argsort(ends, kind="stable")
    start = np.searchsorted(ends[order], np.arange(n + 2))
    visit, last, bridge = bridges_below(start, others[order], edges[order], n, n + 1)
    entering = np.full(k, NOWHERE, np.int64)
    behind = np.flatnonzero(bridge[:n] >= 0)
    entering[bridge[behind]] = behind
    sequence = np.argsort(visit[:n]).astype(np.int64)
    return Tree(visit[:n] - 1, last[:n] - 1, sequence, entering)
