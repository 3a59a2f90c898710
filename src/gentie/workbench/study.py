"""Case and requests in, studied tables out: the one way in which a study is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import gentie
from gentie.engines.interconnection.cluster_checkpoint import OtherStart
from gentie.engines.interconnection.cluster_result import result_of
from gentie.engines.interconnection.cluster_state import NoEnd
from gentie.engines.interconnection.cluster_study import ClusterStudy, StudyRequest
from gentie.engines.interconnection.cluster_work import ClusterWork
from gentie.engines.interconnection.published import PublishedCase
from gentie.formats.requests import Request, natural_order, read_requests
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import GridProfile, Rulebook
from gentie.workbench.cases import Case
from gentie.workbench.checkpoints import checkpoint_bytes, checkpoint_of
from gentie.workbench.kept_case import KeptCase
from gentie.workbench.publication import (
    MOST_ELEMENTS,
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


def run_study(
    inputs: Inputs,
    *,
    kept: KeptCase | None = None,
    threads: int = 2,
    progress: Progress | None = None,
) -> StudyRun:
    """Run a study in one go.

    Args:
        inputs: what it rests on.
        kept: of an earlier study of the same case by the same rules; saves time, changes nothing.
        threads: numba threads; the result is the same for any number.
        progress: told the step, how much of it is done, and of how much.

    Raises:
        BadInput: the requests do not fit the case, or the study cannot come to an end.
    """
    work = StudyWork(inputs, kept=kept, threads=threads, progress=progress)
    while not work.is_ended:
        work.advance()
    return work.finished()


class StudyWork:
    """A study on its way, search by search: what is kept of it lets it go on in another process.

    Attributes:
        inputs: of it.
        requests: as filed, in their natural order.
        cluster: the engine's work.
    """

    def __init__(
        self,
        inputs: Inputs,
        *,
        kept: KeptCase | None = None,
        threads: int = 2,
        progress: Progress | None = None,
    ) -> None:
        """Check the inputs and make what every search reads; see ``run_study``."""
        self.inputs, self._tell = inputs, progress or (lambda *_: None)
        rules = study_rules(inputs.rulebook, inputs.policy or None)
        requests = read_requests(inputs.requests_content, inputs.requests_name, inputs.case.network)
        self.requests = tuple(sorted(requests, key=lambda request: natural_order(request.request)))
        self._tell("published case", 0, 0)
        kept = kept or KeptCase(inputs.case, inputs.rulebook, inputs.profile, threads=threads)
        kept.refuse_other(inputs.case, inputs.rulebook, inputs.profile)
        refuse_misplaced(self.requests, kept.published, inputs.requests_name)
        refuse_oversized(kept.published)
        studied = study_requests(self.requests, kept.published, inputs.rulebook, inputs.profile)
        self._tell("transfer factors", 0, 0)
        self.cluster = ClusterWork(
            kept.published,
            studied,
            rules,
            miles=kept.miles,
            threads=threads,
            progress=self._tell,
            kept=kept.factors([request.bus_row for request in studied]),
        )

    @property
    def is_ended(self) -> bool:
        """Every search has been made."""
        return self.cluster.is_ended

    def advance(self) -> None:
        """Make one search and what follows from it.

        Raises:
            BadInput: the study cannot come to an end.
        """
        try:
            self.cluster.advance()
        except NoEnd as stopped:
            raise BadInput(
                Finding(
                    "study.no_end",
                    f"The study stopped: {stopped}. The requests are too large for this grid; "
                    "study fewer or smaller ones.",
                )
            ) from stopped

    def kept(self) -> bytes:
        """All that another process needs, besides the inputs, to go on from here."""
        return checkpoint_bytes(self.cluster.checkpoint(), inputs_digest=digest_of(self.inputs))

    def go_on_from(self, kept: bytes) -> None:
        """Stand where the work stood that this was kept of; nothing has been done yet.

        Raises:
            BadInput: it is damaged, of other inputs, or of another kind of processor.
        """
        checkpoint = checkpoint_of(kept, inputs_digest=digest_of(self.inputs))
        try:
            self.cluster.go_on_from(checkpoint)
        except OtherStart as other:
            raise BadInput(
                Finding(
                    "study.checkpoint.processor",
                    "The study was begun on another kind of processor, whose figures differ in "
                    "the last digits, so it cannot go on here; run the study again.",
                )
            ) from other

    def finished(self) -> StudyRun:
        """The results of a study that has ended."""
        cluster = result_of(self.cluster)
        self._tell("tables", 0, 0)
        results = results_of(
            cluster,
            self.requests,
            case=self.inputs.case,
            rulebook=self.inputs.rulebook,
            profile=self.inputs.profile,
            engine_version=gentie.__version__,
        )
        return StudyRun(self.inputs, self.requests, cluster, results)


def digest_of(inputs: Inputs) -> str:
    """SHA-256 of everything that a study rests on, the engine's version included."""
    said = {
        "case": inputs.case.sha256,
        "requests": hashlib.sha256(inputs.requests_content).hexdigest(),
        "rulebook": inputs.rulebook.digest,
        "profile": {
            name: hashlib.sha256(content).hexdigest()
            for name, content in inputs.profile.sources.items()
        },
        "policy": str(study_rules(inputs.rulebook, inputs.policy or None).policy),
        "engine": gentie.__version__,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


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
