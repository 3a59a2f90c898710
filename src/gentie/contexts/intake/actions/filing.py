"""File a request: all unmet conditions at once, or a place in the queue."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from gentie.contexts.accounts.reads import operator_organisation
from gentie.contexts.audit.actions import record
from gentie.contexts.grid.reads import point_at
from gentie.contexts.intake.actions.drafting import moved_meanwhile, no_request
from gentie.contexts.intake.answers import Answers
from gentie.contexts.intake.checks import faults_of
from gentie.contexts.intake.deposits import deposits
from gentie.contexts.intake.form import IN_LIEU, asked_fields
from gentie.contexts.intake.lifecycles import REQUEST
from gentie.contexts.intake.models import Cluster, Filing, QueuePosition, Request
from gentie.contexts.intake.reads import asked_of, subject_of, window_of
from gentie.contexts.ledger.actions import post
from gentie.contexts.ledger.chart import DEPOSIT_INVOICED, Account
from gentie.contexts.notices.actions import queue
from gentie.quantities.findings import BadInput, Finding
from gentie.quantities.lifecycle import Refused


@transaction.atomic
def submit_request(
    *, request_id: int, role: str, person_id: int | None, by: str, at: datetime
) -> Filing:
    """File a request under the rules of its cluster.

    Args:
        request_id: of the draft.
        role: of the one who acts.
        person_id: who submits; None for a program.
        by: the same, as ``kind:id``.
        at: when.

    Raises:
        BadInput: some condition is not met; all of them are told.
    """
    request = Request.objects.select_related("cluster__base_case").filter(pk=request_id).first()
    if request is None:
        raise BadInput(no_request())
    cluster = request.cluster
    asked = asked_of(request, at=at)
    step = REQUEST.step("submit", state=request.state, role=role, subject=window_of(cluster, at))
    operator = operator_organisation()
    reasons = [*(step.reasons if isinstance(step, Refused) else ()), *faults_of(asked)]
    if request.state != REQUEST.initial and isinstance(step, Refused):
        reasons = list(step.reasons)
    if operator is None:
        reasons.append(
            Finding(
                "intake.operator.none",
                "This installation has no operator yet who could take a request.",
            )
        )
    if reasons:
        raise BadInput(reasons)
    assert not isinstance(step, Refused)
    assert operator is not None
    if not Request.objects.filter(pk=request_id, state=step.source).update(state=step.target):
        raise BadInput(moved_meanwhile())
    answers = asked.answers
    net_mw = answers.net_mw
    assert net_mw is not None
    due = deposits(
        asked.rulebook,
        net_mw=net_mw,
        is_in_lieu=answers.values["site_control"] == IN_LIEU,
    )
    filing = Filing.objects.create(
        request=request,
        operator=operator,
        cluster=cluster,
        rulebook_version=asked.rulebook.version,
        project=answers.values["project"],
        answers={
            field.key: answers.texts.get(field.key, "") for field in asked_fields(answers.texts)
        },
        application_fee=due.application_fee.amount,
        study_deposit=due.study_deposit.amount,
        site_deposit=due.site_deposit.amount,
        currency=due.due.currency,
        filed_by_id=person_id,
        filed_at=at,
    )
    position = _take_place(request, cluster, answers, net_mw, at)
    post(
        subject=subject_of(request_id),
        organisation_id=request.organisation_id,
        kind=DEPOSIT_INVOICED,
        postings={
            Account.RECEIVABLE: due.due,
            Account.FEES: -due.application_fee,
            Account.DEPOSITS_HELD: -(due.study_deposit + due.site_deposit),
        },
        memo="intake.study_deposit",
        figures={"net_mw": net_mw, "rulebook_version": asked.rulebook.version},
        by=by,
        at=at,
    )
    for organisation_id, code, title in (
        (operator.pk, "intake.request.filed", f"{position.number} was filed"),
        (request.organisation_id, "intake.request.received", f"{position.number} was received"),
    ):
        queue(
            organisation_id=organisation_id,
            code=code,
            title=title,
            body=(
                f"{filing.project}: {net_mw:,g} MW at {position.bus_name or position.point}, in "
                f"{cluster.name}. Due with the request: {due.due}."
            ),
            subject=subject_of(request_id),
            address=f"/projects/{request_id}/",
            by=by,
            at=at,
        )
    record(by=by, action="request.submitted", subject=f"request:{request_id}", at=at)
    return filing


def _take_place(
    request: Request, cluster: Cluster, answers: Answers, net_mw: float, at: datetime
) -> QueuePosition:
    """The next number of the cluster; two who submit at once wait for each other here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('gentie.intake.number'), %s)", [cluster.pk]
        )
    place = QueuePosition.objects.filter(cluster=cluster).count() + 1
    point = point_at(cluster.base_case, answers.values["bus"])
    assert point is not None
    components = answers.components
    return QueuePosition.objects.create(
        request=request,
        cluster=cluster,
        number=f"{cluster.mark}-{place:03d}",
        bus=point.bus,
        point=point.point,
        bus_name=point.bus_name,
        kv=point.kv,
        owner=point.owner,
        technologies=[one.technology for one in components],
        technology_mw=[one.mw for one in components],
        technology_mwh=[one.mwh for one in components],
        net_mw=net_mw,
        deliverability=answers.values["deliverability"],
        commercial_operation=answers.values["commercial_operation"],
        filed_at=at,
    )
