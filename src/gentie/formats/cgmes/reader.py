"""From pypowsybl's grid to the tables that a network is made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import numpy as np

from gentie.engines.grid.network import Floats
from gentie.formats.cgmes.branches import (
    add_boundaries,
    add_lines,
    add_three_windings,
    add_two_windings,
)
from gentie.formats.cgmes.direct_current import add_dc_lines
from gentie.formats.cgmes.equipment import add_at_buses, add_grid_units
from gentie.formats.cgmes.grid import Frame, frames, opened
from gentie.formats.cgmes.ratings import ratings_of
from gentie.formats.cgmes.tables import BASE_MVA, Tables
from gentie.formats.matpower.case import MatpowerCase, Table
from gentie.formats.matpower.fidelity.sentences import told
from gentie.quantities.findings import BadInput, Finding

NUMBERED = re.compile(r"BUS-(\d{1,9})")
"""Identities that a case from numbered buses is written with."""


def read_cgmes(content: bytes, file_name: str) -> tuple[MatpowerCase, Tables]:
    """Read a CGMES archive.

    Args:
        content: of the archive.
        file_name: for messages.

    Returns:
        The case in MATPOWER's tables, and the tables with the grid's own names and findings.

    Raises:
        BadInput: pypowsybl is missing or cannot read the archive, or the grid has no bus.

    Neglects: switches, which are closed or open as stored; control of taps, shunts and converters.
    Follows: pypowsybl's grid model, per unit of 100 MVA and of nominal voltages.
    """
    grid = opened(content, file_name)
    ratings = ratings_of(grid)
    ask = frames(grid)
    lines = ask("lines")
    grid.per_unit = True
    tables = _buses(grid, ask)
    if not len(tables.bus):
        raise BadInput(
            Finding(
                "case.cgmes.no_bus",
                f"{file_name}: the archive holds no bus that equipment is connected to. Give the EQ, "
                "SSH, TP and SV files of one case.",
                where=file_name,
            )
        )
    add_at_buses(ask, tables)
    add_grid_units(ask, tables)
    add_lines(lines, tables, ratings)
    add_two_windings(ask, tables, ratings)
    add_three_windings(ask, tables, ratings)
    add_boundaries(ask, tables)
    add_dc_lines(ask, tables)
    _mark_slacks(ask("buses"), tables)
    _said(ask, tables)
    return _case(content, file_name, tables), tables


def _buses(grid: Any, ask: Callable[[str], Frame]) -> Tables:
    bus, level = ask("buses"), ask("voltage_levels")
    detailed = ask("bus_breaker_view_buses")
    own: dict[str, list[str]] = {}
    for identity, joined in zip(detailed.identity, detailed.text("bus_id"), strict=True):
        own.setdefault(joined, []).append(identity)
    matches = [NUMBERED.fullmatch(own.get(one, [""])[0]) for one in bus.identity]
    numbers = [int(one.group(1)) for one in matches if one]
    is_numbered = len(numbers) == len(bus) and len(set(numbers)) == len(numbers)
    nominal_kv = dict(zip(level.identity, level.number("nominal_v"), strict=True))
    high = dict(zip(level.identity, level.number("high_voltage_limit"), strict=True))
    low = dict(zip(level.identity, level.number("low_voltage_limit"), strict=True))
    level_of = bus.text("voltage_level_id")
    table = np.zeros((len(bus), 13))
    table[:, 0] = numbers if is_numbered else np.arange(1, len(bus) + 1)
    table[:, 1] = 1
    table[:, 6] = table[:, 10] = 1
    table[:, 7] = bus.number("v_mag", 1.0)
    table[:, 8] = np.degrees(bus.number("v_angle"))
    table[:, 9] = [nominal_kv[one] for one in level_of]
    table[:, 11] = [high[one] or 1.1 for one in level_of]
    table[:, 12] = [low[one] or 0.9 for one in level_of]
    tables = Tables({identity: row for row, identity in enumerate(bus.identity)}, table)
    tables.names = [own.get(one, [one])[0] if is_numbered else one for one in bus.identity]
    slack = grid.get_extensions("slackTerminal")
    for named in slack["bus_id"].tolist() if len(slack) else []:
        if named in tables.row_of:
            table[tables.row_of[named], 1] = 3
    if not is_numbered:
        tables.found.append(
            told(
                "case.cgmes.numbered",
                "Buses without a number of their own",
                list(bus.identity),
                "They are numbered from 1 on; their identities are their names.",
            )
        )
    return tables


def _mark_slacks(bus: Frame, tables: Tables) -> None:
    """Each part that is joined by AC and has units gets a slack bus: its own, or the largest unit's."""
    part = bus.number("synchronous_component").astype(np.int64)
    kind = tables.bus[:, 1]
    units = np.vstack(tables.gen) if tables.gen else np.zeros((0, 10))
    at = units[:, 0].astype(int)
    chosen = []
    for one in np.unique(part):
        rows = np.flatnonzero(part == one)
        here = np.flatnonzero(np.isin(at, rows) & (kind[at] != 1))
        if len(here) and not (kind[rows] == 3).any():
            largest = int(at[here[np.nan_to_num(units[here, 8], posinf=0.0).argmax()]])
            kind[largest] = 3
            chosen.append(tables.names[largest])
    tables.found.append(
        told(
            "case.cgmes.slack",
            "Slack buses that the archive does not name",
            chosen,
            "Each is that of the largest unit that holds a voltage in its part.",
        )
    )


def _said(ask: Callable[[str], Frame], tables: Tables) -> None:
    switch = ask("switches")
    changers = (ask("ratio_tap_changers"), ask("phase_tap_changers"))
    moving = [
        changer.identity[row]
        for changer in changers
        for row in np.flatnonzero(changer.flag("regulating"))
    ]
    tables.found += [
        told(
            "case.cgmes.switches",
            "Switches",
            list(switch.identity),
            "Each is open or closed as stored; what closed ones join is one bus.",
        ),
        told(
            "case.cgmes.taps",
            "Tap changers that regulate",
            moving,
            "They stay at their stored position.",
        ),
        told(
            "case.cgmes.disconnected",
            "Equipment with an end that is connected to nothing",
            tables.left_out,
            "It is left out.",
        ),
        told(
            "case.cgmes.one_area",
            "Buses without an area",
            tables.names,
            "All are in area 1 and zone 1.",
        ),
    ]


def _case(content: bytes, file_name: str, tables: Tables) -> MatpowerCase:
    number = tables.bus[:, 0]

    def stacked(parts: list[Floats], columns: int, ends: int) -> Floats:
        rows = np.vstack(parts) if parts else np.zeros((0, columns))
        for place in range(ends):
            rows[:, place] = number[rows[:, place].astype(int)]
        return rows

    made = {
        "bus": tables.bus,
        "gen": stacked(tables.gen, 10, 1),
        "branch": stacked(tables.branch, 11, 2),
        "dcline": stacked(tables.dcline, 7, 2),
    }
    return MatpowerCase(
        name=PurePath(file_name).stem,
        file_name=file_name,
        digest=hashlib.sha256(content).hexdigest(),
        version="2",
        base_mva=BASE_MVA,
        tables={
            name: Table(name, rows, np.zeros(len(rows), np.int64)) for name, rows in made.items()
        },
        names={
            "bus_name": tuple(tables.names),
            "genfuel": tuple(tables.fuel),
            "gentype": tuple(tables.kind),
        },
    )
