"""One row of the file, understood or refused."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gentie.formats.requests.reasons import Reasons
from gentie.formats.requests.request import Component, Deliverability

LARGEST_MW = 100_000.0
LARGEST_MWH = 10_000_000.0

_SAFE_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _./-]{0,39}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
DELIVERABILITY_WORDS = {
    "full": Deliverability.FULL,
    "full capacity": Deliverability.FULL,
    "fc": Deliverability.FULL,
    "fcds": Deliverability.FULL,
    "energy_only": Deliverability.ENERGY_ONLY,
    "energy only": Deliverability.ENERGY_ONLY,
    "eo": Deliverability.ENERGY_ONLY,
    "eods": Deliverability.ENERGY_ONLY,
}


@dataclass(frozen=True)
class Row:
    """One row of the file, understood."""

    line: int
    request: str
    bus: int
    component: Component
    deliverability: Deliverability
    net_mw: float | None


def row_of(
    line: int, record: dict[str, str], technologies: frozenset[str], reasons: Reasons
) -> Row | None:
    """One row understood, ``None`` where anything in it is wrong; every fault is told."""
    before = len(reasons.findings) + reasons.unsaid
    identity = record["request"]
    if not _SAFE_IDENTITY.fullmatch(identity):
        reasons.add(
            "requests.identity",
            f"the request id {identity[:60]!r} cannot be used. Take 1 to 40 letters, digits, "
            "blanks, or - _ . / and begin with a letter or digit.",
            line,
            "request",
        )
    bus = 0
    if re.fullmatch(r"\d{1,9}", record["bus"], re.ASCII) and int(record["bus"]) > 0:
        bus = int(record["bus"])
    else:
        reasons.add(
            "requests.bus",
            f"{record['bus'][:40]!r} is not a bus number. Write the bus's number in the case.",
            line,
            "bus",
        )
    technology = record["technology"].lower()
    if technology not in technologies:
        reasons.add(
            "requests.technology",
            f"the technology {technology[:40]!r} is not known. "
            f"Write one of {', '.join(sorted(technologies))}.",
            line,
            "technology",
        )
    mw = _amount(record["mw"], "mw", LARGEST_MW, line, reasons)
    mwh = _energy(record["mwh"], technology, line, reasons)
    word = " ".join(record["deliverability"].lower().split())
    if word not in DELIVERABILITY_WORDS:
        reasons.add(
            "requests.deliverability",
            f"the deliverability {word[:40]!r} is not known. Write full or energy_only.",
            line,
            "deliverability",
        )
    net = record.get("net_mw", "")
    net_mw = _amount(net, "net_mw", LARGEST_MW, line, reasons) if net else None
    if len(reasons.findings) + reasons.unsaid > before or mw is None:
        return None
    component = Component(technology, mw, mwh)
    return Row(line, identity, bus, component, DELIVERABILITY_WORDS[word], net_mw)


def _amount(text: str, field: str, largest: float, line: int, reasons: Reasons) -> float | None:
    """A number above 0, ``None`` after telling why not."""
    number = float(text) if _NUMBER.fullmatch(text) and text.isascii() else math.nan
    if math.isnan(number):
        said = repr(text[:40]) if text else "nothing"
        sentence = f"{said} is not a number. Write it in digits, for example 150 or 150.5."
        reasons.add("requests.number", sentence, line, field)
        return None
    if not 0 < number <= largest:
        sentence = f"{text[:40]} is not above 0 and at most {largest:,.0f}. Mend it."
        reasons.add("requests.range", sentence, line, field)
        return None
    return number


def _energy(text: str, technology: str, line: int, reasons: Reasons) -> float | None:
    """The energy of storage; others may leave it blank or write 0."""
    if technology == "storage" and not text:
        reasons.add(
            "requests.mwh",
            "storage needs its energy. Write the MWh it holds when full, for example four hours "
            "of its MW.",
            line,
            "mwh",
        )
        return None
    if not text:
        return None
    if technology != "storage" and _NUMBER.fullmatch(text) and float(text) == 0:
        return None
    return _amount(text, "mwh", LARGEST_MWH, line, reasons)
