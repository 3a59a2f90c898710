"""Fault currents from the three driving-point impedances and the voltage behind them.

The sequence networks of a bolted fault meet at one place: the positive network sees an extra
impedance,

    three-phase             nothing
    line to ground          Z2 + Z0
    line to line            Z2
    line, line to ground    Z2 in parallel with Z0

and everything else follows from ``I1 = E / (Z1 + that)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gentie.engines.grid.network import Booleans, Floats
from gentie.engines.grid.symmetric_factor import Complexes


class FaultType(StrEnum):
    """Which conductors touch."""

    THREE_PHASE = "three-phase"
    LINE_TO_GROUND = "line-to-ground"
    LINE_TO_LINE = "line-to-line"
    LINE_LINE_TO_GROUND = "line-line-to-ground"


@dataclass(frozen=True, eq=False)
class DrivingPoints:
    """(k,) impedances seen from buses with a source, pu.

    Attributes:
        positive: finite.
        negative: finite, since the same machines ground it.
        zero: infinite where no path leads to ground.
    """

    positive: Complexes
    negative: Complexes
    zero: Complexes

    @property
    def has_ground(self) -> Booleans:
        """(k,) zero-sequence current has a path."""
        return np.asarray(np.isfinite(self.zero))


def total_impedance(points: DrivingPoints, fault: FaultType) -> Complexes:
    """(k,) impedance between the source and the fault as the positive network sees it, pu.

    Returns:
        Infinite where the fault drives no current: to ground, and no path leads there.

    Neglects: impedance of the fault itself, asymmetry of the network itself.
    Follows: Anderson, "Analysis of Faulted Power Systems", 1973, chapter 3.
    """
    z1, z2 = points.positive, points.negative
    if fault is FaultType.THREE_PHASE:
        return z1
    if fault is FaultType.LINE_TO_LINE:
        return z1 + z2
    z0 = np.where(points.has_ground, points.zero, 0.0)
    if fault is FaultType.LINE_TO_GROUND:
        return np.where(points.has_ground, z1 + z2 + z0, np.inf)
    return np.where(points.has_ground, z1 + z2 * z0 / (z2 + z0), z1 + z2)


def line_current(points: DrivingPoints, fault: FaultType, positive: Complexes) -> Floats:
    """(k,) largest current in a faulted conductor for a positive-sequence current, same unit.

    Neglects: nothing.
    Follows: Anderson 1973, chapter 3; IEC 60909-0:2016 clause 7 has the same relations.
    """
    if fault is FaultType.THREE_PHASE:
        return np.abs(positive)
    if fault is FaultType.LINE_TO_GROUND:
        return 3.0 * np.abs(positive)
    if fault is FaultType.LINE_TO_LINE:
        return np.sqrt(3.0) * np.abs(positive)
    zero = _zero_of_double(points, positive)
    negative = -positive - zero
    turn = np.exp(2j * np.pi / 3.0)
    b = turn**2 * positive + turn * negative + zero
    c = turn * positive + turn**2 * negative + zero
    return np.maximum(np.abs(b), np.abs(c))


def earth_current(points: DrivingPoints, fault: FaultType, positive: Complexes) -> Floats:
    """(k,) current through earth, same unit: three times the zero-sequence current.

    Neglects: nothing.
    Follows: Anderson 1973, chapter 3.
    """
    if fault is FaultType.LINE_TO_GROUND:
        return 3.0 * np.abs(positive)
    if fault is FaultType.LINE_LINE_TO_GROUND:
        return 3.0 * np.abs(_zero_of_double(points, positive))
    return np.zeros(len(positive))


def _zero_of_double(points: DrivingPoints, positive: Complexes) -> Complexes:
    """Zero-sequence current of a double line-to-ground fault."""
    z0 = np.where(points.has_ground, points.zero, 1.0)
    share = np.where(points.has_ground, points.negative / (points.negative + z0), 0.0)
    return -share * positive
