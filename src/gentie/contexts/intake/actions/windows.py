"""Open and close the window of a cluster."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.intake.lifecycles import CLUSTER
from gentie.contexts.intake.models import Cluster
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.lifecycle import Refused
from gentie.rulebook.book import Rulebook


@transaction.atomic
def open_cluster(
    *,
    name: str,
    slug: str,
    mark: str,
    opens_at: datetime,
    closes_at: datetime,
    base_case_id: int,
    rulebook: Rulebook,
    by: str,
    at: datetime,
) -> Cluster:
    """Make a cluster with its window.

    Args:
        name: for people.
        slug: in addresses.
        mark: what the numbers of its requests begin with.
        opens_at: first moment of the window.
        closes_at: first moment after it.
        base_case_id: of the published base case.
        rulebook: that its requests are filed under, pinned as it is now.
        by: who, as ``kind:id``.
        at: when.

    Raises:
        BadInput: the name, the slug or the mark is taken or blank, or the window has no length.
    """
    name = name.strip()
    reasons = []
    if not name or not slug:
        reasons.append(Finding("intake.cluster.unnamed", "A cluster needs a name."))
    if Cluster.objects.filter(name=name).exists() or Cluster.objects.filter(slug=slug).exists():
        reasons.append(Finding("intake.cluster.taken", f"There is a cluster named {name} already."))
    if not (mark.isascii() and mark.isalnum() and mark.isupper()):
        reasons.append(
            Finding(
                "intake.cluster.mark",
                f"The mark {mark!r} cannot begin the numbers of requests: take capital letters and "
                "digits, such as C2.",
            )
        )
    elif Cluster.objects.filter(mark=mark).exists():
        reasons.append(
            Finding("intake.cluster.mark_taken", f"The mark {mark} belongs to another cluster.")
        )
    if closes_at <= opens_at:
        reasons.append(
            Finding(
                "intake.cluster.window", "The window closes before it opens: give a later closing."
            )
        )
    if reasons:
        raise BadInput(reasons)
    made = Cluster.objects.create(
        name=name,
        slug=slug,
        mark=mark,
        opens_at=opens_at,
        closes_at=closes_at,
        base_case_id=base_case_id,
        rulebook=rulebook.name,
        rulebook_version=rulebook.version,
        rulebook_digest=rulebook.digest,
        rulebook_files={name: content.decode() for name, content in rulebook.sources.items()},
    )
    record(by=by, action="cluster.opened", subject=f"cluster:{made.pk}", at=at)
    return made


@transaction.atomic
def move_window(*, cluster_id: int, move: str, role: str, by: str, at: datetime) -> None:
    """Close a window, or open it again.

    Args:
        cluster_id: whose.
        move: ``close`` or ``reopen``.
        role: of the one who acts.
        by: who, as ``kind:id``.
        at: when.

    Raises:
        BadInput: there is no such cluster, or the move may not be made now.
    """
    cluster = Cluster.objects.filter(pk=cluster_id).first()
    if cluster is None:
        raise BadInput(Finding("intake.cluster.unknown", "There is no such cluster."))
    step = CLUSTER.step(move, state=cluster.state, role=role, subject=None)
    if isinstance(step, Refused):
        raise BadInput(step.reasons)
    if not Cluster.objects.filter(pk=cluster_id, state=step.source).update(state=step.target):
        raise BadInput(
            Finding(
                "intake.cluster.moved", "Somebody moved this window in the meantime: look again."
            )
        )
    record(by=by, action=f"cluster.{move}", subject=f"cluster:{cluster_id}", at=at)
