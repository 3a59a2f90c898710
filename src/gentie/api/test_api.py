"""What the interface answers: the rows of the pages, in pieces, and every no with its reasons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.apps import apps

from gentie.api.examples import errors, got, send, token_for
from gentie.api.listing import MOST
from gentie.contexts.accounts.examples import cast
from gentie.contexts.guide.actions import load_pages
from gentie.contexts.studies import reads
from gentie.contexts.studies.examples import published_small_study

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(tmp_path):
    load_pages(by=BY, at=AT)
    return published_small_study(tmp_path / "bundle", by=BY, at=AT)


@pytest.fixture
def people(db):
    return cast(by=BY, at=AT)


# ------------------------------------------------------------------------------------ rows


def everything(client, path: str, limit: int) -> list[dict]:
    found, after = [], ""
    while True:
        join = "&" if "?" in path else "?"
        piece = got(client, f"{path}{join}limit={limit}&after={after}")
        assert len(piece["items"]) <= limit
        found += piece["items"]
        after = piece["next"]
        if not after:
            return found
        assert len(piece["items"]) == limit


@pytest.mark.parametrize("limit", [7, MOST])
def test_points_in_pieces_are_the_points_of_the_case(client, study, limit):
    rows = list(study.base_case.points.order_by("bus"))
    found = everything(client, "/capacity/points", limit)
    assert [one["bus"] for one in found] == [row.bus for row in rows]
    assert [one["capacity_mw"] for one in found] == [row.capacity_mw for row in rows]


def test_points_are_filtered_as_on_the_page(client, study):
    page = client.get("/capacity/points.csv?least=200")
    rows = b"".join(page.streaming_content).decode().splitlines()[1:]
    found = everything(client, "/capacity/points?least_mw=200", MOST)
    assert len(found) == len(rows) > 0
    assert {str(one["bus"]) for one in found} == {row.split(",")[1] for row in rows}
    one = found[0]
    assert got(client, f"/capacity/points/{one['bus']}") == one


def test_figures_are_those_of_the_page(client, study):
    bus = study.requests.first().bus
    page = client.get(f"/capacity/points/{bus}/figures.json?mw=100").json()
    assert got(client, f"/capacity/points/{bus}/figures?mw=100") == page
    for asked in ("-5", "0", "1e9"):
        answer = send(client, "GET", f"/capacity/points/{bus}/figures?mw={asked}")
        assert (answer.status_code, errors(answer)) == (422, ["capacity.mw.range"])
    for asked in ("x", "nan", "inf", ""):
        answer = send(client, "GET", f"/capacity/points/{bus}/figures?mw={asked}")
        assert (answer.status_code, errors(answer)) == (422, ["api.field"])
    assert send(client, "GET", "/capacity/points/999999/figures?mw=1").status_code == 404
    assert send(client, "GET", f"/capacity/points/{10**30}").status_code == 404


def test_figures_of_a_real_grid_are_not_for_everybody(client, study):
    apps.get_model("grid", "BaseCase").objects.update(is_synthetic=False)
    bus = study.requests.first().bus
    answer = send(client, "GET", f"/capacity/points/{bus}/figures?mw=100")
    assert (answer.status_code, errors(answer)) == (403, ["api.not_allowed"])


def test_an_empty_service_says_so(client):
    answer = send(client, "GET", "/capacity")
    assert (answer.status_code, errors(answer)) == (404, ["capacity.case.none"])
    assert got(client, "/studies") == {"items": [], "next": ""}


def test_a_study_is_told_row_by_row(client, study):
    at = f"/studies/{study.slug}"
    assert [one["slug"] for one in got(client, "/studies")["items"]] == [study.slug]
    whole = got(client, at)
    assert whole["summary"] == {**study.summary, "cost": reads.costs_of(study)}
    assert whole["bundle_digest"] == study.bundle_digest
    assumptions = got(client, f"{at}/assumptions")
    assert assumptions == {
        "assumptions": study.assumptions,
        "fidelity": study.fidelity.findings,
    }
    for kind, rows in (
        ("constraints", study.constraints),
        ("upgrades", study.upgrades),
        ("requests", study.requests),
        ("schemes", study.schemes),
    ):
        found = everything(client, f"{at}/{kind}", 3)
        assert [one["number"] for one in found] == list(
            rows.order_by("number").values_list("number", flat=True)
        ), kind
        assert found
    told = everything(client, f"{at}/upgrades", MOST)
    assert sum(Decimal(one["estimate"]["cost"]) for one in told) == sum(
        study.upgrades.values_list("estimate__cost", flat=True)
    )


def test_a_constraint_and_an_upgrade_lead_to_each_other_and_to_who_shares_them(client, study):
    at = f"/studies/{study.slug}"
    for row in study.constraints.all()[:5]:
        told = got(client, f"{at}/constraints/{row.number}")
        assert [one["request"] for one in told["shares"]] == [
            one.request.name for one in reads.shares_of(row)
        ]
        assert told["picture"] == row.picture.content
        for number in told["upgrades"]:
            upgrade = got(client, f"{at}/upgrades/{number}")
            assert row.number in upgrade["constraints"]


def test_the_ledgers_sum_to_what_the_pages_say(client, study):
    at = f"/studies/{study.slug}"
    for upgrade in study.upgrades.all():
        told = got(client, f"{at}/upgrades/{upgrade.number}/ledger")
        assert Decimal(told["amount"]) == upgrade.estimate.cost
        assert len(told["rows"]) == upgrade.payers
    for request in study.requests.all():
        told = got(client, f"{at}/requests/{request.name}/ledger")
        assert Decimal(told["amount"]) == request.costs.total_cost
        assert sum(Decimal(one["amount"]) for one in told["rows"]) == request.costs.total_cost
        whole = got(client, f"{at}/requests/{request.name}")
        assert whole["costs"]["total_cost"] == str(request.costs.total_cost)
        assert [one["constraint"] for one in whole["reaches"]] == [
            one.constraint.number for one in reads.reached_by(request)
        ]


def test_the_bundle_is_the_one_of_the_page(client, study):
    page = client.get(f"/studies/{study.slug}/bundle.zip")
    answer = send(client, "GET", f"/studies/{study.slug}/bundle.zip")
    assert answer["Content-Type"] == "application/zip"
    assert b"".join(answer.streaming_content) == b"".join(page.streaming_content)


@pytest.mark.parametrize(
    "path",
    [
        "/studies/none",
        "/studies/none/requests",
        "/studies/{slug}/constraints/999",
        "/studies/{slug}/upgrades/999/ledger",
        "/studies/{slug}/requests/nobody",
        "/studies/none/bundle.zip",
        "/guide/none",
    ],
)
def test_what_is_not_there(client, study, path):
    answer = send(client, "GET", path.format(slug=study.slug))
    assert (answer.status_code, errors(answer)) == (404, ["api.nothing"])


@pytest.mark.parametrize(
    "after", ["x", "cGs6eA", "YnVzOjE", "!!!", "é", "bnVtYmVyOjk5OTk5OTk5OTk5OTk5OTk5OTk5"]
)
def test_a_place_of_another_answer_is_refused(client, study, after):
    answer = send(client, "GET", f"/studies/{study.slug}/upgrades?after={after}")
    assert (answer.status_code, errors(answer)) == (422, ["api.after"])


@pytest.mark.parametrize("limit", ["0", "-1", str(MOST + 1), "x"])
def test_a_piece_has_a_size(client, study, limit):
    answer = send(client, "GET", f"/studies?limit={limit}")
    assert (answer.status_code, errors(answer)) == (422, ["api.field"])


# ------------------------------------------------------------------------------------ privacy


def test_a_private_study_shows_each_its_own_and_its_bundle_to_the_operator_alone(
    client, people, tmp_path
):
    first, second = (people.organisations[word].pk for word in ("first", "second"))
    study = published_small_study(
        tmp_path / "private", by=BY, at=AT, organisations={"Q10": first, "Q09": second}
    )
    mine, other = (study.requests.get(name=name) for name in ("Q10", "Q09"))
    at = f"/studies/{study.slug}"
    customer = token_for(people.members["customer"])
    engineer = token_for(people.members["engineer"], has_factor=True)
    seen = {
        word: got(client, f"{at}/requests", token)["items"]
        for word, token in (("nobody", ""), ("customer", customer), ("engineer", engineer))
    }
    with_costs = {
        word: {one["name"] for one in rows if one["costs"]} for word, rows in seen.items()
    }
    names = set(study.requests.values_list("name", flat=True))
    assert with_costs == {"nobody": set(), "customer": {"Q10"}, "engineer": names}
    assert got(client, f"{at}/requests/{other.name}/ledger", customer)["rows"] == []
    ours = got(client, f"{at}/requests/{mine.name}/ledger", customer)
    assert Decimal(ours["amount"]) == mine.costs.total_cost
    for upgrade in study.upgrades.all():
        told = got(client, f"{at}/upgrades/{upgrade.number}/ledger", customer)
        assert {one["request"] for one in told["rows"]} <= {mine.name}
    constraint = study.constraints.first()
    for token, is_told in ((customer, False), (engineer, True)):
        told = got(client, f"{at}/constraints/{constraint.number}", token)
        assert (told["contingency"] is not None) is is_told
        assert (told["picture"] is not None) is is_told
        assert (constraint.contingency.outage in json.dumps(told)) is is_told
    assert send(client, "GET", f"{at}/bundle.zip", token=customer).status_code == 403
    answer = send(client, "GET", f"{at}/bundle.zip", token=engineer)
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)


def test_no_answer_has_a_field_that_is_nobodys_business(client, study, people):
    token = token_for(people.members["administrator"], has_factor=True)
    request, upgrade = study.requests.first(), study.upgrades.first()
    at = f"/studies/{study.slug}"
    said = json.dumps(
        [
            got(client, path, token)
            for path in (
                "/account",
                "/people",
                "/capacity",
                "/capacity/points",
                "/studies",
                at,
                f"{at}/constraints",
                f"{at}/requests/{request.name}",
                f"{at}/upgrades/{upgrade.number}/ledger",
                "/guide/request",
                "/search?words=e",
            )
        ]
    )
    for word in ("password", "secret", "last_step", "bundle_place", "tier", "organisation_id"):
        assert f'"{word}"' not in said, word
    member = people.members["administrator"]
    member.person.refresh_from_db()
    assert member.person.password not in said


# ------------------------------------------------------------------------------ guide and search


def test_the_guide_and_the_rules(client, study):
    pages = got(client, "/guide")
    assert pages[0]["slug"] == "getting-started"
    page = got(client, "/guide/new-resource-implementation")
    assert "{access.review_days}" in page["text"]
    rule = next(one for one in page["rules"] if one["key"] == "access.review_days")
    assert (rule["value"], rule["unit"], rule["standing"]) == (10, "days", "confirmed")
    assert rule in got(client, "/rules")


def test_the_search_finds_what_the_page_finds(client, study):
    request = study.requests.first()
    for words in (str(request.bus), "distribution factor", "access", request.name, "zebra"):
        found = got(client, f"/search?words={words}")
        page = client.get("/search/", {"words": words}).text
        for group in found["groups"]:
            assert f'id="found-{group["kind"]}"' in page
            for hit in group["hits"]:
                assert f'href="{hit["address"]}"' in page
                assert client.get(hit["address"].partition("#")[0]).status_code == 200
        assert page.count('id="found-') == len(found["groups"])


def test_nothing_is_found_for_nothing(client, study):
    assert got(client, "/search") == {"words": "", "groups": []}
