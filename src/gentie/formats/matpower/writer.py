"""Writing a network as a MATPOWER case, format version 2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from gentie.engines.grid.network import Network
from gentie.formats.matpower.columns import COLUMNS, NEEDED_COLUMNS

ANGLE_LIMITS = (-360.0, 360.0)
_NAME = re.compile(r"\W+")


def tables_of(network: Network) -> dict[str, np.ndarray]:
    """The tables ``bus``, ``gen``, ``branch`` and, where there is one, ``dcline``.

    Args:
        network: any.

    Returns:
        In MATPOWER's columns; branches with two columns of angle limits that limit nothing.
    """
    buses, branches, units = network.buses, network.branches, network.generators
    number = buses.number
    ones = np.ones(len(branches))
    tables = {
        "bus": (
            *(number, buses.kind, buses.load_mw, buses.load_mvar, buses.shunt_mw, buses.shunt_mvar),
            *(buses.area, buses.voltage_pu, buses.angle_deg, buses.nominal_kv, buses.zone),
            *(buses.voltage_max_pu, buses.voltage_min_pu),
        ),
        "gen": (
            *(number[units.bus], units.p_mw, units.q_mvar, units.q_max_mvar, units.q_min_mvar),
            *(units.voltage_setpoint_pu, np.nan_to_num(units.machine_base_mva), units.in_service),
            *(units.p_max_mw, units.p_min_mw),
        ),
        "branch": (
            *(number[branches.from_bus], number[branches.to_bus], branches.resistance_pu),
            *(branches.reactance_pu, branches.charging_pu, branches.rating_normal_mva),
            *(branches.rating_long_term_mva, branches.rating_emergency_mva),
            np.where(branches.is_transformer, branches.tap_ratio, 0.0),
            *(branches.shift_deg, branches.in_service),
            *(limit * ones for limit in ANGLE_LIMITS),
        ),
    }
    lines = network.dc_lines
    if len(lines):
        tables["dcline"] = _dc_columns(network)
    return {name: np.column_stack(columns).astype(np.float64) for name, columns in tables.items()}


def _dc_columns(network: Network) -> tuple[np.ndarray, ...]:
    """DC lines with the limits and losses that keep them as they are."""
    buses, lines = network.buses, network.dc_lines
    zeros = np.zeros(len(lines))
    return (
        *(buses.number[lines.from_bus], buses.number[lines.to_bus], lines.in_service),
        *(lines.p_from_mw, lines.p_to_mw, lines.q_from_mvar, lines.q_to_mvar),
        *(buses.voltage_pu[lines.from_bus], buses.voltage_pu[lines.to_bus]),
        *(lines.p_from_mw, lines.p_from_mw),
        *(lines.q_from_mvar, lines.q_from_mvar, lines.q_to_mvar, lines.q_to_mvar),
        *(lines.p_from_mw - lines.p_to_mw, zeros),
    )


def matpower_bytes(network: Network) -> bytes:
    """A network as a ``.m`` file that reads back to the same network.

    Args:
        network: any.

    Returns:
        The file; every number with the digits that tell it from its neighbours.

    Follows: MATPOWER User's Manual, appendix B (case format, version 2).
    """
    name = _NAME.sub("_", network.name).strip("_") or "case"
    if not name[0].isalpha():
        name = f"case_{name}"
    lines = [
        f"function mpc = {name}",
        "mpc.version = '2';",
        f"mpc.baseMVA = {_number(network.base_mva)};",
    ]
    for table, rows in tables_of(network).items():
        heads = COLUMNS[table][: max(NEEDED_COLUMNS[table], rows.shape[1])]
        lines += ["", f"%\t{chr(9).join(heads)}", f"mpc.{table} = ["]
        lines += ["\t" + "\t".join(map(_number, row)) + ";" for row in rows.tolist()]
        lines.append("];")
    for table, texts in (
        ("bus_name", network.buses.name),
        ("gentype", network.generators.unit_type),
        ("genfuel", network.generators.fuel),
    ):
        if any(text and text != "unknown" for text in texts):
            lines += ["", f"mpc.{table} = {{", *_quoted(texts), "};"]
    return "\n".join([*lines, ""]).encode()


def _number(value: float) -> str:
    if np.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def _quoted(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield "\t'" + text.replace("'", "''") + "';"
