"""Runs of a cluster's study: ask for one, see how far it is, give it up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from gentie.api.asking import now, who_asks
from gentie.api.listing import Listed, Piece, listed
from gentie.api.refusing import nothing_there
from gentie.contexts.intake.reads import cluster_by_slug
from gentie.contexts.studies import run_reads
from gentie.contexts.studies.run_actions import cancel_run, start_run

operations = Router(tags=["Study runs"])
RUNS = "/clusters/{slug:slug}/runs"


class Run(Schema):
    """A run of a cluster's study."""

    id: int
    state: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    words: str = Field(description="What is being done.")
    done: int
    whole: int = Field(description="Of how much; 0 where nobody knows.")
    left_s: float | None
    study: str = Field(description="Slug of the published study; empty before.")


class Runs(Listed[Run]):
    """A piece of the runs, the latest first."""


class Asked(Schema):
    """What is asked for."""

    policy: str = Field("", description="Of mitigation; empty for the rulebook's.")


@operations.get(RUNS, response=Runs, summary="Runs of a cluster's study")
def runs(request: HttpRequest, slug: str, piece: Query[Piece]) -> dict[str, Any]:
    """Runs, the latest first, as far as the asker may see them."""
    return listed(run_reads.runs_of(_cluster(slug).pk), piece, key="-pk", shown=_run)


@operations.post(RUNS, response={200: Run, 201: Run}, summary="Run a cluster's study")
def ask_for_run(request: HttpRequest, slug: str, asked: Asked) -> Status[dict[str, Any]]:
    """Ask for a run; where one is not over, that one is told and nothing starts twice."""
    acting = who_asks(request)
    made = start_run(
        cluster_slug=_cluster(slug).slug,
        policy=asked.policy,
        role=acting.role,
        asked_by=acting.person,
        by=acting.by,
        at=now(),
    )
    return Status(201 if made.is_new else 200, _run(made.run))


@operations.get("/runs/{int:run}", response=Run, summary="One run")
def run(request: HttpRequest, run: int) -> dict[str, Any]:
    """How far a run is."""
    return _run(_found(run))


@operations.post("/runs/{int:run}/cancel", response=Run, summary="Cancel a run")
def give_up_run(request: HttpRequest, run: int) -> dict[str, Any]:
    """Give a run up: at once where it waits, after its present search where it is under way."""
    acting = who_asks(request)
    return _run(cancel_run(run_id=_found(run).pk, role=acting.role, by=acting.by, at=now()))


def _cluster(slug: str) -> Any:
    found = cluster_by_slug(slug)
    if found is None:
        raise nothing_there()
    return found


def _found(run_id: int) -> Any:
    found = run_reads.run_by_id(run_id) if run_id < 2**63 else None
    if found is None:
        raise nothing_there()
    return found


def _run(one: Any) -> dict[str, Any]:
    own = {name: getattr(one, name) for name in Run.model_fields if name != "study"}
    return own | {"study": one.study.slug if one.study else ""}
