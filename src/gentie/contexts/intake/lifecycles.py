"""What may become of a cluster, of a request as it is filled in, and of its place in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gentie.contexts.accounts.roles import OPERATOR_ROLES, PROGRAM, Role
from gentie.quantities.findings import Finding
from gentie.quantities.lifecycle import Lifecycle, Move
from gentie.quantities.moments import said_moment

CUSTOMERS = frozenset({str(Role.CUSTOMER), PROGRAM})
STAFF = frozenset({*map(str, OPERATOR_ROLES), PROGRAM})


@dataclass(frozen=True, slots=True)
class Window:
    """When requests are taken, asked at a moment.

    Attributes:
        name: of the cluster.
        opens_at: its first moment.
        closes_at: the first moment after it.
        zone: IANA name of the operator's zone.
        is_closed: the operator has closed it.
        at: the moment of asking.
    """

    name: str
    opens_at: datetime
    closes_at: datetime
    zone: str
    is_closed: bool
    at: datetime


def window_is_open(window: Window) -> Finding | None:
    """Requests are taken at this moment."""
    if window.at < window.opens_at:
        opens = said_moment(window.opens_at, window.zone)
        return Finding(
            "intake.window.early",
            f"The window of {window.name} opens {opens}; until then the draft is kept as it is.",
        )
    if window.is_closed or window.at >= window.closes_at:
        closed = "is closed" if window.is_closed else "closed "
        when = "" if window.is_closed else said_moment(window.closes_at, window.zone)
        return Finding(
            "intake.window.late",
            f"The window of {window.name} {closed}{when}; keep the draft for the next one.",
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

REQUEST: Lifecycle[Window] = Lifecycle(
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
