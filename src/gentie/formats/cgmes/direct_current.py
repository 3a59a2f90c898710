"""DC lines of a CGMES grid as fixed injections."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gentie.engines.grid.network import Floats
from gentie.formats.cgmes.grid import Frame
from gentie.formats.cgmes.tables import BASE_MVA, Tables, add_units, hold
from gentie.formats.matpower.fidelity.sentences import told


def add_dc_lines(ask: Callable[[str], Frame], tables: Tables) -> None:
    """Add every DC line whose two converters are connected."""
    line = ask("hvdc_lines")
    stations: dict[str, tuple[Frame, int]] = {}
    for kind in ("vsc_converter_stations", "lcc_converter_stations"):
        frame = ask(kind)
        stations |= {identity: (frame, row) for row, identity in enumerate(frame.identity)}
    names = []
    for row, identity in enumerate(line.identity):
        ends = [stations.get(line.text(f"converter_station{side}_id")[row]) for side in (1, 2)]
        if line.text("converters_mode")[row] == "SIDE_1_INVERTER_SIDE_2_RECTIFIER":
            ends.reverse()
        if None in ends:
            continue
        (taking, at), (giving, to) = (end for end in ends if end is not None)
        buses = [
            frame.rows("bus_id", tables.row_of)[place]
            for frame, place in ((taking, at), (giving, to))
        ]
        if min(buses) < 0:
            tables.left_out.append(identity)
            continue
        p_mw = line.number("target_p")[row] * BASE_MVA
        lost = 1 - taking.number("loss_factor")[at] / 100
        dc_mw = p_mw * lost
        line_loss = line.number("r")[row] * (dc_mw / BASE_MVA) ** 2 * BASE_MVA
        out_mw = (dc_mw - line_loss) * (1 - giving.number("loss_factor")[to] / 100)
        q_mvar = [
            _station_mvar(frame, place, power)
            for frame, place, power in ((taking, at, p_mw), (giving, to, out_mw))
        ]
        tables.dcline.append(np.array([*buses, 1, p_mw, out_mw, *q_mvar]))
        tables.dc.append(identity)
        names.append(f"{identity}, {p_mw:,.1f} MW in and {out_mw:,.1f} MW out")
        for frame, place, bus in ((taking, at, buses[0]), (giving, to, buses[1])):
            _hold_by_station(tables, frame, place, int(bus))
    tables.found.append(
        told(
            "case.cgmes.dc",
            "DC lines in service",
            names,
            "Their power is fixed at both ends; converters that hold a voltage are units of 0 MW.",
        )
    )


def _station_mvar(frame: Frame, row: int, power_mw: float) -> float:
    """Reactive power given to the grid: by power factor, or by set-point."""
    if "power_factor" in frame.columns:
        factor = frame.number("power_factor", 1.0)[row]
        return float(-power_mw * np.sqrt(1 / factor**2 - 1)) if 0 < abs(factor) < 1 else 0.0
    if frame.flag("voltage_regulator_on")[row]:
        return 0.0
    return float(frame.number("target_q")[row] * BASE_MVA)


def _hold_by_station(tables: Tables, frame: Frame, row: int, bus: int) -> None:
    if not frame.flag("voltage_regulator_on")[row]:
        return
    one = np.array([True])

    def value(name: str, default: float = 0.0) -> Floats:
        return frame.number(name, default)[[row]]

    zero = np.zeros(1)
    limits = (value("max_q", 99.0), value("min_q", -99.0), value("target_v", 1.0), zero, zero)
    at = np.array([bus])
    add_units(
        tables,
        one,
        (at, zero, zero),
        limits,
        names=[frame.identity[row]],
        fuels=["unknown"],
        kind="VSC",
    )
    hold(tables, at)
