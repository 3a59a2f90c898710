"""Which format a case file is in, from its name and its first bytes."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePath


class Kind(StrEnum):
    """Formats that a case can come in."""

    MATPOWER = "matpower"
    RAW = "raw"
    POWERMODELS = "powermodels"
    CGMES = "cgmes"


_BY_ENDING = {
    ".m": Kind.MATPOWER,
    ".mat": Kind.MATPOWER,
    ".raw": Kind.RAW,
    ".rawx": Kind.RAW,
    ".json": Kind.POWERMODELS,
    ".xml": Kind.CGMES,
    ".zip": Kind.CGMES,
}
_RAW_HEAD = re.compile(rb"\s*(?:@!.*\n)*\s*[01]\s*,\s*[0-9.]+(?:[Ee][+-]?\d+)?\s*(?:,|/|\r?\n)")
LOOKED_AT = 4_000


def kind_of(content: bytes, file_name: str) -> Kind:
    """The format of a file: what its ending says, else what it begins with, else MATPOWER."""
    by_ending = _BY_ENDING.get(PurePath(file_name).suffix.lower())
    if by_ending is not None:
        return by_ending
    head = content[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf")
    if head.startswith(b"PK\x03\x04") or b"<rdf:RDF" in head:
        return Kind.CGMES
    if head.lstrip().startswith(b"{"):
        return Kind.POWERMODELS
    if _RAW_HEAD.match(head):
        return Kind.RAW
    return Kind.MATPOWER
