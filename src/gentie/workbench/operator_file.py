"""An operator's file held against its case: what `gentie operator init` starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gentie.formats.operator import Description, grid_sources, read_description, read_stations
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import (
    GridProfile,
    Rulebook,
    load_rulebook,
    profile_of,
    rulebook_names,
)
from gentie.rulebook.installing import why_not_installed
from gentie.workbench.cases import Case, read_case

LISTED = 10
"""Of a long list, so many are named in a sentence."""


@dataclass(frozen=True, eq=False)
class OperatorInputs:
    """An operator with its case, every word of it held against the other.

    Attributes:
        description: what the file says.
        case: the base case.
        rulebook: what applies.
        profile: what the operator says of the case.
    """

    description: Description
    case: Case
    rulebook: Rulebook
    profile: GridProfile

    @property
    def owner_names(self) -> tuple[str, ...]:
        """Transmission owners by name, each once."""
        return tuple(sorted({owner.name for owner in self.profile.owners.values()}))


def read_operator(file: Path) -> OperatorInputs:
    """Read an operator's file, its case and its stations; nothing is written anywhere.

    Args:
        file: TOML; paths in it are beside it.

    Raises:
        BadInput: it cannot be used; every reason found is told.
    """
    description, reasons = read_description(_bytes(file), file.name)
    reasons += why_not_installed(
        rulebook=description.rulebook,
        time_zone=description.time_zone,
        closing_hour=description.closing_hour,
        holidays=description.holidays,
        currency=description.currency,
    )
    reasons += _owners_refused(description)
    case = None
    if description.case:
        beside = file.parent / description.case
        try:
            case = read_case(beside if beside.exists() else description.case)
        except BadInput as bad:
            reasons += bad.findings
    places: Mapping[int, tuple[float, float]] = {}
    if description.stations:
        try:
            content = _bytes(file.parent / description.stations)
        except BadInput as bad:
            reasons += bad.findings
        else:
            places, wrong = read_stations(content, description.stations)
            reasons += wrong
    if case is not None:
        reasons += _does_not_fit(description, case, places)
    if reasons or case is None:
        raise BadInput(reasons)
    return OperatorInputs(
        description=description,
        case=case,
        rulebook=load_rulebook(description.rulebook),
        profile=profile_of(grid_sources(description, places), case.name),
    )


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as cause:
        raise BadInput(
            Finding(
                "operator.file.missing",
                f"{file} cannot be read: {cause.strerror}.",
                where=str(file),
            )
        ) from cause


def _owners_refused(description: Description) -> list[Finding]:
    """What of the owners does not go with the rulebook, the areas or the operator."""
    reasons = []
    regions: set[str] = set()
    if description.rulebook in rulebook_names():
        regions = set(load_rulebook(description.rulebook).value("output_factors.on_peak"))
    for area, owner in sorted(description.owners.items()):
        if regions and owner.output_region and owner.output_region not in regions:
            reasons.append(
                Finding(
                    "operator.owner.region",
                    f"The owner of area {area} has the output region {owner.output_region!r}, which "
                    f"the rulebook lacks; choose one of: {', '.join(sorted(regions))}.",
                )
            )
        if owner.name and owner.name == description.name:
            reasons.append(
                Finding(
                    "operator.owner.is_operator",
                    f"The owner of area {area} has the operator's own name: owners are companies "
                    "of their own here; name the part of the company that owns the lines.",
                )
            )
        if description.areas and area not in description.areas:
            reasons.append(
                Finding(
                    "operator.owner.area_not_studied",
                    f"Area {area} has an owner and is not among the areas: add it or leave the "
                    "owner out.",
                )
            )
    without = [area for area in description.areas if area not in description.owners]
    if without:
        reasons.append(
            Finding(
                "operator.owner.none",
                f"Nobody owns area {_listed(without)}: add [owners.{without[0]}] with a name and an "
                "output region.",
                count=len(without),
            )
        )
    return reasons


def _does_not_fit(
    description: Description, case: Case, places: Mapping[int, tuple[float, float]]
) -> list[Finding]:
    """What the file says of things that the case does not have."""
    reasons = []
    buses = case.network.buses
    there = set(buses.area.tolist())
    unknown = sorted((set(description.areas) | set(description.owners)) - there)
    if unknown:
        reasons.append(
            Finding(
                "operator.area.unknown",
                f"{case.source_name} has no area {_listed(unknown)}; its areas are "
                f"{_listed(sorted(there))}.",
                count=len(unknown),
            )
        )
    if not description.areas:
        without = sorted(there - set(description.owners))
        if without:
            reasons.append(
                Finding(
                    "operator.owner.none",
                    f"Nobody owns area {_listed(without)} of {case.source_name}: add "
                    f"[owners.{without[0]}] with a name and an output region, or name the areas "
                    "that are studied.",
                    count=len(without),
                )
            )
    nowhere = sorted(set(places) - set(buses.number.tolist()))
    if nowhere:
        reasons.append(
            Finding(
                "operator.stations.unknown",
                f"{description.stations} places {len(nowhere)} buses that {case.source_name} does "
                f"not have: {_listed(nowhere)}. Leave them out, or give the case that has them.",
                count=len(nowhere),
            )
        )
    return reasons


def _listed(numbers: list[int]) -> str:
    more = len(numbers) - LISTED
    return ", ".join(str(one) for one in numbers[:LISTED]) + (
        f" and {more} more" if more > 0 else ""
    )
