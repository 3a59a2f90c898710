"""What a breaker must interrupt, against what it may."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.network import Booleans, Columns, Floats, Integers


@dataclass(frozen=True, eq=False)
class Breakers(Columns):
    """One row per breaker, (b,) each."""

    bus: Integers
    """Row of the bus."""
    rating_ka: Floats
    """Symmetrical interrupting rating."""
    rated_x_over_r: Floats
    contact_parting_cycles: Floats


@dataclass(frozen=True, eq=False)
class BreakerDuty:
    """Duty of every breaker, (b,) each; ``nan`` where its bus has no current.

    Attributes:
        fault_ka: symmetrical current of the fault that decides.
        is_ground_fault: that is the line-to-ground fault, else the three-phase one.
        x_over_r: of that fault.
        factor: at least 1; multiplies the current for its direct component.
        duty_percent: ``factor × fault_ka`` of the rating.
    """

    fault_ka: Floats
    is_ground_fault: Booleans
    x_over_r: Floats
    factor: Floats
    duty_percent: Floats


def breaker_duty(
    breakers: Breakers,
    *,
    three_phase_ka: Floats,
    three_phase_x_over_r: Floats,
    ground_ka: Floats,
    ground_x_over_r: Floats,
) -> BreakerDuty:
    """Duty of each breaker by the fault type that asks most of it.

    Args:
        breakers: all of them.
        three_phase_ka: (n,) by bus row.
        three_phase_x_over_r: (n,).
        ground_ka: (n,) line-to-ground.
        ground_x_over_r: (n,).

    Neglects: that a breaker carries only the current of the other branches; the decay of the
        alternating component; reclosing.
    Follows: IEEE C37.010, the simplified method with an adjustment for X/R.
    """
    at = breakers.bus
    given = breakers.rated_x_over_r, breakers.contact_parting_cycles
    three = direct_component_factor(three_phase_x_over_r[at], *given)
    ground = direct_component_factor(ground_x_over_r[at], *given)
    by_three, by_ground = three * three_phase_ka[at], ground * np.nan_to_num(ground_ka[at])
    decides = by_ground > by_three
    duty = np.where(decides, by_ground, by_three)
    return BreakerDuty(
        fault_ka=np.where(decides, ground_ka[at], three_phase_ka[at]),
        is_ground_fault=decides,
        x_over_r=np.where(decides, ground_x_over_r[at], three_phase_x_over_r[at]),
        factor=np.where(decides, ground, three),
        duty_percent=100.0 * duty / breakers.rating_ka,
    )


def direct_component_factor(
    x_over_r: Floats, rated_x_over_r: Floats, contact_parting_cycles: Floats
) -> Floats:
    """By how much a fault's direct component exceeds what a breaker's rating covers, at least 1.

    At ``C`` cycles the effective value with the direct component is
    ``sqrt(1 + 2 exp(-4 π C / (X/R)))`` of the symmetrical one; the factor is this for the fault
    over this for the rating.

    Neglects: the decay of the alternating component.
    Follows: IEEE C37.010, remote-source curves.
    """
    known = np.where(np.isnan(x_over_r), 0.0, x_over_r)

    def asymmetry(ratio: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            exponent = -4.0 * np.pi * contact_parting_cycles / np.where(ratio > 0, ratio, 1e-9)
        return np.sqrt(1.0 + 2.0 * np.exp(exponent))

    return np.maximum(1.0, asymmetry(known) / asymmetry(rated_x_over_r))
