"""Progress of long work on the terminal: the step, how far it is, the time it took and what is left of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def shown_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function to tell steps to: words, how much is done, and of how much (0: not known).

    It writes to the error stream, and only where that is a terminal, so that results can be piped.
    """
    console = Console(stderr=True, highlight=False)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=None, count="")

        def tell(step: str, done: int, whole: int) -> None:
            progress.update(
                task,
                description=step,
                completed=done,
                total=whole or None,
                count=f"{done} of {whole}" if whole else (str(done) if done else ""),
            )

        yield tell
