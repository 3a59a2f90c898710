"""The table of stations: where the buses of a case stand."""

from __future__ import annotations

import csv
import math

from gentie.formats.operator.description import STATIONS_HEAD
from gentie.quantities.findings import Finding


def read_stations(
    content: bytes, file_name: str
) -> tuple[dict[int, tuple[float, float]], list[Finding]]:
    """Latitude and longitude in degrees by bus number, and all that is wrong with the table.

    Args:
        content: of the file: CSV in UTF-8 with the columns bus, latitude_deg and longitude_deg.
        file_name: for messages.
    """
    places: dict[int, tuple[float, float]] = {}
    reasons: list[Finding] = []

    def told(code: str, sentence: str, line: int) -> None:
        where = f"{file_name}:{line}"
        reasons.append(Finding(code, f"{where}: {sentence}", where=where))

    try:
        rows = csv.reader(content.decode("utf-8-sig").splitlines(), strict=True)
        table = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as cause:
        told(
            "operator.stations.unreadable",
            f"the table cannot be read: {cause}. Save it as CSV in UTF-8.",
            1,
        )
        return places, reasons
    head = tuple(cell.strip() for cell in table[0][1]) if table else ()
    if head != STATIONS_HEAD:
        told("operator.stations.head", f"the first line must be {','.join(STATIONS_HEAD)}.", 1)
        return places, reasons
    for line, row in table[1:]:
        try:
            bus, north_deg, east_deg = int(row[0]), float(row[1]), float(row[2])
        except (ValueError, IndexError):
            told(
                "operator.stations.row", "a bus number and two figures in degrees are needed.", line
            )
            continue
        if len(row) > len(STATIONS_HEAD):
            told("operator.stations.row", f"there are {len(row)} fields; give three.", line)
        elif not (abs(north_deg) <= 90 and abs(east_deg) <= 180) or math.isnan(north_deg):
            told(
                "operator.stations.range",
                f"{row[1].strip()}, {row[2].strip()} is no place: latitudes go from -90 to 90 "
                "degrees and longitudes from -180 to 180.",
                line,
            )
        elif bus in places:
            told(
                "operator.stations.twice",
                f"bus {bus} has a place already: give each bus once.",
                line,
            )
        else:
            places[bus] = (north_deg, east_deg)
    return places, reasons
