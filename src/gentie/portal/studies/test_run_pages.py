"""The page of a run: who may what, what it says, and what it does not do twice."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import reverse

from gentie.contexts.accounts.examples import cast
from gentie.contexts.grid.examples import published_small_case, small_case
from gentie.contexts.studies import runs
from gentie.contexts.studies.run_actions import start_run
from gentie.contexts.studies.run_examples import SLUG, ready_cluster
from gentie.contexts.studies.run_reads import run_by_id
from gentie.workbench.bundle import verify_bundle

AT = datetime(2026, 11, 24, 18, 5, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


@pytest.fixture
def ready(people):
    return ready_cluster(
        base_case_id=published_small_case(by=BY, at=AT).pk,
        case=small_case(),
        organisation_ids=(people.organisations["first"].pk,),
        at=AT,
    )


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    return tmp_path


def perform(run, data, is_stopping=lambda: False) -> None:
    runs.perform(run_id=run.pk, data=data, now=lambda: AT, is_stopping=is_stopping)


def address(kind: str = "") -> str:
    return reverse(f"cluster_run{kind}", args=[SLUG])


def started(client, policy: str = "wires_first"):
    answer = client.post(address("_start"), {"policy": policy})
    assert (answer.status_code, answer.url) == (302, address())
    return apps.get_model("studies", "Run").objects.latest("pk")


def test_an_engineer_runs_the_study_and_downloads_what_can_be_verified(  # noqa: PLR0917 - fixtures
    client, signed_in, people, ready, data, tmp_path
):
    signed_in(people.members["engineer"])
    page = client.get(address()).text
    assert "Run the study" in page
    assert "(what the rulebook says)" in page
    run = started(client)
    page = client.get(address()).text
    assert "Waiting for a worker to take it up." in page
    assert "started by Enno Engineer" in page
    assert "Cancel the run" in page
    assert 'type="radio"' not in page
    perform(run, data)
    page = client.get(address()).text
    run = run_by_id(run.pk)
    assert reverse("study", args=[run.study.slug]) in page
    assert run.inputs.inputs_digest in page
    assert "Run it again" in page
    answer = client.get(reverse("bundle", args=[run.study.slug]))
    content = b"".join(answer.streaming_content)
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle").sentence == "identical"
    one = run.study.requests.order_by("-costs__total_cost").first()
    ledger = client.get(reverse("request", args=[run.study.slug, one.name])).text
    assert "The rows sum to the total cost, to the cent." in ledger


def test_the_second_engineer_is_told_who_started_it(client, signed_in, people, ready):
    start_run(
        cluster_slug=SLUG,
        role="planning_engineer",
        asked_by=people.members["administrator"].person_id,
        by=BY,
        at=AT,
    )
    signed_in(people.members["engineer"])
    answer = client.post(address("_start"), {"policy": ""}, follow=True)
    assert "Ada Administrator had started this run already, 24 Nov 2026, 10:05 PT." in answer.text
    assert apps.get_model("studies", "Run").objects.count() == 1


@pytest.mark.parametrize("word", ["specialist", "administrator"])
def test_the_operators_other_people_look_and_are_told_why_not_more(
    client, signed_in, people, ready, word
):
    signed_in(people.members[word])
    page = client.get(address()).text
    assert "disabled" in page
    assert "Only a planning engineer starts a study" in page
    assert client.post(address("_start")).status_code == 403
    assert client.post(address("_cancel"), {"run": 1}).status_code == 403
    assert apps.get_model("studies", "Run").objects.count() == 0


def test_what_stands_in_the_way_is_said_beside_the_button(client, signed_in, people, ready):
    apps.get_model("intake", "QueuePosition").objects.update(state="waiting")
    signed_in(people.members["engineer"])
    page = client.get(address()).text
    assert "No request is in Example cluster yet" in page
    assert "disabled" in page
    answer = client.post(address("_start"))
    assert answer.status_code == 400
    assert "No request is in Example cluster yet" in answer.text


def test_a_policy_that_nobody_knows_is_refused_on_the_page(client, signed_in, people, ready):
    signed_in(people.members["engineer"])
    answer = client.post(address("_start"), {"policy": "hope"})
    assert answer.status_code == 400
    assert "There is no policy &#x27;hope&#x27;" in answer.text


def test_a_run_is_cancelled_from_its_page(client, signed_in, people, ready):
    signed_in(people.members["engineer"])
    run = started(client)
    answer = client.post(address("_cancel"), {"run": run.pk}, follow=True)
    assert "cancelled" in answer.text
    again = client.post(address("_cancel"), {"run": run.pk})
    assert again.status_code == 400
    assert "This run is cancelled" in again.text
    for wrong in ("", "x", "0", str(run.pk + 1), "9" * 30):
        assert client.post(address("_cancel"), {"run": wrong}).status_code == 404
    second = started(client)
    page = client.get(address()).text
    assert f"Run {second.pk}" in page
    assert f'href="?run={run.pk}"' in page
    assert f"Run {run.pk}</h2>" in client.get(address(), {"run": run.pk}).text
    assert f"Run {second.pk}</h2>" in client.get(address(), {"run": "nonsense"}).text


def test_reasons_of_a_failed_run_are_on_its_page(client, signed_in, people, ready, data):
    signed_in(people.members["engineer"])
    run = started(client)
    there = ready.positions.first()
    there.pk = None
    draft = apps.get_model("intake", "Request").objects.create(
        organisation=people.organisations["first"], cluster=ready, state="filed", made_at=AT
    )
    there.request, there.number, there.bus = draft, "Z9", 999_999
    there.save(force_insert=True)
    client.post(address("_cancel"), {"run": run.pk})
    perform(started(client), data)
    page = client.get(address()).text
    assert "The study could not be made" in page
    assert "Z9" in page
    assert "Mend what the sentences say" in page


def test_progress_is_told_and_its_mark_changes_with_the_page(
    client, signed_in, people, ready, data
):
    signed_in(people.members["engineer"])
    assert client.get(address("_progress")).status_code == 404
    run = started(client)
    waiting = client.get(address("_progress")).json()
    assert waiting["is_active"]
    assert waiting["mark"] in client.get(address()).text
    assert client.get(address("_progress")).json() == waiting
    searches = iter(range(100))
    with pytest.raises(runs.PutDown):
        perform(run, data, is_stopping=lambda: next(searches) > 7)
    under_way = client.get(address("_progress")).json()
    assert under_way["is_active"]
    assert under_way["mark"] != waiting["mark"]
    assert under_way["words"].startswith("Relieving reliability constraints")
    perform(run, data)
    over = client.get(address("_progress")).json()
    assert not over["is_active"]
    assert over["mark"] in client.get(address()).text


def test_a_page_asks_a_fixed_number_of_questions(  # noqa: PLR0917 - fixtures
    client, signed_in, people, ready, data, django_assert_num_queries
):
    signed_in(people.members["engineer"])
    for _ in range(2):
        client.post(address("_cancel"), {"run": started(client).pk})
    perform(started(client), data)
    with django_assert_num_queries(31):
        assert client.get(address()).status_code == 200
    with django_assert_num_queries(22):
        assert client.get(address("_progress")).status_code == 200


def test_a_cluster_that_is_not_there_has_no_page(client, signed_in, people, ready):
    signed_in(people.members["engineer"])
    for kind in ("", "_progress"):
        assert client.get(reverse(f"cluster_run{kind}", args=["none"])).status_code == 404


def test_the_operator_finds_the_clusters_below_the_studies(client, signed_in, people, ready):
    assert address() not in client.get("/studies/").text
    signed_in(people.members["specialist"])
    assert address() in client.get("/studies/").text
