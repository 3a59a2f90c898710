"""An operator as its file describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time

from gentie.rulebook.book import Owner

Places = Mapping[int, tuple[float, float]]
GRID_FILE, STATIONS_FILE = "grid.toml", "stations.csv"
STATIONS_HEAD = ("bus", "latitude_deg", "longitude_deg")


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who administers the installation first."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Description:
    """What an operator's file says; nothing of it is held against a case yet.

    Attributes:
        name: of the operator.
        note: what a reader must know of it and its grid.
        rulebook: name of a packaged rulebook.
        time_zone: name in the IANA database.
        closing_hour: local time at which a window closes on its last day.
        holidays: days that are not business days.
        currency: ISO 4217 code.
        administrator: the first one.
        case: a file, or the name of a case that is shipped.
        is_synthetic: the grid is made up.
        areas: areas studied; empty for all.
        owners: owner by area.
        stations: file with the coordinates, empty where there is none.
        credit: who made the data.
    """

    name: str
    note: str
    rulebook: str
    time_zone: str
    closing_hour: time
    holidays: tuple[date, ...]
    currency: str
    administrator: Administrator
    case: str
    is_synthetic: bool
    areas: tuple[int, ...]
    owners: Mapping[int, Owner]
    stations: str
    credit: str


def grid_sources(description: Description, places: Places) -> dict[str, bytes]:
    """The files of the grid's profile, as ``rulebook.book.profile_of`` reads them.

    They go into the bundle of every study, so that nothing of the operator's file is in them that
    a stranger need not have: no administrator.

    Args:
        description: what the file says.
        places: latitude and longitude in degrees by bus number.
    """
    lines = [
        f"operator = {_text(description.name)}",
        f"operator_note = {_text(description.note)}",
        f"synthetic = {str(description.is_synthetic).lower()}",
        f"areas = {list(description.areas)}",
        f"credit = {_text(description.credit)}",
    ]
    sources = {}
    if places:
        lines.append(f"coordinates = {_text(STATIONS_FILE)}")
        rows = [",".join(STATIONS_HEAD)]
        rows += [f"{bus},{north!r},{east!r}" for bus, (north, east) in sorted(places.items())]
        sources[STATIONS_FILE] = ("\n".join(rows) + "\n").encode()
    for area, owner in sorted(description.owners.items()):
        lines += [
            "",
            f"[owners.{area}]",
            f"name = {_text(owner.name)}",
            f"output_region = {_text(owner.output_region)}",
        ]
    sources[GRID_FILE] = ("\n".join(lines) + "\n").encode()
    return sources


def _text(words: str) -> str:
    """A TOML string: JSON's escapes are among its own."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")
