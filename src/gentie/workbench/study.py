"""Case and requests in, studied tables out: the one way in which a study is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import gentie
from gentie.engines.interconnection.cluster import NoEnd, study_cluster
from gentie.engines.interconnection.cluster_study import ClusterStudy, StudyRequest
from gentie.engines.interconnection.published import PublishedCase
from gentie.formats.requests import Request, natural_order, read_requests
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import GridProfile, Rulebook
from gentie.workbench.cases import Case
from gentie.workbench.publication import (
    MOST_ELEMENTS,
    branch_miles,
    published_case,
    study_amount_mw,
    study_rules,
)
from gentie.workbench.results import RunResults, results_of

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Everything that a study rests on; the same inputs give the same results.

    Attributes:
        case: as it was read.
        requests_content: of the request file, byte for byte.
        requests_name: of the request file, for messages.
        rulebook: pinned by its version and digest.
        profile: what the operator says of the case.
        policy: of mitigation; empty for the rulebook's.
    """

    case: Case
    requests_content: bytes
    requests_name: str
    rulebook: Rulebook
    profile: GridProfile
    policy: str = ""


@dataclass(frozen=True, eq=False)
class StudyRun:
    """A study that has been run.

    Attributes:
        inputs: of it.
        requests: as filed, in their natural order.
        cluster: the engine's result.
        results: the tables and documents of the bundle.
    """

    inputs: Inputs
    requests: tuple[Request, ...]
    cluster: ClusterStudy
    results: RunResults


def run_study(inputs: Inputs, *, threads: int = 2, progress: Progress | None = None) -> StudyRun:
    """Run a study.

    Args:
        inputs: what it rests on.
        threads: numba threads; the result is the same for any number.
        progress: told the step, how much of it is done, and of how much.

    Raises:
        BadInput: the requests do not fit the case, or the study cannot come to an end.
    """
    tell = progress or (lambda *_: None)
    rules = study_rules(inputs.rulebook, inputs.policy or None)
    requests = read_requests(inputs.requests_content, inputs.requests_name, inputs.case.network)
    requests = tuple(sorted(requests, key=lambda request: natural_order(request.request)))
    tell("published case", 0, 0)
    published = published_case(inputs.case, inputs.rulebook, inputs.profile, threads=threads)
    refuse_misplaced(requests, published, inputs.requests_name)
    refuse_oversized(published)
    studied = study_requests(requests, published, inputs.rulebook, inputs.profile)
    try:
        cluster = study_cluster(
            published,
            studied,
            rules,
            miles=branch_miles(inputs.case, inputs.rulebook, inputs.profile),
            threads=threads,
            progress=tell,
        )
    except NoEnd as stopped:
        raise BadInput(
            Finding(
                "study.no_end",
                f"The study stopped: {stopped}. The requests are too large for this grid; study "
                "fewer or smaller ones.",
            )
        ) from stopped
    tell("tables", 0, 0)
    results = results_of(
        cluster,
        requests,
        case=inputs.case,
        rulebook=inputs.rulebook,
        profile=inputs.profile,
        engine_version=gentie.__version__,
    )
    return StudyRun(inputs, requests, cluster, results)


def study_requests(
    requests: tuple[Request, ...],
    published: PublishedCase,
    rulebook: Rulebook,
    profile: GridProfile,
) -> tuple[StudyRequest, ...]:
    """The requests as the engine takes them: at their points, with their study amounts.

    Neglects: at which section of a station a request connects; all of a point inject at the
    section with the lowest number.
    """
    network, points = published.network, published.points
    factors = rulebook.value("output_factors.on_peak")
    hours = rulebook.number("deliverability.storage_hours")
    output = rulebook.number("reliability.output")
    found = []
    for request in requests:
        row = network.bus_row[request.bus]
        region = output_region(int(network.buses.area[row]), rulebook, profile)
        found.append(
            StudyRequest(
                id=request.request,
                bus_row=int(points.principal_bus[points.point_of_bus[row]]),
                mw=request.net_mw * output,
                study_mw=study_amount_mw(
                    request, region_factors(factors, region), storage_hours=hours
                ),
            )
        )
    return tuple(found)


def output_region(area: int, rulebook: Rulebook, profile: GridProfile) -> str:
    """The region of the owner of an area, or the rulebook's default."""
    owner = profile.owners.get(area)
    return owner.output_region if owner else str(rulebook.value("output_factors.default_region"))


def region_factors(factors: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    """Output factors of a region.

    Raises:
        BadInput: the rulebook does not know the region.
    """
    if region not in factors:
        raise BadInput(
            Finding(
                "rulebook.region.unknown",
                f"The rulebook has no output factors for the region {region!r}; it has "
                f"{', '.join(sorted(factors))}.",
            )
        )
    return MappingProxyType(dict(factors[region]))


def refuse_misplaced(
    requests: tuple[Request, ...], published: PublishedCase, file_name: str
) -> None:
    """Every request is at a point that the published case studies.

    Raises:
        BadInput: some are not; all of them are named.
    """
    network, points = published.network, published.points
    studied = set(published.studied_points.tolist())
    wrong = []
    for request in requests:
        row = network.bus_row[request.bus]
        point = int(points.point_of_bus[row])
        if point in studied:
            continue
        kv = float(network.buses.nominal_kv[row])
        area = int(network.buses.area[row])
        least = published.screening.minimum_kv
        if point < 0:
            why = "is the star point of a transformer"
        elif published.screening.areas and area not in published.screening.areas:
            listed = ", ".join(str(number) for number in published.screening.areas)
            why = f"is in area {area}, and the study covers areas {listed}"
        else:
            why = f"is at {kv:g} kV, below the {least:g} kV from which on points are studied"
        wrong.append(
            Finding(
                "study.request.misplaced",
                f"{file_name}: request {request.request}: bus {request.bus} {why}; choose "
                "another bus.",
            )
        )
    if wrong:
        raise BadInput(wrong)


def refuse_oversized(published: PublishedCase) -> None:
    """The elements of the studied areas fit in memory together.

    Raises:
        BadInput: they do not.
    """
    count = len(published.monitored)
    if count > MOST_ELEMENTS:
        raise BadInput(
            Finding(
                "study.oversized",
                f"The studied areas of {published.network.name} hold {count:,} elements, and one "
                f"study takes {MOST_ELEMENTS:,}; study fewer areas at a time.",
            )
        )
