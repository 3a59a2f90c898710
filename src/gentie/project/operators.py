"""Setting up an operator and showing it: the database made ready around one journey.

The command line reaches these functions through the entry points `gentie.service` (decision 0002).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gentie.project.serving import ask_database, prepare
from gentie.workbench.operator_file import read_operator

Tell = Callable[[str, int, int], None]


def init_operator(
    *,
    data: Path,
    file: Path,
    at: datetime,
    say: Callable[[str], None],
    tell: Tell,
    hear: Callable[..., None],
) -> None:
    """Set up the operator that a file describes.

    Args:
        data: the data folder, made where missing.
        file: TOML.
        at: when; an aware time.
        say: told what is going on, one sentence at a time.
        tell: told the step, how much of it is done, and of how much.
        hear: told ``name``, ``owners``, ``points``, ``email`` and ``password``.

    Raises:
        BadInput: the file cannot be used, or there is an operator already; nothing is written.
        NotServing: the database could not be made ready.
    """
    tell("reading the grid", 0, 0)
    inputs = read_operator(file)

    def fill() -> None:
        from gentie.journeys.set_up_operator import set_up_operator

        made = set_up_operator(inputs, at=at, tell=tell)
        hear(
            name=made.name,
            owners=made.owners,
            points=made.points,
            email=made.email,
            password=made.password,
        )

    prepare(data=data, say=say, fill=fill)


def show_operator(
    *, data: Path, say: Callable[[str], None], hear: Callable[[dict[str, object] | None], None]
) -> None:
    """Tell what this installation is; nothing where it is not set up.

    Args:
        data: the data folder.
        say: told what is going on, one sentence at a time.
        hear: told the installation as plain data, or ``None``.

    Raises:
        NotServing: there is no database, or it cannot be reached.
    """

    def ask() -> None:
        from gentie.journeys.set_up_operator import operator_as_set_up

        hear(operator_as_set_up())

    ask_database(data=data, say=say, ask=ask)
