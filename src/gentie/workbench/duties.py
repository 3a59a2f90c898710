"""Breakers against the currents that they must interrupt, as every door tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gentie.engines.grid.breaker_duty import BreakerDuty, Breakers, breaker_duty
from gentie.engines.grid.short_circuit import FaultType, ShortCircuit

if TYPE_CHECKING:
    from gentie.engines.grid.network import Network
    from gentie.formats.breakers import BreakerRow
    from gentie.rulebook.book import Rulebook

    Rating = BreakerRow
else:
    Rating = object


@dataclass(frozen=True)
class Duty:
    """What one breaker must interrupt.

    Attributes:
        bus: its bus.
        breaker: its name.
        rating_ka: symmetrical.
        fault: that decides.
        fault_ka: its symmetrical current; ``None`` where no current reaches the bus.
        x_over_r: of that fault; ``None`` without resistance.
        factor: for its direct component, at least 1.
        duty_percent: of the rating.
        rise_ka: of that fault's current by the requests; 0 without any.
        is_over: above its rating.
        is_flagged: above its rating, or raised by the requests enough to be told.
    """

    bus: int
    breaker: str
    rating_ka: float
    fault: str
    fault_ka: float | None
    x_over_r: float | None
    factor: float
    duty_percent: float | None
    rise_ka: float
    is_over: bool
    is_flagged: bool


def duties_of(
    network: Network,
    ratings: Sequence[Rating],
    found: ShortCircuit,
    before: ShortCircuit | None,
    rulebook: Rulebook,
) -> tuple[Duty, ...]:
    """Duties of breakers, the highest first; without their own figures the rulebook's count."""
    if not ratings:
        return ()
    usual = rulebook.number("short_circuit.breaker_x_over_r")
    cycles = rulebook.number("short_circuit.contact_parting")
    breakers = Breakers(
        bus=np.array([network.bus_row[one.bus] for one in ratings], np.int64),
        rating_ka=np.array([one.rating_ka for one in ratings]),
        rated_x_over_r=np.array([one.x_over_r or usual for one in ratings]),
        contact_parting_cycles=np.array([one.contact_parting_cycles or cycles for one in ratings]),
    )
    duty = _duty(breakers, found)
    share_percent = 100.0 * rulebook.number("short_circuit.flag_share")
    least_ka = rulebook.number("short_circuit.flag_rise")
    told = []
    for place, one in enumerate(ratings):
        plain = _told(one, duty, place, _rise_ka(breakers, duty, place, found, before))
        told.append(
            replace(
                plain,
                is_flagged=plain.is_over
                or (plain.rise_ka >= least_ka and (plain.duty_percent or 0.0) > share_percent),
            )
        )
    return tuple(sorted(told, key=lambda one: (-(one.duty_percent or 0.0), one.bus, one.breaker)))


def _duty(breakers: Breakers, found: ShortCircuit) -> BreakerDuty:
    three, ground = FaultType.THREE_PHASE, FaultType.LINE_TO_GROUND
    return breaker_duty(
        breakers,
        three_phase_ka=found.current_ka[three],
        three_phase_x_over_r=found.x_over_r[three],
        ground_ka=found.current_ka[ground],
        ground_x_over_r=found.x_over_r[ground],
    )


def _rise_ka(
    breakers: Breakers,
    duty: BreakerDuty,
    place: int,
    found: ShortCircuit,
    before: ShortCircuit | None,
) -> float:
    if before is None:
        return 0.0
    fault = FaultType.LINE_TO_GROUND if duty.is_ground_fault[place] else FaultType.THREE_PHASE
    row = breakers.bus[place]
    return float(found.current_ka[fault][row] - np.nan_to_num(before.current_ka[fault][row]))


def _told(one: Rating, duty: BreakerDuty, place: int, rise_ka: float) -> Duty:
    percent = float(duty.duty_percent[place])
    ratio = float(duty.x_over_r[place])
    ground = bool(duty.is_ground_fault[place])
    is_known = bool(np.isfinite(percent))
    return Duty(
        bus=one.bus,
        breaker=one.breaker,
        rating_ka=one.rating_ka,
        fault=(FaultType.LINE_TO_GROUND if ground else FaultType.THREE_PHASE).value,
        fault_ka=round(float(duty.fault_ka[place]), 4) if is_known else None,
        x_over_r=round(ratio, 3) if np.isfinite(ratio) else None,
        factor=round(float(duty.factor[place]), 4),
        duty_percent=round(percent, 2) if is_known else None,
        rise_ka=round(rise_ka, 4) + 0.0 if is_known else 0.0,
        is_over=percent > 100.0,
        is_flagged=percent > 100.0,
    )
