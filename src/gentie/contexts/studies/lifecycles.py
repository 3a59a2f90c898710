"""What may become of a run of a cluster's study."""

from __future__ import annotations

from gentie.contexts.accounts.roles import PROGRAM, Role
from gentie.quantities.lifecycle import Lifecycle, Move

ENGINEERS = frozenset({str(Role.ENGINEER), PROGRAM})
WORKER = frozenset({PROGRAM})

RUN: Lifecycle[None] = Lifecycle(
    "run",
    "queued",
    (
        Move("begin", ("queued",), "running", WORKER),
        # Nobody works on it yet, so nobody has to hear of it.
        Move("drop", ("queued",), "cancelled", ENGINEERS),
        Move("cancel", ("running",), "cancelling", ENGINEERS),
        Move("stop", ("cancelling",), "cancelled", WORKER),
        Move("fail", ("running", "cancelling"), "failed", WORKER),
        Move("finish", ("running",), "done", WORKER),
    ),
)

ACTIVE = ("queued", "running", "cancelling")
"""States of a run that is not over; a cluster has one such run at most."""

STEP_STATES = ("running", "done", "failed", "stopped")
"""Of a step: under way or left by a dead worker, kept, refused, put down before its end."""
