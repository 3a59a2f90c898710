"""What requests add to fault currents: all of them together, and each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from gentie.engines.grid.inverter_currents import Inverters
from gentie.engines.grid.network import Columns, Floats, Generators, Integers, Network
from gentie.engines.grid.short_circuit import FaultModel, FaultSettings, fault_model
from gentie.engines.grid.short_circuit_data import SequenceData, SequenceDefaults, UnitSequence
from gentie.engines.grid.short_circuit_faults import DrivingPoints, FaultType
from gentie.engines.grid.short_circuit_networks import series_impedances
from gentie.engines.grid.symmetric_factor import Complexes

Table = TypeVar("Table", bound=Columns)

LAST_GROUND = 1e-9
"""``1 - y Z`` this near to zero: the removed admittance was the only path to ground."""


@dataclass(frozen=True, eq=False)
class RequestUnits:
    """What requests bring, one row per technology of a request, (u,) each; a request has one bus.

    Attributes:
        request: identity.
        bus: row of the bus.
        mw: largest output.
        units: sequence data, with a step-up transformer of its own.
    """

    request: tuple[str, ...]
    bus: Integers
    mw: Floats
    units: UnitSequence


@dataclass(frozen=True, eq=False)
class Contributions:
    """Currents without and with all requests, and what each adds to the latter.

    Attributes:
        before: the case.
        after: the case with every request.
        request: identities, in the order of first appearance.
        bus: (f,) rows of the buses told: those where some fault current rises by the least rise.
        contribution_ka: by fault type (r, f): the current with all requests less that with all
            but this one.
    """

    before: FaultModel
    after: FaultModel
    request: tuple[str, ...]
    bus: Integers
    contribution_ka: Mapping[FaultType, Floats]


def request_units(
    requests: list[tuple[str, int, float, bool]], defaults: SequenceDefaults
) -> RequestUnits:
    """Sequence data of requests, all by default: the connection has not been built.

    Args:
        requests: identity, row of the bus, MW, and whether it faces the grid with an inverter.
        defaults: figures.

    Neglects: collector systems and leads; the grid sees the machine behind one transformer.
    """
    is_inverter = np.array([one[3] for one in requests], np.bool_).reshape(-1)
    mw = np.array([one[2] for one in requests], np.float64)
    factor = np.where(is_inverter, defaults.inverter_power_factor, defaults.machine_power_factor)
    count = len(requests)
    x = np.full(count, defaults.machine_reactance_pu)
    step_up = np.full(count, defaults.step_up_reactance_pu)
    return RequestUnits(
        request=tuple(one[0] for one in requests),
        bus=np.array([one[1] for one in requests], np.int64),
        mw=mw,
        units=UnitSequence(
            rating_mva=mw / factor,
            power_factor=factor,
            is_inverter=is_inverter,
            resistance_pu=x * defaults.machine_rx,
            subtransient_pu=x,
            negative_resistance_pu=x * defaults.machine_rx,
            negative_reactance_pu=x * defaults.negative_ratio,
            zero_resistance_pu=step_up * defaults.step_up_rx,
            zero_reactance_pu=step_up.copy(),
            step_up_resistance_pu=step_up * defaults.step_up_rx,
            step_up_reactance_pu=step_up.copy(),
            current_limit_pu=np.where(is_inverter, defaults.inverter_current_pu, 0.0),
        ),
    )


def with_requests(
    network: Network, data: SequenceData, requests: RequestUnits
) -> tuple[Network, SequenceData]:
    """The case and its sequence data with the requests as further units."""
    old, count = network.generators, len(requests.request)
    none = np.zeros(count)
    added = Generators(
        bus=requests.bus,
        unit=np.arange(1, count + 1),
        p_mw=requests.mw,
        q_mvar=none,
        q_max_mvar=none.copy(),
        q_min_mvar=none.copy(),
        p_max_mw=requests.mw.copy(),
        p_min_mw=none.copy(),
        voltage_setpoint_pu=np.ones(count),
        in_service=np.ones(count, np.bool_),
        fuel=("",) * count,
        unit_type=("",) * count,
    )
    grown = replace(network, generators=_stacked(old, added))
    return grown, replace(
        data,
        units=_stacked(data.units, requests.units),
        is_unit_given=np.concatenate([data.is_unit_given, np.zeros(count, np.bool_)]),
    )


def contributions(
    network: Network,
    data: SequenceData,
    settings: FaultSettings,
    requests: RequestUnits,
    *,
    least_rise_ka: float,
    prefault_voltage_pu: Complexes | None = None,
) -> Contributions:
    """Fault currents without and with the requests, and the part of each.

    A request of admittance ``y`` at bus ``b`` is taken out by
    ``Z_kk ← Z_kk + Z_kb² y / (1 - y Z_bb)``, in each sequence network, which is exact.

    Args:
        network: the case without the requests.
        data: its sequence data.
        settings: method and inverters.
        requests: what they bring.
        least_rise_ka: buses where no three-phase or line-to-ground current rises by this much are
            left out.
        prefault_voltage_pu: (n,) for ``Method.PROFILE``; the requests do not change it.

    Returns:
        Both models and the contributions, which need not sum to the rise: a current rises less
        for each further source.

    Raises:
        Singular: a sequence network has no factor.

    Neglects: what ``fault_model`` neglects.
    Follows: Sherman and Morrison 1950 for the update.
    """
    grown, grown_data = with_requests(network, data, requests)
    before = fault_model(network, data, settings, prefault_voltage_pu=prefault_voltage_pu)
    after = fault_model(grown, grown_data, settings, prefault_voltage_pu=prefault_voltage_pu)
    faults = (FaultType.THREE_PHASE, FaultType.LINE_TO_GROUND)
    to_ka = after.base_ka[after.source]
    rises = np.zeros(len(after.source), np.bool_)
    total: dict[FaultType, Floats] = {}
    for fault in faults:
        total[fault] = after.currents_pu(fault)[0] * to_ka
        old = np.zeros(len(after.networks.bus))
        old[before.source] = before.currents_pu(fault)[0] * before.base_ka[before.source]
        rises |= total[fault] - old[after.source] >= least_rise_ka
    told = np.flatnonzero(rises)
    names = tuple(dict.fromkeys(requests.request))
    part = {fault: np.zeros((len(names), len(told))) for fault in faults}
    removal = _Removal(after, requests, grown, grown_data)
    for row, name in enumerate(names):
        points, inverters = removal.without(name)
        for fault in faults:
            left = after.currents_pu(fault, points=points, inverters=inverters, among=told)[0]
            part[fault][row] = total[fault][told] - left * to_ka[told]
    return Contributions(before, after, names, after.networks.bus[after.source[told]], part)


class _Removal:
    """Takes one request after the other out of the model with all of them."""

    def __init__(
        self, after: FaultModel, requests: RequestUnits, grown: Network, data: SequenceData
    ) -> None:
        """Solve the columns of the requests' buses once."""
        self.after, self.requests = after, requests
        self.place = after.networks.place[requests.bus]
        self.buses = np.unique(self.place)
        networks = after.networks
        self.columns = tuple(
            one.columns(self.buses) for one in (networks.positive, networks.negative, networks.zero)
        )
        new = slice(len(grown.generators) - len(requests.request), None)
        units, base = requests.units, grown.base_mva
        factor = series_impedances(grown, data, after.settings.method).unit_factor[new]
        scale = base / units.rating_mva * factor
        machine = ~units.is_inverter
        step_up = units.step_up_resistance_pu + 1j * units.step_up_reactance_pu
        one = units.resistance_pu + 1j * units.subtransient_pu + step_up
        two = units.negative_resistance_pu + 1j * units.negative_reactance_pu + step_up
        nil = units.zero_resistance_pu + 1j * units.zero_reactance_pu
        self.admittance = (
            np.where(machine, 1.0 / (one * scale), 0.0),
            np.where(machine, 1.0 / (two * scale), 0.0),
            1.0 / (nil * scale),
        )

    def without(self, name: str) -> tuple[DrivingPoints, Inverters]:
        """Impedances and inverters of the model without one request."""
        after, units = self.after, self.requests.units
        own = np.array([one == name for one in self.requests.request], np.bool_)
        bus = int(self.place[own][0])
        column_of_bus = int(np.searchsorted(self.buses, bus))
        inverters = after.inverters
        columns = inverters.columns
        impedances = []
        given = (after.points.positive, after.points.negative, after.points.zero)
        for sequence, diagonal in enumerate(given):
            y = complex(self.admittance[sequence][own].sum())
            full = self.columns[sequence][:, column_of_bus]
            column = full[after.source]
            left = 1.0 - y * full[bus]
            if abs(left) < LAST_GROUND:
                impedances.append(np.where(column != 0, np.inf, diagonal))
                continue
            impedances.append(diagonal + column**2 * (y / left))
            if sequence == 0 and y != 0:
                columns = columns + np.outer(full, full[inverters.place]) * (y / left)
        rated = np.where(own & units.is_inverter, units.rating_mva, 0.0) / after.network.base_mva
        here = inverters.place == bus
        reduced = replace(
            inverters,
            rated_pu=np.maximum(inverters.rated_pu - here * rated.sum(), 0.0),
            limit_pu=np.maximum(
                inverters.limit_pu - here * float(rated @ units.current_limit_pu), 0.0
            ),
            columns=columns,
        )
        return DrivingPoints(*impedances), reduced


def _stacked(one: Table, two: Table) -> Table:
    """Rows of the one table, then of the other."""
    columns: dict[str, Any] = {}
    for place in fields(one):  # type: ignore[arg-type]
        first, second = getattr(one, place.name), getattr(two, place.name)
        is_text = isinstance(first, tuple)
        columns[place.name] = first + second if is_text else np.concatenate([first, second])
    return type(one)(**columns)
