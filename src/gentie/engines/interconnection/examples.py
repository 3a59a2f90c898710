"""Makers of small believable networks for tests, and the rules to study them by.

A network is told as plain lists: buses by number, lines and transformers by the numbers of their
ends, units by their bus. What is not said is ordinary: 230 kV, area 1, unrated, in service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from gentie.engines.grid.network import (
    Branches,
    Buses,
    BusKind,
    DirectCurrentLines,
    Generators,
    Network,
    numbered_within_groups,
)
from gentie.engines.interconnection.cluster_study import Policy, StudyRules
from gentie.engines.interconnection.deliverability import DeliverabilityRules
from gentie.engines.interconnection.published import PublishedCase, Screening, publish
from gentie.engines.interconnection.remedial_action import RemedialActionRules
from gentie.engines.interconnection.upgrades import UnitCosts, UpgradeRules


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two buses; a rating of 0 means that none is given."""

    from_bus: int
    to_bus: int
    rating_mva: float = 0.0
    reactance_pu: float = 0.1
    emergency_mva: float = 0.0
    shift_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Transformer(Line):
    """A transformer; a star point is a bus with nothing but three of them."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A generating unit at its stored output."""

    bus: int
    p_mw: float


def network_of(
    *,
    branches: Sequence[Line],
    units: Sequence[Unit],
    load_mw: Mapping[int, float],
    kv: Mapping[int, float] | None = None,
    area: Mapping[int, int] | None = None,
    slack: int | None = None,
) -> Network:
    """A network of the buses that its branches name, on 100 MVA.

    Args:
        branches: lines and transformers.
        units: generating units.
        load_mw: load by bus number.
        kv: nominal voltage by bus number, 230 where not said.
        area: by bus number, 1 where not said.
        slack: bus that takes the mismatch; the lowest number where not said.
    """
    numbers = sorted({bus for one in branches for bus in (one.from_bus, one.to_bus)})
    row = {number: place for place, number in enumerate(numbers)}
    n, m, g = len(numbers), len(branches), len(units)
    kind = np.full(n, int(BusKind.LOAD))
    kind[row[slack] if slack is not None else 0] = BusKind.SLACK
    zeros = np.zeros
    return Network(
        name="paper",
        base_mva=100.0,
        buses=Buses(
            number=np.array(numbers, np.int64),
            name=tuple(f"BUS {number}" for number in numbers),
            kind=kind,
            area=np.array([(area or {}).get(number, 1) for number in numbers], np.int64),
            zone=np.ones(n, np.int64),
            nominal_kv=np.array([(kv or {}).get(number, 230.0) for number in numbers], float),
            load_mw=np.array([load_mw.get(number, 0.0) for number in numbers], float),
            load_mvar=zeros(n),
            shunt_mw=zeros(n),
            shunt_mvar=zeros(n),
            voltage_pu=np.ones(n),
            angle_deg=zeros(n),
            voltage_max_pu=np.full(n, 1.1),
            voltage_min_pu=np.full(n, 0.9),
        ),
        branches=Branches(
            from_bus=np.array([row[one.from_bus] for one in branches], np.int64),
            to_bus=np.array([row[one.to_bus] for one in branches], np.int64),
            circuit=numbered_within_groups(
                [frozenset((one.from_bus, one.to_bus)) for one in branches]
            ),
            resistance_pu=zeros(m),
            reactance_pu=np.array([one.reactance_pu for one in branches], float),
            charging_pu=zeros(m),
            rating_normal_mva=np.array([one.rating_mva for one in branches], float),
            rating_long_term_mva=zeros(m),
            rating_emergency_mva=np.array([one.emergency_mva for one in branches], float),
            tap_ratio=np.ones(m),
            shift_deg=np.array([one.shift_deg for one in branches], float),
            is_transformer=np.array([isinstance(one, Transformer) for one in branches], np.bool_),
            in_service=np.ones(m, np.bool_),
        ),
        generators=Generators(
            bus=np.array([row[one.bus] for one in units], np.int64),
            unit=numbered_within_groups([one.bus for one in units]),
            p_mw=np.array([one.p_mw for one in units], float),
            q_mvar=zeros(g),
            q_max_mvar=zeros(g),
            q_min_mvar=zeros(g),
            p_max_mw=np.array([max(one.p_mw, 0.0) for one in units], float),
            p_min_mw=zeros(g),
            voltage_setpoint_pu=np.ones(g),
            in_service=np.ones(g, np.bool_),
            fuel=("",) * g,
            unit_type=("",) * g,
        ),
        dc_lines=DirectCurrentLines(
            from_bus=zeros(0, np.int64),
            to_bus=zeros(0, np.int64),
            p_from_mw=zeros(0),
            p_to_mw=zeros(0),
            q_from_mvar=zeros(0),
            q_to_mvar=zeros(0),
            in_service=zeros(0, np.bool_),
        ),
    )


def random_network(
    chance: Generator, *, buses: int = 8, chords: int = 6, units: int = 4, rating_mva: float = 80.0
) -> Network:
    """A random meshed network with ratings and one three-winding transformer.

    Buses 1 and 2 are at 500 kV, the others at 230 kV; the star point has the highest number.

    Args:
        chance: the source of everything random.
        buses: without the star point, at least five.
        chords: branches besides those that join all buses in a ring.
        units: at random buses; several may share one.
        rating_mva: middle of the ratings; nine branches in ten have one.
    """
    numbers = [int(number) for number in chance.permutation(buses) + 1]
    ends = [(numbers[place - 1], numbers[place]) for place in range(buses)]
    while len(ends) < buses + chords:
        a, z = (int(number) for number in chance.integers(1, buses + 1, 2))
        if a != z:
            ends.append((a, z))
    kv = {number: 500.0 if number <= 2 else 230.0 for number in range(1, buses + 1)}
    branches: list[Line] = []
    for a, z in ends:
        made = Line if kv[a] == kv[z] else Transformer
        rated = chance.random() < 0.9
        branches.append(
            made(
                a,
                z,
                rating_mva=float(chance.uniform(0.5, 1.5) * rating_mva) if rated else 0.0,
                reactance_pu=float(chance.uniform(0.02, 0.3)),
                shift_deg=float(chance.uniform(-2, 2)) if chance.random() < 0.1 else 0.0,
            )
        )
    star = buses + 1
    kv[star] = 1.0
    legs = chance.permutation(buses)[:3] + 1
    branches += [
        Transformer(int(legs[0]), star, rating_mva=rating_mva, reactance_pu=0.08),
        Transformer(int(legs[1]), star, rating_mva=rating_mva, reactance_pu=-0.005),
        Transformer(int(legs[2]), star, reactance_pu=0.12),
    ]
    return network_of(
        branches=branches,
        units=[
            Unit(int(bus), float(chance.uniform(5, 90)))
            for bus in chance.integers(1, buses + 1, units)
        ],
        load_mw={number: float(chance.uniform(0, 60)) for number in range(1, buses + 1)},
        kv=kv,
        slack=int(chance.integers(1, buses + 1)),
    )


def published(
    network: Network,
    *,
    cut_off: float = 0.03,
    areas: tuple[int, ...] = (),
    emergency_multiplier: float = 1.15,
    threads: int = 1,
) -> PublishedCase:
    """The published case of a network by ordinary rules."""
    return publish(
        network,
        Screening(
            areas=areas,
            cut_off=cut_off,
            minimum_kv=69.0,
            emergency_multiplier=emergency_multiplier,
            imbalance_on_load=True,
        ),
        threads=threads,
    )


UNIT_COSTS = (
    UnitCosts(
        from_kv=0.0,
        reactance_ohm_per_mile=0.75,
        reconductor_per_mile=1.0,
        circuit_per_mile=2.0,
        terminal=3.0,
        bank_fixed=4.0,
        bank_per_mva=0.01,
        switchyard=5.0,
        position=1.0,
    ),
    UnitCosts(
        from_kv=450.0,
        reactance_ohm_per_mile=0.5,
        reconductor_per_mile=10.0,
        circuit_per_mile=20.0,
        terminal=30.0,
        bank_fixed=40.0,
        bank_per_mva=0.1,
        switchyard=50.0,
        position=10.0,
    ),
)
"""Round figures, in millions: ten times as much from 450 kV on."""

UPGRADE_RULES = UpgradeRules(
    classes=UNIT_COSTS,
    currency="USD",
    reconductor_gain=1.6,
    reconductor_below_kv=700.0,
    remedial_action_per_point=2.0,
)
DELIVERABILITY_RULES = DeliverabilityRules(
    circle=0.05,
    circle_extra_high_voltage=0.10,
    extra_high_kv=500.0,
    flow_impact=0.05,
    raised_units=20,
    collective_impact=0.05,
)
REMEDIAL_ACTION_RULES = RemedialActionRules(
    is_allowed_after_outage=True, trip_limit_mw=1150.0, most_requests=12, least_factor=0.05
)


def study_rules(policy: Policy = Policy.RAS_FIRST) -> StudyRules:
    """Rules of a study with round unit costs."""
    return StudyRules(
        policy=policy,
        collective_impact=0.05,
        least_factor=0.05,
        least_share=0.05,
        deliverability=DELIVERABILITY_RULES,
        remedial_action=REMEDIAL_ACTION_RULES,
        upgrades=UPGRADE_RULES,
    )
