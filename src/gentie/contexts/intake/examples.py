"""A cluster and requests for it: believable, and fictional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gentie.contexts.intake.actions.drafting import hand_in_evidence, start_request
from gentie.contexts.intake.actions.windows import open_cluster
from gentie.contexts.intake.models import Cluster, Request
from gentie.rulebook.book import load_rulebook

COMPLETE: Mapping[str, str] = {
    "project": "Example Sun",
    "kind": "new",
    "county": "Example County",
    "technology_1": "solar",
    "mw_1": "60",
    "technology_2": "storage",
    "mw_2": "50",
    "mwh_2": "200",
    "gross_mw": "82",
    "limited_by": "Plant controller, set to 82 MW",
    "auxiliary_mw": "1",
    "losses_mw": "1",
    "deliverability": "full",
    "in_service": "2029-03-01",
    "trial_operation": "2029-04-01",
    "commercial_operation": "2029-06-01",
    "site_control": "option",
    "site_share": "95",
    "contact": "Carla Customer",
    "contact_email": "customer@example.org",
    "signed_by": "First Sun Projects",
    "certified": "yes",
}
"""Answers that lack the point only."""

EVIDENCE = b"%PDF-1.4\n% An invented option on a site.\n%%EOF\n"


def example_cluster(case: Any, *, by: str, at: datetime, mark: str = "C2") -> Cluster:
    """A cluster whose window opened yesterday and closes in a month."""
    return open_cluster(
        name=f"Cluster {mark[1:]}",
        slug=f"cluster-{mark[1:]}",
        mark=mark,
        opens_at=at - timedelta(days=1),
        closes_at=at + timedelta(days=30),
        base_case_id=case.pk,
        rulebook=load_rulebook(case.rulebook),
        by=by,
        at=at,
    )


def example_draft(
    cluster: Cluster,
    *,
    organisation_id: int,
    person_id: int | None,
    by: str,
    at: datetime,
    bus: int | None = None,
    is_shown: bool = True,
    **changed: str,
) -> Request:
    """A draft with all answers; some can be changed, an empty text leaves one out.

    ``is_shown``: with a document that shows the control of the site.
    """
    texts = {**COMPLETE, **({} if bus is None else {"bus": str(bus)}), **changed}
    made = start_request(
        organisation_id=organisation_id,
        cluster_id=cluster.pk,
        person_id=person_id,
        by=by,
        at=at,
        texts={field: text for field, text in texts.items() if text},
    )
    if is_shown:
        hand_in_evidence(request_id=made.pk, file_name="option.pdf", content=EVIDENCE, by=by, at=at)
    return made
