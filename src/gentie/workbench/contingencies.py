"""The outages of a case, one at a time, as every door tells them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from gentie.engines.grid.contingencies import NO_OUTAGE, ContingencyResult, analyse_contingencies
from gentie.engines.grid.linear import Islanded, base_injection_mw, linear_model
from gentie.engines.grid.points import branch_roles
from gentie.engines.interconnection.published import post_contingency_limit_mw
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.cases import Case
from gentie.workbench.flows import no_linear_model

if TYPE_CHECKING:
    from gentie.engines.grid.network import Network
    from gentie.rulebook.book import Rulebook

AT_LIMIT = 1e-9
MOST_PAIRS = 200_000


@dataclass(frozen=True)
class PairLoading:
    """A branch above the threshold after an outage; ``base`` for no outage."""

    element: str
    outage: str
    loading_percent: float
    limit_mw: float


@dataclass(frozen=True)
class CutOff:
    """An outage that cuts part of the grid off."""

    outage: str
    buses: int
    load_mw: float
    generation_mw: float


@dataclass(frozen=True)
class ContingencyReport:
    """What opening every studied branch, one at a time, does to the others (DC).

    Attributes:
        case: the case's own name.
        file: it came from.
        sha256: of the file.
        rulebook: version of the rulebook that gave the assumptions.
        emergency_multiplier: limit after an outage over the normal rating, where the case gives
            no emergency rating.
        above_percent: threshold of ``pairs``.
        monitored: branches watched.
        outages: branches opened that leave the grid in one piece.
        overloads: pairs above 100% of their limit.
        pairs: those above the threshold, the highest loading first.
        islanding: outages that cut something off, the largest load first; not simulated.
    """

    case: str
    file: str
    sha256: str
    rulebook: str
    emergency_multiplier: float
    above_percent: float
    monitored: int
    outages: int
    overloads: int
    pairs: tuple[PairLoading, ...]
    islanding: tuple[CutOff, ...]

    def as_dict(self) -> dict[str, object]:
        """The report as plain data for JSON."""
        return asdict(self)


def contingencies_of(
    case: Case, *, rulebook: Rulebook, above_percent: float = 100.0, threads: int = 2
) -> ContingencyReport:
    """Open every studied branch of a case, one at a time.

    Args:
        case: as read.
        rulebook: gives the lowest voltage, the emergency multiple, and who takes the imbalance.
        above_percent: pairs above this loading are listed; 50 and more keeps the list readable.
        threads: for the engine; the result is the same for any number.

    Returns:
        The report; a case without ratings has nothing to watch and no pairs.

    Raises:
        BadInput: the case has no DC model, or too many pairs are above the threshold.

    Neglects: what the engine neglects.
    """
    network = case.network
    multiplier = rulebook.number("screening.emergency_multiplier")
    try:
        model = linear_model(network)
    except (Islanded, ValueError) as cause:
        raise BadInput(no_model_of_parts(case, cause)) from cause
    roles = branch_roles(network, minimum_kv=rulebook.number("screening.minimum_kv"))
    studied = np.flatnonzero(roles.is_studied)
    normal_mw = network.branches.rating_normal_mva[studied]
    post_mw = post_contingency_limit_mw(network, emergency_multiplier=multiplier)[studied]
    on_load = bool(rulebook.value("screening.imbalance_on_load"))
    flow_mw = model.flow_mw(base_injection_mw(network, imbalance_on_load=on_load))
    threshold = min(above_percent / 100, 1.0)
    result = analyse_contingencies(
        model,
        flow_mw,
        monitored=studied,
        normal_limit_mw=normal_mw,
        post_limit_mw=post_mw,
        outages=studied,
        above=threshold + AT_LIMIT,
        threads=threads,
    )
    if len(result.pair_branch) > MOST_PAIRS:
        raise BadInput(
            Finding(
                "contingencies.many",
                f"{case.source_name}: {len(result.pair_branch):,} pairs of branch and outage are "
                f"above {above_percent:g}% and at most {MOST_PAIRS:,} are listed. "
                "Raise the threshold.",
                count=len(result.pair_branch),
                where=case.source_name,
            )
        )
    pairs = _pairs(network, result, normal_mw, post_mw, threshold)
    return ContingencyReport(
        case=case.name,
        file=case.source_name,
        sha256=case.sha256,
        rulebook=rulebook.version,
        emergency_multiplier=multiplier,
        above_percent=above_percent,
        monitored=len(studied),
        outages=len(result.outages),
        overloads=sum(pair.loading_percent > 100 for pair in pairs),
        pairs=tuple(pair for pair in pairs if pair.loading_percent > above_percent),
        islanding=tuple(
            sorted(
                (
                    CutOff(
                        network.element_ids[outage.branch_row],
                        len(outage.bus_rows),
                        round(outage.load_mw, 4),
                        round(outage.generation_mw, 4),
                    )
                    for outage in result.islanding
                ),
                key=lambda cut: (-cut.load_mw, -cut.generation_mw, cut.outage),
            )
        ),
    )


def _pairs(
    network: Network,
    result: ContingencyResult,
    normal_mw: np.ndarray,
    post_mw: np.ndarray,
    threshold: float,
) -> list[PairLoading]:
    """Pairs above the threshold, base case included, the highest loading first."""
    ids = network.element_ids
    place = {int(row): k for k, row in enumerate(result.monitored)}
    loaded = [
        (int(row), NO_OUTAGE, float(loading))
        for row, loading in zip(result.monitored, result.base_loading, strict=True)
        if loading > threshold + AT_LIMIT
    ]
    loaded += zip(
        result.pair_branch.tolist(),
        result.pair_outage.tolist(),
        result.pair_loading.tolist(),
        strict=True,
    )
    loaded.sort(key=lambda pair: (-pair[2], pair[0], pair[1]))
    return [
        PairLoading(
            element=ids[branch],
            outage="base" if outage == NO_OUTAGE else ids[outage],
            loading_percent=round(100 * loading, 4),
            limit_mw=round(
                float((normal_mw if outage == NO_OUTAGE else post_mw)[place[branch]]), 4
            ),
        )
        for branch, outage, loading in loaded
    ]


def no_model_of_parts(case: Case, cause: Exception) -> Finding:
    """One sentence on a case whose outages cannot be studied."""
    if isinstance(cause, Islanded):
        return Finding(
            "contingencies.parts",
            f"{case.source_name}: the case has parts that are not connected by AC, and outages are "
            "studied in one part. Give the case of one part.",
            where=case.source_name,
        )
    return no_linear_model(case, cause)
