from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps

from gentie.contexts.accounts.examples import cast, installed
from gentie.contexts.notices.actions import queue

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
BY = "program:test"

Notice = apps.get_model("notices", "Notice")

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    made = cast(by=BY, at=AT)
    installed(by=BY, at=AT)
    return made


def told(people, count: int = 1, word: str = "first", **changed) -> list[int]:
    words = {
        "code": "intake.request.accepted",
        "title": "Your request is complete",
        "body": "Request 7 takes part in Cluster 1.",
        "subject": "request:7",
        "address": "/studies/",
    }
    return [
        queue(
            organisation_id=people.organisations[word].pk,
            by=BY,
            at=AT + timedelta(minutes=number),
            **words | changed,
        )
        for number in range(count)
    ]


def badge(page: str) -> str:
    found = re.search(r'class="g-unread">(\d+)<', page)
    return found[1] if found else ""


def test_notices_are_counted_in_the_header_and_marked_as_read(client, signed_in, people):
    first, second = told(people, 2)
    told(people, word="second")
    signed_in(people.members["customer"])
    page = client.get("/notices/").text
    assert badge(page) == badge(client.get("/").text) == "2"
    assert page.count('class="g-told ') == 2
    assert "22 Nov 2026, 09:01 PT" in page
    assert 'href="/studies/"' in page
    assert client.post("/notices/read/", {"notice": first}).url == "/notices/"
    page = client.get("/notices/").text
    assert badge(page) == "1"
    assert page.count("g-told--unread") == 1
    assert client.get("/notices/?show=unread").text.count('<li class="g-told') == 1
    client.post("/notices/read/", {"notice": [first, second]})
    page = client.get("/notices/?show=unread").text
    assert "You have read everything." in page
    assert badge(page) == ""


def test_what_is_not_ones_own_cannot_be_marked(client, signed_in, people):
    (theirs,) = told(people, word="second")
    signed_in(people.members["customer"])
    assert "Nothing yet." in client.get("/notices/").text
    for sent in ({}, {"notice": "x"}, {"notice": "9" * 30}, {"notice": theirs}):
        assert client.post("/notices/read/", sent).status_code == 404
    assert Notice.objects.get(pk=theirs).read_at is None
    assert client.get("/notices/read/").status_code == 405


def test_the_operators_people_see_the_operators_notices(client, signed_in, people):
    told(people, word="operator", title="A request was submitted")
    told(people)
    signed_in(people.members["specialist"])
    page = client.get("/notices/").text
    assert "A request was submitted" in page
    assert "Your request is complete" not in page


def test_what_was_told_is_text(client, signed_in, people):
    told(people, title="<b>Bold</b>", body="One.\n\n<script>alert(1)</script>")
    signed_in(people.members["customer"])
    page = client.get("/notices/").text
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("count", [1, 60])
def test_the_page_asks_the_database_a_fixed_number_of_questions(
    client, signed_in, people, count, django_assert_num_queries
):
    told(people, count)
    signed_in(people.members["customer"])
    client.get("/notices/")
    # Who asks: 19, of which 15 say so to the database. The page: its zone, how many, the rows. The
    # frame: the installation, and how many are unread.
    with django_assert_num_queries(24):
        page = client.get("/notices/").text
    assert page.count('<li class="g-told') == min(count, 25)


def test_a_visitor_is_asked_nothing_more(client, people, django_assert_num_queries):
    with django_assert_num_queries(6):
        assert "Notices" not in client.get("/sign-in/").text
