"""What the interface answers: the rows of the pages, in pieces, and every no with its reasons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyotp
import pytest
from django.apps import apps

from gentie.api.listing import MOST
from gentie.contexts.accounts.actions import invite_member, set_password
from gentie.contexts.accounts.examples import PASSWORD, cast
from gentie.contexts.accounts.signing_in import new_secret, set_up_second_factor
from gentie.contexts.accounts.tokens import give_token
from gentie.contexts.audit.reads import entries_about
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


def send(client, method: str, path: str, body: object = None, token: str = ""):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = "" if body is None else json.dumps(body)
    return client.generic(method, f"/api/v1{path}", content, "application/json", headers=headers)


def got(client, path: str, token: str = ""):
    answer = send(client, "GET", path, token=token)
    assert answer.status_code == 200, answer.text
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    return answer.json()


def errors(answer) -> list[str]:
    assert set(answer.json()) == {"errors"}
    told = answer.json()["errors"]
    assert all(set(one) == {"code", "sentence", "count", "where"} for one in told)
    return [one["code"] for one in told]


def token_for(member, *, has_factor: bool = False) -> str:
    return give_token(
        person_id=member.person_id,
        organisation_id=member.organisation_id,
        has_factor=has_factor,
        by=BY,
        at=datetime.now(UTC),
    ).text


def signing(word: str, **more) -> dict[str, object]:
    return {"email": f"{word}@example.org", "password": PASSWORD, **more}


# ------------------------------------------------------------------------------------- signing in


def test_a_password_gives_a_token_and_no_cookie(client, people):
    answer = send(client, "POST", "/sign-in", signing("customer"))
    assert answer.status_code == 200
    assert not answer.cookies
    given = answer.json()
    assert given["organisation"] == people.organisations["first"].pk
    mine = got(client, "/account", given["token"])
    assert (mine["name"], mine["role"]) == ("Carla Customer", "interconnection_customer")
    assert mine["token_until"] == given["until"]
    actions = [one.action for one in entries_about(f"person:{mine['id']}")]
    assert actions[-2:] == ["token.given", "person.signed_in"]


def test_an_answer_to_who_is_signed_in_is_kept_by_nobody(client, people):
    answer = send(client, "GET", "/account", token=token_for(people.members["customer"]))
    assert "no-store" in answer["Cache-Control"]


def test_a_wrong_password_is_told_as_the_page_tells_it_and_makes_wait(client, people):
    for _ in range(5):
        answer = send(client, "POST", "/sign-in", signing("customer", password="wrong"))
        assert (answer.status_code, errors(answer)) == (401, ["accounts.sign_in.refused"])
    answer = send(client, "POST", "/sign-in", signing("customer"))
    assert (answer.status_code, errors(answer)) == (401, ["accounts.sign_in.too_many"])


def test_a_role_of_the_operator_needs_a_code_each_time(client, people):
    member = people.members["engineer"]
    none = send(client, "POST", "/sign-in", signing("engineer"))
    assert (none.status_code, errors(none)) == (401, ["api.sign_in.no_second_factor"])
    secret = new_secret()
    at = datetime.now(UTC)
    code = pyotp.TOTP(secret).at(int(at.timestamp()) - 30)
    assert (
        set_up_second_factor(person_id=member.person_id, secret=secret, code=code, by=BY, at=at)
        is None
    )
    missing = send(client, "POST", "/sign-in", signing("engineer"))
    assert (missing.status_code, errors(missing)) == (401, ["api.sign_in.code_missing"])
    wrong = send(client, "POST", "/sign-in", signing("engineer", code=code))
    assert (wrong.status_code, errors(wrong)) == (401, ["accounts.second_factor.refused"])
    right = pyotp.TOTP(secret).at(int(datetime.now(UTC).timestamp()))
    given = send(client, "POST", "/sign-in", signing("engineer", code=right))
    assert given.json()["role"] == "planning_engineer"
    again = send(client, "POST", "/sign-in", signing("engineer", code=right))
    assert errors(again) == ["accounts.second_factor.refused"]


def test_what_was_sent_wrong_is_told_all_at_once_and_not_repeated(client, people):
    answer = send(client, "POST", "/sign-in", {"password": ["my secret"], "organisation": "x"})
    assert answer.status_code == 422
    told = answer.json()["errors"]
    assert {one["code"] for one in told} == {"api.field"}
    assert {one["where"] for one in told} == {"email", "password", "organisation"}
    assert "my secret" not in answer.text
    broken = client.generic("POST", "/api/v1/sign-in", "{", "application/json")
    assert (broken.status_code, errors(broken)) == (400, ["api.body"])


def test_acting_for_another_organisation_gives_another_token_and_ends_the_one_sent(client, people):
    member, second = people.members["customer"], people.organisations["second"]
    invite_member(
        email=member.person.email,
        name="",
        organisation_id=second.pk,
        role=member.role,
        by=BY,
        at=AT,
    )
    token = token_for(member)
    until = got(client, "/account", token)["token_until"]
    foreign = {"organisation": people.organisations["consultant"].pk}
    refused = send(client, "PUT", "/account/organisation", foreign, token)
    assert (refused.status_code, errors(refused)) == (422, ["accounts.organisation.not_yours"])
    answer = send(client, "PUT", "/account/organisation", {"organisation": second.pk}, token)
    given = answer.json()
    assert given["until"] == until
    assert got(client, "/account", given["token"])["organisation"] == second.pk
    assert send(client, "GET", "/account", token=token).status_code == 401


def test_a_session_changes_its_organisation_too(signed_in, people):
    member, second = people.members["customer"], people.organisations["second"]
    invite_member(
        email=member.person.email,
        name="",
        organisation_id=second.pk,
        role=member.role,
        by=BY,
        at=AT,
    )
    client = signed_in(member)
    given = send(client, "PUT", "/account/organisation", {"organisation": second.pk}).json()
    assert (given["token"], given["until"]) == ("", None)
    assert got(client, "/account")["organisation"] == second.pk


def test_a_deactivated_person_and_a_new_password_end_what_was_given(client, people):
    member = people.members["customer"]
    token = token_for(member)
    set_password(person_id=member.person_id, password="another pass phrase", by=BY, at=AT)
    answer = send(client, "GET", "/account", token=token)
    assert (answer.status_code, errors(answer)) == (401, ["accounts.token.over"])


def test_an_account_lists_grants_of_its_organisation_and_people_are_the_administrators(
    client, people
):
    mine = got(client, "/account", token_for(people.members["customer"]))
    assert mine["grants"] == []
    assert [one["name"] for one in mine["memberships"]] == ["First Sun Projects"]
    token = token_for(people.members["administrator"], has_factor=True)
    everybody = got(client, "/people", token)["items"]
    assert [one["name"] for one in everybody] == [
        "Example Grid Operator",
        "First Sun Projects",
        "Second Wind Company",
        "Third Party Engineers",
    ]
    assert sorted(one["name"] for one in everybody[0]["members"]) == [
        "Ada Administrator",
        "Enno Engineer",
        "Sara Specialist",
    ]


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
    assert whole["summary"] == study.summary
    assert whole["bundle_digest"] == study.bundle_digest
    assumptions = got(client, f"{at}/assumptions")
    assert assumptions == {"assumptions": study.assumptions, "fidelity": study.fidelity}
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
    assert sum(Decimal(one["cost"]) for one in everything(client, f"{at}/upgrades", MOST)) == sum(
        study.upgrades.values_list("cost", flat=True)
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
        assert Decimal(told["amount"]) == upgrade.cost
        assert len(told["rows"]) == upgrade.payers
    for request in study.requests.all():
        told = got(client, f"{at}/requests/{request.name}/ledger")
        assert Decimal(told["amount"]) == request.total_cost
        assert sum(Decimal(one["amount"]) for one in told["rows"]) == request.total_cost
        whole = got(client, f"{at}/requests/{request.name}")
        assert whole["total_cost"] == str(request.total_cost)
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
    client, study, people
):
    first = people.organisations["first"]
    apps.get_model("studies", "Study").objects.update(is_shown_in_full=False)
    apps.get_model("studies", "StudiedRequest").objects.update(is_shown_in_full=False)
    study.requests.filter(number=1).update(organisation=first)
    mine, other = study.requests.get(number=1), study.requests.get(number=2)
    at = f"/studies/{study.slug}"
    assert send(client, "GET", at).status_code == 404
    customer = token_for(people.members["customer"])
    engineer = token_for(people.members["engineer"], has_factor=True)
    assert [one["name"] for one in got(client, f"{at}/requests", customer)["items"]] == [mine.name]
    assert len(got(client, f"{at}/requests", engineer)["items"]) == study.requests.count()
    assert (
        send(client, "GET", f"{at}/requests/{other.name}/ledger", token=customer).status_code == 404
    )
    for upgrade in study.upgrades.all():
        told = got(client, f"{at}/upgrades/{upgrade.number}/ledger", customer)
        assert {one["request"] for one in told["rows"]} <= {mine.name}
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
