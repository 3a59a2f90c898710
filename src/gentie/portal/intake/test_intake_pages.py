from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gentie.contexts.accounts.examples import cast
from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.intake.actions.filing import submit_request
from gentie.contexts.intake.actions.windows import move_window
from gentie.contexts.intake.examples import COMPLETE, EVIDENCE, example_cluster, example_draft

NOW = datetime.now(UTC).replace(microsecond=0)
BY = "program:test"

Request = apps.get_model("intake", "Request")
Answer = apps.get_model("intake", "Answer")
QueuePosition = apps.get_model("intake", "QueuePosition")


@pytest.fixture
def world(db, signed_in):
    at = NOW - timedelta(hours=1)
    people = cast(by=BY, at=at)
    case = published_small_case(by=BY, at=at)
    cluster = example_cluster(case, by=BY, at=at)
    bus = case.points.exclude(capacity_mw=None).first().bus

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

    def filed(word: str = "customer", **changed):
        made = draft(word, **changed)
        submit_request(
            request_id=made.pk,
            role="program",
            person_id=people.members[word].person_id,
            by=BY,
            at=at,
        )
        return made

    return SimpleNamespace(
        people=people,
        case=case,
        cluster=cluster,
        bus=bus,
        draft=draft,
        filed=filed,
        come=lambda word: signed_in(people.members[word]),
    )


def answers(client: Client, request, **words: tuple[str, int]):
    body = {field: {"text": text, "revision": at} for field, (text, at) in words.items()}
    return client.post(
        f"/projects/{request.pk}/answers/", json.dumps({"answers": body}), "application/json"
    )


def test_a_project_is_begun_with_a_point_filled_in_and_filed(world):
    client = world.come("customer")
    begun = client.post("/projects/new/", {"bus": world.bus})
    request = Request.objects.get()
    assert begun.url == f"/projects/{request.pk}/"
    told = answers(client, request, **{field: (text, 0) for field, text in COMPLETE.items()})
    assert all(one["is_saved"] for one in told.json()["kept"].values())
    assert "limited_by" in told.json()["asked"]
    assert "$155,000" in told.json()["summary"]
    assert "upload the deed" in client.post(f"/projects/{request.pk}/submit/").text
    evidence = f"/projects/{request.pk}/evidence/"
    assert "choose a document first" in client.post(evidence).text
    assert client.post(evidence, {"evidence": BytesIO(b"nothing known")}).status_code == 422
    handed = client.post(evidence, {"evidence": SimpleUploadedFile("option.pdf", EVIDENCE)})
    assert handed.url == f"/projects/{request.pk}/#field-site_evidence"
    assert "option.pdf" in client.get(f"/projects/{request.pk}/").text
    filed = client.post(f"/projects/{request.pk}/submit/")
    assert filed.status_code == 302
    page = client.get(filed.url).text
    assert "Request C2-001 of Cluster 2, filed" in page
    assert "$155,000" in page
    assert "Example Sun" in client.get("/projects/").text


def test_a_refusal_shows_every_reason_beside_its_field_and_keeps_what_was_typed(world):
    request = world.draft(project="", site_share="10")
    client = world.come("customer")
    told = client.post(
        f"/projects/{request.pk}/submit/",
        {"county": "A new one", "revision_county": "1", "was_county": "Example County"},
    )
    assert told.status_code == 422
    for field, sentence in (
        ("project", "Name of the project is empty."),
        ("site_share", "You control 10% of the site"),
    ):
        assert f'href="#field-{field}">{sentence}' in told.text
        assert told.text.count(sentence) == 2
    assert Answer.objects.get(request=request, field="county").text == "A new one"


def test_words_of_two_in_the_plain_form_are_both_kept(world):
    request = world.draft()
    client = world.come("customer")
    answers(client, request, county=("First", 1))
    form = {"county": "Second", "revision_county": "1", "was_county": "Example County"}
    told = client.post(f"/projects/{request.pk}/submit/", form, follow=True)
    assert 'value="First"' in told.text
    assert "typed “Second” here" in told.text
    request.refresh_from_db()
    assert request.state == "draft"


@pytest.mark.parametrize(
    "body",
    ["x", "[]", "{}", '{"answers": []}', '{"answers": {"county": {"text": 5, "revision": 1}}}'],
)
def test_answers_that_cannot_be_read_are_refused_in_a_sentence(world, body):
    request = world.draft()
    told = world.come("customer").post(f"/projects/{request.pk}/answers/", body, "application/json")
    assert told.status_code == 422
    assert told.json()["errors"][0]["code"] == "intake.answers.unreadable"


@pytest.mark.parametrize("word", ["other", "consultant"])
@pytest.mark.parametrize("is_filed", [False, True])
def test_another_organisation_does_not_find_a_project(world, word, is_filed):
    request = world.filed() if is_filed else world.draft()
    client = world.come(word)
    assert client.get(f"/projects/{request.pk}/").status_code == 404
    for verb in ("answers", "point", "evidence", "submit", "discard", "withdraw"):
        assert client.post(f"/projects/{request.pk}/{verb}/").status_code == 404
    assert "Example Sun" not in client.get("/projects/").text
    public = client.get("/clusters/cluster-2/").text
    assert ("C2-001" in public) is is_filed
    assert "Example Sun" not in public
    assert "First Sun Projects" not in public
    request.refresh_from_db()
    assert request.state == ("filed" if is_filed else "draft")


def test_the_operator_reads_a_project_and_does_not_write_in_it(world):
    request = world.draft()
    client = world.come("specialist")
    page = client.get(f"/projects/{request.pk}/").text
    assert "Submit request" not in page
    assert "request-form.js" not in page
    assert client.post(f"/projects/{request.pk}/submit/").status_code == 403


def test_the_operator_records_what_was_paid(world):
    request = world.filed()
    client = world.come("specialist")
    address = f"/projects/{request.pk}/"
    assert "Record the payment" in client.get(address).text
    assert client.post(f"{address}payment/", {"amount": "lots"}).status_code == 422
    client.post(f"{address}payment/", {"amount": "155,000"})
    page = client.get(address).text
    assert "Record the payment" not in page
    assert page.count("$155,000.00") == 3
    assert client.post(f"/projects/{world.draft().pk}/payment/").status_code == 404
    client = world.come("customer")
    assert "Payment received" in client.get(address).text
    assert client.post(f"{address}payment/", {"amount": "1"}).status_code == 403


def test_a_point_is_taken_into_a_draft(world):
    request = world.draft(bus="")
    client = world.come("customer")
    page = client.get(f"/capacity/points/{world.bus}/").text
    assert "Use this point for Example Sun" in page
    assert "Begin a request here" in page
    told = client.post(f"/projects/{request.pk}/point/", {"bus": world.bus})
    assert told.url == f"/projects/{request.pk}/#field-bus"
    assert Answer.objects.get(request=request, field="bus").text == str(world.bus)


def test_without_a_window_nothing_is_begun(world):
    move_window(cluster_id=world.cluster.pk, move="close", role="program", by=BY, at=NOW)
    client = world.come("customer")
    told = client.post("/projects/new/")
    assert told.status_code == 409
    assert "No window is open or planned" in told.text
    assert "No window is open or planned" in client.get("/projects/").text
    assert "Begin a request here" not in client.get(f"/capacity/points/{world.bus}/").text


def test_nobody_begins_a_request_for_another(world):
    other = world.people.organisations["second"].pk
    told = world.come("customer").post("/projects/new/", {"organisation": other})
    assert told.status_code == 409
    assert "You may not begin a request for this organisation" in told.text
    assert not Request.objects.exists()


def test_a_draft_is_let_go_and_a_filed_request_leaves_the_queue(world):
    draft, filed = world.draft(), world.filed()
    client = world.come("customer")
    assert client.post(f"/projects/{draft.pk}/discard/").url == "/projects/"
    assert "was discarded and cannot be filed" in client.get(f"/projects/{draft.pk}/").text
    assert client.post(f"/projects/{draft.pk}/withdraw/").status_code == 404
    assert client.post(f"/projects/{filed.pk}/discard/").status_code == 422
    client.post(f"/projects/{filed.pk}/withdraw/")
    assert "it has left the queue" in client.get(f"/projects/{filed.pk}/").text
    assert client.post(f"/projects/{filed.pk}/withdraw/").status_code == 422


def test_the_operator_takes_requests_into_the_cluster_and_closes_the_window(world):
    world.filed(), world.filed("other")
    client = world.come("specialist")
    address = "/clusters/cluster-2/"
    page = client.get(address).text
    assert 'aria-label="Choose C2-001"' in page
    told = client.post(f"{address}positions/", {"move": "take_in", "number": ["C2-001", "C2-002"]})
    assert told.url == address
    assert set(QueuePosition.objects.values_list("state", flat=True)) == {"in_cluster"}
    told = client.post(f"{address}positions/", {"move": "take_in", "number": ["C2-001"]})
    assert told.status_code == 422
    assert "C2-001: This position is in cluster" in told.text
    assert client.post(f"{address}positions/", {"move": "nonsense"}).status_code == 404
    client.post(f"{address}window/", {"move": "close"})
    assert "window closed" in client.get(address).text
    assert client.post(f"{address}window/", {"move": "close"}).status_code == 422
    assert client.post(f"{address}window/", {"move": "nonsense"}).status_code == 404


def test_everybody_sees_what_is_public_of_a_cluster(client: Client, world):
    world.filed(deliverability="energy_only")
    page = client.get("/clusters/cluster-2/").text
    for words in ("C2-001", "solar, storage", ">80<", "energy only", "1 Jun 2029", "waiting"):
        assert words in page, words
    assert "Choose C2-001" not in page
    assert client.post("/clusters/cluster-2/positions/").url == "/sign-in/"
    assert "Cluster 2" in client.get("/clusters/").text
    assert client.get("/clusters/none/").status_code == 404


@pytest.mark.parametrize("path", ["/projects/", "/clusters/", "/clusters/cluster-2/"])
def test_lists_ask_a_fixed_number_of_questions(world, path):
    client = world.come("customer")
    world.filed()
    client.get(path)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for _ in range(3):
        world.draft(), world.filed()
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) == len(few)
