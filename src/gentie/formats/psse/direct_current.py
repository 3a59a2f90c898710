"""DC lines of a RAW case as fixed injections at their two ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gentie.formats.matpower.fidelity.sentences import told
from gentie.formats.psse.buses import BusTable
from gentie.formats.psse.case import RawCase
from gentie.formats.psse.records import Section
from gentie.formats.psse.units import Holder
from gentie.quantities.findings import Finding

STEPS = 60
SMALLEST_COSINE = 1e-3
SMALLEST_SPREAD = 1e-9
BRIDGE = 3 * math.sqrt(2) / math.pi
"""Ideal no-load DC voltage of a six-pulse bridge over its line-to-line AC voltage."""


@dataclass(frozen=True)
class DcLine:
    """One row of the table of DC lines; ends are rows of the bus table, reactive power injected."""

    name: str
    line: int
    from_bus: int
    to_bus: int
    p_from_mw: float
    p_to_mw: float
    q_from_mvar: float
    q_to_mvar: float
    is_on: bool


class NoCurrent(Exception):
    """No current gives what the line is told to carry."""


@dataclass(frozen=True)
class Converter:
    """A line-commutated converter at its stored tap."""

    bridges: float
    angle_max_deg: float
    angle_min_deg: float
    resistance_ohm: float
    reactance_ohm: float
    secondary_kv: float
    """AC voltage behind the transformer at the stored tap and stored bus voltage."""

    @property
    def is_usable(self) -> bool:
        """It has a bridge and a voltage, and no impedance below 0."""
        impedances = (self.resistance_ohm, self.reactance_ohm)
        return self.bridges >= 1 and self.secondary_kv > 0 and min(impedances) >= 0

    def drawn_mvar(self, voltage_kv: float, current_ka: float) -> float:
        """Reactive power that the converter draws: ``P tan(phi)``.

        With the delay angle ``a`` (the extinction angle of an inverter) and the overlap ``u``:
        ``cos a = (V / N + 3 X I / pi + 2 R I) / E0``, ``cos(a + u) = cos a - 6 X I / (pi E0)``,
        ``tan phi = (2 u + sin 2a - sin 2(a + u)) / (cos 2a - cos 2(a + u))``, where ``E0`` is a
        bridge's no-load voltage at the stored tap. Where the angle would leave its limits the
        transformer's tap would move, so the ``E0`` is taken that keeps the angle at its limit.

        Neglects: the steps of the tap.
        Follows: Kundur, Power System Stability and Control, section 10.2.
        """
        if current_ka <= 0:
            return 0.0
        overlap_kv = 3 * self.reactance_ohm * current_ka / math.pi
        wanted_kv = voltage_kv / self.bridges + overlap_kv + 2 * self.resistance_ohm * current_ka
        lowest = math.cos(math.radians(self.angle_max_deg))
        highest = math.cos(math.radians(self.angle_min_deg))
        no_load_kv = BRIDGE * self.secondary_kv
        if highest > 0:
            no_load_kv = max(no_load_kv, wanted_kv / highest)
        if lowest > SMALLEST_COSINE:
            no_load_kv = min(no_load_kv, wanted_kv / lowest)
        angle = math.acos(min(1.0, wanted_kv / no_load_kv))
        end = math.acos(max(-1.0, math.cos(angle) - 2 * overlap_kv / no_load_kv))
        active_mw = voltage_kv * current_ka
        spread = math.cos(2 * angle) - math.cos(2 * end)
        if spread < SMALLEST_SPREAD:  # no overlap: phi is the delay angle
            return active_mw * math.tan(angle)
        swing = 2 * (end - angle) + math.sin(2 * angle) - math.sin(2 * end)
        return active_mw * swing / spread


def carried_current_ka(
    *, mode: int, order: float, scheduled_kv: float, compounding_ohm: float, line_ohm: float
) -> float:
    """DC current of a two-terminal line that holds its inverter's voltage.

    Args:
        mode: 1 for power, 2 for current.
        order: MW at the rectifier, MW at the inverter where below 0, or A.
        scheduled_kv: ``V`` held at the inverter with ``compounding_ohm`` times the current added.
        compounding_ohm: ``Rc``.
        line_ohm: ``R``.

    Returns:
        ``I`` from ``P = (V + (R - Rc) I) I`` at the rectifier, ``P = (V - Rc I) I`` at the inverter.

    Raises:
        NoCurrent: no such current, or no voltage.

    Neglects: the change to constant current at low voltage (VCMOD), margins, angle limits.
    Follows: PSS/E Program Operation Manual, two-terminal DC line data.
    """
    if scheduled_kv <= 0:
        raise NoCurrent
    if mode == 2:
        return abs(order) / 1000
    slope = line_ohm - compounding_ohm if order >= 0 else -compounding_ohm
    root = scheduled_kv**2 + 4 * slope * abs(order)
    if root < 0:
        raise NoCurrent
    return 2 * abs(order) / (scheduled_kv + math.sqrt(root))


def two_terminal_lines(case: RawCase, buses: BusTable) -> Iterator[Finding | DcLine | None]:
    """Every two-terminal line, then what is said of them."""
    section = case.section("two-terminal dc")
    rectifier = buses.rows(section, "IP", "rectifier", at=1)
    inverter = buses.rows(section, "IP", "inverter", at=2)
    modes, orders = section.whole("MDC", 0), section.number("SETVL", 0.0)
    names = section.text("NAME")
    told_names = []
    for row, name in enumerate(names):
        mode = int(modes[row])
        p_from = p_to = q_from = q_to = 0.0
        if mode in (1, 2) and rectifier[row] >= 0 and inverter[row] >= 0:
            line_ohm = float(section.number("RDC", 0.0)[row])
            compounding = float(section.number("RCOMP", 0.0)[row])
            scheduled = float(section.number("VSCHD", 0.0)[row])
            try:
                current = carried_current_ka(
                    mode=mode,
                    order=float(orders[row]),
                    scheduled_kv=scheduled,
                    compounding_ohm=compounding,
                    line_ohm=line_ohm,
                )
            except NoCurrent:
                _refuse(section, row, name)
                continue
            devices = [
                _converter(section, at, row, buses, int(bus[row]))
                for at, bus in ((1, rectifier), (2, inverter))
            ]
            if not all(device.is_usable for device in devices):
                _refuse_converter(section, row, name)
                continue
            low = scheduled - compounding * current
            high = low + line_ohm * current
            p_from, p_to = high * current, low * current
            q_from = -devices[0].drawn_mvar(high, current)
            q_to = -devices[1].drawn_mvar(low, current)
            told_names.append(f"{name}, {p_from:,.1f} MW in and {p_to:,.1f} MW out")
        yield DcLine(
            name,
            section.line[row],
            int(rectifier[row]),
            int(inverter[row]),
            p_from,
            p_to,
            q_from,
            q_to,
            mode in (1, 2),
        )
    yield told(
        "case.raw.dc.two_terminal",
        "Two-terminal DC lines in service",
        told_names,
        "Their power is what their schedule gives at its DC voltage; their reactive power is that of "
        "the converters at the stored taps and AC voltages, within the limits of their angles.",
    )


def _refuse(section: Section, row: int, name: str) -> None:
    section.problems.add(
        "case.raw.dc.current",
        f"no current of DC line {name} gives its schedule (SETVL) at its scheduled voltage "
        "(VSCHD). Mend them, or block the line with MDC 0.",
        line=section.line[row],
        field="two-terminal dc VSCHD",
    )


def _refuse_converter(section: Section, row: int, name: str) -> None:
    section.problems.add(
        "case.raw.dc.converter",
        f"a converter of DC line {name} has no bridge (NB), no AC voltage (EBAS, TR, TAP), or an "
        "impedance below 0 (RC, XC). Mend it, or block the line with MDC 0.",
        line=section.line[row],
        field="two-terminal dc NB",
    )


def _converter(section: Section, at: int, row: int, buses: BusTable, bus: int) -> Converter:
    def value(name: str, default: float) -> float:
        return float(section.number(name, default, at=at)[row])

    base_kv = value("EBAS", 0.0) or float(buses.nominal_kv[bus])
    tap = value("TAP", 1.0) or 1.0
    return Converter(
        bridges=value("NB", 1.0),
        angle_max_deg=value("ANMX", 90.0),
        angle_min_deg=value("ANMN", 0.0),
        resistance_ohm=value("RC", 0.0),
        reactance_ohm=value("XC", 0.0),
        secondary_kv=float(buses.voltage_pu[bus]) * base_kv * value("TR", 1.0) / tap,
    )


@dataclass(frozen=True)
class VscEnd:
    """One converter of a VSC line."""

    bus: int
    kind: int
    holds_voltage: bool
    dc_order: float
    ac_order: float
    fixed_loss_kw: float
    loss_kw_per_a: float
    least_loss_kw: float
    q_max_mvar: float
    q_min_mvar: float
    remote: int

    def loss_mw(self, current_ka: float) -> float:
        """Losses of the converter."""
        grown_kw = self.fixed_loss_kw + self.loss_kw_per_a * abs(current_ka) * 1000
        return max(grown_kw, self.least_loss_kw) / 1000


def vsc_given_mw(ordered: VscEnd, holding: VscEnd, line_ohm: float) -> tuple[float, float]:
    """Power that the two converters of a VSC line give to the AC grid, MW.

    Args:
        ordered: the converter with a power order, positive into the AC grid.
        holding: the one that holds the DC voltage.
        line_ohm: resistance of the line.

    Returns:
        Of ``ordered`` and of ``holding``: ``I = (P + loss) / (V - R I)``, found by repetition.

    Raises:
        NoCurrent: no current carries that power.

    Neglects: limits of current and power (IMAX, SMAX).
    """
    if (ordered.kind, holding.kind) != (2, 1) or holding.dc_order <= 0:
        raise NoCurrent
    current = 0.0
    for _ in range(STEPS):
        voltage = holding.dc_order - line_ohm * current
        if voltage <= 0:
            raise NoCurrent
        current = (ordered.dc_order + ordered.loss_mw(current)) / voltage
    residual = (holding.dc_order - line_ohm * current) * current
    if abs(residual - ordered.dc_order - ordered.loss_mw(current)) > 1e-6:
        raise NoCurrent
    return ordered.dc_order, -holding.dc_order * current - holding.loss_mw(current)


def vsc_lines(
    case: RawCase, buses: BusTable, holders: list[Holder]
) -> Iterator[Finding | DcLine | None]:
    """Every VSC line, then what is said of them; those that hold a voltage join the holders."""
    section = case.section("vsc dc")
    bus = [buses.rows(section, "IBUS", "converter", at=at) for at in (1, 2)]
    names, mode = section.text("NAME"), section.whole("MDC", 1)
    told_names = []
    for row, name in enumerate(names):
        if bus[0][row] < 0 or bus[1][row] < 0:
            continue
        ends = [_vsc_end(section, at, row, int(bus[at - 1][row])) for at in (1, 2)]
        kinds = {end.kind for end in ends}
        if mode[row] == 0 or 0 in kinds:
            yield DcLine(
                name, section.line[row], ends[0].bus, ends[1].bus, 0.0, 0.0, 0.0, 0.0, is_on=False
            )
            continue
        ordered, holding = sorted(ends, key=lambda end: -end.kind)
        try:
            given = vsc_given_mw(ordered, holding, float(section.number("RDC", 0.0)[row]))
        except NoCurrent:
            section.problems.add(
                "case.raw.dc.vsc",
                f"the converters of VSC line {name} cannot be matched: one must hold the DC voltage "
                "(TYPE 1, DCSET in kV) and the other carry a power that it allows (TYPE 2, DCSET in "
                "MW). Mend them, or block the line with MDC 0.",
                line=section.line[row],
                field="vsc dc TYPE",
            )
            continue
        (giver, given_mw), (taker, taken_mw) = sorted(
            ((ordered, given[0]), (holding, given[1])), key=lambda end: -end[1]
        )
        yield DcLine(
            name,
            section.line[row],
            taker.bus,
            giver.bus,
            -taken_mw,
            given_mw,
            _fixed_mvar(taker, taken_mw),
            _fixed_mvar(giver, given_mw),
            is_on=True,
        )
        told_names.append(f"{name}, {-taken_mw:,.1f} MW in and {given_mw:,.1f} MW out")
        holders += [
            _holder(end, name, section.line[row], buses) for end in ends if end.holds_voltage
        ]
    yield told(
        "case.raw.dc.vsc_fixed",
        "VSC DC lines in service",
        told_names,
        "Their power is fixed at both ends, losses of the converters and the line included.",
    )


def _fixed_mvar(end: VscEnd, given_mw: float) -> float:
    """Reactive power of a converter with a fixed power factor (ACSET), given to the grid."""
    factor = end.ac_order
    if end.holds_voltage or not 0 < abs(factor) < 1:
        return 0.0
    return math.copysign(given_mw, given_mw * factor) * math.tan(math.acos(abs(factor)))


def _holder(end: VscEnd, name: str, line: int, buses: BusTable) -> Holder:
    number = int(buses.number[end.bus])
    is_own = end.remote in (0, number)
    setpoint_pu = end.ac_order if is_own else float(buses.voltage_pu[end.bus])
    return Holder(end.bus, name, "VSC", setpoint_pu, end.q_max_mvar, end.q_min_mvar, line)


def _vsc_end(section: Section, at: int, row: int, bus: int) -> VscEnd:
    def value(name: str, default: float) -> float:
        return float(section.number(name, default, at=at)[row])

    return VscEnd(
        bus=bus,
        kind=int(value("TYPE", 0)),
        holds_voltage=int(value("MODE", 1)) == 1,
        dc_order=value("DCSET", 0.0),
        ac_order=value("ACSET", 1.0),
        fixed_loss_kw=value("ALOSS", 0.0),
        loss_kw_per_a=value("BLOSS", 0.0),
        least_loss_kw=value("MINLOSS", 0.0),
        q_max_mvar=value("MAXQ", 9999.0),
        q_min_mvar=value("MINQ", -9999.0),
        remote=int(value("REMOT", 0) or value("VSREG", 0)),
    )
