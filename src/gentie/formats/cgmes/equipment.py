"""What stands at the buses of a CGMES grid: loads, shunts, units and compensators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gentie.formats.cgmes.grid import Frame
from gentie.formats.cgmes.tables import BASE_MVA, Tables, add_units, hold
from gentie.formats.matpower.fidelity.sentences import told

FUELS = {
    "HYDRO": "hydro",
    "NUCLEAR": "nuclear",
    "WIND": "wind",
    "THERMAL": "thermal",
    "SOLAR": "solar",
}


def add_at_buses(ask: Callable[[str], Frame], tables: Tables) -> None:
    """Add loads, batteries and shunts to their buses."""
    for kind, sign in (("loads", 1.0), ("batteries", -1.0)):
        frame = ask(kind)
        bus = frame.rows("bus_id", tables.row_of)
        on = tables.connected(frame, bus)
        p, q = ("p0", "q0") if kind == "loads" else ("target_p", "target_q")
        tables.add_at(bus, on, 2, sign * frame.number(p) * BASE_MVA)
        tables.add_at(bus, on, 3, sign * frame.number(q) * BASE_MVA)
    shunt = ask("shunt_compensators")
    bus = shunt.rows("bus_id", tables.row_of)
    on = tables.connected(shunt, bus)
    tables.add_at(bus, on, 4, shunt.number("g") * BASE_MVA)
    tables.add_at(bus, on, 5, shunt.number("b") * BASE_MVA)
    moves = shunt.flag("voltage_regulation_on") & on
    tables.found.append(
        told(
            "case.cgmes.shunt_frozen",
            "Shunts that move by themselves for a voltage",
            [shunt.identity[row] for row in np.flatnonzero(moves)],
            "They stay at their stored section.",
        )
    )


def add_grid_units(ask: Callable[[str], Frame], tables: Tables) -> None:
    """Add generating units, and static var compensators as units of 0 MW."""
    unit = ask("generators")
    bus = unit.rows("bus_id", tables.row_of)
    on = tables.connected(unit, bus)
    holds = unit.flag("voltage_regulator_on")
    regulated = unit.rows("regulated_bus_id", tables.row_of)
    is_remote = holds & on & (regulated >= 0) & (regulated != bus)
    stored_pu = tables.bus[bus, 7]
    setpoint = np.where(is_remote | ~holds, stored_pu, unit.number("target_v", 1.0))
    q_min, q_max = unit.number("min_q_at_target_p"), unit.number("max_q_at_target_p")
    fuels = [FUELS.get(one, "unknown") for one in unit.text("energy_source")]
    add_units(
        tables,
        on,
        (bus, unit.number("target_p"), unit.number("target_q")),
        (q_max, q_min, setpoint, unit.number("max_p"), unit.number("min_p")),
        names=list(unit.identity),
        fuels=fuels,
        kind="unknown",
    )
    hold(tables, bus[on & holds])
    svc = ask("static_var_compensators")
    bus = svc.rows("bus_id", tables.row_of)
    on = tables.connected(svc, bus)
    holds = np.array([one == "VOLTAGE" for one in svc.text("regulation_mode")], bool)
    holds &= svc.flag("regulating", default=True)
    voltage = tables.bus[bus, 7]
    zeros = np.zeros(len(svc))
    add_units(
        tables,
        on,
        (bus, zeros, np.where(holds, 0.0, svc.number("target_q"))),
        (
            *(svc.number("b_max") * voltage**2, svc.number("b_min") * voltage**2),
            *(np.where(holds, svc.number("target_v", 1.0), voltage), zeros, zeros),
        ),
        names=list(svc.identity),
        fuels=["unknown"] * len(svc),
        kind="SVC",
    )
    hold(tables, bus[on & holds])
    tables.found.append(
        told(
            "case.cgmes.remote",
            "Units that hold the voltage of another bus",
            [unit.identity[row] for row in np.flatnonzero(is_remote)],
            "They hold the stored voltage of their own bus.",
        )
    )
    tables.found.append(
        told(
            "case.cgmes.svc",
            "Static var compensators",
            [svc.identity[row] for row in np.flatnonzero(on)],
            "Each is a unit of 0 MW with the reactive limits that it has at the stored voltage.",
        )
    )
