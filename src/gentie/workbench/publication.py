"""The published case of a rulebook and an operator's profile, and the rules of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gentie.engines.grid.linear import Islanded
from gentie.engines.grid.network import Floats
from gentie.engines.interconnection.cluster_study import Policy, StudyRules
from gentie.engines.interconnection.deliverability import DeliverabilityRules
from gentie.engines.interconnection.published import PublishedCase, Screening, publish
from gentie.engines.interconnection.remedial_action import RemedialActionRules
from gentie.engines.interconnection.upgrades import UnitCosts, UpgradeRules, line_miles
from gentie.formats.requests import Deliverability, Request
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import GridProfile, Rulebook
from gentie.workbench.cases import Case

KNOWN_WORDS = {
    "cost_allocation.switchyard": "equal",
    "cost_allocation.displacement": "positive_impact",
}
"""Entries with one value so far; another one is refused rather than ignored."""

MOST_ELEMENTS = 30_000
"""Elements of one study; their table of transfer factors takes 7 GB."""


def published_case(
    case: Case,
    rulebook: Rulebook,
    profile: GridProfile,
    *,
    areas: tuple[int, ...] | None = None,
    threads: int = 2,
) -> PublishedCase:
    """What map, point check and study all start from.

    Args:
        case: as it was read.
        rulebook: gives cut-off, voltages and limits.
        profile: gives the areas studied.
        areas: other areas than the profile's.
        threads: numba threads.

    Raises:
        BadInput: the case has no such area, or no linear model.
    """
    chosen = profile.areas if areas is None else areas
    known = set(case.network.buses.area.tolist())
    unknown = [area for area in chosen if area not in known]
    if unknown:
        listed = ", ".join(str(area) for area in sorted(known)[:20])
        raise BadInput(
            Finding(
                "case.area.unknown",
                f"{case.source_name} has no area {unknown[0]}; its areas are {listed}.",
            )
        )
    screening = Screening(
        areas=tuple(chosen),
        cut_off=rulebook.number("screening.cut_off"),
        minimum_kv=rulebook.number("screening.minimum_kv"),
        emergency_multiplier=rulebook.number("screening.emergency_multiplier"),
        imbalance_on_load=bool(rulebook.value("screening.imbalance_on_load")),
    )
    try:
        return publish(case.network, screening, threads=threads)
    except Islanded as cut:
        raise BadInput(
            Finding(
                "case.islanded",
                f"{case.source_name}: {cut}; connect them or mark them as isolated.",
            )
        ) from cut
    except ValueError as cause:
        raise BadInput(
            Finding("case.no_linear_model", f"{case.source_name} has no linear model: {cause}.")
        ) from cause


def study_rules(rulebook: Rulebook, policy: str | None = None) -> StudyRules:
    """The rulebook's values as the engine takes them.

    Raises:
        BadInput: there is no such policy, or the rulebook asks for what the engine lacks.
    """
    named = policy or str(rulebook.value("mitigation.policy"))
    if named not in [known.value for known in Policy]:
        known_names = ", ".join(known.value for known in Policy)
        raise BadInput(
            Finding(
                "study.policy.unknown",
                f"There is no policy {named!r}; choose one of: {known_names}.",
            )
        )
    for key, known_word in KNOWN_WORDS.items():
        if rulebook.value(key) != known_word:
            raise BadInput(
                Finding(
                    "rulebook.word.unknown",
                    f"The rulebook asks for {key} = {rulebook.value(key)!r}; this version of the "
                    f"engine knows {known_word!r} only.",
                )
            )
    number = rulebook.number
    return StudyRules(
        policy=Policy(named),
        collective_impact=number("screening.collective_impact"),
        least_factor=number("cost_allocation.flow_impact_factor"),
        least_share=number("cost_allocation.flow_impact_share"),
        deliverability=DeliverabilityRules(
            circle=number("deliverability.circle"),
            circle_extra_high_voltage=number("deliverability.circle_extra_high_voltage"),
            extra_high_kv=number("deliverability.extra_high_kv"),
            flow_impact=number("deliverability.flow_impact"),
            raised_units=int(number("deliverability.raised_units")),
            collective_impact=number("screening.collective_impact"),
        ),
        remedial_action=RemedialActionRules(
            is_allowed_after_outage="single outage"
            in rulebook.value("mitigation.remedial_action_after"),
            trip_limit_mw=number("mitigation.remedial_action_trip_limit"),
            most_requests=int(number("mitigation.remedial_action_requests")),
            least_factor=number("mitigation.remedial_action_factor"),
        ),
        upgrades=UpgradeRules(
            classes=tuple(
                UnitCosts(**entry)
                for entry in sorted(
                    rulebook.value("unit_costs.classes"), key=lambda entry: entry["from_kv"]
                )
            ),
            currency=rulebook.currency,
            reconductor_gain=number("mitigation.reconductor_gain"),
            reconductor_below_kv=number("mitigation.reconductor_below_kv"),
            remedial_action_per_point=number("unit_costs.remedial_action_per_point"),
        ),
    )


def branch_miles(case: Case, rulebook: Rulebook, profile: GridProfile) -> Floats:
    """(m,) length of every branch of a case."""
    return line_miles(
        case.network,
        bus_coordinates(case, profile),
        study_rules(rulebook).upgrades,
        length_factor=rulebook.number("mitigation.line_length_factor"),
        minimum_miles=rulebook.number("mitigation.line_length_minimum"),
    )


def bus_coordinates(case: Case, profile: GridProfile) -> Floats | None:
    """(n, 2) latitude and longitude in degrees, nan where unknown; None where nothing is."""
    if not profile.coordinates:
        return None
    nowhere = (np.nan, np.nan)
    return np.array(
        [profile.coordinates.get(int(bus), nowhere) for bus in case.network.buses.number]
    )


def study_amount_mw(
    request: Request, output_factors: Mapping[str, Any], *, storage_hours: float
) -> float:
    """What a request counts for in the deliverability test.

    Storage counts with the output it can hold for ``storage_hours``, other technologies with
    their share of nameplate in the region, all together with no more than the net MW; energy-only
    requests with nothing.

    Args:
        request: the request.
        output_factors: share of nameplate by technology in its region; 1 for those not listed.
        storage_hours: of the rulebook.
    """
    if request.deliverability is Deliverability.ENERGY_ONLY:
        return 0.0
    amount = sum(
        min(part.mw, (part.mwh or 0.0) / storage_hours)
        if part.technology == "storage"
        else part.mw * float(output_factors.get(part.technology, 1.0))
        for part in request.components
    )
    return min(amount, request.net_mw)
