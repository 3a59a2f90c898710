"""Lists of contingencies for a case: from a file, or made from the case itself."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from gentie.engines.grid.contingency_list import Category, ContingencyList, ElementKind
from gentie.engines.grid.generated_contingencies import Wanted, generated_contingencies
from gentie.engines.grid.network import Floats, Network
from gentie.formats.contingencies.con import read_con
from gentie.formats.contingencies.contab import read_contab
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.cases import Case

COORDINATES = ("bus", "latitude_deg", "longitude_deg")
KIND_WORDS = {
    ElementKind.BRANCH: "branch",
    ElementKind.UNIT: "unit",
    ElementKind.SHUNT: "shunt",
    ElementKind.DC_POLE: "dc pole",
}


@dataclass(frozen=True, eq=False)
class Places:
    """Where buses stand, (n,) each, NaN where not known."""

    latitude_deg: Floats
    longitude_deg: Floats


def listed_contingencies(case: Case, content: bytes, file_name: str) -> ContingencyList:
    """Read a file of contingencies for a case: PSS/E ``.con``, or a MATPOWER table (``.m``).

    Args:
        case: that the file is for.
        content: of the file.
        file_name: its ending says which.

    Returns:
        The contingencies, and what could not be made one.

    Raises:
        BadInput: the file is not understood, or is for another case.
    """
    read = read_contab if PurePath(file_name).suffix.lower() == ".m" else read_con
    return read(content, file_name, case.network, case.labels)


def made_contingencies(case: Case, wanted: Wanted, places: Places | None = None) -> ContingencyList:
    """Make the contingencies of the planning standard from a case.

    Args:
        case: as read.
        wanted: categories and bounds.
        places: of the buses, which P7 needs.

    Returns:
        The contingencies, and what is not studied, with counts and reasons.

    Raises:
        BadInput: too many would be made.
    """
    return generated_contingencies(
        case.network,
        case.labels,
        wanted,
        latitude_deg=None if places is None else places.latitude_deg,
        longitude_deg=None if places is None else places.longitude_deg,
    )


def places_from(content: bytes, file_name: str, network: Network) -> Places:
    """Read where buses stand from a table with the columns ``bus, latitude_deg, longitude_deg``.

    Args:
        content: CSV in UTF-8 with a head line; more columns may be there.
        file_name: for messages.
        network: rows of buses that it does not have are passed over.

    Returns:
        The places.

    Raises:
        BadInput: a column is missing, or a number cannot be used; all reasons.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as cause:
        raise BadInput(
            Finding(
                "places.file",
                f"{file_name}: this is not a table of CSV in UTF-8. Give one with the columns "
                f"{', '.join(COORDINATES)}.",
                where=file_name,
            )
        ) from cause
    missing = [name for name in COORDINATES if not rows or name not in rows[0]]
    if missing:
        raise BadInput(
            Finding(
                "places.columns",
                f"{file_name}: the table has no column {' and no column '.join(missing)}. Give "
                f"{', '.join(COORDINATES)}.",
                where=file_name,
            )
        )
    latitude = np.full(len(network.buses), np.nan)
    longitude = np.full(len(network.buses), np.nan)
    wrong: list[Finding] = []
    for line, row in enumerate(rows, 2):
        try:
            number = int(row["bus"])
            place = float(row["latitude_deg"]), float(row["longitude_deg"])
        except (TypeError, ValueError):
            number, place = 0, (np.nan, np.nan)
        if not (abs(place[0]) <= 90 and abs(place[1]) <= 180):
            wrong.append(
                Finding(
                    "places.number",
                    f"{file_name}, line {line}: the bus, latitude and longitude are not usable numbers. "
                    "Write degrees from -90 to 90 and from -180 to 180.",
                    where=f"{file_name}, line {line}",
                )
            )
        elif number in network.bus_row:
            at = network.bus_row[number]
            latitude[at], longitude[at] = place
    if wrong:
        raise BadInput(wrong[:40])
    return Places(latitude, longitude)


def contingencies_csv(case: Case, listed: ContingencyList) -> bytes:
    """One line for each element of each contingency: name, category, kind, identity."""
    network, numbers = case.network, case.network.buses.number
    lines, shunts = network.dc_lines, listed.shunts
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("contingency", "category", "kind", "element"))
    for outage in listed.contingencies:
        for one in outage.elements:
            if one.kind is ElementKind.BRANCH:
                name = network.element_ids[one.row]
            elif one.kind is ElementKind.UNIT:
                name = network.unit_ids[one.row]
            elif one.kind is ElementKind.SHUNT:
                name = f"shunt:{numbers[shunts.bus[one.row]]}:{shunts.name[one.row]}"
            else:
                ends = numbers[lines.from_bus[one.row]], numbers[lines.to_bus[one.row]]
                name = f"dc:{ends[0]}:{ends[1]}"
            writer.writerow((outage.name, outage.category.value, KIND_WORDS[one.kind], name))
    return out.getvalue().encode()


def wanted_categories(words: str) -> tuple[Category, ...]:
    """Categories from words such as ``P1,P7``.

    Raises:
        BadInput: one of them is none.
    """
    known = [one for one in Category if one is not Category.GIVEN]
    chosen = []
    for word in words.replace(",", " ").split():
        if word.upper() not in known:
            raise BadInput(
                Finding(
                    "contingencies.category",
                    f"{word} is not a category of contingencies. Write some of {', '.join(known)}.",
                )
            )
        chosen.append(Category(word.upper()))
    return tuple(chosen)
