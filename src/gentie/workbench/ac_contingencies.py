"""The outages of a case by AC power flow, one at a time, as every door tells them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from gentie.engines.grid.ac_contingencies import (
    AcContingencies,
    OutageStatus,
    PickUp,
    Reason,
    SingularBase,
    analyse_ac_contingencies,
)
from gentie.engines.grid.contingencies import NO_OUTAGE
from gentie.engines.grid.network import BusKind
from gentie.engines.grid.points import branch_roles
from gentie.engines.grid.power_flow import solve_power_flow
from gentie.engines.interconnection.published import post_contingency_limit_mw
from gentie.formats.matpower.parts import part_of_bus
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.cases import Case

if TYPE_CHECKING:
    from gentie.engines.grid.network import Network
    from gentie.rulebook.book import Rulebook

MOST_PAIRS = 200_000
REASONS = {
    Reason.OUT_OF_SERVICE: "out of service already",
    Reason.LAST_SLACK_UNIT: "the only unit of the slack bus",
    Reason.NO_EFFECT: "joins a bus to itself",
    Reason.ISLANDING_OFF: "cuts something off",
    Reason.DC_LINES: "cuts off one end of more than one DC line",
    Reason.SLACK_CUT_OFF: "cuts the slack bus off from most of the grid",
}


@dataclass(frozen=True)
class AcPairLoading:
    """A branch above the threshold after an outage; ``base`` for no outage."""

    element: str
    outage: str
    loading_percent: float
    limit_mva: float


@dataclass(frozen=True)
class OutageOutcome:
    """What one outage does; everything that it cannot say is ``None``.

    Attributes:
        outage: a branch or a unit.
        status: ``solved``, ``islanded`` (and the rest solved), ``diverged``, ``not_simulated``.
        reason: why it was not simulated, else empty.
        worst_loading_percent: of the limit after an outage.
        worst_element: that has it.
        lowest_voltage_pu: of all buses that stay.
        lowest_bus: where.
        highest_voltage_pu: likewise.
        highest_bus: where.
        buses_at_other_side: buses that changed between set-point and reactive limit.
        lost_buses: cut off.
        lost_load_mw: cut off.
        lost_generation_mw: cut off, or of the unit lost.
        picked_up_mw: made up by the units that stay.
        iterations: steps to the solution.
    """

    outage: str
    status: str
    reason: str
    worst_loading_percent: float | None
    worst_element: str | None
    lowest_voltage_pu: float | None
    lowest_bus: int | None
    highest_voltage_pu: float | None
    highest_bus: int | None
    buses_at_other_side: int
    lost_buses: int
    lost_load_mw: float
    lost_generation_mw: float
    picked_up_mw: float
    iterations: int


@dataclass(frozen=True)
class AcContingencyReport:
    """What losing every branch and every unit, one at a time, does to the grid (AC).

    Attributes:
        case: the case's own name.
        file: it came from.
        sha256: of the file.
        rulebook: version of the rulebook that gave the assumptions.
        emergency_multiplier: limit after an outage over the normal rating, where the case gives
            no emergency rating.
        above_percent: threshold of ``pairs``.
        reactive_limits: the reactive limits of the units are kept.
        pick_up: who makes up for lost supply.
        monitored: branches watched.
        solved: outages with a solution, islanding ones included.
        overloads: pairs above 100% of their limit.
        pairs: those above the threshold, the highest loading first.
        outages: one for each, branches first.
        findings: what else a reader should know of the base case.
    """

    case: str
    file: str
    sha256: str
    rulebook: str
    emergency_multiplier: float
    above_percent: float
    reactive_limits: bool
    pick_up: str
    monitored: int
    solved: int
    overloads: int
    pairs: tuple[AcPairLoading, ...]
    outages: tuple[OutageOutcome, ...]
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, object]:
        """The report as plain data for JSON."""
        return asdict(self)

    def with_status(self, status: str) -> tuple[OutageOutcome, ...]:
        """Outages that ended so."""
        return tuple(outage for outage in self.outages if outage.status == status)


def ac_contingencies_of(
    case: Case,
    *,
    rulebook: Rulebook,
    above_percent: float = 100.0,
    reactive_limits: bool = True,
    pick_up: PickUp = PickUp.HEADROOM,
    threads: int = 2,
) -> AcContingencyReport:
    """Lose every live branch and every live unit of a case, one at a time, by AC power flow.

    Args:
        case: as read.
        rulebook: gives the lowest voltage that is studied and the emergency multiple.
        above_percent: pairs above this loading are listed.
        reactive_limits: keep the reactive limits of the units.
        pick_up: who makes up for lost supply.
        threads: for the engine; the result is the same for any number.

    Returns:
        The report; an outage without a solution is a row of it.

    Raises:
        BadInput: the case is in several parts, its base case has no solution, or too many pairs
            are above the threshold.

    Neglects: what the engine neglects.
    """
    network = case.network
    if _is_in_parts(network):
        raise BadInput(
            Finding(
                "contingencies.parts",
                f"{case.source_name}: the case has parts that are not connected by AC, and outages "
                "are studied in one part. Give the case of one part.",
                where=case.source_name,
            )
        )
    flow = solve_power_flow(network, enforce_reactive_limits=reactive_limits)
    if not flow.converged:
        raise BadInput(_no_base(case, flow.findings))
    multiplier = rulebook.number("screening.emergency_multiplier")
    roles = branch_roles(network, minimum_kv=rulebook.number("screening.minimum_kv"))
    watched = np.flatnonzero(roles.is_studied)
    post_mva = post_contingency_limit_mw(network, emergency_multiplier=multiplier)
    threshold = min(above_percent, 100.0) / 100
    try:
        found = analyse_ac_contingencies(
            network,
            flow,
            branches=np.flatnonzero(network.is_branch_live),
            units=np.flatnonzero(network.is_generator_live),
            monitored=watched,
            normal_limit_mva=network.branches.rating_normal_mva[watched],
            post_limit_mva=post_mva[watched],
            enforce_reactive_limits=reactive_limits,
            pick_up=pick_up,
            above=threshold,
            threads=threads,
        )
    except SingularBase as cause:
        raise BadInput(_no_base(case, flow.findings)) from cause
    if len(found.pair_branch) > MOST_PAIRS:
        raise BadInput(
            Finding(
                "contingencies.many",
                f"{case.source_name}: {len(found.pair_branch):,} pairs of branch and outage are "
                f"above {above_percent:g}% and at most {MOST_PAIRS:,} are listed. "
                "Raise the threshold.",
                count=len(found.pair_branch),
                where=case.source_name,
            )
        )
    names = _names(network, found)
    pairs = _pairs(network, found, names, post_mva, threshold)
    return AcContingencyReport(
        case=case.name,
        file=case.source_name,
        sha256=case.sha256,
        rulebook=rulebook.version,
        emergency_multiplier=multiplier,
        above_percent=above_percent,
        reactive_limits=reactive_limits,
        pick_up=pick_up.value,
        monitored=len(watched),
        solved=found.count(OutageStatus.SOLVED) + found.count(OutageStatus.ISLANDED),
        overloads=sum(pair.loading_percent > 100 for pair in pairs),
        pairs=tuple(pair for pair in pairs if pair.loading_percent > above_percent),
        outages=tuple(_outcome(network, found, names, c) for c in range(len(names))),
        findings=flow.findings,
    )


def _is_in_parts(network: Network) -> bool:
    """More than one part of the live grid has a slack bus."""
    on = network.is_branch_live
    kind = network.buses.kind
    part = part_of_bus(len(kind), network.branches.from_bus[on], network.branches.to_bus[on])
    return len(set(part[kind == BusKind.SLACK].tolist())) > 1


def _no_base(case: Case, findings: tuple[Finding, ...]) -> Finding:
    why = findings[-1].sentence if findings else "Its equations are singular at the solution."
    return Finding(
        "contingencies.base",
        f"{case.source_name}: the case has no AC solution to take outages from. {why}",
        where=case.source_name,
    )


def _names(network: Network, found: AcContingencies) -> list[str]:
    return [
        network.element_ids[branch] if branch >= 0 else network.unit_ids[unit]
        for branch, unit in zip(found.branch.tolist(), found.unit.tolist(), strict=True)
    ]


def _pairs(
    network: Network,
    found: AcContingencies,
    names: list[str],
    post_mva: np.ndarray,
    threshold: float,
) -> list[AcPairLoading]:
    """Pairs above the threshold, base case included, the highest loading first."""
    loaded = [
        (int(row), NO_OUTAGE, float(loading))
        for row, loading in zip(found.monitored, found.base_loading, strict=True)
        if loading > threshold
    ]
    loaded += zip(
        found.pair_branch.tolist(),
        found.pair_outage.tolist(),
        found.pair_loading.tolist(),
        strict=True,
    )
    loaded.sort(key=lambda pair: (-round(pair[2], 6), pair[0], pair[1]))
    normal = network.branches.rating_normal_mva
    return [
        AcPairLoading(
            element=network.element_ids[branch],
            outage="base" if c == NO_OUTAGE else names[c],
            loading_percent=round(100 * loading, 4),
            limit_mva=round(float((normal if c == NO_OUTAGE else post_mva)[branch]), 4),
        )
        for branch, c, loading in loaded
    ]


def _outcome(network: Network, found: AcContingencies, names: list[str], c: int) -> OutageOutcome:
    is_solved = found.status[c] <= OutageStatus.ISLANDED
    worst = int(found.worst_branch[c])
    number = network.buses.number
    return OutageOutcome(
        outage=names[c],
        status=OutageStatus(found.status[c]).name.lower(),
        reason=REASONS.get(Reason(found.reason[c]), ""),
        worst_loading_percent=round(100 * float(found.worst_loading[c]), 4) if worst >= 0 else None,
        worst_element=network.element_ids[worst] if worst >= 0 else None,
        lowest_voltage_pu=round(float(found.lowest_voltage_pu[c]), 6) if is_solved else None,
        lowest_bus=int(number[found.lowest_bus[c]]) if is_solved else None,
        highest_voltage_pu=round(float(found.highest_voltage_pu[c]), 6) if is_solved else None,
        highest_bus=int(number[found.highest_bus[c]]) if is_solved else None,
        buses_at_other_side=int(found.sides_changed[c]),
        lost_buses=int(found.lost_buses[c]),
        lost_load_mw=round(float(found.lost_load_mw[c]), 4),
        lost_generation_mw=round(float(found.lost_generation_mw[c]), 4),
        picked_up_mw=round(float(found.picked_up_mw[c]), 4),
        iterations=int(found.iterations[c]),
    )
