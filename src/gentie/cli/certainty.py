"""`gentie study certainty`: how the costs of a study are spread when others may leave."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gentie.cli.case import json_option
from gentie.cli.printing import people, print_json, table
from gentie.cli.progress import shown_progress
from gentie.cli.writing import write_table
from gentie.quantities.money import Money

if TYPE_CHECKING:
    from gentie.workbench.certainty_figures import Certainty

ROWS_PRINTED = 15


@click.command(
    short_help="Costs where others may withdraw.",
    epilog="Example: gentie study certainty my-study --scenarios 1000 --out certainty.csv",
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--scenarios", type=int, default=1000, show_default=True, help="How many are drawn.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the draws.")
@click.option(
    "--probability", type=float, help="That a request withdraws; by default the rulebook's."
)
@click.option("--processes", type=int, default=2, show_default=True, help="That work on it.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV with the percentiles of every request.",
)
@json_option
def certainty(
    folder: Path,
    scenarios: int,
    seed: int,
    probability: float | None,
    processes: int,
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Draw who withdraws, study every draw exactly, and give the percentiles of each cost.

    What is known is kept in FILE.scenarios beside the file of --out. If the work is stopped, the
    same command goes on from there.
    """
    from gentie.workbench.certainty import run_certainty, scenario_rules
    from gentie.workbench.study_tables import sound_inputs_of

    inputs = sound_inputs_of(folder)
    rules = scenario_rules(inputs.rulebook, count=scenarios, seed=seed, withdrawal=probability)
    kept_in = out.with_name(f"{out.name}.scenarios")
    with shown_progress() as tell:
        found = run_certainty(inputs, rules, kept_in=kept_in, processes=processes, progress=tell)
    write_table(out, found.table.as_csv())
    kept_in.unlink()
    if as_json:
        print_json({"out": str(out), **found.summary, "table": _rows(found)})
        return
    _print(found)
    people().print(f"Every request's percentiles are in {out}.")


def _print(found: Certainty) -> None:
    """The widest spreads, the whole cluster, and how sure the percentiles are."""
    console = people()
    summary = found.summary
    currency = summary["currency"]
    rows = [row for row in found.table.as_dicts() if row["stays"]]
    rows.sort(key=lambda row: _amount(row["p10"]) - _amount(row["p90"]))
    heads = ("As studied", "Floor", "P10", "P50", "P90", "Ceiling")
    fields = ("as_studied", "floor", "p10", "p50", "p90", "ceiling")
    console.print(
        table(
            ("Request", "Stays", *heads),
            [
                (
                    str(row["request"]),
                    str(row["stays"]),
                    *(_millions(row[field]) for field in fields),
                )
                for row in rows[:ROWS_PRINTED]
            ],
            numbers=("Stays", *heads),
        )
    )
    console.print(
        f"Millions of {currency}; the {min(ROWS_PRINTED, len(rows))} widest of {len(rows)} requests."
    )
    total = summary["total"]
    console.print(
        f"The whole cluster: {_whole(total['as_studied'], currency)} where nobody withdraws; P10 "
        f"{_whole(total['p10'], currency)}, P50 {_whole(total['p50'], currency)}, P90 "
        f"{_whole(total['p90'], currency)}."
    )
    moved = summary["convergence"]
    earlier, everything = moved["scenarios_compared"]
    console.print(
        f"From {earlier:,} to {everything:,} scenarios the middle request's P50 moved by "
        f"{_whole(moved['p50_moved_median'], currency)} and its P90 by "
        f"{_whole(moved['p90_moved_median'], currency)}, any request's by at most "
        f"{_whole(moved['p50_moved_most'], currency)} and "
        f"{_whole(moved['p90_moved_most'], currency)}."
    )
    if summary["dearer_share"] is not None:
        console.print(
            f"In {100 * summary['dearer_share']:.0f}% of its scenarios a request that stays costs "
            "more than where nobody withdraws."
        )
    if summary["without_an_end"]:
        console.print(
            f"Scenarios whose study comes to no end: {summary['without_an_end']}. They are left out."
        )
    console.print(
        f"Drawn with seed {summary['seed']}, each request leaving with probability "
        f"{summary['withdrawal']:g}."
    )
    for note in summary["notes"]:
        console.print(f"Note: {note}")


def _rows(found: Certainty) -> list[dict[str, Any]]:
    """The table for programs, amounts as text."""
    return [
        {name: str(cell) if isinstance(cell, Decimal) else cell for name, cell in row.items()}
        for row in found.table.as_dicts()
    ]


def _amount(value: Any) -> float:
    return float(value) if value is not None else 0.0


def _millions(value: Any) -> str:
    return "" if value is None else f"{float(value) / 1e6:,.2f}"


def _whole(value: Any, currency: str) -> str:
    """To the dollar, for people; the file has the cents."""
    return "" if value is None else str(Money.of(round(float(value)), currency))
