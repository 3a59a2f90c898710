"""From what a file calls an element to rows of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gentie.engines.grid.contingency_list import Element, ElementKind
from gentie.engines.grid.labels import Labels
from gentie.engines.grid.network import Network


class NoElement(Exception):
    """The case has no such element, or it is already out of service; the text says which."""


@dataclass(frozen=True, eq=False)
class Names:
    """Elements of a case by the names that files of contingencies use."""

    network: Network
    labels: Labels
    branch: dict[tuple[int, int, str], int]
    unit: dict[tuple[int, str], int]
    star: dict[tuple[tuple[int, ...], str], tuple[int, ...]]

    @classmethod
    def of(cls, network: Network, labels: Labels) -> Names:
        """Look every name of a case up once."""
        numbers, branches, units = network.buses.number, network.branches, network.generators
        legs = {row for star in labels.three_winding for row in star.branches}
        branch: dict[tuple[int, int, str], int] = {}
        for row, (a, z, circuit) in enumerate(
            zip(numbers[branches.from_bus], numbers[branches.to_bus], labels.circuit, strict=True)
        ):
            if row not in legs:
                branch.setdefault((int(min(a, z)), int(max(a, z)), circuit.upper()), row)
        return cls(
            network=network,
            labels=labels,
            branch=branch,
            unit={
                (int(bus), name.upper()): row
                for row, (bus, name) in enumerate(zip(numbers[units.bus], labels.unit, strict=True))
            },
            star={
                (tuple(sorted(one.buses)), one.circuit.upper()): one.branches
                for one in labels.three_winding
            },
        )

    def line(self, buses: tuple[int, ...], circuit: str) -> tuple[Element, ...]:
        """A branch between two buses, or a transformer between three.

        Raises:
            NoElement: there is none, or it is out of service.
        """
        where = f"{'-'.join(map(str, buses))} circuit {circuit}"
        if len(buses) == 3:
            rows = self.star.get((tuple(sorted(buses)), circuit.upper()))
        else:
            row = self.branch.get((min(buses), max(buses), circuit.upper()))
            rows = None if row is None else (row,)
        if rows is None:
            raise NoElement(f"the case has no branch {where}")
        on = [row for row in rows if self.network.is_branch_live[row]]
        if not on:
            raise NoElement(f"branch {where} is out of service")
        return tuple(Element(ElementKind.BRANCH, row) for row in on)

    def machine(self, bus: int, name: str) -> tuple[Element, ...]:
        """A unit.

        Raises:
            NoElement: there is none, or it is out of service.
        """
        row = self.unit.get((bus, name.upper()))
        if row is None:
            raise NoElement(f"the case has no unit {name} at bus {bus}")
        if not self.network.is_generator_live[row]:
            raise NoElement(f"unit {name} at bus {bus} is out of service")
        return (Element(ElementKind.UNIT, row),)

    def shunt(self, bus: int, name: str, *, is_switched: bool) -> tuple[Element, ...]:
        """A fixed shunt by name, or the switched shunts of a bus.

        Raises:
            NoElement: there is none in service.
        """
        shunts, numbers = self.labels.shunts, self.network.buses.number
        rows = [
            row
            for row in np.flatnonzero(numbers[shunts.bus] == bus).tolist()
            if shunts.is_switched[row] == is_switched
            and (not name or shunts.name[row].upper() == name.upper())
        ]
        if not rows:
            raise NoElement(f"the case has no shunt {name or 'in service'} at bus {bus}")
        return tuple(Element(ElementKind.SHUNT, row) for row in rows)

    def pole(self, name: str) -> tuple[Element, ...]:
        """A DC line by name.

        Raises:
            NoElement: there is none, or it is out of service.
        """
        names = [one.upper() for one in self.labels.dc_line]
        if name.upper() not in names:
            raise NoElement(f"the case has no DC line {name}")
        row = names.index(name.upper())
        if not self.network.dc_lines.in_service[row]:
            raise NoElement(f"DC line {name} is out of service")
        return (Element(ElementKind.DC_POLE, row),)

    def whole_bus(self, number: int) -> tuple[Element, ...]:
        """Everything in service that stands at a bus or ends there.

        Raises:
            NoElement: there is no such bus, or nothing is in service at it.
        """
        network = self.network
        row = network.bus_row.get(number)
        if row is None:
            raise NoElement(f"the case has no bus {number}")
        branches, units, lines = network.branches, network.generators, network.dc_lines
        ends = (branches.from_bus == row) | (branches.to_bus == row)
        poles = lines.in_service & ((lines.from_bus == row) | (lines.to_bus == row))
        found = (
            (ElementKind.BRANCH, np.flatnonzero(ends & network.is_branch_live)),
            (ElementKind.UNIT, np.flatnonzero((units.bus == row) & network.is_generator_live)),
            (ElementKind.SHUNT, np.flatnonzero(self.labels.shunts.bus == row)),
            (ElementKind.DC_POLE, np.flatnonzero(poles)),
        )
        elements = tuple(Element(kind, int(one)) for kind, rows in found for one in rows)
        if not elements:
            raise NoElement(f"nothing is in service at bus {number}")
        return elements
