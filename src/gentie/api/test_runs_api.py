"""Runs, notices, documents and clearances by program."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gentie.api.examples import errors, send
from gentie.contexts.accounts.examples import cast
from gentie.contexts.accounts.tokens import give_token
from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.actions.queueing import move_positions
from gentie.contexts.intake.examples import EVIDENCE, example_cluster, example_draft
from gentie.contexts.intake.reads import evidence_of, request_by_id

BY = "program:test"
RUNS = "/clusters/cluster-2/runs"


@pytest.fixture
def people(db):
    return cast(by=BY, at=datetime.now(UTC))


@pytest.fixture
def filed(people):
    """A request of the customer, in the cluster."""
    at = datetime.now(UTC)
    case = published_small_case(by=BY, at=at)
    member = people.members["customer"]
    draft = example_draft(
        example_cluster(case, by=BY, at=at),
        organisation_id=member.organisation_id,
        person_id=member.person_id,
        by=BY,
        at=at,
        bus=case.points.first().bus,
    )
    submit_request(request_id=draft.pk, role="program", person_id=None, by=BY, at=at)
    return draft


@pytest.fixture
def token(people):
    return {
        word: give_token(
            person_id=member.person_id,
            organisation_id=member.organisation_id,
            has_factor=True,
            by=BY,
            at=datetime.now(UTC),
        ).text
        for word, member in people.members.items()
    }


def test_two_who_ask_for_a_run_get_one(client, filed, token):
    empty = send(client, "POST", RUNS, {}, token["engineer"])
    assert (empty.status_code, errors(empty)) == (422, ["study.run.empty"])
    move_positions(numbers=["C2-001"], move="take_in", role="program", by=BY, at=datetime.now(UTC))
    first = send(client, "POST", RUNS, {}, token["engineer"])
    again = send(client, "POST", RUNS, {"policy": "wires_first"}, token["engineer"])
    assert (first.status_code, again.status_code) == (201, 200)
    run = first.json()
    assert again.json()["id"] == run["id"]
    assert (run["state"], run["study"]) == ("queued", "")
    path = f"/runs/{run['id']}"
    assert send(client, "GET", path, token=token["customer"]).json()["state"] == "queued"
    assert send(client, "GET", path, token=token["other"]).status_code == 404
    assert send(client, "POST", f"{path}/cancel", token=token["customer"]).status_code == 403
    ended = send(client, "POST", f"{path}/cancel", token=token["engineer"])
    assert ended.json()["state"] == "cancelled"
    assert send(client, "POST", f"{path}/cancel", token=token["engineer"]).status_code == 422
    listed = send(client, "GET", RUNS, token=token["specialist"]).json()
    assert [one["id"] for one in listed["items"]] == [run["id"]]


def test_notices_are_read_and_marked_by_whom_they_are_for(client, filed, token):
    told = send(client, "GET", "/notices", token=token["customer"]).json()["items"]
    assert [(one["title"], one["read_at"]) for one in told] == [("C2-001 was received", None)]
    body = {"notices": [told[0]["id"]]}
    assert send(client, "POST", "/notices/read", body, token["other"]).status_code == 422
    marked = send(client, "POST", "/notices/read", body, token["customer"])
    assert marked.json() == {"marked": 1}
    assert send(client, "GET", "/notices", token=token["other"]).json()["items"] == []


def test_a_document_is_given_to_whom_it_is_for(client, filed, token):
    paper = evidence_of(request_by_id(filed.pk)).get()
    path = f"/documents/{paper.pk}"
    answer = send(client, "GET", path, token=token["customer"])
    assert answer.content == EVIDENCE
    assert answer["Content-Disposition"].startswith("attachment")
    assert send(client, "GET", path, token=token["other"]).status_code == 404
    assert send(client, "GET", path).status_code == 401


def test_an_administrator_clears_an_organisation_and_ends_it(client, people, token):
    organisation = people.organisations["first"]
    for is_cleared in (True, False):
        body = {"organisation": organisation.pk, "is_cleared": is_cleared}
        assert send(client, "PUT", "/people/ceii", body, token["customer"]).status_code == 403
        answer = send(client, "PUT", "/people/ceii", body, token["administrator"])
        assert answer.json() == body
        organisation.refresh_from_db()
        assert organisation.may_see_ceii is is_cleared
