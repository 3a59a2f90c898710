"""Requests as canonical CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from gentie.formats.requests.request import NEEDED_COLUMNS, OPTIONAL_COLUMNS, Request, sequence


def write_requests(requests: Iterable[Request]) -> bytes:
    """The requests as canonical CSV: what ``read_requests`` gives back unchanged."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*NEEDED_COLUMNS, *OPTIONAL_COLUMNS))
    for request in sorted(requests, key=lambda request: sequence(request.request)):
        for part in sorted(request.components, key=lambda part: part.technology):
            writer.writerow(
                (
                    request.request,
                    request.bus,
                    part.technology,
                    _written(part.mw),
                    "" if part.mwh is None else _written(part.mwh),
                    request.deliverability.value,
                    _written(request.net_mw),
                )
            )
    return out.getvalue().encode()


def _written(number: float) -> str:
    """The shortest text that reads back as the same number."""
    text = repr(float(number))
    return text.removesuffix(".0")
