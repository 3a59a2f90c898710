"""The positive, negative and zero sequence networks of a case, factored.

Per unit on the network's base. Buses are the live ones, in the order of the case; the three
networks share one pattern, so that the elimination order is found once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gentie.engines.grid.iec_60909 import (
    EQUIVALENT_FREQUENCY,
    legs_by_star,
    machine_factor,
    peak_resistance_ratio,
    star_legs,
    transformer_factor,
)
from gentie.engines.grid.network import Booleans, Floats, Integers, Network
from gentie.engines.grid.short_circuit_data import SequenceData, ZeroPath
from gentie.engines.grid.symmetric_factor import (
    Complexes,
    Pattern,
    SelectedInverse,
    SymmetricFactor,
    factor_of,
    pattern_of,
)


class Method(StrEnum):
    """How the largest current is defined."""

    IEC = "iec"
    """IEC 60909-0: voltage factor c at the fault, corrected impedances, taps neutral."""
    FLAT = "flat"
    """One pre-fault voltage everywhere, impedances and taps as they stand."""
    PROFILE = "profile"
    """The solved pre-fault voltage of each bus, impedances and taps as they stand."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """One sequence network.

    Attributes:
        diagonal: (k,) of the bus matrix.
        by_branch: (b,) off-diagonal admittance of each live branch.
        is_grounded: (k,) some path leads to ground or a source; elsewhere the impedance is
            infinite and the matrix holds a stand-in.
        factor: of the bus matrix.
        inverse: on its pattern.
    """

    diagonal: Complexes
    by_branch: Complexes
    is_grounded: Booleans
    factor: SymmetricFactor
    inverse: SelectedInverse

    @property
    def impedance_pu(self) -> Complexes:
        """(k,) driving-point impedance of every bus, infinite where nothing leads to ground."""
        return np.where(self.is_grounded, self.inverse.diagonal, np.inf)

    def columns(self, buses: Integers) -> Complexes:
        """(k, c) transfer impedances to each bus; 0 where nothing leads to ground."""
        found = self.factor.columns(buses)
        joined = self.is_grounded[:, None] & self.is_grounded[buses]
        return np.where(joined, found, 0.0)


@dataclass(frozen=True, eq=False)
class SequenceNetworks:
    """The three networks of one case by one method.

    Attributes:
        bus: (k,) rows of the live buses.
        place: (n,) place of each bus among them, -1 where isolated.
        positive: with the machines' subtransient impedances.
        negative: the same object where every negative-sequence impedance equals the positive.
        zero: by the windings' connections.
        peak: the positive network at the equivalent frequency, for the peak current; ``None``
            unless the method needs it.
    """

    bus: Integers
    place: Integers
    positive: Sequence
    negative: Sequence
    zero: Sequence
    peak: Sequence | None

    @property
    def largest_residual(self) -> float:
        """Largest ``|(Y Z)_jj - 1|`` of any bus of any network."""
        networks = (self.positive, self.negative, self.zero, self.peak)
        return max(one.inverse.largest_residual for one in networks if one is not None)


@dataclass(frozen=True, eq=False)
class SeriesImpedances:
    """Impedances as the method wants them: corrected or as they stand."""

    branch: Complexes
    """(m,) positive and negative sequence."""
    branch_zero: Complexes
    unit_factor: Floats
    """(g,) multiplies all of a machine's impedances."""
    tap: Floats


def sequence_networks(
    network: Network, data: SequenceData, method: Method = Method.IEC, *, with_peak: bool = True
) -> SequenceNetworks:
    """Build and factor the three sequence networks.

    Inverters are no admittance in any of them: they are limited currents (``inverter_currents``).

    Args:
        network: the case.
        data: sequence data of its units and branches.
        method: decides the corrections and the taps.
        with_peak: factor the network for the peak too, where the method knows one.

    Raises:
        Singular: a bus matrix has no factor.

    Neglects: loads, line charging, shunts, phase shifts of transformers, magnetising branches,
        mutual coupling of parallel lines; each makes the largest current larger or moves it
        little.
    Follows: IEC 60909-0:2016 clauses 5 to 7; Anderson, "Analysis of Faulted Power Systems", 1973.
    """
    bus = np.flatnonzero(network.is_bus_live)
    place = np.full(len(network.buses), -1, np.int64)
    place[bus] = np.arange(len(bus))
    branches = network.branches
    line = np.flatnonzero(network.is_branch_live & (branches.from_bus != branches.to_bus))
    a, z = place[branches.from_bus[line]], place[branches.to_bus[line]]
    pattern = pattern_of(len(bus), a, z)
    series = series_impedances(network, data, method)
    ends = (a, z, series.tap[line])
    machine = np.flatnonzero(network.is_generator_live & machine_rows(data))
    at = place[network.generators.bus[machine]]
    through = np.zeros(len(line), np.int64)

    def joined(
        branch: Complexes, paths: Integers, unit_place: Integers, unit_impedance: Complexes | Floats
    ) -> Sequence:
        return _sequence(
            pattern,
            ends,
            np.reciprocal(branch[line]),
            paths,
            unit_place,
            np.reciprocal(unit_impedance),
        )

    units = data.units
    scale = network.base_mva / units.rating_mva[machine] * series.unit_factor[machine]
    step_up = (units.step_up_resistance_pu + 1j * units.step_up_reactance_pu)[machine]
    z1 = (units.resistance_pu + 1j * units.subtransient_pu)[machine]
    z2 = (units.negative_resistance_pu + 1j * units.negative_reactance_pu)[machine]
    positive = joined(series.branch, through, at, (z1 + step_up) * scale)
    negative = positive
    if np.any(z1 != z2):
        negative = joined(series.branch, through, at, (z2 + step_up) * scale)
    grounded = np.flatnonzero(
        network.is_generator_live & np.isfinite(units.zero_reactance_pu) & (units.rating_mva > 0)
    )
    z0 = units.zero_resistance_pu[grounded] + 1j * units.zero_reactance_pu[grounded]
    z0 = z0 * network.base_mva / units.rating_mva[grounded] * series.unit_factor[grounded]
    zero = joined(
        series.branch_zero,
        data.branches.zero_path[line],
        place[network.generators.bus[grounded]],
        z0,
    )
    peak = None
    if with_peak and method is Method.IEC:
        kv = network.buses.nominal_kv[network.generators.bus[machine]]
        fictitious = peak_resistance_ratio(kv, units.rating_mva[machine]) * z1.imag
        at_low = EQUIVALENT_FREQUENCY
        branch = series.branch.real + 1j * at_low * series.branch.imag
        unit = (fictitious + step_up.real + 1j * at_low * (z1.imag + step_up.imag)) * scale
        peak = joined(branch, through, at, unit)
    return SequenceNetworks(bus, place, positive, negative, zero, peak)


def machine_rows(data: SequenceData) -> Booleans:
    """(g,) units that stand in the networks as impedances: rated and no inverters."""
    return np.asarray(~data.units.is_inverter & (data.units.rating_mva > 0))


def series_impedances(network: Network, data: SequenceData, method: Method) -> SeriesImpedances:
    """Impedances of branches and the factor of units, corrected where the method says so."""
    branches, given = network.branches, data.branches
    live = network.is_branch_live
    one = np.where(live, branches.resistance_pu + 1j * branches.reactance_pu, 1.0)
    nil = np.where(live, given.zero_resistance_pu + 1j * given.zero_reactance_pu, 1.0)
    units = data.units
    if method is not Method.IEC:
        return SeriesImpedances(one, nil, np.ones(len(units)), branches.tap_ratio)
    two_winding = live & branches.is_transformer & (given.star_bus < 0)
    factor = np.where(
        two_winding,
        transformer_factor(branches.reactance_pu, given.rating_mva, network.base_mva),
        1.0,
    )
    corrected, corrected_zero = one * factor, nil * factor
    legs = legs_by_star(given.star_bus)
    if len(legs):
        decides = branches.reactance_pu[legs], given.rating_mva[legs], network.base_mva
        corrected[legs] = star_legs(one[legs], *decides)
        corrected_zero[legs] = star_legs(nil[legs], *decides)
    return SeriesImpedances(
        corrected,
        corrected_zero,
        machine_factor(units.subtransient_pu, units.power_factor),
        np.ones(len(branches)),
    )


def _sequence(
    pattern: Pattern,
    ends: tuple[Integers, Integers, Floats],
    series: Complexes,
    zero_path: Integers,
    unit_place: Integers,
    unit_admittance: Complexes,
) -> Sequence:
    """The bus matrix of one sequence, its factor and its selected inverse.

    Where no path leads to ground the rows become those of the identity, so that the rest can be
    factored and the impedance there is told as infinite.
    """
    a, z, tap = ends
    k = len(pattern.position)
    through = zero_path == ZeroPath.THROUGH
    at_from = through | (zero_path == ZeroPath.GROUND_AT_FROM)
    at_to = through | (zero_path == ZeroPath.GROUND_AT_TO)
    to_ground = np.zeros(k, np.bool_)
    to_ground[unit_place] = True
    to_ground[a[at_from & ~through]] = True
    to_ground[z[at_to & ~through]] = True
    links = coo_array((np.ones(int(through.sum())), (a[through], z[through])), shape=(k, k))
    count, piece = connected_components(links, directed=False)
    is_grounded = (np.bincount(piece[to_ground], minlength=count) > 0)[piece]

    joined = through & is_grounded[a]
    diagonal = (
        _sums(a, series * at_from / tap**2, k)
        + _sums(z, series * at_to, k)
        + _sums(unit_place, unit_admittance, k)
    )
    diagonal[~is_grounded] = 1.0
    by_branch = -series * joined / tap
    factor = factor_of(pattern, diagonal, by_branch)
    return Sequence(diagonal, by_branch, is_grounded, factor, factor.selected_inverse())


def _sums(index: Integers, values: Complexes, size: int) -> Complexes:
    """Sums of complex values with the same index, (size,)."""
    return np.asarray(
        np.bincount(index, values.real, size) + 1j * np.bincount(index, values.imag, size)
    )
