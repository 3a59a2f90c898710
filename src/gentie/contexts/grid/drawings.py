"""What the map draws of a case: columns of figures, small enough to be sent at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gentie.engines.grid.network import Network
from gentie.rulebook.book import GridProfile

PLACE_STEPS = 10_000
"""Steps of a degree in which places are told: 11 m."""
UNLIMITED = -1.0
"""Told as the capacity of a point that nothing limits."""


def drawings_of(
    network: Network, profile: GridProfile, rows: Sequence[Mapping[str, Any]]
) -> dict[str, bytes]:
    """The points and the lines of a case, as JSON.

    ``points`` has one entry in every column for each bus whose place is known, those that are not
    studied first, then by voltage from the highest: what comes later is drawn above. ``mw`` is the
    capacity of the point that the bus stands for, ``-1`` where nothing limits it, null at a bus
    that stands for no studied point.

    ``lines`` has one entry for each pair of places and voltage with a branch in service between
    them, lowest voltage first; ``from`` and ``to`` count the entries of ``points``. Circuits on
    the same path are one entry. Transformers inside a station have no length and are left out.

    Args:
        network: of the case.
        profile: gives places and owners.
        rows: of ``gentie.workbench.capacity.capacity_map``.
    """
    studied = {int(row["bus"]): row["capacity_mw"] for row in rows}
    buses = network.buses
    levels = sorted({float(kv) for kv in buses.nominal_kv})
    level_of = {kv: place for place, kv in enumerate(levels)}
    known = [
        (int(bus), row) for row, bus in enumerate(buses.number) if int(bus) in profile.coordinates
    ]
    known.sort(key=lambda one: (one[0] in studied, -float(buses.nominal_kv[one[1]]), one[0]))
    entry_of = {row: entry for entry, (_, row) in enumerate(known)}
    places = [profile.coordinates[bus] for bus, _ in known]
    areas = sorted({int(buses.area[row]) for _, row in known})
    points = {
        "kv": levels,
        "areas": [
            [area, profile.owners[area].name if area in profile.owners else ""] for area in areas
        ],
        "steps": PLACE_STEPS,
        "bus": [bus for bus, _ in known],
        "name": [str(buses.name[row]).strip() for _, row in known],
        "level": [level_of[float(buses.nominal_kv[row])] for _, row in known],
        "area": [int(buses.area[row]) for _, row in known],
        "lat": [round(place[0] * PLACE_STEPS) for place in places],
        "lon": [round(place[1] * PLACE_STEPS) for place in places],
        "mw": [_capacity(studied, bus) for bus, _ in known],
    }
    return {
        "points": _written(points),
        "lines": _written(_lines(network, entry_of, places, level_of, levels)),
    }


def _lines(
    network: Network,
    entry_of: Mapping[int, int],
    places: Sequence[tuple[float, float]],
    level_of: Mapping[float, int],
    levels: Sequence[float],
) -> dict[str, object]:
    buses, branches = network.buses, network.branches
    circuits: dict[tuple[int, int, int], int] = {}
    for first, second, is_live in zip(
        branches.from_bus, branches.to_bus, network.is_branch_live, strict=True
    ):
        ends = entry_of.get(int(first)), entry_of.get(int(second))
        if not is_live or ends[0] is None or ends[1] is None:
            continue
        if places[ends[0]] == places[ends[1]]:
            continue
        kv = max(float(buses.nominal_kv[first]), float(buses.nominal_kv[second]))
        path = (level_of[kv], min(ends[0], ends[1]), max(ends[0], ends[1]))
        circuits[path] = circuits.get(path, 0) + 1
    paths = sorted(circuits)
    return {
        "kv": list(levels),
        "level": [path[0] for path in paths],
        "from": [path[1] for path in paths],
        "to": [path[2] for path in paths],
        "circuits": [circuits[path] for path in paths],
    }


def _capacity(studied: Mapping[int, float | None], bus: int) -> float | None:
    if bus not in studied:
        return None
    mw = studied[bus]
    return UNLIMITED if mw is None else round(mw, 1)


def _written(columns: Mapping[str, object]) -> bytes:
    return json.dumps(columns, separators=(",", ":"), ensure_ascii=False).encode()
