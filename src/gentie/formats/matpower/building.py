"""From the tables of a case to the network that the engines study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.network import (
    Booleans,
    Branches,
    Buses,
    BusKind,
    DirectCurrentLines,
    Floats,
    Generators,
    Integers,
    Network,
    numbered_within_groups,
)
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.parts import part_of_bus, rows_by_label
from gentie.quantities.findings import BadInput, Finding

SMALLEST_REACTANCE_PU = 1e-4
"""Given to a branch without reactance: small against any line, large enough to divide by."""

UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Reference:
    """Which parts of a case are studied, and which bus balances each of them.

    Attributes:
        kind: (n,) kind of every bus as the network takes it.
        part: (n,) label of the part of every bus, over live branches.
        cut_off: labels of the parts left out, since nothing in them can balance.
        demoted: rows of further slack buses of a part, taken as voltage-controlled.
        chosen: rows of buses made slack, since their part had none with a unit in service.
        without_unit: rows of slack buses that have no unit in service.
        unheld: rows of voltage-controlled buses without a unit in service, taken as load buses.
    """

    kind: Integers
    part: Integers
    cut_off: tuple[int, ...]
    demoted: tuple[int, ...]
    chosen: tuple[int, ...]
    without_unit: tuple[int, ...]
    unheld: tuple[int, ...]


def bus_rows(case: MatpowerCase, numbers: Floats) -> Integers:
    """Rows in the bus table of buses given by number; they must be there."""
    known = case.bus.values[:, 0]
    order = np.argsort(known, kind="stable")
    return np.asarray(order[np.searchsorted(known[order], numbers)], np.int64)


def is_transformer(case: MatpowerCase, from_bus: Integers, to_bus: Integers) -> Booleans:
    """A branch with a tap ratio, a phase shift, or two different nominal voltages at its ends."""
    branch, nominal_kv = case.branch.values, case.bus.values[:, 9]
    return np.asarray(
        (branch[:, 8] != 0) | (branch[:, 9] != 0) | (nominal_kv[from_bus] != nominal_kv[to_bus])
    )


def reference_of(case: MatpowerCase) -> Reference:
    """Find the parts of the case and the bus that balances each.

    A part with slack buses keeps the first listed that has a unit in service. Without such a bus
    the slack goes to the bus of the largest unit in service of that part; a case without any
    slack bus gets one this way in its largest part. Every other part is left out.

    Raises:
        BadInput: no part of the case can be balanced.
    """
    bus, gen, branch = case.bus.values, case.gen.values, case.branch.values
    kind = bus[:, 1].astype(np.int64)
    is_live = kind != BusKind.ISOLATED
    from_bus, to_bus = bus_rows(case, branch[:, 0]), bus_rows(case, branch[:, 1])
    is_on = (branch[:, 10] > 0) & is_live[from_bus] & is_live[to_bus]
    part = part_of_bus(len(kind), from_bus[is_on], to_bus[is_on])

    unit_bus = bus_rows(case, gen[:, 0])
    unit_on = (gen[:, 7] > 0) & is_live[unit_bus]
    largest_mw = np.full(len(kind), -np.inf)
    np.maximum.at(largest_mw, unit_bus[unit_on], gen[unit_on, 8])
    has_unit = np.zeros(len(kind), bool)
    has_unit[unit_bus[unit_on]] = True

    is_slack = kind == BusKind.SLACK
    unheld = np.flatnonzero((kind == BusKind.VOLTAGE_CONTROLLED) & ~has_unit)
    kind[unheld] = BusKind.LOAD
    nobody_is_slack = not is_slack.any()
    cut_off: list[int] = []
    demoted: list[int] = []
    chosen: list[int] = []
    without_unit: list[int] = []
    for rows in _largest_first(part, is_live, has_unit):
        slacks = rows[is_slack[rows]]
        held = slacks[has_unit[slacks]]
        units = rows[has_unit[rows]]
        if len(held):
            keep = int(held[0])
            demoted.extend(int(row) for row in held[1:])
        elif len(units) and (len(slacks) or (nobody_is_slack and not chosen)):
            keep = int(units[largest_mw[units].argmax()])
            chosen.append(keep)
        elif len(slacks):
            keep = int(slacks[0])
            without_unit.append(keep)
        else:
            cut_off.append(int(part[rows[0]]))
            kind[rows] = BusKind.ISOLATED
            continue
        kind[slacks] = np.where(
            has_unit[slacks], int(BusKind.VOLTAGE_CONTROLLED), int(BusKind.LOAD)
        )
        kind[keep] = BusKind.SLACK
    if not (kind == BusKind.SLACK).any():
        raise BadInput(
            Finding(
                "case.slack.none",
                f"{case.file_name}, table bus: no bus is of type 3 and no unit is in service, so "
                "nothing can balance the case. Mark one bus with type 3 or put a unit in service.",
                where=case.file_name,
            )
        )
    return Reference(
        kind,
        part,
        tuple(sorted(cut_off)),
        tuple(demoted),
        tuple(chosen),
        tuple(without_unit),
        tuple(unheld.tolist()),
    )


def _largest_first(part: Integers, is_live: Booleans, has_unit: Booleans) -> list[Integers]:
    """Rows of every live part: those with a unit in service first, by number of buses."""
    parts = list(rows_by_label(part, is_live).values())
    return sorted(parts, key=lambda rows: (not has_unit[rows].any(), -len(rows), rows[0]))


def network_from(case: MatpowerCase, reference: Reference | None = None) -> Network:
    """Make the network of a case.

    Args:
        case: as read.
        reference: what ``reference_of`` said of it, when it has been asked already.

    Returns:
        The network. Parts that nothing balances are isolated; branches without reactance have
        ``SMALLEST_REACTANCE_PU``; an infinite rating is no rating. ``fidelity_report`` tells
        all of it.

    Raises:
        BadInput: no part of the case can be balanced.

    Neglects: capability curves, ramps, participation factors, angle limits, costs, the areas
        table, the control of DC lines.
    Follows: MATPOWER User's Manual, appendix B (case format, version 2).
    """
    reference = reference or reference_of(case)
    return Network(
        name=case.name,
        base_mva=case.base_mva,
        buses=_buses(case, reference),
        branches=_branches(case),
        generators=_generators(case),
        dc_lines=_dc_lines(case, reference),
        digest=case.digest,
    )


def printable(text: str) -> str:
    """A name without control characters and outer blanks."""
    text = text.strip()
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def names_of(case: MatpowerCase, table: str, count: int, default: str) -> tuple[str, ...]:
    """One text per row, the default where the file says nothing."""
    return tuple(printable(name) or default for name in case.names.get(table, ())) or (
        (default,) * count
    )


def _buses(case: MatpowerCase, reference: Reference) -> Buses:
    bus = case.bus.values
    voltage_pu = bus[:, 7].copy()
    voltage_pu[voltage_pu <= 0] = 1.0
    return Buses(
        number=bus[:, 0].astype(np.int64),
        name=names_of(case, "bus_name", len(bus), ""),
        kind=reference.kind.copy(),
        area=bus[:, 6].astype(np.int64),
        zone=bus[:, 10].astype(np.int64),
        nominal_kv=bus[:, 9].copy(),
        load_mw=bus[:, 2].copy(),
        load_mvar=bus[:, 3].copy(),
        shunt_mw=bus[:, 4].copy(),
        shunt_mvar=bus[:, 5].copy(),
        voltage_pu=voltage_pu,
        angle_deg=bus[:, 8].copy(),
        voltage_max_pu=bus[:, 11].copy(),
        voltage_min_pu=bus[:, 12].copy(),
    )


def _branches(case: MatpowerCase) -> Branches:
    branch = case.branch.values
    from_bus, to_bus = bus_rows(case, branch[:, 0]), bus_rows(case, branch[:, 1])
    reactance_pu = branch[:, 3].copy()
    reactance_pu[reactance_pu == 0] = SMALLEST_REACTANCE_PU
    ratings = np.where(np.isfinite(branch[:, 5:8]) & (branch[:, 5:8] > 0), branch[:, 5:8], 0.0)
    ends = np.sort(np.column_stack((from_bus, to_bus)), axis=1)
    return Branches(
        from_bus=from_bus,
        to_bus=to_bus,
        circuit=numbered_within_groups(list(map(tuple, ends.tolist()))),
        resistance_pu=branch[:, 2].copy(),
        reactance_pu=reactance_pu,
        charging_pu=branch[:, 4].copy(),
        rating_normal_mva=ratings[:, 0].copy(),
        rating_long_term_mva=ratings[:, 1].copy(),
        rating_emergency_mva=ratings[:, 2].copy(),
        tap_ratio=np.where(branch[:, 8] == 0, 1.0, branch[:, 8]),
        shift_deg=branch[:, 9].copy(),
        is_transformer=is_transformer(case, from_bus, to_bus),
        in_service=branch[:, 10] > 0,
    )


def _generators(case: MatpowerCase) -> Generators:
    gen = case.gen.values
    bus = bus_rows(case, gen[:, 0])
    stored_pu = np.where(case.bus.values[:, 7] > 0, case.bus.values[:, 7], 1.0)
    return Generators(
        bus=bus,
        unit=numbered_within_groups(bus.tolist()),
        p_mw=gen[:, 1].copy(),
        q_mvar=gen[:, 2].copy(),
        q_max_mvar=gen[:, 3].copy(),
        q_min_mvar=gen[:, 4].copy(),
        p_max_mw=gen[:, 8].copy(),
        p_min_mw=gen[:, 9].copy(),
        voltage_setpoint_pu=np.where(gen[:, 5] > 0, gen[:, 5], stored_pu[bus]),
        in_service=gen[:, 7] > 0,
        fuel=names_of(case, "genfuel", len(gen), UNKNOWN),
        unit_type=names_of(case, "gentype", len(gen), UNKNOWN),
        machine_base_mva=np.where(np.isfinite(gen[:, 6]) & (gen[:, 6] > 0), gen[:, 6], np.nan),
    )


def _dc_lines(case: MatpowerCase, reference: Reference) -> DirectCurrentLines:
    line = case.dcline.values
    from_bus, to_bus = bus_rows(case, line[:, 0]), bus_rows(case, line[:, 1])
    is_live = reference.kind != BusKind.ISOLATED
    return DirectCurrentLines(
        from_bus=from_bus,
        to_bus=to_bus,
        p_from_mw=line[:, 3].copy(),
        p_to_mw=line[:, 4].copy(),
        q_from_mvar=line[:, 5].copy(),
        q_to_mvar=line[:, 6].copy(),
        in_service=(line[:, 2] > 0) & is_live[from_bus] & is_live[to_bus],
    )
