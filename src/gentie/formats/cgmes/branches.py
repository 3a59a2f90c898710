"""Lines and transformers of a CGMES grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gentie.formats.cgmes.grid import Frame
from gentie.formats.cgmes.ratings import Ratings
from gentie.formats.cgmes.tables import BASE_MVA, Tables, add_branches
from gentie.formats.matpower.fidelity.sentences import told

FIRST_STAR = 1_000_001
SMALLEST_OHM = 1e-4
"""Of a line that gives no impedance."""


def add_lines(line: Frame, tables: Tables, ratings: Ratings) -> None:
    """Add every line; what its two ends do not share is a shunt of the bus.

    A line may join two nominal voltages, so its ohms are put in per unit here: with ``V1`` and
    ``V2`` nominal, the series admittance is ``y V1 V2 / S``, and the shunt of the first end
    ``(y + y1) V1^2 / S`` less that.

    Args:
        line: in ohms and siemens.
        tables: get the rows.
        ratings: of all branches.
    """
    a, z = line.rows("bus1_id", tables.row_of), line.rows("bus2_id", tables.row_of)
    on = tables.connected(line, a, z) & (a != z)
    first_kv, second_kv = tables.bus[a, 9], tables.bus[z, 9]
    ohm = line.number("r") + 1j * line.number("x")
    ohm = np.where(ohm == 0, 1j * SMALLEST_OHM, ohm)
    impedance_pu = ohm * BASE_MVA / (first_kv * second_kv)
    series_pu = 1 / impedance_pu
    shunts = []
    for nominal_kv, g, b in ((first_kv, "g1", "b1"), (second_kv, "g2", "b2")):
        own = line.number(g) + 1j * line.number(b)
        shunts.append((1 / ohm + own) * nominal_kv**2 / BASE_MVA - series_pu)
    half = (shunts[0].imag + shunts[1].imag) / 2
    half = np.where(first_kv == second_kv, half, 0.0)
    zeros, ones = np.zeros(len(line)), np.ones(len(line))
    add_branches(
        tables,
        on,
        [
            *(a, z, impedance_pu.real, impedance_pu.imag, 2 * half),
            *ratings.columns(line.identity, first_kv),
            *(np.where(first_kv == second_kv, zeros, ones), zeros, ones),
        ],
        line.identity,
    )
    for bus, shunt in zip((a, z), shunts, strict=True):
        tables.add_at(bus, on, 4, shunt.real * BASE_MVA)
        tables.add_at(bus, on, 5, (shunt.imag - half) * BASE_MVA)


def add_two_windings(ask: Callable[[str], Frame], tables: Tables, ratings: Ratings) -> None:
    """``V1 rho e^(j alpha) - y - z - V2``: a ratio of 1/rho at the first bus, shunts behind it."""
    two = ask("2_windings_transformers")
    a, z = two.rows("bus1_id", tables.row_of), two.rows("bus2_id", tables.row_of)
    on = tables.connected(two, a, z) & (a != z)
    rho = two.number("rho", 1.0)
    add_branches(
        tables,
        on,
        [
            *(a, z, two.number("r_at_current_tap"), two.number("x_at_current_tap")),
            np.zeros(len(two)),
            *ratings.columns(two.identity, tables.bus[a, 9]),
            *(1 / rho, -np.degrees(two.number("alpha")), np.ones(len(two))),
        ],
        two.identity,
    )
    tables.add_at(a, on, 4, two.number("g_at_current_tap") * rho**2 * BASE_MVA)
    tables.add_at(a, on, 5, two.number("b_at_current_tap") * rho**2 * BASE_MVA)


def add_three_windings(ask: Callable[[str], Frame], tables: Tables, ratings: Ratings) -> None:
    """Each leg from its bus to a star point of its own, in per unit of the star's rated voltage."""
    three = ask("3_windings_transformers")
    if not len(three):
        return
    first = len(tables.bus)
    count = len(three)
    star = np.zeros((count, 13))
    start = max(FIRST_STAR, int(tables.bus[:, 0].max()) + 1)
    star[:, 0] = start + np.arange(count)
    star[:, 1], star[:, 6], star[:, 7], star[:, 9], star[:, 10] = 1, 1, 1, 1, 1
    tables.bus = np.vstack([tables.bus, star])
    tables.names += [f"star {one}" for one in three.identity]
    star_row = first + np.arange(count)
    for leg in (1, 2, 3):
        bus = three.rows(f"bus{leg}_id", tables.row_of)
        on = tables.connected(three, bus)
        rho = three.number(f"rho{leg}", 1.0)
        add_branches(
            tables,
            on,
            [
                *(bus, star_row),
                *(three.number(f"r{leg}_at_current_tap"), three.number(f"x{leg}_at_current_tap")),
                np.zeros(count),
                *ratings.columns(three.identity, tables.bus[bus, 9], side=leg),
                *(1 / rho, -np.degrees(three.number(f"alpha{leg}")), np.ones(count)),
            ],
            three.identity,
        )
        for column, name in ((4, "g"), (5, "b")):
            shunt = three.number(f"{name}{leg}_at_current_tap") * rho**2
            tables.add_at(bus, on, column, shunt * BASE_MVA)
    tables.found.append(
        told(
            "case.cgmes.three_winding",
            "Three-winding transformers",
            list(three.identity),
            f"Each is a star of three transformers at a bus of its own, numbered from {start} on.",
        )
    )


def add_boundaries(ask: Callable[[str], Frame], tables: Tables) -> None:
    """A line to the edge of the grid: its far end is a bus with the power that goes over it."""
    edge = ask("boundary_lines")
    bus = edge.rows("bus_id", tables.row_of)
    on = tables.connected(edge, bus) & ~edge.flag("paired")
    if not on.any():
        return
    kept = np.flatnonzero(on)
    far = np.zeros((len(kept), 13))
    far[:] = tables.bus[bus[kept]]
    far[:, 0] = max(FIRST_STAR, int(tables.bus[:, 0].max()) + 1) + np.arange(len(kept))
    far[:, 1] = 1
    far[:, 2] = edge.number("p0")[kept] * BASE_MVA
    far[:, 3] = edge.number("q0")[kept] * BASE_MVA
    far[:, 4:6] = 0
    row = len(tables.bus) + np.arange(len(kept))
    tables.bus = np.vstack([tables.bus, far])
    tables.names += [f"edge {edge.identity[one]}" for one in kept]
    zeros = np.zeros(len(kept))
    r, x = edge.number("r")[kept], edge.number("x")[kept]
    add_branches(
        tables,
        np.ones(len(kept), bool),
        [bus[kept], row, r, x, *(zeros,) * 6, np.ones(len(kept))],
        tuple(edge.identity[one] for one in kept),
    )
    tables.add_at(bus, on, 4, edge.number("g") * BASE_MVA)
    tables.add_at(bus, on, 5, edge.number("b") * BASE_MVA)
    tables.found.append(
        told(
            "case.cgmes.boundary",
            "Lines to the edge of the grid",
            [edge.identity[one] for one in kept],
            "Each ends at a bus of its own with a load that is the stored exchange.",
        )
    )
