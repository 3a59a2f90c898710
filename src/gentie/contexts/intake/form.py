"""The request form as data: what is asked, in which unit and range, and when it matters.

A new field is one row here. Pages, checks and the API are drawn from the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gentie.formats.requests.request import TECHNOLOGIES

MOST_TECHNOLOGIES = 8
"""Rows of technologies that the form holds; the rulebook may allow fewer."""


def _(words: str) -> str:
    """Mark words for translation; who shows them translates them."""
    return words


Texts = Mapping[str, str]
"""What stands in the fields, as typed, by field."""


class Kind(StrEnum):
    """How the text of a field is read."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    DATE = "date"
    BUS = "bus"
    EMAIL = "email"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        key: its name everywhere.
        section: key of its part of the form.
        label: what is asked.
        kind: how its text is read.
        unit: of a number.
        least, most: bounds of a number.
        choices: value and word of each choice.
        hint: what helps to answer it.
        remedy: what to do where it is empty.
        is_needed: a request is not filed without it where it is asked.
        is_asked: whether it matters, given what stands in the others.
    """

    key: str
    section: str
    label: str
    kind: Kind = Kind.TEXT
    unit: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    remedy: str = ""
    is_needed: bool = True
    is_asked: Callable[[Texts], bool] = lambda texts: True  # noqa: ARG005


SECTIONS: tuple[tuple[str, str], ...] = (
    ("project", _("Your project")),
    ("point", _("Point of interconnection")),
    ("technologies", _("Technologies")),
    ("power", _("Megawatts at the point")),
    ("dates", _("Dates")),
    ("site", _("Site control")),
    ("sign", _("Contact and signature")),
)

TECHNOLOGY_WORDS = {
    "solar": _("Solar"),
    "wind": _("Wind"),
    "storage": _("Storage"),
    "gas": _("Gas"),
    "geothermal": _("Geothermal"),
    "hydro": _("Hydro"),
    "biomass": _("Biomass"),
    "nuclear": _("Nuclear"),
    "coal": _("Coal"),
    "other": _("Other"),
}
assert set(TECHNOLOGY_WORDS) == TECHNOLOGIES

IN_LIEU = "in_lieu"
"""The choice of site control that is a deposit."""


def _number(text: str) -> float:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def technology_sum_mw(texts: Texts) -> float:
    """Largest outputs of all technologies together, as far as they can be read."""
    return sum(
        _number(texts.get(f"mw_{row}", ""))
        for row in range(1, MOST_TECHNOLOGIES + 1)
        if texts.get(f"technology_{row}", "").strip()
    )


def is_limited(texts: Texts) -> bool:
    """The technologies could give more than the site is to give."""
    return technology_sum_mw(texts) > _number(texts.get("gross_mw", "")) > 0


def _row_is_asked(row: int) -> Callable[[Texts], bool]:
    """A row of technologies is offered once the one before it is begun."""

    def asked(texts: Texts) -> bool:
        before, here = texts.get(f"technology_{row - 1}", ""), texts.get(f"technology_{row}", "")
        return row == 1 or bool(before.strip() or here.strip())

    return asked


def _has_technology(row: int, *names: str) -> Callable[[Texts], bool]:
    def asked(texts: Texts) -> bool:
        chosen = texts.get(f"technology_{row}", "").strip()
        return bool(chosen) and (not names or chosen in names)

    return asked


def _technology_rows() -> list[Field]:
    rows = []
    for row in range(1, MOST_TECHNOLOGIES + 1):
        rows += [
            Field(
                f"technology_{row}",
                "technologies",
                _("Technology"),
                Kind.CHOICE,
                choices=tuple(TECHNOLOGY_WORDS.items()),
                remedy=_("Choose what makes or stores the power."),
                is_needed=row == 1,
                is_asked=_row_is_asked(row),
            ),
            Field(
                f"mw_{row}",
                "technologies",
                _("Largest output"),
                Kind.NUMBER,
                unit="MW",
                least=0.001,
                most=10_000.0,
                remedy=_("Give its largest output in MW."),
                is_asked=_has_technology(row),
            ),
            Field(
                f"mwh_{row}",
                "technologies",
                _("Energy when full"),
                Kind.NUMBER,
                unit="MWh",
                least=0.001,
                most=1_000_000.0,
                hint=_("Four hours of a 100 MW battery are 400 MWh."),
                remedy=_("Give the energy that the storage holds when full, in MWh."),
                is_asked=_has_technology(row, "storage"),
            ),
        ]
    return rows


FIELDS: tuple[Field, ...] = (
    Field(
        "project",
        "project",
        _("Name of the project"),
        hint=_("The operator and the owner of the lines will use it."),
        remedy=_("Give the name by which the project is known."),
    ),
    Field(
        "kind",
        "project",
        _("What is asked for"),
        Kind.CHOICE,
        choices=(
            ("new", _("A new facility")),
            ("increase", _("An increase of an existing facility")),
            ("repower", _("A repowering")),
        ),
        remedy=_("Choose one."),
    ),
    Field(
        "county",
        "project",
        _("County"),
        hint=_("Where the plant will stand."),
        remedy=_("Give the county where the plant will stand."),
    ),
    Field(
        "bus",
        "point",
        _("Bus number of the point"),
        Kind.BUS,
        hint=_("Choose it on the map, or type the number that the table of points gives."),
        remedy=_("Choose a point on the map."),
    ),
    *_technology_rows(),
    Field(
        "gross_mw",
        "power",
        _("Gross capability of the plant"),
        Kind.NUMBER,
        unit="MW",
        least=0.001,
        most=10_000.0,
        remedy=_("Give the most that the plant is to make at once, in MW."),
    ),
    Field(
        "limited_by",
        "power",
        _("What holds the output below the sum of the technologies"),
        hint=_("For example a plant controller, with its set-point."),
        remedy=_(
            "Say what holds the output at the gross capability, for example a plant controller."
        ),
        is_asked=is_limited,
    ),
    Field(
        "auxiliary_mw",
        "power",
        _("Load of the plant itself"),
        Kind.NUMBER,
        unit="MW",
        least=0.0,
        most=10_000.0,
        remedy=_("Give the load of the plant itself in MW; 0 where there is none."),
    ),
    Field(
        "losses_mw",
        "power",
        _("Losses up to the point"),
        Kind.NUMBER,
        unit="MW",
        least=0.0,
        most=10_000.0,
        remedy=_("Give the losses between plant and point in MW; 0 where there are none."),
    ),
    Field(
        "deliverability",
        "power",
        _("Deliverability"),
        Kind.CHOICE,
        choices=(
            ("full", _("Full capacity: counts towards resource adequacy; pays delivery upgrades")),
            ("energy_only", _("Energy only: may be curtailed; pays for reliable connection alone")),
        ),
        remedy=_("Choose full capacity or energy only."),
    ),
    Field(
        "in_service",
        "dates",
        _("In service"),
        Kind.DATE,
        hint=_("The first day on which power is taken from the grid for tests."),
        remedy=_("Give the day on which the connection is to be in service."),
    ),
    Field(
        "trial_operation",
        "dates",
        _("Trial operation"),
        Kind.DATE,
        remedy=_("Give the day on which trial operation is to begin."),
    ),
    Field(
        "commercial_operation",
        "dates",
        _("Commercial operation"),
        Kind.DATE,
        remedy=_("Give the day on which commercial operation is to begin."),
    ),
    Field(
        "site_control",
        "site",
        _("How the site is controlled"),
        Kind.CHOICE,
        choices=(
            ("owned", _("Owned")),
            ("leased", _("Leased")),
            ("option", _("Option to buy or lease")),
            ("exclusive", _("Exclusive right to use")),
            (IN_LIEU, _("Not yet, because of a regulation: a deposit instead")),
        ),
        hint=_("A letter of intent does not count."),
        remedy=_("Choose how you control the site."),
    ),
    Field(
        "site_share",
        "site",
        _("Share of the site that is controlled"),
        Kind.NUMBER,
        unit="%",
        least=0.0,
        most=100.0,
        remedy=_("Give how much of the site you control, in percent."),
        is_asked=lambda texts: texts.get("site_control", "") not in {"", IN_LIEU},
    ),
    Field(
        "site_regulation",
        "site",
        _("Regulation that keeps you from controlling the site"),
        remedy=_("Name the regulation, as in your affidavit."),
        is_asked=lambda texts: texts.get("site_control", "") == IN_LIEU,
    ),
    Field(
        "contact",
        "sign",
        _("Whom to ask"),
        remedy=_("Give the name of a person who can answer questions."),
    ),
    Field(
        "contact_email",
        "sign",
        _("E-mail address of that person"),
        Kind.EMAIL,
        remedy=_("Give an e-mail address."),
    ),
    Field(
        "signed_by",
        "sign",
        _("Legal name of your company, as registered"),
        remedy=_("Write the legal name as it is on the certificate of registration."),
    ),
    Field(
        "certified",
        "sign",
        _("I may sign for this company, and what stands here is true to my knowledge."),
        Kind.YES,
        remedy=_("Confirm that you may sign and that the answers are true."),
    ),
)

FIELD: Mapping[str, Field] = MappingProxyType({field.key: field for field in FIELDS})


def asked_fields(texts: Texts) -> tuple[Field, ...]:
    """Fields that matter, given what stands in them."""
    return tuple(field for field in FIELDS if field.is_asked(texts))
