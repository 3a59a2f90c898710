"""The factors of IEC 60909-0 for largest currents: voltage, transformers, machines, peak.

Equations only, on arrays; ``short_circuit_networks`` puts them into the networks.
"""

from __future__ import annotations

import numpy as np

from gentie.engines.grid.network import Floats, Integers
from gentie.engines.grid.symmetric_factor import Complexes

VOLTAGE_FACTOR = 1.1
"""c_max of table 1 above 1 kV, and at or below it where the voltage may vary by 10%."""

EQUIVALENT_FREQUENCY = 0.4
"""20 Hz of 50, 24 Hz of 60: at which R/X is found for the peak (method C)."""


def transformer_factor(reactance_pu: Floats, rating_mva: Floats, base_mva: float) -> Floats:
    """K_T = 0.95 c_max / (1 + 0.6 x_T), with x_T per unit of the transformer's rating.

    Args:
        reactance_pu: (t,) on ``base_mva``.
        rating_mva: (t,) 0 where unknown: the factor is then 1.
        base_mva: of the reactances.

    Neglects: the variant that knows the operating voltage and current.
    Follows: IEC 60909-0:2016, 6.3.3.
    """
    x = np.abs(reactance_pu) * rating_mva / base_mva
    return np.where(rating_mva > 0, 0.95 * VOLTAGE_FACTOR / (1.0 + 0.6 * x), 1.0)


def star_legs(
    impedance: Complexes, reactance_pu: Floats, rating_mva: Floats, base_mva: float
) -> Complexes:
    """Legs of three-winding transformers, corrected pair by pair.

    The pairs AB, AC and BC are sums of legs; each is multiplied by its own K_T, on the smaller
    rating of its two windings, and the legs follow from the pairs again.

    Args:
        impedance: (s, 3) complex legs of one sequence, pu.
        reactance_pu: (s, 3) of the positive-sequence legs, which decide K_T.
        rating_mva: (s, 3) by leg, 0 where unknown.
        base_mva: of the impedances.

    Returns:
        (s, 3) complex.

    Neglects: nothing of the standard's; a rating of a leg that is not its winding's shifts K_T.
    Follows: IEC 60909-0:2016, 6.3.3, three-winding transformers.
    """
    one, two = np.array([0, 0, 1]), np.array([1, 2, 2])
    factor = transformer_factor(
        reactance_pu[:, one] + reactance_pu[:, two],
        np.minimum(rating_mva[:, one], rating_mva[:, two]),
        base_mva,
    )
    ab, ac, bc = (factor * (impedance[:, one] + impedance[:, two])).T
    return np.asarray(0.5 * np.column_stack([ab + ac - bc, ab + bc - ac, ac + bc - ab]))


def machine_factor(subtransient_pu: Floats, power_factor: Floats) -> Floats:
    """K_G = c_max / (1 + x''_d sin φ), with rated and nominal voltage the same.

    With a step-up transformer without taps in series it is K_SO, and then stands for both.

    Neglects: rated voltages that differ from nominal ones; tap ranges.
    Follows: IEC 60909-0:2016, 6.6.1 and 6.7.2.
    """
    sine = np.sqrt(np.clip(1.0 - power_factor**2, 0.0, None))
    return np.asarray(VOLTAGE_FACTOR / (1.0 + subtransient_pu * sine))


def peak_resistance_ratio(nominal_kv: Floats, rating_mva: Floats) -> Floats:
    """R_Gf / X''_d, the resistance of machines that gives the right peak.

    Neglects: nothing.
    Follows: IEC 60909-0:2016, 6.6.1.
    """
    return np.where(nominal_kv <= 1.0, 0.15, np.where(rating_mva >= 100.0, 0.05, 0.07))


def peak_factor(r_over_x: Floats) -> Floats:
    """κ = 1.02 + 0.98 exp(-3 R/X).

    Neglects: nothing.
    Follows: IEC 60909-0:2016, 8.1.
    """
    return np.asarray(1.02 + 0.98 * np.exp(-3.0 * r_over_x))


def legs_by_star(star_bus: Integers) -> Integers:
    """(s, 3) branch rows of every star point that has its three legs."""
    leg = np.flatnonzero(star_bus >= 0)
    order = leg[np.argsort(star_bus[leg], kind="stable")]
    _, first, count = np.unique(star_bus[order], return_index=True, return_counts=True)
    return np.asarray(order[first[count == 3][:, None] + np.arange(3)], np.int64)
