"""What was typed, read: numbers, days and choices, or the sentence that says why not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gentie.contexts.intake.form import (
    MOST_TECHNOLOGIES,
    Field,
    Kind,
    Texts,
    asked_fields,
)
from gentie.formats.requests.request import Component
from gentie.quantities.findings import Finding

MOST_CHARACTERS = 2000
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Answers:
    """A request's answers.

    Attributes:
        texts: as typed, by field.
        values: what could be read of the fields that are asked.
        faults: of each field alone: empty, unreadable, out of range.
    """

    texts: Texts
    values: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Finding, ...] = ()

    def number(self, key: str) -> float | None:
        """A number; None where there is none that can be read."""
        value = self.values.get(key)
        return float(value) if isinstance(value, int | float) else None

    @property
    def net_mw(self) -> float | None:
        """What arrives at the point: gross less the plant's own load less losses."""
        chain = [self.number(key) for key in ("gross_mw", "auxiliary_mw", "losses_mw")]
        if any(part is None for part in chain):
            return None
        gross, auxiliary, losses = (part or 0.0 for part in chain)
        return round(gross - auxiliary - losses, 6)

    @property
    def components(self) -> tuple[Component, ...]:
        """Technologies with their MW and MWh; equal ones are added up."""
        mw: dict[str, float] = {}
        mwh: dict[str, float] = {}
        for row in range(1, MOST_TECHNOLOGIES + 1):
            name, output = self.values.get(f"technology_{row}"), self.number(f"mw_{row}")
            if name is None or output is None:
                continue
            mw[name] = mw.get(name, 0.0) + output
            energy = self.number(f"mwh_{row}")
            if energy is not None:
                mwh[name] = mwh.get(name, 0.0) + energy
        return tuple(Component(name, mw[name], mwh.get(name)) for name in sorted(mw))


def read_answers(texts: Texts) -> Answers:
    """Read every field that is asked.

    Args:
        texts: as typed, by field; fields that are not asked are left alone.
    """
    values: dict[str, Any] = {}
    faults: list[Finding] = []
    for one in asked_fields(texts):
        text = texts.get(one.key, "").strip()
        if not text:
            if one.is_needed:
                faults.append(Finding("intake.answer.missing", _missing(one), where=one.key))
            continue
        read = read_answer(one, text)
        if isinstance(read, Finding):
            faults.append(read)
        else:
            values[one.key] = read
    return Answers(dict(texts), values, tuple(faults))


def _missing(one: Field) -> str:
    if one.kind is Kind.YES:
        return one.remedy
    return f"{named(one)} is empty. {one.remedy}"


def named(one: Field) -> str:
    """A field as a sentence names it; the row of a technology is said."""
    head, _, row = one.key.rpartition("_")
    is_row = head in {"technology", "mw", "mwh"} and row.isdecimal()
    return f"{one.label} of technology {row}" if is_row else one.label


def read_answer(one: Field, text: str) -> Any:
    """The value of a field, or the reason why its text has none."""
    if one.kind is Kind.NUMBER:
        return _number(one, text)
    if one.kind is Kind.DATE:
        return _day(one, text)
    if one.kind is Kind.BUS:
        return _bus(one, text)
    if one.kind is Kind.CHOICE and text not in dict(one.choices):
        words = ", ".join(value for value, _ in one.choices)
        return _unreadable(one, f"“{text[:40]}” is no choice here; choose one of {words}.")
    if one.kind is Kind.EMAIL and not _ADDRESS.fullmatch(text):
        return _unreadable(one, f"“{text[:60]}” is not an e-mail address.")
    if one.kind is Kind.YES:
        return text == "yes" or _unreadable(one, one.remedy)
    return text


def _number(one: Field, text: str) -> Any:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return _unreadable(
            one, f"“{text[:40]}” is not a number of {one.unit}; give one such as 150."
        )
    least, most = one.least, one.most
    assert least is not None
    assert most is not None
    if not least <= number <= most:
        lower = "more than 0" if 0 < least < 0.01 else f"{least:,g} or more"
        return _unreadable(
            one,
            f"{text[:40]} {one.unit} is out of range; give {lower} and at most {most:,.0f}.",
            code="intake.answer.range",
        )
    return number


def _day(one: Field, text: str) -> Any:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _unreadable(one, f"“{text[:40]}” is not a day; give one such as 2031-06-30.")


def _bus(one: Field, text: str) -> Any:
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return int(text)
    return _unreadable(one, f"“{text[:40]}” is not the number of a bus; choose it on the map.")


def _unreadable(one: Field, why: str, *, code: str = "intake.answer.unreadable") -> Finding:
    return Finding(code, f"{named(one)}: {why}", where=one.key)
