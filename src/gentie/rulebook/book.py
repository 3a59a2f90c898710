"""Load a rulebook, or the profile of a published grid, as one frozen value."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from gentie.quantities.findings import BadInput, Finding

DEFAULT = "california"
HEAD = ("name", "version", "title", "currency", "time_zone", "holidays")
STANDINGS = ("confirmed", "quoted", "unconfirmed", "assumption")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry: what applies, from when, by which section, and how sure we are.

    Attributes:
        key: dotted name, the room first.
        value: a number, a word, a list or a table.
        unit: unit of the value.
        section: where it is written.
        standing: ``confirmed``, ``quoted``, ``unconfirmed`` or ``assumption``.
        applies_from: first day.
        applies_until: first day on which it no longer applies.
        note: what a reader should know.
    """

    key: str
    value: Any
    unit: str
    section: str
    standing: str
    applies_from: date
    applies_until: date | None
    note: str

    def applies_on(self, day: date) -> bool:
        """On this day the entry applies; one without an end applies on ``date.max`` too."""
        return self.applies_from <= day and (self.applies_until is None or day < self.applies_until)


@dataclass(frozen=True)
class Rulebook:
    """All rules that apply on one day.

    Attributes:
        name: what it is called.
        version: pinned by every study.
        title: for a reader.
        currency: ISO 4217 code.
        time_zone: IANA name of the zone of every clock.
        holidays: days that are not business days.
        digest: SHA-256 over its files.
        rules: entries by key.
        sources: its files by name, byte for byte, for a study's bundle.
    """

    name: str
    version: str
    title: str
    currency: str
    time_zone: str
    holidays: tuple[date, ...]
    digest: str
    rules: Mapping[str, Rule]
    sources: Mapping[str, bytes]

    def __iter__(self) -> Iterator[Rule]:
        """Entries in the order of their keys."""
        return iter(sorted(self.rules.values(), key=lambda rule: rule.key))

    def value(self, key: str) -> Any:
        """The value of an entry.

        Raises:
            KeyError: the rulebook has no such entry on this day.
        """
        return self.rules[key].value

    def number(self, key: str) -> float:
        """The value of an entry that is a number."""
        return float(self.rules[key].value)


@dataclass(frozen=True, slots=True)
class Owner:
    """A transmission owner of a published grid."""

    name: str
    output_region: str


@dataclass(frozen=True)
class GridProfile:
    """What an operator says of the case it publishes.

    Attributes:
        case: name of the case.
        operator: who publishes it; empty for a case nobody published.
        operator_note: what a reader must know of the operator and the grid.
        is_synthetic: the grid is made up.
        areas: areas studied; empty for all.
        owners: owner by area.
        coordinates: latitude and longitude in degrees by bus number.
        credit: who made the data.
        sources: its files by name, byte for byte.
    """

    case: str
    operator: str
    operator_note: str
    is_synthetic: bool
    areas: tuple[int, ...]
    owners: Mapping[int, Owner]
    coordinates: Mapping[int, tuple[float, float]]
    credit: str
    sources: Mapping[str, bytes]


def rulebook_names() -> tuple[str, ...]:
    """Names of the rulebooks that the package carries."""
    return tuple(
        sorted(
            entry.name
            for entry in files(__package__).iterdir()
            if entry.is_dir() and (entry / "rulebook.toml").is_file()
        )
    )


def load_rulebook(name: str = DEFAULT, *, on: date = date.max) -> Rulebook:
    """The rulebook of that name as it stands on a day; what applies last by default.

    Raises:
        BadInput: no rulebook of that name.
    """
    if name not in rulebook_names():
        raise BadInput(
            Finding(
                "rulebook.unknown",
                f"There is no rulebook called {name!r}; choose one of: "
                f"{', '.join(rulebook_names())}.",
            )
        )
    folder = files(__package__) / name
    return rulebook_of(
        {
            entry.name: entry.read_bytes()
            for entry in folder.iterdir()
            if entry.name.endswith(".toml")
        },
        on=on,
    )


def rulebook_of(sources: Mapping[str, bytes], *, on: date = date.max) -> Rulebook:
    """A rulebook from its files, as a study's bundle carries them.

    Args:
        sources: files by name.
        on: the day; by default the last one, on which every entry without an end applies.

    Raises:
        BadInput: a file is not readable, an entry is incomplete, or two apply on the same day.
    """
    head: dict[str, Any] = {}
    rules: dict[str, Rule] = {}
    for file_name in sorted(sources):
        content = _read("Rulebook", file_name, sources[file_name])
        if file_name == "rulebook.toml":
            head = content
        for entry in content.get("rule", ()):
            rule = _rule(entry, file_name)
            if not rule.applies_on(on):
                continue
            if rule.key in rules:
                raise BadInput(
                    Finding(
                        "rulebook.twice",
                        f"Rulebook file {file_name}: {rule.key} has two entries for the same day.",
                    )
                )
            rules[rule.key] = rule
    missing = [field for field in HEAD if field not in head]
    if missing:
        why = f"its rulebook.toml lacks {', '.join(missing)}" if head else "it has no rulebook.toml"
        raise BadInput(Finding("rulebook.headless", f"The rulebook cannot be used: {why}."))
    return Rulebook(
        name=head["name"],
        version=head["version"],
        title=head["title"],
        currency=head["currency"],
        time_zone=head["time_zone"],
        holidays=tuple(date.fromisoformat(day) for day in head["holidays"]),
        digest=_digest(sources),
        rules=MappingProxyType(rules),
        sources=MappingProxyType(dict(sources)),
    )


def load_grid_profile(case: str) -> GridProfile:
    """The profile of a published case; one of all areas and no owners for any other case."""
    folder = files(__package__) / "grids"
    found = folder / f"{case}.toml"
    if not case.isidentifier() or not found.is_file():
        return profile_of({}, case)
    sources = {found.name: found.read_bytes()}
    coordinates = tomllib.loads(sources[found.name].decode()).get("coordinates")
    if coordinates:
        sources[coordinates] = (folder / coordinates).read_bytes()
    return profile_of(sources, case)


def profile_of(sources: Mapping[str, bytes], case: str) -> GridProfile:
    """A grid profile from its files, as a study's bundle carries them.

    Raises:
        BadInput: a file is not readable.
    """
    head: dict[str, Any] = {}
    for file_name, content in sources.items():
        if file_name.endswith(".toml"):
            head = _read("Grid", file_name, content)
    places: dict[int, tuple[float, float]] = {}
    if head.get("coordinates"):
        for line in sources[head["coordinates"]].decode().splitlines()[1:]:
            bus, latitude, longitude = line.split(",")
            places[int(bus)] = (float(latitude), float(longitude))
    return GridProfile(
        case=case,
        operator=head.get("operator", ""),
        operator_note=head.get("operator_note", ""),
        is_synthetic=bool(head.get("synthetic", False)),
        areas=tuple(head.get("areas", ())),
        owners=MappingProxyType(
            {
                int(area): Owner(owner["name"], owner["output_region"])
                for area, owner in head.get("owners", {}).items()
            }
        ),
        coordinates=MappingProxyType(places),
        credit=head.get("credit", ""),
        sources=MappingProxyType(dict(sources)),
    )


def _read(kind: str, file_name: str, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise BadInput(
            Finding("rulebook.unreadable", f"{kind} file {file_name} is damaged: {cause}.")
        ) from cause


def _rule(entry: Mapping[str, Any], file_name: str) -> Rule:
    missing = [
        field for field in ("key", "value", "section", "standing", "from") if field not in entry
    ]
    if missing or entry["standing"] not in STANDINGS:
        wrong = f"lacks {', '.join(missing)}" if missing else "has an unknown standing"
        raise BadInput(
            Finding(
                "rulebook.entry",
                f"Rulebook file {file_name}: entry {entry.get('key', '(no key)')} {wrong}.",
            )
        )
    return Rule(
        key=entry["key"],
        value=entry["value"],
        unit=entry.get("unit", ""),
        section=entry["section"],
        standing=entry["standing"],
        applies_from=entry["from"],
        applies_until=entry.get("until"),
        note=entry.get("note", ""),
    )


def _digest(sources: Mapping[str, bytes]) -> str:
    hasher = hashlib.sha256()
    for name in sorted(sources):
        hasher.update(name.encode() + b"\0" + hashlib.sha256(sources[name]).digest())
    return hasher.hexdigest()
