"""Requests by program: the same rows, checks and sentences as the pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gentie.contexts.accounts.examples import cast
from gentie.contexts.accounts.tokens import give_token
from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.examples import COMPLETE, EVIDENCE, example_cluster, example_draft

NOW = datetime.now(UTC).replace(microsecond=0)
BY = "program:test"


@pytest.fixture
def world(db, client):
    at = NOW - timedelta(hours=1)
    people = cast(by=BY, at=at)
    case = published_small_case(by=BY, at=at)
    cluster = example_cluster(case, by=BY, at=at)
    bus = case.points.exclude(capacity_mw=None).first().bus
    tokens = {
        word: give_token(
            person_id=member.person_id,
            organisation_id=member.organisation_id,
            has_factor=True,
            by=BY,
            at=datetime.now(UTC),
        ).text
        for word, member in people.members.items()
    }

    def ask(word: str, method: str, path: str, body: object = None):
        headers = {"Authorization": f"Bearer {tokens[word]}"} if word else {}
        return client.generic(
            method,
            f"/api/v1{path}",
            "" if body is None else json.dumps(body),
            "application/json",
            headers=headers,
        )

    def draft(word: str = "customer", **changed):
        member = people.members[word]
        return example_draft(
            cluster,
            organisation_id=member.organisation_id,
            person_id=member.person_id,
            by=BY,
            at=at,
            **{"bus": str(bus), **changed},
        )

    def filed(word: str = "customer"):
        made = draft(word)
        submit_request(
            request_id=made.pk,
            role="program",
            person_id=people.members[word].person_id,
            by=BY,
            at=at,
        )
        return made

    return SimpleNamespace(
        ask=ask, draft=draft, filed=filed, bus=bus, people=people, tokens=tokens, client=client
    )


def codes(answer) -> list[str]:
    return [one["code"] for one in answer.json()["errors"]]


def test_a_request_is_begun_filled_in_and_filed_by_program(world):
    begun = world.ask("customer", "POST", "/projects", {"texts": {"bus": str(world.bus)}})
    assert begun.status_code == 201
    path = f"/projects/{begun.json()['id']}"
    refused = world.ask("customer", "POST", f"{path}/submit")
    assert refused.status_code == 422
    told = [one["where"] for one in refused.json()["errors"]]
    assert told == [one["where"] for one in begun.json()["faults"]]
    assert len(told) > 10
    body = {"answers": {field: {"text": text} for field, text in COMPLETE.items()}}
    kept = world.ask("customer", "PUT", f"{path}/answers", body)
    assert all(one["is_saved"] and one["revision"] == 1 for one in kept.json())
    world.client.post(
        f"/api/v1{path}/evidence",
        {"evidence": SimpleUploadedFile("option.pdf", EVIDENCE)},
        headers={"Authorization": f"Bearer {world.tokens['customer']}"},
    )
    filed = world.ask("customer", "POST", f"{path}/submit")
    assert filed.status_code == 200
    told = filed.json()
    assert (told["state"], told["number"], told["net_mw"]) == ("filed", "C2-001", 80.0)
    assert told["documents"] == ["option.pdf"]
    assert (told["money"]["invoiced"], told["money"]["due"]) == ("155000.00", "155000.00")
    again = world.ask("customer", "POST", f"{path}/submit")
    assert codes(again) == ["request.submit.state"]


def test_words_of_two_are_both_kept(world):
    path = f"/projects/{world.draft().pk}/answers"
    first = {"answers": {"county": {"text": "First", "revision": 1}}}
    second = {"answers": {"county": {"text": "Second", "revision": 1}}}
    world.ask("customer", "PUT", path, first)
    (kept,) = world.ask("customer", "PUT", path, second).json()
    assert kept == {
        "field": "county",
        "revision": 2,
        "text": "First",
        "is_saved": False,
        "by": "Carla Customer",
    }


@pytest.mark.parametrize("word", ["other", "consultant"])
def test_another_organisation_finds_nothing_private(world, word):
    draft, filed = world.draft(), world.filed()
    assert world.ask(word, "GET", "/projects").json()["items"] == []
    for one in (draft, filed):
        for method, verb, body in (
            ("GET", "", None),
            ("PUT", "/answers", {"answers": {"county": {"text": "x"}}}),
            ("POST", "/submit", None),
            ("POST", "/discard", None),
            ("POST", "/withdraw", None),
        ):
            assert world.ask(word, method, f"/projects/{one.pk}{verb}", body).status_code == 404
    begun = world.ask(
        word, "POST", "/projects", {"organisation": world.people.organisations["first"].pk}
    )
    assert codes(begun) == ["intake.owner.unknown"]
    public = world.ask(word, "GET", "/clusters/cluster-2/positions").text
    assert "C2-001" in public
    for private in ("Example Sun", "First Sun", "organisation", "deposit"):
        assert private not in public


def test_the_operator_takes_in_and_out_and_records_payments(world):
    request = world.filed()
    path = "/clusters/cluster-2/positions"
    body = {"move": "take_in", "numbers": ["C2-001"]}
    assert world.ask("customer", "POST", path, body).status_code == 403
    assert world.ask("", "POST", path, body).status_code == 401
    taken = world.ask("engineer", "POST", path, body)
    assert (taken.json()["taken_in"], taken.json()["taken_in_mw"]) == (1, 80.0)
    assert codes(world.ask("engineer", "POST", path, body)) == ["position.take_in.state"]
    assert codes(world.ask("engineer", "POST", path, {"move": "x", "numbers": []})) == [
        "intake.move.unknown"
    ]
    paid = world.ask("specialist", "POST", f"/projects/{request.pk}/payment", {"amount": "5,000"})
    assert paid.json() == {"due": "150000.00", "currency": "USD"}
    assert world.ask("customer", "GET", f"/projects/{request.pk}").json()["money"]["paid"] == (
        "5000.00"
    )
    gone = world.ask("customer", "POST", f"/projects/{request.pk}/withdraw")
    assert gone.json()["position_state"] == "withdrawn"


def test_a_window_is_closed_and_opened_again(world):
    draft = world.draft()
    path = "/clusters/cluster-2/window"
    assert world.ask("specialist", "POST", path, {"move": "close"}).json()["state"] == "closed"
    assert codes(world.ask("specialist", "POST", path, {"move": "close"})) == [
        "cluster.close.state"
    ]
    assert codes(world.ask("specialist", "POST", path, {"move": "x"})) == ["intake.move.unknown"]
    assert codes(world.ask("customer", "POST", f"/projects/{draft.pk}/submit")) == [
        "intake.window.late"
    ]
    assert codes(world.ask("customer", "POST", "/projects", {})) == ["intake.window.none"]
    world.ask("specialist", "POST", path, {"move": "reopen"})
    assert world.ask("customer", "POST", f"/projects/{draft.pk}/submit").status_code == 200


def test_lists_come_in_pieces_and_what_is_not_there_is_said(world):
    for _ in range(3):
        world.filed()
    first = world.ask("", "GET", "/clusters/cluster-2/positions?limit=2").json()
    rest = world.ask("", "GET", f"/clusters/cluster-2/positions?after={first['next']}").json()
    assert [one["number"] for one in first["items"] + rest["items"]] == [
        "C2-001",
        "C2-002",
        "C2-003",
    ]
    mine = world.ask("customer", "GET", "/projects?limit=2").json()
    assert [one["number"] for one in mine["items"]] == ["C2-003", "C2-002"]
    assert world.ask("", "GET", "/clusters").json()["items"][0]["filed"] == 3
    assert world.ask("", "GET", "/clusters/none").status_code == 404
    draft = world.draft()
    assert world.ask("customer", "POST", f"/projects/{draft.pk}/withdraw").status_code == 404
    assert world.ask("customer", "POST", f"/projects/{draft.pk}/discard").json()["state"] == (
        "discarded"
    )
