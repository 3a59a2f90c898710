"""A file of requests, read; what is wrong with it, told at once."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gentie.engines.grid.network import Network
from gentie.formats.requests.reasons import Reasons
from gentie.formats.requests.request import TECHNOLOGIES, Request, sequence
from gentie.formats.requests.rows import Row, row_of
from gentie.formats.requests.table import records_of

NET_TOLERANCE_MW = 1e-6


def read_requests(
    content: bytes,
    file_name: str,
    network: Network | None = None,
    *,
    technologies: frozenset[str] = TECHNOLOGIES,
) -> tuple[Request, ...]:
    """Read a file of requests; the order of its rows and columns changes nothing.

    Args:
        content: of the file, UTF-8 with or without a byte order mark.
        file_name: for messages.
        network: the case in which the buses must be; not asked where ``None``.
        technologies: words allowed.

    Returns:
        The requests in the natural order of their identities.

    Raises:
        BadInput: all reasons found, each with file, line, field and what to do.
    """
    reasons = Reasons(file_name)
    records = records_of(content, reasons)
    reasons.raise_any()
    rows = [
        row
        for line, record in records
        if (row := row_of(line, record, technologies, reasons)) is not None
    ]
    requests = gathered(rows, reasons)
    if network is not None:
        lines = {row.request: row.line for row in reversed(rows)}
        check_buses(requests, lines, network, reasons)
    reasons.raise_any()
    return requests


def requests_fit(requests: Iterable[Request], network: Network) -> None:
    """Ask whether every request is at a bus of the case that can be studied.

    Raises:
        BadInput: one is not.
    """
    reasons = Reasons("requests")
    check_buses(requests, {}, network, reasons)
    reasons.raise_any()


def gathered(rows: list[Row], reasons: Reasons) -> tuple[Request, ...]:
    """Requests out of their rows; rows of one request must agree."""
    by_request: dict[str, list[Row]] = {}
    for row in rows:
        by_request.setdefault(row.request, []).append(row)
    requests = []
    for identity in sorted(by_request, key=sequence):
        own = by_request[identity]
        _check_agreement(own, reasons)
        components = tuple(sorted((row.component for row in own), key=lambda c: c.technology))
        sum_mw = math.fsum(component.mw for component in components)
        given = [row.net_mw for row in own if row.net_mw is not None]
        net_mw = given[0] if given else sum_mw
        if net_mw > sum_mw + NET_TOLERANCE_MW:
            reasons.add(
                "requests.net",
                f"request {identity} delivers {net_mw:,.12g} MW net of {sum_mw:,.12g} MW. "
                "Write a net amount that is at most the sum of its technologies.",
                own[0].line,
                "net_mw",
            )
        requests.append(Request(identity, own[0].bus, components, own[0].deliverability, net_mw))
    return tuple(requests)


def _check_agreement(own: list[Row], reasons: Reasons) -> None:
    first = own[0]
    for row in own[1:]:
        for field, mine, theirs in (
            ("bus", row.bus, first.bus),
            ("deliverability", row.deliverability.value, first.deliverability.value),
            ("net_mw", row.net_mw, first.net_mw),
        ):
            if mine != theirs:
                said = "nothing" if mine is None else mine
                other = "nothing" if theirs is None else theirs
                reasons.add(
                    "requests.disagree",
                    f"request {row.request} says {said} here and {other} on line {first.line}. "
                    "Write the same in all rows of one request.",
                    row.line,
                    field,
                )
    seen: dict[str, int] = {}
    for row in own:
        technology = row.component.technology
        if technology in seen:
            reasons.add(
                "requests.twice",
                f"request {row.request} has {technology} already on line {seen[technology]}. "
                "Add the two rows up.",
                row.line,
                "technology",
            )
        seen.setdefault(technology, row.line)


def check_buses(
    requests: Iterable[Request], lines: dict[str, int], network: Network, reasons: Reasons
) -> None:
    """Every request is at a bus of the case, and that bus is not isolated."""
    for request in requests:
        row = network.bus_row.get(request.bus)
        line = lines.get(request.request)
        if row is None:
            reasons.add(
                "requests.bus.unknown",
                f"request {request.request} is at bus {request.bus}, which {network.name} does not "
                "have. Write the number of a bus of the case.",
                line,
                "bus",
            )
        elif not network.is_bus_live[row]:
            reasons.add(
                "requests.bus.isolated",
                f"request {request.request} is at bus {request.bus}, which is isolated in "
                f"{network.name}. Choose a bus that is connected.",
                line,
                "bus",
            )
