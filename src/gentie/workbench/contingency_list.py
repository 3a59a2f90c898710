"""The contingencies of a list, several elements at once, as every door tells them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from gentie.engines.grid.linear import Islanded, base_injection_mw, linear_model
from gentie.engines.grid.multiple_outage_kernels import MOST_BRANCHES
from gentie.engines.grid.multiple_outages import (
    Contingencies,
    MultipleOutageResult,
    Outcome,
    analyse_multiple_outages,
    contingencies_of,
)
from gentie.engines.grid.pick_up import pick_up_by_capacity
from gentie.engines.grid.points import branch_roles
from gentie.engines.interconnection.published import AT_LIMIT, post_contingency_limit_mw
from gentie.formats.contingency_csv import ListedElement, read_contingency_csv
from gentie.quantities.findings import BadInput, Finding
from gentie.workbench.cases import Case
from gentie.workbench.contingencies import (
    MOST_PAIRS,
    CutOff,
    PairLoading,
    no_model_of_parts,
)

if TYPE_CHECKING:
    from gentie.engines.grid.network import Network
    from gentie.rulebook.book import Rulebook

MOST_REASONS = 40

PICK_UP = (
    "Lost units are made up for by all others in service, pro rata by their capacity and none beyond "
    "it; what nobody has room for is left to the slack bus."
)


@dataclass(frozen=True)
class ShortOf:
    """A contingency whose loss no unit has room for."""

    contingency: str
    loss_mw: float
    short_mw: float


@dataclass(frozen=True)
class ListReport:
    """What the contingencies of a list do to the studied branches (DC).

    Attributes:
        case: the case's own name.
        file: it came from.
        sha256: of the file.
        list_file: where the contingencies came from.
        rulebook: version of the rulebook that gave the assumptions.
        emergency_multiplier: limit after an outage over the normal rating, where the case gives
            no emergency rating.
        above_percent: threshold of ``pairs``.
        monitored: branches watched.
        contingencies: of the list.
        solved: those that leave the grid in one piece.
        overloads: pairs above 100% of their limit.
        pairs: those above the threshold, the highest loading first.
        islanding: contingencies that cut something off, the largest load first; not simulated.
        without_solution: names of those for which the linear model has no answer.
        short: those whose loss nobody has room for, the largest first.
        pick_up: the rule by which a loss is made up for.
    """

    case: str
    file: str
    sha256: str
    list_file: str
    rulebook: str
    emergency_multiplier: float
    above_percent: float
    monitored: int
    contingencies: int
    solved: int
    overloads: int
    pairs: tuple[PairLoading, ...]
    islanding: tuple[CutOff, ...]
    without_solution: tuple[str, ...]
    short: tuple[ShortOf, ...]
    pick_up: str

    def as_dict(self) -> dict[str, object]:
        """The report as plain data for JSON."""
        return asdict(self)


def list_report(
    case: Case,
    content: bytes,
    list_name: str,
    *,
    rulebook: Rulebook,
    above_percent: float = 100.0,
    threads: int = 2,
) -> ListReport:
    """Take out the elements of every contingency of a list.

    Args:
        case: as read.
        content: of the list, CSV: ``contingency,element``.
        list_name: of the file, for messages.
        rulebook: gives the lowest voltage, the emergency multiple, and who takes the imbalance.
        above_percent: pairs above this loading are listed.
        threads: for the engine; the result is the same for any number.

    Raises:
        BadInput: the list or the case cannot be used, or too many pairs are above the threshold.

    Neglects: what the engine neglects.
    """
    network = case.network
    names, contingencies = _in_rows(network, read_contingency_csv(content, list_name), list_name)
    multiplier = rulebook.number("screening.emergency_multiplier")
    try:
        model = linear_model(network)
    except (Islanded, ValueError) as cause:
        raise BadInput(no_model_of_parts(case, cause)) from cause
    roles = branch_roles(network, minimum_kv=rulebook.number("screening.minimum_kv"))
    studied = np.flatnonzero(roles.is_studied)
    post_mw = post_contingency_limit_mw(network, emergency_multiplier=multiplier)[studied]
    on_load = bool(rulebook.value("screening.imbalance_on_load"))
    result = analyse_multiple_outages(
        model,
        model.flow_mw(base_injection_mw(network, imbalance_on_load=on_load)),
        contingencies=contingencies,
        monitored=studied,
        post_limit_mw=post_mw,
        pick_up=pick_up_by_capacity(network),
        above=min(above_percent / 100, 1.0) + AT_LIMIT,
        threads=threads,
    )
    if len(result.pair_branch) > MOST_PAIRS:
        raise BadInput(
            Finding(
                "contingencies.many",
                f"{list_name}: {len(result.pair_branch):,} pairs of branch and contingency are above "
                f"{above_percent:g}% and at most {MOST_PAIRS:,} are listed. Raise the threshold.",
                count=len(result.pair_branch),
                where=list_name,
            )
        )
    limit_mw = dict(zip(studied.tolist(), post_mw.tolist(), strict=True))
    pairs = _pairs(network, result, names, limit_mw)
    short = [
        ShortOf(names[at], round(float(result.loss_mw[at]), 4), round(float(part), 4))
        for at, part in enumerate(result.short_mw)
        if abs(part) > AT_LIMIT
    ]
    return ListReport(
        case=case.name,
        file=case.source_name,
        sha256=case.sha256,
        list_file=list_name,
        rulebook=rulebook.version,
        emergency_multiplier=multiplier,
        above_percent=above_percent,
        monitored=len(studied),
        contingencies=len(names),
        solved=int((result.outcome == Outcome.SOLVED).sum()),
        overloads=sum(pair.loading_percent > 100 for pair in pairs),
        pairs=tuple(pair for pair in pairs if pair.loading_percent > above_percent),
        islanding=tuple(
            sorted(
                (
                    CutOff(
                        names[cut.place],
                        len(cut.bus_rows),
                        round(cut.load_mw, 4),
                        round(cut.generation_mw, 4),
                    )
                    for cut in result.islanding
                ),
                key=lambda cut: (-cut.load_mw, -cut.generation_mw, cut.outage),
            )
        ),
        without_solution=tuple(
            names[at] for at in np.flatnonzero(result.outcome == Outcome.WITHOUT_SOLUTION)
        ),
        short=tuple(sorted(short, key=lambda one: (-abs(one.short_mw), one.contingency))),
        pick_up=PICK_UP,
    )


def _pairs(
    network: Network,
    result: MultipleOutageResult,
    names: list[str],
    limit_mw: dict[int, float],
) -> list[PairLoading]:
    """Pairs above the threshold, the highest loading first."""
    rows = zip(
        result.pair_branch.tolist(),
        result.pair_contingency.tolist(),
        result.pair_loading.tolist(),
        strict=True,
    )
    return [
        PairLoading(
            element=network.element_ids[branch],
            outage=names[at],
            loading_percent=round(100 * loading, 4),
            limit_mw=round(limit_mw[branch], 4),
        )
        for branch, at, loading in sorted(rows, key=lambda row: (-row[2], row[0], row[1]))
    ]


def _in_rows(
    network: Network, listed: tuple[ListedElement, ...], list_name: str
) -> tuple[list[str], Contingencies]:
    """Names in their first order, and their elements as rows.

    Raises:
        BadInput: with every reason found.
    """
    branch_row = {name: row for row, name in enumerate(network.element_ids)}
    unit_row = {name: row for row, name in enumerate(network.unit_ids)}
    branches: dict[str, list[int]] = {}
    units: dict[str, list[int]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    reasons = []
    for one in listed:
        where = f"{list_name}, line {one.line}"
        branches.setdefault(one.contingency, [])
        units.setdefault(one.contingency, [])
        seen[one.contingency, one.element] += 1
        if seen[one.contingency, one.element] > 1:
            sentence = f"{one.contingency} names {one.element} twice. Leave one of them out."
            reasons.append(Finding("contingencies.list.twice", f"{where}: {sentence}", where=where))
        elif one.element in branch_row:
            branches[one.contingency].append(branch_row[one.element])
        elif one.element in unit_row:
            units[one.contingency].append(unit_row[one.element])
        else:
            sentence = (
                f"{network.name} has no {one.element}. Name a branch as line:FROM:TO:CIRCUIT or "
                "transformer:FROM:TO:CIRCUIT, a unit as unit:BUS:NUMBER."
            )
            reasons.append(
                Finding("contingencies.list.unknown", f"{where}: {sentence}", where=where)
            )
    reasons += [
        Finding(
            "contingencies.list.size",
            f"{list_name}: {name} opens {len(rows)} branches and at most {MOST_BRANCHES} open "
            "together. Divide it.",
            where=list_name,
        )
        for name, rows in branches.items()
        if len(rows) > MOST_BRANCHES
    ]
    if not listed:
        reasons.append(
            Finding(
                "contingencies.list.empty",
                f"{list_name}: the list has no contingency. Give one line per element.",
                where=list_name,
            )
        )
    if len(reasons) > MOST_REASONS:
        rest = len(reasons) - MOST_REASONS
        reasons[MOST_REASONS:] = [
            Finding(
                "contingencies.list.more",
                f"{list_name}: {rest:,} more reasons are not listed; mend these first.",
                rest,
                list_name,
            )
        ]
    if reasons:
        raise BadInput(reasons)
    return list(branches), contingencies_of(list(branches.values()), list(units.values()))
