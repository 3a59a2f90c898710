"""Contingencies by name: what each of them takes out, as rows of a network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property

import numpy as np

from gentie.engines.grid.labels import ShuntParts
from gentie.engines.grid.network import Integers
from gentie.quantities.findings import Finding


class ElementKind(IntEnum):
    """What an outage takes out, and which table its row is of."""

    BRANCH = 0
    """Of ``Branches``."""
    UNIT = 1
    """Of ``Generators``."""
    SHUNT = 2
    """Of ``ContingencyList.shunts``."""
    DC_POLE = 3
    """Of ``DirectCurrentLines``."""


class Category(StrEnum):
    """Planning events of TPL-001, or a list that somebody gave."""

    GIVEN = "given"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P6 = "P6"
    P7 = "P7"


@dataclass(frozen=True, order=True)
class Element:
    """One thing that an outage takes out."""

    kind: ElementKind
    row: int


@dataclass(frozen=True)
class Contingency:
    """One outage, of one or more elements, each in service and each named once."""

    name: str
    category: Category
    elements: tuple[Element, ...]


@dataclass(frozen=True, eq=False)
class OutageColumns:
    """All outages as arrays for a kernel.

    Attributes:
        start: (c + 1,) where the elements of each contingency begin; the last is their number.
        kind: (e,) kind of each element.
        row: (e,) its row.
    """

    start: Integers
    kind: Integers
    row: Integers


@dataclass(frozen=True, eq=False)
class ContingencyList:
    """Contingencies in their order, and what could not be made one.

    Attributes:
        contingencies: names are unique.
        shunts: what elements of kind ``SHUNT`` point to: the part of a bus's shunt that goes.
        not_studied: a finding for each reason, with its count.
    """

    contingencies: tuple[Contingency, ...]
    shunts: ShuntParts
    not_studied: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        """Number of contingencies."""
        return len(self.contingencies)

    @cached_property
    def columns(self) -> OutageColumns:
        """The outages as arrays."""
        elements = [one for outage in self.contingencies for one in outage.elements]
        sizes = [len(outage.elements) for outage in self.contingencies]
        columns = OutageColumns(
            start=np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))]).astype(np.int64),
            kind=np.array([one.kind for one in elements], np.int64),
            row=np.array([one.row for one in elements], np.int64),
        )
        for column in (columns.start, columns.kind, columns.row):
            column.setflags(write=False)
        return columns

    @cached_property
    def single_branches(self) -> Integers:
        """Branch rows of the contingencies that open one branch and nothing else, in order."""
        return np.array(
            [
                outage.elements[0].row
                for outage in self.contingencies
                if len(outage.elements) == 1 and outage.elements[0].kind is ElementKind.BRANCH
            ],
            np.int64,
        )

    def counts(self) -> dict[str, int]:
        """Contingencies by category, in the order of their first."""
        return dict(Counter(outage.category.value for outage in self.contingencies))


def joined(lists: list[ContingencyList]) -> ContingencyList:
    """Lists of one network as one list; of equal names the first stays, with all that it says.

    Args:
        lists: made of the same network, so that their shunts are the same.

    Returns:
        One list.
    """
    seen: dict[str, Contingency] = {}
    for one in lists:
        for outage in one.contingencies:
            seen.setdefault(outage.name, outage)
    return ContingencyList(
        contingencies=tuple(seen.values()),
        shunts=lists[0].shunts,
        not_studied=tuple(finding for one in lists for finding in one.not_studied),
    )
