"""Every operation of the interface by every role: the same table as the pages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from gentie.api.site import api, names_by_address, operations
from gentie.contexts.accounts.examples import cast
from gentie.contexts.accounts.tokens import UNKNOWN, give_token
from gentie.contexts.guide.actions import load_pages
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.actions.queueing import move_positions
from gentie.contexts.intake.examples import example_cluster, example_draft
from gentie.contexts.intake.reads import evidence_of, request_by_id
from gentie.contexts.studies.examples import published_small_study
from gentie.contexts.studies.run_actions import start_run
from gentie.project import doors
from gentie.project.doors import DOORS, Door
from gentie.project.test_doors import ENTERS, ROLES, STAFF, VISITOR

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"
OPERATIONS = dict(operations())

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


@pytest.fixture
def study(tmp_path, people):
    """A study, and a cluster in which a customer has a draft and a filed request."""
    load_pages(by=BY, at=AT)
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    now = datetime.now(UTC)
    cluster = example_cluster(study.base_case, by=BY, at=now)
    member = people.members["customer"]
    study.draft, study.filed = (
        example_draft(
            cluster,
            organisation_id=member.organisation_id,
            person_id=member.person_id,
            by=BY,
            at=now,
            bus=study.requests.first().bus,
        ).pk
        for _ in range(2)
    )
    submit_request(request_id=study.filed, role="program", person_id=None, by=BY, at=now)
    move_positions(numbers=["C2-001"], move="take_in", role="program", by=BY, at=now)
    study.run = start_run(
        cluster_slug=cluster.slug, role="program", asked_by=None, by=BY, at=now
    ).run.pk
    study.paper = evidence_of(request_by_id(study.filed)).get().pk
    return study


def token_for(people, role: str) -> str:
    member = people.members[role]
    return give_token(
        person_id=member.person_id,
        organisation_id=member.organisation_id,
        has_factor=role in STAFF,
        by=BY,
        at=datetime.now(UTC),
    ).text


def address(operation, study) -> str:
    words = {
        "{slug:slug}": {"guide": "request", "clusters": "cluster-2"}.get(
            operation.path.split("/")[1], study.slug
        ),
        "{int:run}": str(study.run),
        "{int:document}": str(study.paper),
        "{int:project}": str(
            study.filed if operation.path.endswith(("/withdraw", "/payment")) else study.draft
        ),
        "{int:bus}": str(study.requests.first().bus),
        "{int:number}": "1",
        "{str:name}": study.requests.first().name,
    }
    path = operation.path
    for word, value in words.items():
        path = path.replace(word, value)
    assert "{" not in path
    return f"/api/v1{path}"


def asked(client, operation, study, token: str, **more):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    (method,) = operation.methods
    return client.generic(
        method, address(operation, study), "{}", "application/json", headers=headers, **more
    )


def test_every_operation_has_a_door_and_every_door_of_the_interface_an_operation():
    named = {name for name in DOORS if name.startswith("api:")}
    assert named == {*OPERATIONS, "api:api-root"}
    ids = {
        operation["operationId"]
        for methods in api.get_openapi_schema(path_prefix="/")["paths"].values()
        for operation in methods.values()
    }
    assert {f"api:{one}" for one in ids} == set(OPERATIONS)
    assert {name for by in names_by_address().values() for name in by.values()} == set(OPERATIONS)


@pytest.mark.parametrize("role", ROLES)
def test_every_operation_lets_in_whom_its_door_names(client, people, study, role):
    for name, operation in OPERATIONS.items():
        token = "" if role == VISITOR else token_for(people, role)
        answer = asked(client, operation, study, token)
        if role in ENTERS[DOORS[name]]:
            # 422: an empty body is read by nobody but the operation itself.
            assert answer.status_code in {200, 201, 204, 422}, name
            if answer.streaming:
                assert b"".join(answer.streaming_content)
        else:
            assert answer.status_code == (401 if role == VISITOR else 403), name
            (error,) = answer.json()["errors"]
            assert str(DOORS[name].value[0]) in error["sentence"]
            assert error["code"] == ("api.sign_in.first" if role == VISITOR else "api.not_allowed")


@pytest.mark.parametrize("door", Door)
@pytest.mark.parametrize("role", ROLES)
def test_each_kind_of_door_by_each_role(  # noqa: PLR0917 - fixtures
    client, people, study, monkeypatch, door, role
):
    token = "" if role == VISITOR else token_for(people, role)
    monkeypatch.setattr(doors, "DOORS", {"api:studies": door})
    answer = asked(client, OPERATIONS["api:studies"], study, token)
    expected = 200 if role in ENTERS[door] else 401 if role == VISITOR else 403
    assert answer.status_code == expected


def test_an_operation_without_a_door_is_entered_by_nobody(client, people, study, monkeypatch):
    token = token_for(people, "administrator")
    monkeypatch.setattr(doors, "DOORS", {})
    for operation in OPERATIONS.values():
        answer = asked(client, operation, study, token)
        assert answer.status_code == 403
        (error,) = answer.json()["errors"]
        assert error["sentence"] == "Nobody has said who may open it."


def test_a_session_asks_as_well_and_is_protected_from_other_sites(signed_in, people, study):
    signed_in(people.members["customer"])
    kept = signed_in(people.members["customer"]).cookies
    client = Client(enforce_csrf_checks=True)
    client.cookies = kept
    assert client.get("/api/v1/account").json()["name"] == "Carla Customer"
    refused = client.post("/api/v1/sign-out")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "api.from_another_site"
    assert client.get("/api/v1/account").status_code == 200
    client.get("/account/")
    token = client.cookies["csrftoken"].value
    left = client.post("/api/v1/sign-out", headers={"X-CSRFToken": token})
    assert left.status_code == 204
    assert client.get("/api/v1/account").status_code == 401


def test_a_token_needs_no_protection_and_counts_before_a_session(signed_in, people, study):
    kept = signed_in(people.members["customer"]).cookies
    client = Client(enforce_csrf_checks=True)
    client.cookies = kept
    headers = {"Authorization": f"Bearer {token_for(people, 'other')}"}
    assert client.get("/api/v1/account", headers=headers).json()["name"] == "Otto Other"
    assert client.post("/api/v1/sign-out", headers=headers).status_code == 204
    again = client.get("/api/v1/account", headers=headers)
    assert again.status_code == 401
    assert again["WWW-Authenticate"] == "Bearer"
    assert again.json()["errors"][0]["code"] == "accounts.token.over"
    assert client.get("/api/v1/account").json()["name"] == "Carla Customer"


def test_a_token_opens_no_page(client, people, study):
    token = token_for(people, "administrator")
    answer = client.get("/people/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 302


def test_a_bad_token_is_refused_at_every_door_but_the_one_that_gives_another(client, study):
    for name, operation in OPERATIONS.items():
        answer = asked(client, operation, study, f"{operation.view_func.__name__}.y.z")
        told = {one["code"] for one in answer.json()["errors"]}
        expected = (422, {"api.field"}) if name == "api:sign_in" else (401, {UNKNOWN.code})
        assert (answer.status_code, told) == expected, name


def test_other_schemes_of_authorization_are_left_to_whoever_stands_in_front(client, study):
    answer = client.get("/api/v1/studies", headers={"Authorization": "Basic eDp5"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/none", "/api/v2/studies", "/api/v1/studies/none"])
def test_what_is_not_there_is_told_as_json(client, study, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"] == "api.nothing"


def test_a_method_that_an_address_does_not_have(client, study):
    answer = client.delete("/api/v1/studies")
    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert answer.json()["errors"][0]["code"] == "api.method"


def test_a_failure_is_told_as_json_and_says_nothing_of_its_cause(client, study, monkeypatch):
    def failing():
        raise RuntimeError("nothing a program could do about")

    monkeypatch.setattr("gentie.contexts.grid.reads.latest_case", failing)
    client.raise_request_exception = False
    answer = client.get("/api/v1/capacity")
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["code"] == "api.failed"
    assert "nothing a program" not in answer.text
