"""Multi-terminal DC lines of a RAW case: each converter as a fixed load or source of its bus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.network import Floats
from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.psse.buses import BusTable
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.direct_current import Converter
from gentie.formats.psse.records import Section
from gentie.quantities.findings import Finding

STEPS = 200
CLOSE_KV = 1e-9


class NoDcFlow(Exception):
    """The DC grid has no voltages that carry its schedule."""


@dataclass(frozen=True, eq=False)
class DcGrid:
    """A DC grid of one pole.

    Attributes:
        node: (c,) node of each converter.
        order_mw: (c,) power that each converter takes from the AC grid.
        holding: place of the converter that holds the voltage; its order is not used.
        held_kv: its voltage.
        conductance: (n, n) of the lines between nodes, 1/ohm.
    """

    node: np.ndarray
    order_mw: Floats
    holding: int
    held_kv: float
    conductance: Floats


def dc_flow(grid: DcGrid) -> tuple[Floats, Floats]:
    """Voltages and currents of a DC grid's converters.

    Args:
        grid: of one pole.

    Returns:
        (c,) kV and (c,) kA into the DC grid, from ``G V = P / V`` by repetition.

    Raises:
        NoDcFlow: there is no such state.

    Neglects: converter limits and the order of the margins.
    """
    if grid.held_kv <= 0:
        raise NoDcFlow
    count = len(grid.conductance)
    voltage = np.full(count, grid.held_kv)
    slack = grid.node[grid.holding]
    free = np.flatnonzero(np.arange(count) != slack)
    others = np.flatnonzero(np.arange(len(grid.node)) != grid.holding)
    for _ in range(STEPS):
        current = np.zeros(count)
        np.add.at(current, grid.node[others], grid.order_mw[others] / voltage[grid.node[others]])
        known = current[free] - grid.conductance[np.ix_(free, [slack])][:, 0] * grid.held_kv
        try:
            solved = np.linalg.solve(grid.conductance[np.ix_(free, free)], known)
        except np.linalg.LinAlgError as cause:
            raise NoDcFlow from cause
        step = float(np.abs(solved - voltage[free]).max(initial=0.0))
        voltage[free] = solved
        if not np.all(np.isfinite(voltage)) or voltage.min() <= 0:
            raise NoDcFlow
        if step < CLOSE_KV:
            into = grid.conductance @ voltage
            at = voltage[grid.node]
            drawn = np.where(np.arange(len(at)) == grid.holding, 0.0, grid.order_mw / at)
            drawn[grid.holding] = into[slack] - drawn[grid.node == slack].sum()
            return at, drawn
    raise NoDcFlow


def add_multi_terminal(case: RawCase, buses: BusTable) -> Iterator[Finding | None]:
    """Add every converter in service to the loads of its bus."""
    section = case.section("multi-terminal dc")
    fixed: list[str] = []
    dropped: list[str] = []
    for record, line in zip(section.records, section.line, strict=True):
        name = record[0][0].strip()
        told_name = f"{name} on line {line}"
        try:
            mode = int(record[0][4])
            if mode == 0:
                continue
            if mode != 1 or int(record[0][7] or 0):
                dropped.append(told_name)
                continue
            power_mw = _add(record, buses)
        except (ValueError, IndexError, KeyError, ZeroDivisionError, NoDcFlow):
            _refuse(section, name, line)
            continue
        fixed.append(f"{told_name}, {power_mw:,.1f} MW")
    yield told(
        "case.raw.dc.multi_terminal",
        "Multi-terminal DC lines in service",
        fixed,
        "Each converter is a load or a source of its bus, with its schedule and what the DC lines "
        "lose; their reactive power is that of the stored taps and AC voltages.",
    )
    yield told(
        "case.raw.dc.multi_terminal_dropped",
        "Multi-terminal DC lines in service with two poles or under current control",
        dropped,
        "They are dropped: their converters give and take nothing.",
    )


def _refuse(section: Section, name: str, line: int) -> None:
    section.problems.add(
        "case.raw.dc.grid",
        f"the multi-terminal DC line {name} cannot be solved: its records are not whole, a bus of it "
        "is missing, or its schedule (SETVL) has no DC voltages. Mend it, or block it with MDC 0.",
        line=line,
        field="multi-terminal dc",
    )


def _add(record: list[list[str]], buses: BusTable) -> float:
    """Add the converters of one line; gives what its rectifiers take, MW."""
    converters, nodes, lines = (int(value) for value in record[0][1:4])
    rows = record[1:]
    converter = [
        [float(value) for value in row[:13]] for row in rows[:converters]
    ]  # IB N ANGMX ANGMN RC XC EBAS TR TAP TPMX TPMN TSTP SETVL
    node_of = {int(row[1] or 0): int(row[0]) - 1 for row in rows[converters : converters + nodes]}
    conductance = np.zeros((nodes, nodes))
    for line in rows[converters + nodes : converters + nodes + lines]:
        a, z, siemens = int(line[0]) - 1, int(line[1]) - 1, 1 / float(line[3])
        conductance[[a, z], [a, z]] += siemens
        conductance[[a, z], [z, a]] -= siemens
    at_bus = [int(one[0]) for one in converter]
    order = np.array([one[12] for one in converter])
    holding = at_bus.index(int(record[0][5]))
    voltage_kv, current_ka = dc_flow(
        DcGrid(
            node=np.array([node_of[bus] for bus in at_bus]),
            order_mw=order,
            holding=holding,
            held_kv=abs(float(order[holding])),
            conductance=conductance,
        )
    )
    for place, (one, number) in enumerate(zip(converter, at_bus, strict=True)):
        row = buses.row_of[number]
        base_kv = one[6] or float(buses.nominal_kv[row])
        device = Converter(
            bridges=one[1],
            angle_max_deg=one[2],
            angle_min_deg=one[3],
            resistance_ohm=one[4],
            reactance_ohm=one[5],
            secondary_kv=float(buses.voltage_pu[row]) * base_kv * one[7] / (one[8] or 1.0),
        )
        if not device.is_usable:
            raise NoDcFlow
        buses.load_mw[row] += voltage_kv[place] * current_ka[place]
        buses.load_mvar[row] += device.drawn_mvar(
            float(voltage_kv[place]), abs(float(current_ka[place]))
        )
    return float(np.maximum(voltage_kv * current_ka, 0).sum())
