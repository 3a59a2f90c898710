"""What may become of a cluster, of a request as it is filled in, and of its place in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gentie.contexts.accounts.roles import PROGRAM, Role
from gentie.quantities.findings import Finding
from gentie.quantities.lifecycle import Lifecycle, Move

CUSTOMERS = frozenset({str(Role.CUSTOMER), PROGRAM})
STAFF = frozenset({str(Role.SPECIALIST), str(Role.ENGINEER), str(Role.ADMINISTRATOR), PROGRAM})


@dataclass(frozen=True, slots=True)
class Window:
    """When requests are taken, asked at a moment.

    Attributes:
        name: of the cluster.
        opens_at: its first moment.
        closes_at: the first moment after it.
        is_closed: the operator has closed it.
        at: the moment of asking.
    """

    name: str
    opens_at: datetime
    closes_at: datetime
    is_closed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Submission:
    """What is asked when a request is submitted.

    Attributes:
        window: of its cluster.
        faults: everything that its answers lack.
    """

    window: Window
    faults: tuple[Finding, ...] = ()


def window_is_open(asked: Submission) -> Finding | None:
    """Requests are taken at this moment."""
    window = asked.window
    if window.at < window.opens_at:
        return Finding(
            "request.window.early",
            f"The window of {window.name} opens {window.opens_at:%d %b %Y, %H:%M} UTC; until then "
            "the draft is kept as it is.",
        )
    if window.is_closed or window.at >= window.closes_at:
        return Finding(
            "request.window.late",
            f"The window of {window.name} closed {window.closes_at:%d %b %Y, %H:%M} UTC; keep the "
            "draft for the next one.",
        )
    return None


CLUSTER: Lifecycle[None] = Lifecycle(
    "cluster",
    "open",
    (
        Move("close", ("open",), "closed", STAFF),
        Move("reopen", ("closed",), "open", STAFF),
    ),
)

REQUEST: Lifecycle[Submission] = Lifecycle(
    "request",
    "draft",
    (
        Move("submit", ("draft",), "filed", CUSTOMERS, (window_is_open,), "Appendix 1"),
        Move("discard", ("draft",), "discarded", CUSTOMERS),
    ),
)

POSITION: Lifecycle[None] = Lifecycle(
    "position",
    "waiting",
    (
        Move("take_in", ("waiting",), "in_cluster", STAFF),
        Move("take_out", ("in_cluster",), "waiting", STAFF),
        Move("withdraw", ("waiting", "in_cluster"), "withdrawn", CUSTOMERS),
    ),
)
