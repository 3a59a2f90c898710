"""What the scenarios say: percentiles of every request's cost, and how far they still move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from gentie.engines.grid.network import Integers
from gentie.formats.requests import Request, natural_order
from gentie.workbench.kept_scenarios import KeptScenarios
from gentie.workbench.tables import Cell, Column, Table, Tier, table
from gentie.workbench.withdrawal_scenarios import ENDLESS, EVERYBODY, ScenarioRules

PERCENTILES = (10, 50, 90)
EARLIER = 0.75
"""Share of the scenarios with which the figures of all of them are compared."""

ROWS_AT_ONCE = 4096

METHOD = (
    "Every scenario is a whole study of the requests that stay, from the factors that the case "
    "keeps: to the cent what a full rerun gives. Left out is only the check of the upgraded grid "
    "solved from nothing, which decides no cost."
)
NO_PROMISE = (
    "A withdrawal can raise the cost of those that stay, and who withdraws is drawn, not known: "
    "floor and ceiling are those of the scenarios, not limits."
)


@dataclass(frozen=True)
class Certainty:
    """How the costs of a cluster are spread over scenarios of withdrawals.

    Attributes:
        rules: what the scenarios were drawn by.
        table: one row for each request.
        summary: the figures of the whole cluster, as plain data.
    """

    rules: ScenarioRules
    table: Table
    summary: dict[str, Any]


def certainty_of(
    kept: KeptScenarios, requests: Sequence[Request], rules: ScenarioRules, *, currency: str
) -> Certainty:
    """The figures of scenarios that are all known.

    Args:
        kept: row 0 is the study in which everybody stays, each further row a scenario.
        requests: in the order of its columns.
        rules: what they were drawn by.
        currency: of the amounts.
    """
    rows: list[tuple[Cell, ...]] = []
    moved: list[list[int]] = []
    dearer = stayed = 0
    for place, request in enumerate(requests):
        cents = kept.of_request(place)
        studied, drawn = int(cents[EVERYBODY]), cents[EVERYBODY + 1 :]
        costs = drawn[drawn >= 0]
        figures = percentiles(costs)
        shift = _moved(drawn)
        above = int((costs > studied).sum()) if studied >= 0 else 0
        rows.append(
            (
                request.request,
                request.net_mw,
                _amount(studied if studied >= 0 else None),
                len(costs),
                above,
                _amount(int(costs.min()) if len(costs) else None),
                *(_amount(figure) for figure in figures),
                _amount(int(costs.max()) if len(costs) else None),
                *(_amount(figure) for figure in shift),
            )
        )
        moved.append([abs(figure) for figure in shift if figure is not None])
        dearer += above
        stayed += len(costs)
    totals = _totals(kept)
    drawn_totals = totals[EVERYBODY + 1 :]
    known = drawn_totals[drawn_totals >= 0]
    p50_moved = [one[1] for one in moved if one]
    p90_moved = [one[2] for one in moved if one]
    order = sorted(range(len(rows)), key=lambda place: natural_order(requests[place].request))
    return Certainty(
        rules=rules,
        table=table("certainty", Tier.PRIVATE, COLUMNS, [rows[place] for place in order]),
        summary={
            "scenarios": rules.count,
            "seed": rules.seed,
            "withdrawal": rules.withdrawal,
            "currency": currency,
            "requests": len(requests),
            "without_an_end": int((drawn_totals == ENDLESS).sum()),
            "dearer_share": round(dearer / stayed, 6) if stayed else None,
            "total": {
                "as_studied": _said(int(totals[EVERYBODY])),
                "floor": _said(int(known.min()) if len(known) else None),
                **{
                    f"p{percent}": _said(figure)
                    for percent, figure in zip(PERCENTILES, percentiles(known), strict=True)
                },
                "ceiling": _said(int(known.max()) if len(known) else None),
            },
            "convergence": {
                "scenarios_compared": [_earlier(rules.count), rules.count],
                "p50_moved_median": _said(_middle(p50_moved)),
                "p50_moved_most": _said(max(p50_moved, default=None)),
                "p90_moved_median": _said(_middle(p90_moved)),
                "p90_moved_most": _said(max(p90_moved, default=None)),
            },
            "notes": [METHOD, NO_PROMISE],
        },
    )


COLUMNS = (
    Column("request", "identity"),
    Column("net_mw", "at the point", 3),
    Column("as_studied", "cost where nobody withdraws"),
    Column("stays", "scenarios in which it stays, the only ones that count here"),
    Column("dearer", "of these, in how many it costs more than where nobody withdraws"),
    Column("floor", "lowest cost"),
    *(Column(f"p{percent}", f"{percent} in 100 cost at most this") for percent in PERCENTILES),
    Column("ceiling", "highest cost"),
    *(
        Column(f"p{percent}_moved", f"p{percent} less that of the first three quarters")
        for percent in PERCENTILES
    ),
)


def percentiles(cents: Integers) -> tuple[int | None, ...]:
    """The smallest costs that at least 10, 50 and 90 in 100 do not exceed; each one occurred.

    Args:
        cents: (n,) of the scenarios that count.
    """
    if len(cents) == 0:
        return (None,) * len(PERCENTILES)
    ordered = np.sort(cents)
    return tuple(int(ordered[-(-percent * len(cents) // 100) - 1]) for percent in PERCENTILES)


def _moved(drawn: Integers) -> tuple[int | None, ...]:
    """How far each percentile moved over the last quarter of the scenarios."""
    first = drawn[: _earlier(len(drawn))]
    before, after = percentiles(first[first >= 0]), percentiles(drawn[drawn >= 0])
    return tuple(
        None if old is None or new is None else new - old
        for old, new in zip(before, after, strict=True)
    )


def _earlier(count: int) -> int:
    return int(count * EARLIER)


def _totals(kept: KeptScenarios) -> Integers:
    """(n,) cents of the whole cluster in every scenario; ``ENDLESS`` for those without an end."""
    found = []
    for start in range(0, kept.count, ROWS_AT_ONCE):
        cents = kept.rows(start, min(start + ROWS_AT_ONCE, kept.count))
        whole = np.where(cents >= 0, cents, 0).sum(axis=1)
        found.append(np.where((cents == ENDLESS).any(axis=1), ENDLESS, whole))
    return np.concatenate(found)


def _middle(values: list[int]) -> int | None:
    return sorted(values)[(len(values) - 1) // 2] if values else None


def _amount(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents).scaleb(-2)


def _said(cents: int | None) -> str | None:
    return None if cents is None or cents == ENDLESS else str(Decimal(cents).scaleb(-2))
