"""The network as frozen columns: one array per quantity, the unit in its name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


class BusKind(IntEnum):
    """How a bus takes part in a power flow (MATPOWER's numbers)."""

    LOAD = 1
    VOLTAGE_CONTROLLED = 2
    SLACK = 3
    ISOLATED = 4


class Columns:
    """Base of the tables below: equal lengths are checked, arrays are made read-only."""

    def __post_init__(self) -> None:
        """Freeze every column.

        Raises:
            ValueError: two columns have different lengths.
        """
        lengths = set()
        for one in fields(self):  # type: ignore[arg-type]
            column = getattr(self, one.name)
            lengths.add(len(column))
            if isinstance(column, np.ndarray):
                column.setflags(write=False)
        if len(lengths) > 1:
            raise ValueError(f"{type(self).__name__}: columns of different lengths {lengths}")

    def __len__(self) -> int:
        """Number of rows."""
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Buses(Columns):
    """One row per bus, (n,) each. ``number`` is the case's own name for the bus."""

    number: Integers
    name: tuple[str, ...]
    kind: Integers
    area: Integers
    zone: Integers
    nominal_kv: Floats
    load_mw: Floats
    load_mvar: Floats
    shunt_mw: Floats
    """Consumed at 1 pu voltage."""
    shunt_mvar: Floats
    """Injected at 1 pu voltage."""
    voltage_pu: Floats
    angle_deg: Floats
    voltage_max_pu: Floats
    voltage_min_pu: Floats


@dataclass(frozen=True, eq=False)
class Branches(Columns):
    """One row per line or transformer, (m,) each. Ratings of 0 mean that none is given."""

    from_bus: Integers
    """Row of the bus in ``Buses``, not its number."""
    to_bus: Integers
    circuit: Integers
    """1, 2, … among the branches between the same two buses, in the order of the case."""
    resistance_pu: Floats
    reactance_pu: Floats
    charging_pu: Floats
    rating_normal_mva: Floats
    rating_long_term_mva: Floats
    rating_emergency_mva: Floats
    tap_ratio: Floats
    """1 for a line."""
    shift_deg: Floats
    is_transformer: Booleans
    in_service: Booleans


@dataclass(frozen=True, eq=False)
class Generators(Columns):
    """One row per unit, (g,) each."""

    bus: Integers
    """Row of the bus in ``Buses``."""
    unit: Integers
    """1, 2, … among the units of the same bus, in the order of the case."""
    p_mw: Floats
    q_mvar: Floats
    q_max_mvar: Floats
    q_min_mvar: Floats
    p_max_mw: Floats
    p_min_mw: Floats
    voltage_setpoint_pu: Floats
    in_service: Booleans
    fuel: tuple[str, ...]
    unit_type: tuple[str, ...]
    machine_base_mva: Floats = field(default_factory=lambda: np.empty(0))
    """Apparent power that machine data are per unit of; ``nan`` where none is given."""

    def __post_init__(self) -> None:
        """Fill the machine bases where the maker of the table had none, then freeze."""
        if len(self.machine_base_mva) == 0:
            object.__setattr__(self, "machine_base_mva", np.full(len(self.bus), np.nan))
        super().__post_init__()


@dataclass(frozen=True, eq=False)
class DirectCurrentLines(Columns):
    """One row per two-terminal DC line, as fixed injections at its ends."""

    from_bus: Integers
    to_bus: Integers
    p_from_mw: Floats
    """Taken from the grid at the ``from`` end."""
    p_to_mw: Floats
    """Given to the grid at the ``to`` end."""
    q_from_mvar: Floats
    q_to_mvar: Floats
    in_service: Booleans


@dataclass(frozen=True, eq=False)
class Network:
    """One base case: frozen tables on one power base.

    Attributes:
        name: the case's own name.
        base_mva: power base of every per-unit quantity.
        digest: SHA-256 of the file it was read from, or of nothing for a network made in memory.
    """

    name: str
    base_mva: float
    buses: Buses
    branches: Branches
    generators: Generators
    dc_lines: DirectCurrentLines
    digest: str = ""

    @cached_property
    def bus_row(self) -> dict[int, int]:
        """Row of each bus by its number in the case."""
        return {int(number): row for row, number in enumerate(self.buses.number)}

    @cached_property
    def is_bus_live(self) -> Booleans:
        """(n,) buses that take part: not marked isolated in the case."""
        return np.asarray(self.buses.kind != BusKind.ISOLATED)

    @cached_property
    def is_branch_live(self) -> Booleans:
        """(m,) branches in service between two live buses."""
        live = self.is_bus_live
        branches = self.branches
        return branches.in_service & live[branches.from_bus] & live[branches.to_bus]

    @cached_property
    def is_generator_live(self) -> Booleans:
        """(g,) units in service at live buses."""
        return self.generators.in_service & self.is_bus_live[self.generators.bus]

    @cached_property
    def element_ids(self) -> tuple[str, ...]:
        """Identity of every branch: ``kind:from:to:circuit`` with the case's bus numbers.

        ``kind`` is ``line`` or ``transformer``; ``from`` and ``to`` stand as in the case, since
        a positive flow runs from the one to the other.
        """
        numbers = self.buses.number
        branches = self.branches
        return tuple(
            f"{'transformer' if is_transformer else 'line'}:{numbers[a]}:{numbers[z]}:{circuit}"
            for is_transformer, a, z, circuit in zip(
                branches.is_transformer,
                branches.from_bus,
                branches.to_bus,
                branches.circuit,
                strict=True,
            )
        )

    @cached_property
    def unit_ids(self) -> tuple[str, ...]:
        """Identity of every generating unit: ``unit:bus:number``."""
        numbers = self.buses.number
        return tuple(
            f"unit:{numbers[bus]}:{unit}"
            for bus, unit in zip(self.generators.bus, self.generators.unit, strict=True)
        )

    @cached_property
    def injection_mw(self) -> Floats:
        """(n,) generation and DC-line deliveries less load and shunts, MW at 1 pu voltage."""
        buses, units, dc = self.buses, self.generators, self.dc_lines
        injection = np.where(self.is_bus_live, -buses.load_mw - buses.shunt_mw, 0.0)
        live = self.is_generator_live
        np.add.at(injection, units.bus[live], units.p_mw[live])
        on = dc.in_service
        np.add.at(injection, dc.from_bus[on], -dc.p_from_mw[on])
        np.add.at(injection, dc.to_bus[on], dc.p_to_mw[on])
        injection.setflags(write=False)
        return injection


def numbered_within_groups(keys: list[Any]) -> Integers:
    """1, 2, … within each group of equal keys, in the order given."""
    seen: Counter[Any] = Counter()
    numbers = np.empty(len(keys), np.int64)
    for row, key in enumerate(keys):
        seen[key] += 1
        numbers[row] = seen[key]
    return numbers
