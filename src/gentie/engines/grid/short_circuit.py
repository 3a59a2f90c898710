"""Short-circuit currents at every bus: every fault type, machines and inverters, two practices.

Per unit on the network's base inside, kA at the edges. The parts have modules of their own:
``short_circuit_data`` (what a case lacks), ``short_circuit_networks``, ``symmetric_factor``,
``short_circuit_faults``, ``iec_60909`` and ``inverter_currents``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.iec_60909 import EQUIVALENT_FREQUENCY, VOLTAGE_FACTOR, peak_factor
from gentie.engines.grid.inverter_currents import (
    InverterControl,
    Inverters,
    added_at_most,
    current_with_inverters,
)
from gentie.engines.grid.network import Floats, Integers, Network
from gentie.engines.grid.short_circuit_data import SequenceData
from gentie.engines.grid.short_circuit_faults import (
    DrivingPoints,
    FaultType,
    earth_current,
    line_current,
    total_impedance,
)
from gentie.engines.grid.short_circuit_networks import (
    Method,
    SequenceNetworks,
    sequence_networks,
)
from gentie.engines.grid.symmetric_factor import Complexes

__all__ = ["FaultModel", "FaultSettings", "FaultType", "Method", "ShortCircuit", "fault_model"]


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """How faults are worked out.

    Attributes:
        method: whose practice.
        flat_voltage_pu: before the fault, everywhere, by ``Method.FLAT``.
        control: how inverters answer, outside IEC 60909.
    """

    method: Method
    flat_voltage_pu: float
    control: InverterControl


@dataclass(frozen=True, eq=False)
class ShortCircuit:
    """Currents of bolted faults at every bus, (n,) each, by the network's row.

    ``nan`` at isolated buses, at buses of unknown voltage, at star points of transformers, and in
    parts without any source.

    Attributes:
        current_ka: largest current of a faulted conductor, by fault type; by IEC 60909 the
            initial symmetrical current ``I''k``.
        earth_ka: current through earth, by the fault types that have one.
        inverter_ka: what inverters add to the current, by fault type.
        x_over_r: of the impedance of the fault, three-phase and line-to-ground.
        peak_ka: ``i_p`` of a three-phase fault; ``nan`` outside IEC 60909.
        breaking_ka: ``I_b`` of a three-phase fault; ``nan`` outside IEC 60909.
        positive_pu: driving-point impedance.
        negative_pu: likewise.
        zero_pu: likewise; infinite where no path leads to ground.
        unsettled: rows of buses where inverters did not settle and stand at their upper bound.
        largest_residual: largest ``|(Y Z)_jj - 1|`` of any bus, the check of the arithmetic.
    """

    current_ka: Mapping[FaultType, Floats]
    earth_ka: Mapping[FaultType, Floats]
    inverter_ka: Mapping[FaultType, Floats]
    x_over_r: Mapping[FaultType, Floats]
    peak_ka: Floats
    breaking_ka: Floats
    positive_pu: Complexes
    negative_pu: Complexes
    zero_pu: Complexes
    unsettled: Integers
    largest_residual: float


@dataclass(frozen=True, eq=False)
class FaultModel:
    """A case, its factored networks and its inverters: faults are questions to it.

    Attributes:
        network: the case.
        networks: its sequence networks.
        settings: how faults are worked out.
        base_ka: (k,) base current of the live buses; ``nan`` where the voltage is unknown.
        source: places of the live buses that some machine feeds, star points left out.
        points: impedances of those.
        prefault_pu: (k,) voltage behind the fault; by IEC 60909 the factor c.
        inverters: all of them.
    """

    network: Network
    networks: SequenceNetworks
    settings: FaultSettings
    base_ka: Floats
    source: Integers
    points: DrivingPoints
    prefault_pu: Complexes
    inverters: Inverters

    def currents_pu(
        self,
        fault: FaultType,
        *,
        points: DrivingPoints | None = None,
        inverters: Inverters | None = None,
        among: Integers | None = None,
    ) -> tuple[Floats, Floats, Floats, Integers]:
        """Currents of one fault type at buses with a source, pu.

        Args:
            fault: its type.
            points: other impedances than the model's, for a changed grid.
            inverters: others than the model's.
            among: which of ``source``; all by default.

        Returns:
            Line current, earth current and the inverters' part of the line current, by bus, and
            the places of the buses where inverters did not settle.

        Neglects: see ``fault_model``.
        """
        chosen = np.arange(len(self.source)) if among is None else among
        given = points or self.points
        given = DrivingPoints(given.positive[chosen], given.negative[chosen], given.zero[chosen])
        inverters = inverters or self.inverters
        rows = self.source[chosen]
        z = total_impedance(given, fault)
        flows = np.isfinite(z)
        alone = np.where(flows, self.prefault_pu[rows] / np.where(flows, z, 1.0), 0.0)
        unsettled = np.empty(0, np.int64)
        if not len(inverters.place):
            positive = alone
        elif self.settings.method is Method.IEC:
            added = added_at_most(inverters, rows, z)
            size = np.where(flows, np.abs(alone), 1.0)
            positive = alone * (1.0 + added / size)
        else:
            positive, unsettled = current_with_inverters(
                inverters, rows, z, self.prefault_pu, self.settings.control
            )
        line = line_current(given, fault, positive)
        by_machines = line_current(given, fault, alone)
        return line, earth_current(given, fault, positive), line - by_machines, unsettled


def fault_model(
    network: Network,
    data: SequenceData,
    settings: FaultSettings,
    *,
    prefault_voltage_pu: Complexes | None = None,
) -> FaultModel:
    """Factor a case for faults.

    Args:
        network: the case, with nothing that ``short_circuit_findings.refusals`` names.
        data: its sequence data.
        settings: method and inverters.
        prefault_voltage_pu: (n,) solved voltages, for ``Method.PROFILE``.

    Returns:
        The model.

    Raises:
        Singular: a sequence network has no factor.
        ValueError: ``Method.PROFILE`` without voltages.

    Neglects: loads and motors, line charging, shunts, DC lines, phase shifts, mutual coupling of
        parallel lines, the decay of machines' currents, and what the methods neglect.
    Follows: IEC 60909-0:2016; IEEE C37.010 for the simple pre-fault-voltage practice.
    """
    networks = sequence_networks(network, data, settings.method)
    bus = networks.bus
    kv = network.buses.nominal_kv[bus]
    base_ka = np.full(len(bus), np.nan)
    base_ka[kv > 0] = network.base_mva / (np.sqrt(3.0) * kv[kv > 0])
    z1 = networks.positive.impedance_pu
    is_star = np.zeros(len(network.buses), np.bool_)
    is_star[data.branches.star_bus[data.branches.star_bus >= 0]] = True
    source = np.flatnonzero(np.isfinite(z1) & ~is_star[bus])
    points = DrivingPoints(
        z1[source],
        networks.negative.impedance_pu[source],
        networks.zero.impedance_pu[source],
    )
    if settings.method is Method.IEC:
        prefault = np.full(len(bus), VOLTAGE_FACTOR, np.complex128)
    elif settings.method is Method.FLAT:
        prefault = np.full(len(bus), settings.flat_voltage_pu, np.complex128)
    elif prefault_voltage_pu is None:
        raise ValueError("the profile method needs solved voltages")
    else:
        prefault = np.asarray(prefault_voltage_pu[bus], np.complex128)
    inverters = inverters_of(network, data, networks)
    return FaultModel(network, networks, settings, base_ka, source, points, prefault, inverters)


def short_circuit(model: FaultModel) -> ShortCircuit:
    """Currents of every fault type at every bus of a model.

    By IEC 60909 the breaking current is taken as the initial one, which the standard allows as
    an approximation to the safe side in meshed networks; κ is by method C.

    Neglects: see ``fault_model``.
    Follows: IEC 60909-0:2016, 8.1 and 9.1.3.
    """
    n, networks = len(model.network.buses), model.networks
    rows = networks.bus[model.source]
    to_ka = model.base_ka[model.source]

    def spread(values: np.ndarray) -> np.ndarray:
        out = np.full(n, np.nan, values.dtype)
        out[rows] = values
        out.setflags(write=False)
        return out

    line: dict[FaultType, Floats] = {}
    earth: dict[FaultType, Floats] = {}
    added: dict[FaultType, Floats] = {}
    ratio: dict[FaultType, Floats] = {}
    unsettled = []
    for fault in FaultType:
        current, to_earth, inverter, open_at = model.currents_pu(fault)
        line[fault] = spread(current * to_ka)
        added[fault] = spread(inverter * to_ka)
        if fault in {FaultType.LINE_TO_GROUND, FaultType.LINE_LINE_TO_GROUND}:
            earth[fault] = spread(to_earth * to_ka)
        if fault in {FaultType.THREE_PHASE, FaultType.LINE_TO_GROUND}:
            ratio[fault] = spread(x_over_r(total_impedance(model.points, fault)))
        unsettled.append(open_at)
    peak = breaking = spread(np.full(len(rows), np.nan))
    if networks.peak is not None:
        at_low = networks.peak.impedance_pu[model.source]
        factor = peak_factor(at_low.real / at_low.imag * EQUIVALENT_FREQUENCY)
        three, inverter = line[FaultType.THREE_PHASE], added[FaultType.THREE_PHASE]
        peak = spread(np.sqrt(2.0) * (factor * (three - inverter)[rows] + inverter[rows]))
        breaking = three
    return ShortCircuit(
        current_ka=line,
        earth_ka=earth,
        inverter_ka=added,
        x_over_r=ratio,
        peak_ka=peak,
        breaking_ka=breaking,
        positive_pu=spread(model.points.positive),
        negative_pu=spread(model.points.negative),
        zero_pu=spread(model.points.zero),
        unsettled=networks.bus[np.unique(np.concatenate(unsettled)).astype(np.int64)],
        largest_residual=networks.largest_residual,
    )


def x_over_r(impedance: Complexes) -> Floats:
    """X/R of impedances; infinite without resistance, ``nan`` where no current flows."""
    finite = np.isfinite(impedance)
    z = np.where(finite, impedance, 1.0)
    with np.errstate(divide="ignore"):
        ratio = np.where(z.real > 0, z.imag / np.where(z.real > 0, z.real, 1.0), np.inf)
    return np.where(finite, ratio, np.nan)


def inverters_of(network: Network, data: SequenceData, networks: SequenceNetworks) -> Inverters:
    """The inverters of a case by bus, with their transfer impedances to every bus."""
    units = data.units
    row = np.flatnonzero(
        network.is_generator_live
        & units.is_inverter
        & (units.rating_mva > 0)
        & (units.current_limit_pu > 0)
    )
    at = networks.place[network.generators.bus[row]]
    rated = units.rating_mva[row] / network.base_mva
    place, group = np.unique(at, return_inverse=True)
    return Inverters(
        place=place,
        rated_pu=np.bincount(group, rated, len(place)).astype(np.float64),
        limit_pu=np.bincount(group, rated * units.current_limit_pu[row], len(place)).astype(
            np.float64
        ),
        columns=networks.positive.columns(place),
    )
