"""What a case must say before a network can be made of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gentie.formats.matpower.case import Table
from gentie.formats.matpower.columns import COLUMNS, MAY_BE_INFINITE, NEEDED_COLUMNS
from gentie.formats.matpower.problems import Problems

LARGEST_BUS_NUMBER = 999_999_999


def check_tables(
    tables: Mapping[str, Table],
    names: Mapping[str, tuple[str, ...]],
    problems: Problems,
    broken: Mapping[str, np.ndarray],
) -> None:
    """Tell everything in the tables that a network cannot be made of.

    Args:
        tables: by name; ``bus``, ``gen`` and ``branch`` are there.
        names: tables of text by name.
        problems: gets the reasons.
        broken: rows by table whose fault is already told; they are not looked at again.
    """
    fine = {name: ~broken.get(name, np.zeros(len(table), bool)) for name, table in tables.items()}
    for name in ("bus", "gen", "branch", "dcline"):
        if name in tables:
            check_numbers(tables[name], fine[name], problems)
    check_bus_numbers(tables["bus"], fine["bus"], problems)
    check_bus_types(tables["bus"], fine["bus"], problems)
    numbers = set(tables["bus"].values[:, 0].tolist())
    for name, places in (("gen", (0,)), ("branch", (0, 1)), ("dcline", (0, 1))):
        if name in tables and numbers:
            check_ends(tables[name], places, fine[name], numbers, problems)
    check_ratios(tables["branch"], fine["branch"], problems)
    check_name_counts(tables, names, problems)


def check_ratios(branch: Table, fine: np.ndarray, problems: Problems) -> None:
    """A tap ratio is 0 for a line, or above 0."""
    ratios = branch.values[:, 8]
    for row in np.flatnonzero((ratios < 0) & fine):
        problems.add(
            "case.branch.ratio",
            f"the tap ratio {ratios[row]:.12g} is below 0. Write 0 for a line, or a ratio above 0.",
            line=int(branch.line[row]),
            field="branch.ratio",
        )


def check_numbers(table: Table, fine: np.ndarray, problems: Problems) -> None:
    """Every needed column holds numbers; only limits may be infinite."""
    for place, column in enumerate(COLUMNS[table.name][: NEEDED_COLUMNS[table.name]]):
        values = table.values[:, place]
        may_be_infinite = column in MAY_BE_INFINITE[table.name]
        is_wrong = np.isnan(values) if may_be_infinite else ~np.isfinite(values)
        for row in np.flatnonzero(is_wrong & fine):
            allowed = "a number, Inf or -Inf" if may_be_infinite else "a finite number"
            problems.add(
                "case.number.missing",
                f"the value is {_said(values[row])} and the study needs it. Write {allowed}.",
                line=int(table.line[row]),
                field=f"{table.name}.{column}",
            )


def _said(value: float) -> str:
    return "NaN" if np.isnan(value) else ("Inf" if value > 0 else "-Inf")


def check_bus_numbers(bus: Table, fine: np.ndarray, problems: Problems) -> None:
    """Bus numbers are whole, positive, and each is used once."""
    numbers = bus.values[:, 0]
    with np.errstate(invalid="ignore"):
        is_whole = (numbers == np.floor(numbers)) & (numbers >= 1) & (numbers <= LARGEST_BUS_NUMBER)
    for row in np.flatnonzero(~is_whole & fine & np.isfinite(numbers)):
        problems.add(
            "case.bus.number",
            f"the bus number {numbers[row]:.12g} is not a whole number from 1 to "
            f"{LARGEST_BUS_NUMBER:,}. Number the buses 1, 2, 3, …",
            line=int(bus.line[row]),
            field="bus.bus_i",
        )
    first: dict[float, int] = {}
    for place, number in enumerate(numbers.tolist()):
        if number in first:
            problems.add(
                "case.bus.duplicate",
                f"bus {number:.12g} is already on line {int(bus.line[first[number]])}. "
                "Give each bus its own number.",
                line=int(bus.line[place]),
                field="bus.bus_i",
            )
        elif is_whole[place]:
            first[number] = place


def check_bus_types(bus: Table, fine: np.ndarray, problems: Problems) -> None:
    """A bus is of type 1, 2, 3 or 4."""
    types = bus.values[:, 1]
    for row in np.flatnonzero(~np.isin(types, (1, 2, 3, 4)) & fine & np.isfinite(types)):
        problems.add(
            "case.bus.type",
            f"bus type {types[row]:.12g} is not known. Write 1 (load), 2 (voltage held), "
            "3 (slack) or 4 (isolated).",
            line=int(bus.line[row]),
            field="bus.type",
        )


def check_ends(
    table: Table,
    places: tuple[int, ...],
    fine: np.ndarray,
    numbers: set[float],
    problems: Problems,
) -> None:
    """Every unit and branch stands at a bus that exists, and a branch at two different ones."""
    thing = {"gen": "unit", "branch": "branch", "dcline": "DC line"}[table.name]
    known = np.array(sorted(numbers))
    for place in places:
        ends = table.values[:, place]
        is_unknown = ~np.isin(ends, known)
        for row in np.flatnonzero(is_unknown & fine & np.isfinite(ends)):
            problems.add(
                f"case.{table.name}.bus",
                f"the {thing} stands at bus {ends[row]:.12g}, which the case does not have. "
                "Add the bus or mend the number.",
                line=int(table.line[row]),
                field=f"{table.name}.{COLUMNS[table.name][place]}",
            )
    if len(places) == 2:
        same = (table.values[:, 0] == table.values[:, 1]) & fine
        for row in np.flatnonzero(same):
            problems.add(
                f"case.{table.name}.loop",
                f"the {thing} begins and ends at bus {table.values[row, 0]:.12g}. "
                "Mend one end or take the row out.",
                line=int(table.line[row]),
                field=f"{table.name}.{COLUMNS[table.name][1]}",
            )


def check_name_counts(
    tables: Mapping[str, Table], names: Mapping[str, tuple[str, ...]], problems: Problems
) -> None:
    """A list of names has one name for each row of its table, or is absent or empty."""
    for name, table in (("bus_name", "bus"), ("gentype", "gen"), ("genfuel", "gen")):
        given = names.get(name, ())
        if given and len(given) != len(tables[table]):
            problems.add(
                f"case.{name}.count",
                f"{name} has {len(given):,} texts and {table} has {len(tables[table]):,} rows, "
                "so names would stand at wrong rows. Give one text a row.",
                field=name,
            )
