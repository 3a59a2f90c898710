"""Clusters and requests: what is public of them, and everything that the pages do with them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from ninja import File, Query, Router, Schema, Status, UploadedFile
from pydantic import Field

from gentie.api.asking import now, who_asks
from gentie.api.listing import Listed, Piece, listed
from gentie.api.refusing import nothing_there
from gentie.contexts.intake import reads
from gentie.contexts.intake.actions.drafting import (
    Words,
    discard_request,
    hand_in_evidence,
    save_answers,
    start_request,
)
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.actions.paying import record_payment
from gentie.contexts.intake.actions.queueing import move_positions
from gentie.contexts.intake.actions.windows import move_window
from gentie.contexts.intake.checks import faults_of
from gentie.contexts.intake.form import asked_fields
from gentie.quantities.findings import BadInput, Finding

operations = Router(tags=["Requests"])
PROJECT = "/projects/{int:project}"
CLUSTER = "/clusters/{slug:slug}"


class Cluster(Schema):
    """A window in which requests are filed that are studied together."""

    slug: str
    name: str
    state: str
    opens_at: datetime
    closes_at: datetime
    rulebook_version: str
    filed: int
    taken_in: int
    taken_in_mw: float


class Clusters(Listed[Cluster]):
    """A piece of the clusters."""


class Position(Schema):
    """What everybody may know of a filed request."""

    number: str
    state: str
    bus: int
    point: str
    bus_name: str
    kv: float
    owner: str
    technologies: list[str]
    technology_mw: list[float]
    technology_mwh: list[float | None]
    net_mw: float
    deliverability: str
    commercial_operation: date
    filed_at: datetime


class Positions(Listed[Position]):
    """A piece of a queue."""


class Fault(Schema):
    """What keeps a request from being filed."""

    code: str
    sentence: str
    where: str


class Project(Schema):
    """A request of an organisation, as a draft or filed."""

    id: int
    state: str
    organisation: int
    cluster: str
    project: str = Field(description="Its name; empty where none was typed yet.")
    number: str = Field(description="Empty before it is filed.")
    position_state: str


class Projects(Listed[Project]):
    """A piece of the requests."""


class Answered(Schema):
    """What stands in a field."""

    text: str
    revision: int


class Invoiced(Schema):
    """What is due with a filed request."""

    currency: str
    application_fee: Decimal
    study_deposit: Decimal
    site_deposit: Decimal
    invoiced: Decimal
    paid: Decimal
    due: Decimal


class WholeProject(Project):
    """A request with its answers."""

    answers: dict[str, Answered]
    asked: list[str] = Field(description="Fields that matter, given what stands in them.")
    net_mw: float | None
    faults: list[Fault] = Field(description="All of them; empty once it is filed.")
    documents: list[str]
    money: Invoiced | None


class NewProject(Schema):
    """A request to begin."""

    organisation: int | None = Field(None, description="Mine by default, or one that lets me act.")
    texts: dict[str, str] = Field(default_factory=dict, description="Text by field.")


class Typed(Schema):
    """What was typed into a field, and the revision that it rests on (0 for an empty one)."""

    text: str
    revision: int = Field(0, ge=0)


class TypedAnswers(Schema):
    """What was typed, by field."""

    answers: dict[str, Typed]


class Kept(Schema):
    """What stands in the field now; `is_saved` is false where somebody else wrote meanwhile."""

    field: str
    revision: int
    text: str
    is_saved: bool
    by: str


class Moves(Schema):
    """Positions to be moved, all or none."""

    move: str = Field(description="take_in or take_out.")
    numbers: list[str]


class WindowMove(Schema):
    """What is done with a window."""

    move: str = Field(description="close or reopen.")


class Payment(Schema):
    """A payment that came in."""

    amount: str = Field(max_length=40, description="In the currency of the request.")


class Left(Schema):
    """What is still due."""

    due: Decimal
    currency: str


@operations.get("/clusters", response=Clusters, summary="Clusters")
def clusters(request: HttpRequest, piece: Query[Piece]) -> dict[str, Any]:
    """All clusters with their windows, the latest first."""
    return listed(reads.clusters(), piece, key="-pk", shown=_cluster)


@operations.get(CLUSTER, response=Cluster, summary="One cluster")
def cluster(request: HttpRequest, slug: str) -> dict[str, Any]:
    """A cluster with its window."""
    return _cluster(_cluster_of(slug))


@operations.get(f"{CLUSTER}/positions", response=Positions, summary="The queue of a cluster")
def positions(request: HttpRequest, slug: str, piece: Query[Piece]) -> dict[str, Any]:
    """Requests filed in a window, in the order of filing."""
    return listed(reads.positions_in(_cluster_of(slug)), piece)


@operations.post(f"{CLUSTER}/positions", response=Cluster, summary="Move requests of a cluster")
def move_in_cluster(request: HttpRequest, slug: str, moves: Moves) -> dict[str, Any]:
    """Take requests into their cluster, or out of it: all of them, or none."""
    acting = who_asks(request)
    found = _cluster_of(slug)
    if moves.move not in {"take_in", "take_out"}:
        raise BadInput(
            Finding("intake.move.unknown", "“move” is take_in or take_out.", where="move")
        )
    move_positions(numbers=moves.numbers, move=moves.move, role=acting.role, by=acting.by, at=now())
    return _cluster(_cluster_of(found.slug))


@operations.post(f"{CLUSTER}/window", response=Cluster, summary="Close or reopen a window")
def move_cluster_window(request: HttpRequest, slug: str, given: WindowMove) -> dict[str, Any]:
    """Close a window before its time, or open it again."""
    acting, found = who_asks(request), _cluster_of(slug)
    if given.move not in {"close", "reopen"}:
        raise BadInput(Finding("intake.move.unknown", "“move” is close or reopen.", where="move"))
    move_window(cluster_id=found.pk, move=given.move, role=acting.role, by=acting.by, at=now())
    return _cluster(_cluster_of(slug))


@operations.get("/projects", response=Projects, summary="My projects")
def projects(request: HttpRequest, piece: Query[Piece]) -> dict[str, Any]:
    """Requests that the asker may see, the latest first."""
    found = listed(reads.requests_seen(), piece, key="-pk", shown=lambda one: one)
    names = reads.project_names(found["items"])
    return {**found, "items": [_project(one, names.get(one.pk, "")) for one in found["items"]]}


@operations.post("/projects", response={201: WholeProject}, summary="Begin a request")
def begin_project(request: HttpRequest, given: NewProject) -> Status[dict[str, Any]]:
    """Begin a draft in the window that is open or opens next."""
    acting = who_asks(request)
    window = reads.open_cluster_at(now())
    if window is None:
        raise BadInput(
            Finding("intake.window.none", "No window is open or planned: nothing can be begun.")
        )
    owners = {one.pk for one in reads.owners_for(acting.organisation)}
    organisation = given.organisation or acting.organisation
    if organisation is None or organisation not in owners:
        raise BadInput(
            Finding(
                "intake.owner.unknown",
                "You may not begin a request for this organisation.",
                where="organisation",
            )
        )
    made = start_request(
        organisation_id=organisation,
        cluster_id=window.pk,
        person_id=acting.person,
        by=acting.by,
        at=now(),
        texts=given.texts,
    )
    return Status(201, _whole(made.pk))


@operations.get(PROJECT, response=WholeProject, summary="One project")
def project(request: HttpRequest, project: int) -> dict[str, Any]:
    """A request with its answers, and everything that keeps it from being filed."""
    return _whole(project)


@operations.put(f"{PROJECT}/answers", response=list[Kept], summary="Save answers")
def save_project_answers(
    request: HttpRequest, project: int, given: TypedAnswers
) -> list[dict[str, Any]]:
    """Keep what was typed; where somebody else wrote in the meantime, both are kept."""
    acting, found = who_asks(request), _request_of(project)
    kept = save_answers(
        request_id=found.pk,
        words={field: Words(one.text, one.revision) for field, one in given.answers.items()},
        person_id=acting.person,
        by=acting.by,
        at=now(),
    )
    return [
        {
            "field": one.field,
            "revision": one.revision,
            "text": one.text,
            "is_saved": one.is_saved,
            "by": one.by,
        }
        for one in kept
    ]


@operations.post(f"{PROJECT}/evidence", response=WholeProject, summary="Hand in evidence")
def hand_in_project_evidence(
    request: HttpRequest, project: int, evidence: File[UploadedFile]
) -> dict[str, Any]:
    """Keep a document that shows the control of the site."""
    acting, found = who_asks(request), _request_of(project)
    hand_in_evidence(
        request_id=found.pk,
        file_name=evidence.name or "",
        content=evidence.read(),
        by=acting.by,
        at=now(),
    )
    return _whole(project)


@operations.post(f"{PROJECT}/submit", response=WholeProject, summary="Submit a request")
def submit_project(request: HttpRequest, project: int) -> dict[str, Any]:
    """File a request, or tell everything that is in the way."""
    acting, found = who_asks(request), _request_of(project)
    submit_request(
        request_id=found.pk, role=acting.role, person_id=acting.person, by=acting.by, at=now()
    )
    return _whole(project)


@operations.post(f"{PROJECT}/discard", response=Project, summary="Discard a draft")
def discard_project(request: HttpRequest, project: int) -> dict[str, Any]:
    """Let a draft go; everything typed into it is kept."""
    acting, found = who_asks(request), _request_of(project)
    discard_request(request_id=found.pk, role=acting.role, by=acting.by, at=now())
    return _whole(project)


@operations.post(f"{PROJECT}/withdraw", response=Project, summary="Withdraw a request")
def withdraw_project(request: HttpRequest, project: int) -> dict[str, Any]:
    """Leave the queue; this is final."""
    acting, found = who_asks(request), _request_of(project)
    if found.state != "filed":
        raise nothing_there()
    move_positions(
        numbers=[found.position.number],
        move="withdraw",
        role=acting.role,
        by=acting.by,
        at=now(),
    )
    return _whole(project)


@operations.post(f"{PROJECT}/payment", response=Left, summary="Record a payment")
def record_project_payment(request: HttpRequest, project: int, given: Payment) -> dict[str, Any]:
    """Record a payment that the operator received."""
    acting, found = who_asks(request), _request_of(project)
    left = record_payment(request_id=found.pk, amount=given.amount, by=acting.by, at=now())
    return {"due": left.amount, "currency": left.currency}


def _cluster_of(slug: str) -> Any:
    found = reads.cluster_by_slug(slug)
    if found is None:
        raise nothing_there()
    return found


def _request_of(number: int) -> Any:
    found = reads.request_by_id(number)
    if found is None:
        raise nothing_there()
    return found


def _cluster(one: Any) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in Cluster.model_fields}
    return told | {"taken_in_mw": one.taken_in_mw or 0.0}


def _project(one: Any, name: str) -> dict[str, Any]:
    is_filed = one.state == "filed"
    return {
        "id": one.pk,
        "state": one.state,
        "organisation": one.organisation_id,
        "cluster": one.cluster.slug,
        "project": name,
        "number": one.position.number if is_filed else "",
        "position_state": one.position.state if is_filed else "",
    }


def _whole(number: int) -> dict[str, Any]:
    one = _request_of(number)
    asked = reads.asked_of(one, at=now())
    texts = asked.answers.texts
    return {
        **_project(one, texts.get("project", "")),
        "answers": {
            field: {"text": answer.text, "revision": answer.revision}
            for field, answer in reads.answers_of(one).items()
        },
        "asked": [field.key for field in asked_fields(texts)],
        "net_mw": asked.answers.net_mw,
        "faults": [
            {"code": fault.code, "sentence": fault.sentence, "where": fault.where}
            for fault in (faults_of(asked) if one.state == "draft" else ())
        ],
        "documents": [document.file_name for document in reads.evidence_of(one)],
        "money": _money(one) if one.state == "filed" else None,
    }


def _money(one: Any) -> dict[str, Any]:
    filing, held = one.filing, reads.money_of(one)
    return {
        "currency": filing.currency,
        "application_fee": filing.application_fee,
        "study_deposit": filing.study_deposit,
        "site_deposit": filing.site_deposit,
        "invoiced": held.invoiced.amount,
        "paid": held.paid.amount,
        "due": held.due.amount,
    }
