"""Contingencies of the planning standard, made from a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from gentie.engines.grid.contingency_list import (
    Category,
    Contingency,
    ContingencyList,
    Element,
    ElementKind,
)
from gentie.engines.grid.corridors import shared_corridors
from gentie.engines.grid.labels import Labels
from gentie.engines.grid.network import Booleans, Floats, Network
from gentie.engines.grid.points import branch_roles
from gentie.quantities.findings import BadInput, Finding

MOST_CONTINGENCIES = 2_000_000
BUS_BRANCH = "The case is of buses and branches and has no breakers or bus sections to take out."


@dataclass(frozen=True)
class Wanted:
    """What to make.

    Attributes:
        categories: of the standard.
        areas: buses of these areas only; all where empty.
        minimum_kv: branches with an end at this voltage or above, and shunts there.
        reach: for P3 and P6: how many branches may lie between the two elements.
        apart_km: for P7: how near two lines run.
        shared_km: for P7: over what length.
    """

    categories: tuple[Category, ...] = (Category.P1,)
    areas: tuple[int, ...] = ()
    minimum_kv: float = 0.0
    reach: int = 0
    apart_km: float = 0.5
    shared_km: float = 1.6


@dataclass(frozen=True)
class _Single:
    name: str
    elements: tuple[Element, ...]
    buses: tuple[int, ...]


def generated_contingencies(
    network: Network,
    labels: Labels,
    wanted: Wanted,
    *,
    latitude_deg: Floats | None = None,
    longitude_deg: Floats | None = None,
) -> ContingencyList:
    """Make the contingencies of a network.

    Args:
        network: the case.
        labels: give the shunts, which the network sums by bus.
        wanted: categories and bounds.
        latitude_deg: (n,) of each bus for P7, NaN where not known.
        longitude_deg: (n,) likewise.

    Returns:
        P1: each line, transformer (three windings together), unit, shunt and DC pole. P3: a unit
        and one P1 element; P6: two P1 elements that are no units; both within reach. P7: two lines
        in one corridor. What is not studied is counted with its reason, P2 and P4 always.

    Raises:
        BadInput: more than ``MOST_CONTINGENCIES`` would be made.

    Neglects: what happens between the two events of P3 and P6 (adjustments); relays and breakers.
    Follows: NERC TPL-001-5.1, table 1.
    """
    inside = _inside(network, wanted)
    units = [] if not _needs_units(wanted) else list(_units(network, inside))
    others = list(_others(network, labels, wanted, inside))
    made: list[Contingency] = []
    not_studied: list[Finding] = []
    for category in dict.fromkeys(wanted.categories):
        if category is Category.P1:
            made += [_contingency(category, (one,)) for one in (*others, *units)]
        elif category in (Category.P2, Category.P4):
            what = "bus sections and breakers" if category is Category.P2 else "stuck breakers"
            not_studied.append(
                Finding(
                    "contingencies.bus_branch",
                    f"{category.value} ({what}) is not studied. {BUS_BRANCH}",
                    where=category.value,
                )
            )
        elif category is Category.P3:
            pairs = _pairs(network, units, [*others, *units], wanted.reach)
            made += [_contingency(category, pair) for pair in pairs]
            whole = len(units) * len(others) + len(units) * (len(units) - 1) // 2
            not_studied += _beyond(category, whole - len(pairs), wanted.reach)
        elif category is Category.P6:
            pairs = _pairs(network, others, others, wanted.reach)
            made += [_contingency(category, pair) for pair in pairs]
            whole = len(others) * (len(others) - 1) // 2
            not_studied += _beyond(category, whole - len(pairs), wanted.reach)
        elif category is Category.P7:
            more, finding = _corridor_pairs(network, others, wanted, latitude_deg, longitude_deg)
            made += more
            not_studied += finding
    _refuse_too_many(network, len(made))
    return ContingencyList(tuple(made), labels.shunts, tuple(not_studied))


def _needs_units(wanted: Wanted) -> bool:
    return bool({Category.P1, Category.P3} & set(wanted.categories))


def _inside(network: Network, wanted: Wanted) -> Booleans:
    live = network.is_bus_live
    return live & np.isin(network.buses.area, wanted.areas) if wanted.areas else live


def _contingency(category: Category, parts: Iterable[_Single]) -> Contingency:
    parts = tuple(parts)
    name = f"{category.value} {' + '.join(part.name for part in parts)}"
    return Contingency(name, category, tuple(one for part in parts for one in part.elements))


def _units(network: Network, inside: Booleans) -> Iterable[_Single]:
    units = network.generators
    for row in np.flatnonzero(network.is_generator_live & inside[units.bus]).tolist():
        yield _Single(
            network.unit_ids[row], (Element(ElementKind.UNIT, row),), (int(units.bus[row]),)
        )


def _others(
    network: Network, labels: Labels, wanted: Wanted, inside: Booleans
) -> Iterable[_Single]:
    """Lines, transformers, shunts and DC poles, in this order."""
    branches, buses = network.branches, network.buses
    roles = branch_roles(network, minimum_kv=wanted.minimum_kv)
    a, z = branches.from_bus, branches.to_bus
    kv = np.maximum(buses.nominal_kv[a], buses.nominal_kv[z])
    counts = network.is_branch_live & ~roles.is_tie & (inside[a] | inside[z])
    counts &= (kv >= wanted.minimum_kv) | (kv == 0)
    legs: dict[int, list[int]] = {}
    for row in np.flatnonzero(roles.is_star_leg & network.is_branch_live).tolist():
        legs.setdefault(int(roles.star_bus[row]), []).append(row)
    for row in np.flatnonzero(counts).tolist():
        star = int(roles.star_bus[row])
        together = legs.get(star, [row]) if star >= 0 else [row]
        if row != next(one for one in together if counts[one]):
            continue  # told with the first of its legs
        name = network.element_ids[row]
        if len(together) > 1:
            ends = [int(a[one] + z[one] - star) for one in together]
            name = "transformer:" + ":".join(str(buses.number[end]) for end in ends)
            name += f":{labels.circuit[row]}"
        yield _Single(
            name,
            tuple(Element(ElementKind.BRANCH, one) for one in together),
            tuple(dict.fromkeys(int(end) for one in together for end in (a[one], z[one]))),
        )
    shunts = labels.shunts
    for row, bus in enumerate(shunts.bus.tolist()):
        if inside[bus] and (buses.nominal_kv[bus] >= wanted.minimum_kv):
            name = f"shunt:{buses.number[bus]}:{shunts.name[row]}"
            yield _Single(name, (Element(ElementKind.SHUNT, row),), (bus,))
    lines = network.dc_lines
    for row in np.flatnonzero(lines.in_service).tolist():
        pair = (int(lines.from_bus[row]), int(lines.to_bus[row]))
        if inside[pair[0]] or inside[pair[1]]:
            name = f"dc:{buses.number[pair[0]]}:{buses.number[pair[1]]}:{labels.dc_line[row]}"
            yield _Single(name, (Element(ElementKind.DC_POLE, row),), pair)


def _pairs(
    network: Network, first: list[_Single], second: list[_Single], reach: int
) -> list[tuple[_Single, _Single]]:
    """Pairs of which both are within reach of one another, each once, in the order given."""
    if not first or not second:
        return []
    n = len(network.buses)
    branches = network.branches
    live = np.flatnonzero(network.is_branch_live)
    a, z = branches.from_bus[live], branches.to_bus[live]
    ones = np.ones(len(live))
    near = csr_array(
        (
            np.concatenate([ones, ones, np.ones(n)]),
            (np.concatenate([a, z, np.arange(n)]), np.concatenate([z, a, np.arange(n)])),
        ),
        shape=(n, n),
    )
    at_first, at_second = _at_buses(first, n), _at_buses(second, n)
    touched = at_first
    for _ in range(reach):
        touched = touched @ near
        touched.data[:] = 1.0
    together = (touched @ at_second.T).tocoo()
    place = {id(one): row for row, one in enumerate(first)}
    order = np.lexsort((together.col, together.row))
    pairs = []
    for row, column in zip(together.row[order].tolist(), together.col[order].tolist(), strict=True):
        other = second[column]
        if place.get(id(other), len(first)) <= row:
            continue  # itself, or a pair that has been told the other way round
        pairs.append((first[row], other))
    return pairs


def _at_buses(parts: list[_Single], bus_count: int) -> csr_array:
    rows = np.repeat(np.arange(len(parts)), [len(part.buses) for part in parts])
    columns = np.array([bus for part in parts for bus in part.buses], np.int64)
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(parts), bus_count))


def _beyond(category: Category, count: int, reach: int) -> list[Finding]:
    if not count:
        return []
    words = "share a bus" if not reach else f"are at most {reach:,} branches apart"
    return [
        Finding(
            "contingencies.beyond_reach",
            f"{category.value}: {count:,} pairs are not studied, since only elements that {words} are "
            "put together. A larger reach makes more.",
            count=count,
            where=category.value,
        )
    ]


def _corridor_pairs(
    network: Network,
    singles: list[_Single],
    wanted: Wanted,
    latitude_deg: Floats | None,
    longitude_deg: Floats | None,
) -> tuple[list[Contingency], list[Finding]]:
    if latitude_deg is None or longitude_deg is None:
        reason = "P7 is not studied: nothing says where the buses stand. Give their coordinates."
        return [], [Finding("contingencies.no_places", reason, where="P7")]
    of_row = {
        part.elements[0].row: part
        for part in singles
        if len(part.elements) == 1 and part.elements[0].kind is ElementKind.BRANCH
    }
    is_line = np.zeros(len(network.branches), bool)
    is_line[[row for row in of_row if not network.branches.is_transformer[row]]] = True
    found = shared_corridors(
        network,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        is_line=is_line,
        apart_km=wanted.apart_km,
        shared_km=wanted.shared_km,
    )
    made = [
        _contingency(Category.P7, (of_row[int(one)], of_row[int(other)]))
        for one, other in zip(found.first, found.second, strict=True)
    ]
    count = len(found.without_place)
    if not count:
        return made, []
    few = ", ".join(network.element_ids[row] for row in found.without_place[:3])
    return made, [
        Finding(
            "contingencies.line_without_place",
            f"P7: {count:,} lines are not compared, since an end has no coordinates ({few}).",
            count=count,
            where="P7",
        )
    ]


def _refuse_too_many(network: Network, count: int) -> None:
    if count > MOST_CONTINGENCIES:
        raise BadInput(
            Finding(
                "contingencies.many",
                f"{network.name}: {count:,} contingencies would be made, and at most "
                f"{MOST_CONTINGENCIES:,} are. Name areas, a higher voltage or a smaller reach.",
            )
        )
