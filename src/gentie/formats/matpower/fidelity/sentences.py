"""How the fidelity report speaks: what, how many, which, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gentie.engines.grid.network import Booleans, Network
from gentie.quantities.findings import Finding

NAMED = 3
"""Elements named in a sentence; the rest are counted."""


def first_few(names: Sequence[str], total: int | None = None) -> str:
    """``a, b, c and 9 more``."""
    total = len(names) if total is None else total
    said = ", ".join(names[:NAMED])
    return f"{said} and {total - NAMED:,} more" if total > NAMED else said


def told(
    code: str, what: str, names: Sequence[str], consequence: str, *, total: int | None = None
) -> Finding | None:
    """A finding on elements, or nothing where there are none.

    Args:
        code: stable dotted code.
        what: the kind of thing seen, in the plural.
        names: of the elements; the first few are said.
        consequence: what the study does with them.
        total: how many there are, where ``names`` holds only the first.

    Returns:
        The finding.
    """
    total = len(names) if total is None else total
    if not total:
        return None
    few = first_few(names, total)
    return Finding(code, f"{what}: {total:,} ({few}). {consequence}", count=total, where=few)


def told_rows(
    code: str,
    what: str,
    is_seen: Booleans,
    name: Callable[[int], str],
    consequence: str,
) -> Finding | None:
    """A finding on the rows of a table where ``is_seen`` holds."""
    rows = np.flatnonzero(is_seen)
    names = [name(int(row)) for row in rows[:NAMED]]
    return told(code, what, names, consequence, total=len(rows))


def bus_namer(network: Network) -> Callable[[int], str]:
    """The identity of a bus by its row."""
    return lambda row: f"bus {network.buses.number[row]}"


def branch_namer(network: Network) -> Callable[[int], str]:
    """The identity of a branch by its row."""
    return lambda row: network.element_ids[row]


def unit_namer(network: Network) -> Callable[[int], str]:
    """The identity of a unit by its row."""
    return lambda row: network.unit_ids[row]
