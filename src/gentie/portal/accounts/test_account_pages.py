from __future__ import annotations

import re
from datetime import UTC, datetime

import pyotp
import pytest
from django.apps import apps
from django.test import Client

from gentie.contexts.accounts.actions import deactivate_person, give_grant, invite_member
from gentie.contexts.accounts.clearances import clear_for_ceii
from gentie.contexts.accounts.examples import PASSWORD, cast
from gentie.contexts.audit.reads import last_entry
from gentie.contexts.studies.examples import published_small_study

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast(by=BY, at=AT)


def given(client: Client, word: str, password: str = PASSWORD, **fields: str):
    return client.post(
        "/sign-in/", {"email": f"{word}@example.org", "password": password, **fields}
    )


def test_a_customer_signs_in_returns_to_the_page_and_signs_out(client, people):
    assert "Sign in" in client.get("/sign-in/?next=/studies/").text
    answer = given(client, "customer", next="/studies/")
    assert (answer.status_code, answer.url) == (302, "/studies/")
    page = client.get("/studies/")
    assert "My projects" in page.text
    assert "no-store" in page["Cache-Control"]
    assert last_entry().action == "person.signed_in"
    assert "Carla Customer" in client.get("/account/").text
    assert client.post("/sign-out/").url == "/"
    assert client.get("/account/").status_code == 302


def test_nobody_is_led_to_another_site(client, people):
    for elsewhere in ("https://example.com/", "//example.com/", "javascript:alert(1)"):
        answer = given(client, "customer", next=elsewhere)
        assert answer.url == "/account/"
        client.post("/sign-out/")


def test_a_wrong_password_is_said_and_too_many_wait(client, people):
    for _ in range(5):
        answer = given(client, "customer", "wrong")
        assert "E-mail address or password is not right." in answer.text
        assert 'value="customer@example.org"' in answer.text
    answer = given(client, "customer")
    assert "5 tries failed within 15 minutes. Try again in 15 minutes." in answer.text
    assert "_auth_user_id" not in client.session


def code_of(page: str) -> tuple[str, str]:
    secret = re.search(r'id="secret">([^<]+)<', page)[1].replace(" ", "")
    return secret, pyotp.TOTP(secret).now()


def test_an_operators_role_sets_up_a_second_factor_and_is_asked_for_it(client, people):
    assert given(client, "administrator", next="/people/").url == "/sign-in/second-factor/"
    assert client.get("/people/").status_code == 302
    page = client.get("/sign-in/second-factor/").text
    assert "<svg" in page
    assert " style=" not in page
    _, code = code_of(page)
    assert "This code is not right" in client.post("/sign-in/second-factor/", {"code": "1"}).text
    assert client.post("/sign-in/second-factor/", {"code": code}).url == "/people/"
    assert "Carla Customer" in client.get("/people/").text
    client.post("/sign-out/")

    assert given(client, "administrator", next="/people/").url == "/sign-in/code/"
    assert client.get("/people/").status_code == 302
    assert client.get("/sign-in/second-factor/").url == "/sign-in/"
    assert "This code is not right" in client.post("/sign-in/code/", {"code": code}).text
    apps.get_model("accounts", "SecondFactor").objects.update(last_step=0)
    assert client.post("/sign-in/code/", {"code": code}).url == "/people/"
    assert "Operator" in client.get("/people/").text


def test_a_customer_may_have_a_second_factor_too(client, people):
    given(client, "customer")
    _, code = code_of(client.get("/sign-in/second-factor/").text)
    assert client.post("/sign-in/second-factor/", {"code": code}).url == "/account/"
    assert "An authenticator app is set up." in client.get("/account/").text
    assert client.get("/sign-in/second-factor/").url == "/account/"


def test_the_second_factors_pages_lead_who_gave_no_password_back(client):
    for path in ("/sign-in/code/", "/sign-in/second-factor/"):
        assert client.get(path).url == "/sign-in/"
        assert client.post(path, {"code": "123456"}).url == "/sign-in/"


def test_who_is_deactivated_is_out_at_the_next_page(client, people):
    given(client, "customer")
    assert client.get("/account/").status_code == 200
    deactivate_person(person_id=people.members["customer"].person_id, by=BY, at=AT)
    assert client.get("/account/").status_code == 302


def test_a_person_of_two_organisations_chooses_for_which_to_act(client, people):
    second = people.organisations["second"]
    invite_member(
        email="customer@example.org",
        name="",
        organisation_id=second.pk,
        role="interconnection_customer",
        by=BY,
        at=AT,
    )
    give_grant(
        owner_id=second.pk,
        receiver_id=people.organisations["consultant"].pk,
        scope="act",
        from_at=AT,
        until_at=None,
        given_by=None,
        by=BY,
        at=AT,
    )
    given(client, "customer")
    assert "Third Party Engineers" not in client.get("/account/").text
    client.post("/account/organisation/", {"organisation": second.pk})
    page = client.get("/account/").text
    assert "Second Wind Company lets Third Party Engineers see what it owns and act on it" in page
    client.post("/account/organisation/", {"organisation": people.organisations["operator"].pk})
    assert "Second Wind Company lets" in client.get("/account/").text


def test_a_form_without_its_token_is_refused_in_words(people):
    answer = given(Client(enforce_csrf_checks=True), "customer")
    assert answer.status_code == 403
    assert "This form is out of date" in answer.text


def test_an_administrator_clears_an_organisation_and_ends_it(client, signed_in, people):
    second = people.organisations["second"]
    signed_in(people.members["administrator"])

    def sent(**fields: str):
        return client.post("/people/ceii/", fields)

    assert "Clear Second Wind Company" in client.get("/people/").text
    assert sent(organisation=str(second.pk), cleared="yes").url == "/people/"
    assert last_entry().action == "organisation.cleared_for_ceii"
    assert "End the clearance of Second Wind Company" in client.get("/people/").text
    refused = sent(organisation=str(second.pk), cleared="yes")
    assert refused.status_code == 400
    assert "Second Wind Company is cleared already." in refused.text
    operator = people.organisations["operator"]
    assert "Clear Example Grid Operator" not in client.get("/people/").text
    assert "need no clearance" in sent(organisation=str(operator.pk), cleared="yes").text
    for nonsense in ("", "x", "9" * 30, "0"):
        refused = sent(organisation=nonsense, cleared="yes")
        assert (refused.status_code, "no such organisation" in refused.text) == (400, True)
    assert sent(organisation=str(second.pk), cleared="no").url == "/people/"
    assert last_entry().action == "organisation.ceii_clearance_ended"
    assert "Clear Second Wind Company" in client.get("/people/").text


def test_nobody_else_clears_an_organisation(client, signed_in, people):
    first = people.organisations["first"]
    for word in ("customer", "consultant", "specialist", "engineer"):
        signed_in(people.members[word])
        sent = client.post("/people/ceii/", {"organisation": first.pk, "cleared": "yes"})
        assert sent.status_code == 403
    first.refresh_from_db()
    assert not first.may_see_ceii


def test_ones_own_account_says_whether_one_is_cleared(client, signed_in, people):
    signed_in(people.members["customer"])
    before = client.get("/account/").text
    clear_for_ceii(organisation_id=people.organisations["first"].pk, by=BY, at=AT)
    assert client.get("/account/").text.count("<td>yes</td>") == before.count("<td>yes</td>") + 1


def test_a_private_study_shows_each_only_what_is_theirs(client, signed_in, people, tmp_path):
    first = people.organisations["first"].pk
    study = published_small_study(
        tmp_path / "bundle", by=BY, at=AT, organisations={"Q09": first, "Q10": first}
    )
    names = list(study.requests.values_list("name", flat=True))
    within = f"/studies/{study.slug}/"

    def seen() -> list[str]:
        pages = {name: client.get(f"{within}requests/{name}/").text for name in names}
        return [name for name, page in pages.items() if "Total cost" in page]

    for member in (None, people.members["other"]):
        if member:
            signed_in(member)
        assert client.get(within).status_code == 200
        assert seen() == []
        refused = client.get(f"{within}bundle.zip")
        assert refused.status_code == 403
        assert "costs of every request" in refused.text
    signed_in(people.members["customer"])
    assert seen() == ["Q09", "Q10"]
    assert client.get(f"{within}bundle.zip").status_code == 403
    signed_in(people.members["engineer"])
    assert seen() == names
    bundle = client.get(f"{within}bundle.zip")
    assert bundle.status_code == 200
    assert len(b"".join(bundle.streaming_content)) > 1000
