"""The power flow of a case, AC or DC, as every door tells it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields, replace
from enum import StrEnum

import numpy as np

from gentie.engines.grid.linear import Islanded, base_injection_mw, linear_model
from gentie.engines.grid.network import BusKind, Floats, Network
from gentie.engines.grid.power_flow import PowerFlow, loading_percent, solve_power_flow
from gentie.formats.matpower.parts import part_of_bus
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.cases import Case

LOADINGS_TOLD = 10


class Mode(StrEnum):
    """Which power flow."""

    AC = "ac"
    DC = "dc"


@dataclass(frozen=True)
class BusVoltage:
    """A voltage and where it is."""

    bus: int
    voltage_pu: float


@dataclass(frozen=True)
class BranchLoading:
    """How much of its normal rating a branch carries."""

    element: str
    loading_percent: float
    flow_mva: float
    rating_mva: float


@dataclass(frozen=True)
class UnitAtLimit:
    """A unit that gives all the reactive power it can, or takes all it can."""

    unit: str
    limit: str
    q_mvar: float


@dataclass(frozen=True)
class StoredDifference:
    """How far the solution is from the voltages that the file stores, and where most."""

    bus: int
    voltage_pu: float
    angle_deg: float
    """Largest of all buses, after turning all angles alike."""


@dataclass(frozen=True)
class BranchFlow:
    """What one branch carries at its two ends; reactive power is ``None`` for DC."""

    element: str
    p_from_mw: float
    p_to_mw: float
    q_from_mvar: float | None = None
    q_to_mvar: float | None = None
    rating_mva: float = 0.0
    loading_percent: float | None = None


@dataclass(frozen=True)
class FlowReport:
    """What a power flow of a case found.

    Generation and DC-line deliveries less load, shunts and losses are zero. Everything that a
    flow which did not converge cannot say is ``None`` or empty.

    Attributes:
        case: the case's own name.
        file: it came from.
        sha256: of the file.
        mode: AC or DC.
        converged: there is a solution.
        iterations: Newton steps; 0 for DC.
        generation_mw: of all units, the slack's included.
        load_mw: of all live buses.
        shunt_mw: taken by shunts at the solved voltages.
        dc_lines_mw: given by DC lines less what they take.
        losses_mw: in lines and transformers; 0 for DC.
        slack_mw: output at the slack buses.
        lowest_voltage: of all live buses; ``None`` for DC.
        highest_voltage: likewise.
        loadings: the ten highest, of rated branches.
        overloaded: rated branches above 100%.
        units_at_reactive_limits: units at buses that gave up their set-point.
        stored: how far the solution is from the stored voltages; ``None`` for DC.
        branches: what every live branch carries, in the order of the case.
        reason: why there is no solution, empty where there is one.
        findings: what else a reader should know.
    """

    case: str
    file: str
    sha256: str
    mode: Mode
    converged: bool
    iterations: int
    generation_mw: float | None = None
    load_mw: float | None = None
    shunt_mw: float | None = None
    dc_lines_mw: float | None = None
    losses_mw: float | None = None
    slack_mw: float | None = None
    lowest_voltage: BusVoltage | None = None
    highest_voltage: BusVoltage | None = None
    loadings: tuple[BranchLoading, ...] = ()
    overloaded: int = 0
    units_at_reactive_limits: tuple[UnitAtLimit, ...] = ()
    stored: StoredDifference | None = None
    branches: tuple[BranchFlow, ...] = ()
    reason: str = ""
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The report as plain data for JSON; ``branches`` are for ``branches_csv``."""
        return asdict(replace(self, branches=())) | {"branches": len(self.branches)}

    def branches_csv(self) -> bytes:
        """What every live branch carries, as CSV."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(field.name for field in fields(BranchFlow))
        writer.writerows(astuple(branch) for branch in self.branches)
        return out.getvalue().encode()


def solve_case(case: Case, mode: Mode = Mode.AC) -> FlowReport:
    """Solve the stored state of a case.

    Args:
        case: as read.
        mode: AC with the units' reactive limits kept, or DC with the slack taking the imbalance.

    Returns:
        The report; divergence is a report without figures, not an exception.

    Raises:
        BadInput: the case has no DC model.
    """
    return _alternating(case) if mode is Mode.AC else _direct(case)


def _alternating(case: Case) -> FlowReport:
    network = case.network
    flow = solve_power_flow(network)
    if not flow.converged:
        return FlowReport(
            case=case.name,
            file=case.source_name,
            sha256=case.sha256,
            mode=Mode.AC,
            converged=False,
            iterations=flow.iterations,
            reason=flow.findings[-1].sentence if flow.findings else "The power flow diverged.",
            findings=flow.findings[:-1],
        )
    buses, branches = network.buses, network.branches
    live = np.flatnonzero(network.is_bus_live)
    voltage = flow.voltage_pu[live]
    lowest, highest = live[voltage.argmin()], live[voltage.argmax()]
    mva = np.maximum(
        np.hypot(flow.p_from_mw, flow.q_from_mvar), np.hypot(flow.p_to_mw, flow.q_to_mvar)
    )
    percent = loading_percent(network, flow)
    return FlowReport(
        case=case.name,
        file=case.source_name,
        sha256=case.sha256,
        mode=Mode.AC,
        converged=True,
        iterations=flow.iterations,
        generation_mw=_figure(np.nansum(flow.unit_p_mw)),
        load_mw=_figure(buses.load_mw[live].sum()),
        shunt_mw=_figure((buses.shunt_mw[live] * voltage**2).sum()),
        dc_lines_mw=_figure(_dc_lines_mw(network)),
        losses_mw=_figure(flow.losses_mw),
        slack_mw=_figure(flow.slack_p_mw),
        lowest_voltage=BusVoltage(int(buses.number[lowest]), round(float(voltage.min()), 6)),
        highest_voltage=BusVoltage(int(buses.number[highest]), round(float(voltage.max()), 6)),
        loadings=_worst(network, percent, mva, branches.rating_normal_mva),
        overloaded=int((np.nan_to_num(percent) > 100).sum()),
        units_at_reactive_limits=_units_at_limits(network, flow),
        stored=_from_stored(network, flow),
        branches=_branch_flows(
            network,
            (flow.p_from_mw, flow.p_to_mw),
            percent,
            reactive=(flow.q_from_mvar, flow.q_to_mvar),
        ),
        findings=flow.findings,
    )


def _direct(case: Case) -> FlowReport:
    network = case.network
    buses, branches, units = network.buses, network.branches, network.generators
    flow_mw = np.zeros(len(branches))
    for part in balanced_parts(network):
        try:
            model = linear_model(part)
        except (Islanded, ValueError) as cause:
            raise BadInput(no_linear_model(case, cause)) from cause
        flow_mw += model.flow_mw(base_injection_mw(part, imbalance_on_load=False))
    live = network.is_bus_live
    imbalance_mw = float(network.injection_mw[live].sum())
    at_slack = network.is_generator_live & (buses.kind[units.bus] == BusKind.SLACK)
    stored_mw = float(units.p_mw[network.is_generator_live].sum())
    rating = branches.rating_normal_mva
    is_rated = network.is_branch_live & (rating > 0)
    percent = np.where(is_rated, 100 * np.abs(flow_mw) / np.where(is_rated, rating, 1.0), np.nan)
    return FlowReport(
        case=case.name,
        file=case.source_name,
        sha256=case.sha256,
        mode=Mode.DC,
        converged=True,
        iterations=0,
        generation_mw=_figure(stored_mw - imbalance_mw),
        load_mw=_figure(buses.load_mw[live].sum()),
        shunt_mw=_figure(buses.shunt_mw[live].sum()),
        dc_lines_mw=_figure(_dc_lines_mw(network)),
        losses_mw=0.0,
        slack_mw=_figure(float(units.p_mw[at_slack].sum()) - imbalance_mw),
        loadings=_worst(network, percent, np.abs(flow_mw), rating),
        overloaded=int((np.nan_to_num(percent) > 100).sum()),
        branches=_branch_flows(network, (flow_mw, -flow_mw), percent),
    )


def _from_stored(network: Network, flow: PowerFlow) -> StoredDifference:
    live = np.flatnonzero(network.is_bus_live)
    buses = network.buses
    apart = np.abs(flow.voltage_pu - buses.voltage_pu)[live]
    turned = (flow.angle_deg - buses.angle_deg)[live]
    worst = int(apart.argmax())
    return StoredDifference(
        bus=int(buses.number[live[worst]]),
        voltage_pu=round(float(apart[worst]), 6),
        angle_deg=round(float(np.abs(turned - np.median(turned)).max()), 6),
    )


def _branch_flows(
    network: Network,
    active: tuple[Floats, Floats],
    percent: Floats,
    *,
    reactive: tuple[Floats, Floats] | None = None,
) -> tuple[BranchFlow, ...]:
    def figure(column: Floats, row: int) -> float:
        return round(float(column[row]), 6) + 0.0

    return tuple(
        BranchFlow(
            element=network.element_ids[row],
            p_from_mw=figure(active[0], row),
            p_to_mw=figure(active[1], row),
            q_from_mvar=None if reactive is None else figure(reactive[0], row),
            q_to_mvar=None if reactive is None else figure(reactive[1], row),
            rating_mva=figure(network.branches.rating_normal_mva, row),
            loading_percent=figure(percent, row) if math.isfinite(percent[row]) else None,
        )
        for row in np.flatnonzero(network.is_branch_live).tolist()
    )


def _figure(value: float) -> float | None:
    """Megawatts rounded for a report; ``None`` for what is not a finite number."""
    return round(float(value), 6) + 0.0 if math.isfinite(value) else None


def _dc_lines_mw(network: Network) -> float:
    lines = network.dc_lines
    return float((lines.p_to_mw - lines.p_from_mw)[lines.in_service].sum())


def _worst(
    network: Network, percent: Floats, flow_mva: Floats, rating_mva: Floats
) -> tuple[BranchLoading, ...]:
    """The highest loadings; among equal ones the first of the case."""
    order = np.argsort(-np.nan_to_num(percent, nan=-1.0), kind="stable")[:LOADINGS_TOLD]
    return tuple(
        BranchLoading(
            element=network.element_ids[row],
            loading_percent=round(float(percent[row]), 4),
            flow_mva=round(float(flow_mva[row]), 4),
            rating_mva=round(float(rating_mva[row]), 4),
        )
        for row in order
        if np.isfinite(percent[row])
    )


def _units_at_limits(network: Network, flow: PowerFlow) -> tuple[UnitAtLimit, ...]:
    units = network.generators
    live = network.is_generator_live
    told = []
    for row in np.flatnonzero(live):
        bus = units.bus[row]
        limits = [
            word
            for word, is_there in (("max", flow.at_max_reactive), ("min", flow.at_min_reactive))
            if is_there[bus]
        ]
        if limits:
            q_mvar = round(float(flow.unit_q_mvar[row]), 4)
            told.append(UnitAtLimit(network.unit_ids[row], " and ".join(limits), q_mvar))
    return tuple(told)


def balanced_parts(network: Network) -> Iterator[Network]:
    """The network once for each slack bus, all that hangs on another slack bus isolated."""
    kind = network.buses.kind
    slacks = np.flatnonzero(kind == BusKind.SLACK)
    if len(slacks) < 2:
        yield network
        return
    on = network.is_branch_live
    part = part_of_bus(len(kind), network.branches.from_bus[on], network.branches.to_bus[on])
    for slack in slacks:
        only = np.where(part == part[slack], kind, int(BusKind.ISOLATED))
        yield replace(network, buses=replace(network.buses, kind=only))


def no_linear_model(case: Case, cause: Exception) -> Finding:
    """One sentence on a case whose DC model cannot be made."""
    return Finding(
        "flow.linear.none",
        f"{case.source_name}: the case has no DC model ({cause}). "
        "Run `gentie case check` on it and mend what it names.",
        where=case.source_name,
    )
