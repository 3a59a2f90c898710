"""How the commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence

import click
from rich import box
from rich.console import Console
from rich.table import Table


def print_json(value: object) -> None:
    """Print valid JSON; what is not a finite number is null."""
    click.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def people() -> Console:
    """Where tables and sentences go; names from files are printed as they are."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=False)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = ()
) -> Table:
    """A table; texts that are too long for their column go on in the next line, none is cut off.

    Args:
        columns: heads, with the unit in them.
        rows: texts.
        numbers: heads of the columns that hold figures and stand to the right.

    Returns:
        What a console prints.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        is_number = column in numbers
        made.add_column(
            column,
            justify="right" if is_number else "left",
            no_wrap=is_number,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*row)
    return made
