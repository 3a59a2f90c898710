"""Areas as they are written on the command line: ``3-7,9``."""

from __future__ import annotations

import re

from gentie.quantities.findings import BadInput, Finding

AREAS = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")


def parsed_areas(text: str | None) -> tuple[int, ...] | None:
    """Area numbers from words such as ``3-7`` or ``1,4,6-8``; None for none given.

    Raises:
        BadInput: the words are something else.
    """
    if text is None:
        return None
    areas: set[int] = set()
    for piece in text.split(","):
        written = AREAS.fullmatch(piece.strip())
        first, last = (int(written[1]), int(written[2] or written[1])) if written else (1, 0)
        if last < first:
            raise BadInput(
                Finding(
                    "cli.areas",
                    f"--areas: {text!r} is not a list of areas; write it as in 3-7 or 1,4,6-8.",
                )
            )
        areas.update(range(first, last + 1))
    return tuple(sorted(areas))
