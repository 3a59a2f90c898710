"""Which kinds of file are taken: told by their content, never by their name alone."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass

GEOJSON_TYPES = frozenset(
    {
        "FeatureCollection",
        "Feature",
        "GeometryCollection",
        "Point",
        "MultiPoint",
        "LineString",
        "MultiLineString",
        "Polygon",
        "MultiPolygon",
    }
)
MODELS = ("raw", "dyr", "dyd", "epc", "con", "sub", "mon", "seq", "m")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file that is taken.

    Attributes:
        media_type: as it is served.
        words: for a reader.
        endings: of file names, without the dot.
    """

    media_type: str
    words: str
    endings: tuple[str, ...]


PDF = FileType("application/pdf", "a PDF", ("pdf",))
PNG = FileType("image/png", "a PNG picture", ("png",))
JPEG = FileType("image/jpeg", "a JPEG picture", ("jpg", "jpeg"))
XLSX = FileType(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "an Excel workbook",
    ("xlsx",),
)
KMZ = FileType("application/vnd.google-earth.kmz", "a KMZ map", ("kmz",))
ZIP = FileType("application/zip", "a ZIP archive", ("zip",))
GEOJSON = FileType("application/geo+json", "GeoJSON", ("geojson", "json"))
JSON = FileType("application/json", "JSON", ("json",))
TEXT = FileType("text/plain", "plain text", ("txt", "csv", "kml", *MODELS))
TYPES = (PDF, PNG, JPEG, XLSX, KMZ, ZIP, GEOJSON, JSON, TEXT)


def type_of(content: bytes) -> FileType | None:
    """What a file is by its content; ``None`` for what is not taken, or damaged.

    Neglects: whether a reader can open all of it; a PDF is known by its first bytes.
    """
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"PK\x03\x04"):
        return _archive(content)
    return _text(content)


def _archive(content: bytes) -> FileType | None:
    """What an archive is by the names in it; nothing in it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {one.filename for one in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return None
    if "[Content_Types].xml" in names:
        # A workbook with macros runs programs on the reader's machine: it is not taken.
        has_macros = any(name.lower().endswith("vbaproject.bin") for name in names)
        return XLSX if "xl/workbook.xml" in names and not has_macros else None
    if any(name.lower().endswith(".kml") for name in names):
        return KMZ
    return ZIP


def _text(content: bytes) -> FileType | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")  # models are written on Windows too
        except UnicodeDecodeError:
            return None
    if CONTROLS.search(text) or not text.strip():
        return None
    if text.lstrip()[0] in "{[":
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return TEXT
        is_map = isinstance(found, dict) and found.get("type") in GEOJSON_TYPES
        return GEOJSON if is_map else JSON
    return TEXT
