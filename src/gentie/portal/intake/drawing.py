"""The request form as it is drawn: fields with what stands in them, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from gentie.contexts.grid.reads import point_at
from gentie.contexts.intake import reads
from gentie.contexts.intake.checks import Asked, faults_of
from gentie.contexts.intake.deposits import deposits
from gentie.contexts.intake.form import FIELDS, IN_LIEU, SECTIONS, Field, Kind, asked_fields
from gentie.contexts.ledger.chart import KINDS, Account
from gentie.quantities.findings import Finding
from gentie.quantities.moments import said_day

ROWS = ("technology_", "mw_", "mwh_")


@dataclass(frozen=True, slots=True)
class Other:
    """Words that were typed while somebody else's stood in the field."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Input:
    """A field as it is drawn."""

    field: Field
    text: str
    revision: int
    is_asked: bool
    wrong: tuple[str, ...]
    other: Other | None

    @property
    def label(self) -> str:
        """What is asked, translated."""
        return _(self.field.label)

    @property
    def hint(self) -> str:
        """What helps to answer it, translated."""
        return _(self.field.hint) if self.field.hint else ""

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Value and translated word of each choice."""
        return [(value, _(word)) for value, word in self.field.choices]


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand in one line; technologies have a number."""

    inputs: tuple[Input, ...]
    number: int = 0

    @property
    def is_asked(self) -> bool:
        """Some field of it matters."""
        return any(one.is_asked for one in self.inputs)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form."""

    key: str
    title: str
    groups: tuple[Group, ...]


def sections_of(request: Any, faults: Iterable[Finding] = ()) -> list[Section]:
    """The form of a request with what stands in it.

    Args:
        request: of intake.
        faults: to be shown at their fields.
    """
    answers = reads.answers_of(request)
    texts = {field: answer.text for field, answer in answers.items()}
    asked = {field.key for field in asked_fields(texts)}
    aside: dict[str, Other] = {}
    for typed in reads.set_aside(request):
        answer = answers.get(typed.field)
        if typed.field not in aside and answer is not None and typed.at >= answer.at:
            by = typed.by.name if typed.by else ""
            aside[typed.field] = Other(typed.text, by, typed.at)
    wrong: dict[str, list[str]] = {}
    for one in faults:
        wrong.setdefault(one.where, []).append(one.sentence)
    drawn = {
        field.key: Input(
            field=field,
            text=texts.get(field.key, ""),
            revision=answers[field.key].revision if field.key in answers else 0,
            is_asked=field.key in asked,
            wrong=tuple(wrong.get(field.key, ())),
            other=aside.get(field.key),
        )
        for field in FIELDS
    }
    return [Section(key, _(title), _groups(key, drawn)) for key, title in SECTIONS]


def _groups(section: str, drawn: Mapping[str, Input]) -> tuple[Group, ...]:
    groups: dict[str, list[Input]] = {}
    for one in drawn.values():
        if one.field.section != section:
            continue
        row = one.field.key.rpartition("_")[2]
        groups.setdefault(row if one.field.key.startswith(ROWS) else one.field.key, []).append(one)
    return tuple(
        Group(tuple(inputs), int(name) if name.isdecimal() else 0)
        for name, inputs in groups.items()
    )


def summary_of(request: Any, asked: Asked) -> dict[str, object]:
    """What follows from the answers: net MW, what is due, what the point takes, what is missing."""
    answers = asked.answers
    net_mw = answers.net_mw
    bus = answers.values.get("bus")
    point = point_at(request.cluster.base_case, bus) if bus is not None else None
    due = (
        deposits(
            asked.rulebook,
            net_mw=net_mw,
            is_in_lieu=answers.values.get("site_control") == IN_LIEU,
        )
        if net_mw is not None and net_mw > 0
        else None
    )
    return {
        "net_mw": net_mw,
        "point": point,
        "is_more": bool(
            point and net_mw and point.capacity_mw is not None and net_mw > point.capacity_mw
        ),
        "due": due,
        "rules": [
            asked.rulebook.rules[key]
            for key in ("intake.application_fee", "intake.study_deposit", "intake.site_deposit")
        ],
        "missing": len(faults_of(asked)),
    }


def posted(entries: Iterable[Any]) -> list[dict[str, object]]:
    """Entries of the ledger with their words: debits first, amounts without a sign."""
    return [
        {
            "at": entry.at,
            "words": KINDS[entry.kind].label,
            "postings": [
                {
                    "account": Account(one.account).label,
                    "debit": one.amount if one.amount > 0 else None,
                    "credit": -one.amount if one.amount < 0 else None,
                    "currency": one.currency,
                }
                for one in sorted(entry.postings.all(), key=lambda one: -one.amount)
            ],
        }
        for entry in entries
    ]


def answered(request: Any) -> Sequence[tuple[str, list[tuple[str, str]]]]:
    """Labels and words of a filed request, by section."""
    filed = request.filing.answers
    by_section: dict[str, list[tuple[str, str]]] = {}
    for field in FIELDS:
        text = filed.get(field.key, "")
        if not text:
            continue
        said = _(dict(field.choices).get(text, text)) if field.choices else text
        if field.kind is Kind.DATE:
            said = said_day(date.fromisoformat(text))
        if field.unit:
            said = f"{said} {field.unit}"
        by_section.setdefault(field.section, []).append((_numbered(field), said))
    return [(_(title), by_section.get(key, [])) for key, title in SECTIONS]


def _numbered(field: Field) -> str:
    row = field.key.rpartition("_")[2]
    label = _(field.label)
    return f"{label} {row}" if field.key.startswith(ROWS) else label
