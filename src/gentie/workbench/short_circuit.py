"""The fault currents of a case, with breakers and requests, as every door tells them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gentie.engines.grid.inverter_currents import InverterControl
from gentie.engines.grid.network import Network
from gentie.engines.grid.power_flow import solve_power_flow
from gentie.engines.grid.short_circuit import (
    FaultModel,
    FaultSettings,
    FaultType,
    Method,
    ShortCircuit,
    fault_model,
    short_circuit,
)
from gentie.engines.grid.short_circuit_data import (
    SequenceData,
    SequenceDefaults,
    default_sequence_data,
)
from gentie.engines.grid.short_circuit_findings import refusals, remarks, singular
from gentie.engines.grid.short_circuit_requests import (
    Contributions,
    contributions,
    request_units,
)
from gentie.engines.grid.symmetric_factor import Complexes, Singular
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.cases import Case
from gentie.workbench.duties import Duty, Rating, duties_of

if TYPE_CHECKING:
    from gentie.formats.requests import Request
    from gentie.rulebook.book import Rulebook

INVERTER_TECHNOLOGIES = frozenset({"solar", "wind", "storage"})
CURRENT_DECIMALS = 4
"""Of currents in kA: a tenth of an ampere."""


@dataclass(frozen=True)
class BusFault:
    """The currents at one bus; ``None`` where there is none to tell.

    Attributes:
        bus: its number.
        nominal_kv: its voltage.
        current_ka: largest current of a faulted conductor by fault type.
        inverter_ka: what inverters add to it.
        earth_ka: current through earth, line to ground and two lines to ground.
        x_over_r: of the fault's impedance, three-phase and line to ground.
        peak_ka: of a three-phase fault, by IEC 60909.
        breaking_ka: of a three-phase fault, by IEC 60909.
        before_ka: currents without the requests, where there are any.
        over_equipment_limit: some current is above what equipment is made for, at a bus of the
            studied voltages.
    """

    bus: int
    nominal_kv: float
    current_ka: dict[str, float | None]
    inverter_ka: dict[str, float | None]
    earth_ka: dict[str, float | None]
    x_over_r: dict[str, float | None]
    peak_ka: float | None
    breaking_ka: float | None
    before_ka: dict[str, float | None]
    over_equipment_limit: bool


@dataclass(frozen=True)
class RequestShare:
    """What one request adds at one bus: the current with all requests less that without it."""

    request: str
    bus: int
    three_phase_ka: float
    line_to_ground_ka: float


@dataclass(frozen=True)
class ShortCircuitReport:
    """The fault currents of a case.

    Attributes:
        case: the case's own name.
        file: it came from.
        sha256: of the file.
        rulebook: version of the rulebook that gave the assumptions.
        method: whose practice.
        assumptions: figures taken where the case says nothing, by rulebook entry.
        buses: asked for, or all, in the order of the case.
        duties: of breakers, the highest first.
        requests: what each request adds where it adds enough to be told.
        equipment_limit_ka: above it no breaker is made.
        minimum_kv: lowest voltage to which that limit applies.
        largest_residual: check of the arithmetic over all buses.
        findings: what else a reader should know.
    """

    case: str
    file: str
    sha256: str
    rulebook: str
    method: Method
    assumptions: dict[str, float]
    buses: tuple[BusFault, ...]
    duties: tuple[Duty, ...]
    requests: tuple[RequestShare, ...]
    equipment_limit_ka: float
    minimum_kv: float
    largest_residual: float
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, object]:
        """The report as plain data for JSON."""
        return asdict(self)


def short_circuit_of(
    case: Case,
    *,
    rulebook: Rulebook,
    method: Method = Method.IEC,
    buses: Sequence[int] = (),
    ratings: Sequence[Rating] = (),
    requests: Sequence[Request] = (),
    data: SequenceData | None = None,
    data_findings: Sequence[Finding] = (),
) -> ShortCircuitReport:
    """Faults at the buses of a case.

    Args:
        case: as read.
        rulebook: gives what the case lacks, and what is told.
        method: whose practice.
        buses: numbers of the buses told; all when empty.
        ratings: breakers whose duty is told, at any bus.
        requests: added to the case; what each adds is told.
        data: sequence data of the case, from ``assumed_data`` and files; by default the former
            alone.
        data_findings: what of those files is left out.

    Returns:
        The report.

    Raises:
        BadInput: faults of the case cannot be worked out, or a bus is not in it.

    Neglects: what the engine neglects.
    """
    network = case.network
    defaults = sequence_defaults(rulebook)
    data = data or assumed_data(case, rulebook)
    reasons = [*_unknown_buses(case, buses), *refusals(network, data)]
    if reasons:
        raise BadInput(reasons)
    settings = FaultSettings(
        method=method,
        flat_voltage_pu=rulebook.number("short_circuit.prefault_voltage"),
        control=InverterControl(
            threshold_pu=rulebook.number("short_circuit.inverter_threshold"),
            gain=rulebook.number("short_circuit.inverter_gain"),
            memory_pu=rulebook.number("short_circuit.inverter_memory"),
        ),
    )
    voltage = _profile(case) if method is Method.PROFILE else None
    rise_ka = rulebook.number("short_circuit.flag_rise")
    shares: Contributions | None = None
    try:
        if requests:
            brought = request_units(
                [
                    (
                        request.request,
                        network.bus_row[request.bus],
                        part.mw * min(1.0, request.net_mw / request.sum_mw),
                        part.technology in INVERTER_TECHNOLOGIES,
                    )
                    for request in requests
                    for part in request.components
                ],
                defaults,
            )
            shares = contributions(
                network,
                data,
                settings,
                brought,
                least_rise_ka=rise_ka,
                prefault_voltage_pu=voltage,
            )
            model = shares.after
        else:
            model = fault_model(network, data, settings, prefault_voltage_pu=voltage)
    except Singular as cause:
        row = int(np.flatnonzero(network.is_bus_live)[cause.place])
        raise BadInput(singular(network, row)) from cause
    found = short_circuit(model)
    before = short_circuit(shares.before) if shares else None
    rows = [network.bus_row[bus] for bus in dict.fromkeys(buses)]
    if not rows:
        rows = np.sort(model.networks.bus[model.source]).tolist()
    limit_ka = rulebook.number("short_circuit.equipment_limit")
    limits = (limit_ka, defaults.minimum_kv)
    base_model = shares.before if shares else model
    return ShortCircuitReport(
        case=case.name,
        file=case.source_name,
        sha256=case.sha256,
        rulebook=rulebook.version,
        method=method,
        assumptions={
            rule.key: float(rule.value)
            for rule in rulebook
            if rule.key.startswith("short_circuit.")
        },
        buses=tuple(_bus(network, row, found, before, limits) for row in rows),
        duties=duties_of(network, ratings, found, before, rulebook),
        requests=_shares(model, shares, set(rows), rise_ka),
        equipment_limit_ka=limit_ka,
        minimum_kv=defaults.minimum_kv,
        largest_residual=found.largest_residual,
        findings=(*data_findings, *remarks(base_model, data, found)),
    )


def assumed_data(case: Case, rulebook: Rulebook) -> SequenceData:
    """Sequence data of a case that brings none, by the rulebook."""
    return default_sequence_data(case.network, sequence_defaults(rulebook))


def sequence_defaults(rulebook: Rulebook) -> SequenceDefaults:
    """What stands in for missing sequence data, by the rulebook."""

    def number(key: str) -> float:
        return rulebook.number(f"short_circuit.{key}")

    return SequenceDefaults(
        machine_reactance_pu=number("machine_reactance"),
        machine_rx=number("machine_rx"),
        negative_ratio=number("negative_ratio"),
        machine_power_factor=number("machine_power_factor"),
        rating_span=number("rating_span"),
        step_up_reactance_pu=number("step_up_reactance"),
        step_up_rx=number("step_up_rx"),
        inverter_current_pu=number("inverter_current"),
        inverter_power_factor=number("inverter_power_factor"),
        line_zero_reactance_ratio=number("line_zero_reactance"),
        line_zero_resistance_ratio=number("line_zero_resistance"),
        transformer_zero_ratio=number("transformer_zero"),
        minimum_kv=number("delta_below"),
    )


def _unknown_buses(case: Case, buses: Sequence[int]) -> list[Finding]:
    network = case.network
    lost = [
        bus
        for bus in dict.fromkeys(buses)
        if bus not in network.bus_row or not network.is_bus_live[network.bus_row[bus]]
    ]
    return [
        Finding(
            "short_circuit.bus.unknown",
            f"{case.source_name}: bus {bus} is not a bus in service of the case. Give the number of "
            "one that is.",
            where=case.source_name,
        )
        for bus in lost
    ]


def _profile(case: Case) -> Complexes:
    """(n,) solved voltages.

    Raises:
        BadInput: the power flow has no solution.
    """
    flow = solve_power_flow(case.network)
    if not flow.converged:
        why = flow.findings[-1].sentence if flow.findings else ""
        raise BadInput(
            Finding(
                "short_circuit.profile",
                f"{case.source_name}: there is no solved profile to start from. {why} Take the flat "
                "method, or mend the case.",
                where=case.source_name,
            )
        )
    return np.asarray(flow.voltage_pu * np.exp(1j * np.deg2rad(flow.angle_deg)))


def _bus(
    network: Network,
    row: int,
    found: ShortCircuit,
    before: ShortCircuit | None,
    limits: tuple[float, float],
) -> BusFault:
    """What is told of one bus; ``limits`` are the equipment's current and the lowest voltage."""
    limit_ka, minimum_kv = limits

    def told(table: Any, decimals: int = CURRENT_DECIMALS) -> dict[str, float | None]:
        return {fault.value: figure(values[row], decimals) for fault, values in table.items()}

    return BusFault(
        bus=int(network.buses.number[row]),
        nominal_kv=float(network.buses.nominal_kv[row]),
        current_ka=told(found.current_ka),
        inverter_ka=told(found.inverter_ka),
        earth_ka=told(found.earth_ka),
        x_over_r=told(found.x_over_r, 3),
        peak_ka=figure(found.peak_ka[row]),
        breaking_ka=figure(found.breaking_ka[row]),
        before_ka=told(before.current_ka) if before else {},
        over_equipment_limit=bool(network.buses.nominal_kv[row] >= minimum_kv)
        and any(found.current_ka[fault][row] > limit_ka for fault in FaultType),
    )


def figure(value: float, decimals: int = CURRENT_DECIMALS) -> float | None:
    """A number rounded for a report; ``None`` for what is not finite."""
    return round(float(value), decimals) + 0.0 if math.isfinite(value) else None


def _shares(
    model: FaultModel, shares: Contributions | None, rows: set[int], least_ka: float
) -> tuple[RequestShare, ...]:
    """By request and bus, those of at least the least rise, the largest first within a request."""
    if shares is None:
        return ()
    number = model.network.buses.number
    three = shares.contribution_ka[FaultType.THREE_PHASE]
    ground = shares.contribution_ka[FaultType.LINE_TO_GROUND]
    told = []
    for place, name in enumerate(shares.request):
        own = [
            RequestShare(
                name,
                int(number[bus]),
                round(float(three[place, k]), CURRENT_DECIMALS) + 0.0,
                round(float(ground[place, k]), CURRENT_DECIMALS) + 0.0,
            )
            for k, bus in enumerate(shares.bus.tolist())
            if bus in rows and max(three[place, k], ground[place, k]) >= least_ka
        ]
        own.sort(key=lambda share: (-max(share.three_phase_ka, share.line_to_ground_ka), share.bus))
        told += own
    return tuple(told)
