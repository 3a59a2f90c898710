"""What is built against an overload, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gentie.engines.grid.network import Floats, Network
from gentie.engines.interconnection.elements import ElementTable
from gentie.quantities.money import Money

DOLLARS_PER_MILLION = 1_000_000


class UpgradeKind(StrEnum):
    """Ways to relieve an element, and what a point needs to take a plant."""

    RECONDUCTOR = "reconductor"
    CIRCUIT = "parallel circuit"
    BANK = "transformer bank"
    REMEDIAL_ACTION = "remedial action"
    SWITCHYARD = "switchyard position"
    POSITION = "interconnection facilities"


class CostClass(StrEnum):
    """Whose rules of cost and repayment apply."""

    RELIABILITY = "reliability network upgrade"
    LOCAL_DELIVERABILITY = "local delivery network upgrade"
    SWITCHYARD = "interconnection reliability network upgrade"
    OWN_FACILITIES = "participating owner's interconnection facilities"


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Costs of one voltage class, in millions; it holds from ``from_kv`` up to the next class."""

    from_kv: float
    reconductor_per_mile: float
    circuit_per_mile: float
    terminal: float
    bank_fixed: float
    bank_per_mva: float
    switchyard: float
    position: float
    reactance_ohm_per_mile: float


@dataclass(frozen=True, slots=True)
class UpgradeRules:
    """Values of the rulebook about upgrades.

    Attributes:
        classes: unit costs, lowest voltage first.
        currency: of all amounts.
        reconductor_gain: new rating over old.
        reconductor_below_kv: lines from here on get a circuit instead.
        remedial_action_per_point: millions for each point that takes part in a scheme.
    """

    classes: tuple[UnitCosts, ...]
    currency: str
    reconductor_gain: float
    reconductor_below_kv: float
    remedial_action_per_point: float

    def unit_costs(self, kv: float) -> UnitCosts:
        """The class of a voltage; the lowest for an unknown one (0 kV)."""
        chosen = self.classes[0]
        for candidate in self.classes:
            if kv >= candidate.from_kv:
                chosen = candidate
        return chosen

    def money(self, millions: float) -> Money:
        """An estimate to the dollar."""
        return Money.of(round(millions * DOLLARS_PER_MILLION), self.currency)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One thing to be built.

    Attributes:
        id: stable name: kind, element or point, and a number among equals.
        kind: what is built.
        cost_class: whose rules apply.
        branch_row: the element relieved, -1 for what stands at a point.
        point: the point, -1 for what stands on an element.
        constraint: identity of the constraint that called for it; empty at a point.
        loading_percent: of that constraint when it was called for.
        miles: of line.
        rating_before_mva: normal rating of all circuits before.
        rating_after_mva: and after.
        cost: estimate.
    """

    id: str
    kind: UpgradeKind
    cost_class: CostClass
    branch_row: int
    point: int
    constraint: str
    loading_percent: float
    miles: float
    rating_before_mva: float
    rating_after_mva: float
    cost: Money


def line_miles(
    network: Network,
    coordinates_deg: Floats | None,
    rules: UpgradeRules,
    *,
    length_factor: float,
    minimum_miles: float,
) -> Floats:
    """(m,) length of every branch in miles.

    Args:
        network: the case.
        coordinates_deg: (n, 2) latitude and longitude, nan where unknown; None for no place known.
        rules: for the reactance per mile, where a length must be guessed from the impedance.
        length_factor: line over great circle.
        minimum_miles: no line is shorter.

    Neglects: the route. Where an end has no coordinates the length is the series reactance over a
    typical reactance per mile of that voltage.
    """
    branches = network.branches
    kv = np.maximum(
        network.buses.nominal_kv[branches.from_bus], network.buses.nominal_kv[branches.to_bus]
    )
    per_mile = np.array([rules.unit_costs(float(value)).reactance_ohm_per_mile for value in kv])
    miles = np.abs(branches.reactance_pu) * kv**2 / network.base_mva / per_mile
    if coordinates_deg is not None:
        a = np.deg2rad(coordinates_deg[branches.from_bus])
        z = np.deg2rad(coordinates_deg[branches.to_bus])
        half = np.sin((z - a) / 2) ** 2
        chord = half[:, 0] + np.cos(a[:, 0]) * np.cos(z[:, 0]) * half[:, 1]
        arc = 2 * 3958.8 * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
        miles = np.where(np.isfinite(arc), arc * length_factor, miles)
    return np.maximum(miles, minimum_miles)


def relieve(
    table: ElementTable,
    element: int,
    *,
    loading: float,
    constraint: str,
    cost_class: CostClass,
    rules: UpgradeRules,
    miles: Floats,
    reconductored: set[int],
) -> Upgrade:
    """Build the next thing against an overload, in the table, and say what it is.

    A line below ``reconductor_below_kv`` is reconductored once, where that suffices; otherwise it
    gets a parallel circuit. A transformer gets one more bank; of a three-winding transformer all
    legs above the studied voltage are doubled.

    Args:
        table: changed by it.
        element: place of the overloaded element.
        loading: share of the limit to be carried.
        constraint: identity of the constraint.
        cost_class: reliability or deliverability.
        rules: unit costs and gains.
        miles: (m,) length of every branch.
        reconductored: places of lines already reconductored; added to.
    """
    network = table.case.network
    branches, buses = network.branches, network.buses
    row = int(table.row[element])
    ends = [int(branches.from_bus[row]), int(branches.to_bus[row])]
    kv = float(buses.nominal_kv[ends].max())
    before = float(table.normal_mw[element])
    length = 0.0
    if branches.is_transformer[row]:
        legs = [element]
        if table.case.roles.is_star_leg[row]:
            legs = table.legs_of_star(element).tolist()
            rows = table.row[legs]
            kv = float(
                buses.nominal_kv[
                    np.concatenate([branches.from_bus[rows], branches.to_bus[rows]])
                ].max()
            )
        banks = [table.normal_mw[leg] / table.circuits[leg] for leg in legs]
        mva = max(float(bank) for bank in banks if np.isfinite(bank))
        unit = rules.unit_costs(kv)
        number = int(table.circuits[element]) + 1
        for leg in legs:
            table.add_circuit(leg)
        kind, cost = UpgradeKind.BANK, unit.bank_fixed + unit.bank_per_mva * mva
        identity = f"bank:{network.element_ids[row]}:{number}"
        if table.case.roles.is_star_leg[row]:
            star = int(buses.number[table.case.roles.star_bus[row]])
            identity = f"bank:transformer:{star}:{number}"
    else:
        unit = rules.unit_costs(kv)
        length = float(miles[row])
        if (
            kv < rules.reconductor_below_kv
            and element not in reconductored
            and loading <= rules.reconductor_gain
        ):
            reconductored.add(element)
            cost = unit.reconductor_per_mile * length * float(table.circuits[element])
            table.raise_rating(element, rules.reconductor_gain)
            kind = UpgradeKind.RECONDUCTOR
            identity = f"reconductor:{network.element_ids[row]}"
        else:
            number = int(table.circuits[element]) + 1
            table.add_circuit(element)
            kind, cost = UpgradeKind.CIRCUIT, unit.circuit_per_mile * length + 2 * unit.terminal
            identity = f"circuit:{network.element_ids[row]}:{number}"
    return Upgrade(
        id=identity,
        kind=kind,
        cost_class=cost_class,
        branch_row=row,
        point=-1,
        constraint=constraint,
        loading_percent=100.0 * loading,
        miles=length,
        rating_before_mva=before,
        rating_after_mva=float(table.normal_mw[element]),
        cost=rules.money(cost),
    )
