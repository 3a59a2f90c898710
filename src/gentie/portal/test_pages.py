from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.guide.actions import load_pages
from gentie.contexts.studies.examples import published_small_study
from gentie.contexts.studies.reads import bundle_file

AT = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(tmp_path) -> Any:
    load_pages(by="program:test", at=AT)
    return published_small_study(tmp_path / "bundle", by="program:test", at=AT)


def pages_of(study: Any) -> dict[str, str]:
    """One address of every kind of page."""
    within = f"/studies/{study.slug}/"
    return {
        "start": "/",
        "studies": "/studies/",
        "study": within,
        "constraints": f"{within}constraints/",
        "constraint": f"{within}constraints/1/",
        "upgrades": f"{within}upgrades/",
        "upgrade": f"{within}upgrades/1/",
        "requests": f"{within}requests/",
        "request": f"{within}requests/{study.requests.first().name}/",
        "schemes": f"{within}schemes/",
        "assumptions": f"{within}assumptions/",
        "capacity": "/capacity/",
        "guide": "/guide/",
        "guide_page": "/guide/request/",
        "rules": "/rules/",
        "search": "/search/?words=e",
    }


# Who asks is said to the database around each page: here inside the test's own transaction. The
# frame asks whether there is an installation, and without one whether every case is synthetic.
FRAME = 7

# Rows on a page cost no query each: these counts do not depend on how many there are.
QUERIES = {
    "start": 7,
    "guide": 1,
    "guide_page": 2,
    "rules": 0,
    "search": 8,
    "studies": 1,
    "study": 7,
    "constraints": 4,
    "constraint": 4,
    "upgrades": 5,
    "upgrade": 4,
    "requests": 5,
    "request": 5,
    "schemes": 4,
    "assumptions": 2,
    "capacity": 6,
}


@pytest.mark.parametrize("kind", QUERIES)
def test_a_page_asks_the_database_a_fixed_number_of_questions(
    client: Client, study, kind, django_assert_num_queries
):
    address = pages_of(study)[kind]
    with django_assert_num_queries(FRAME + QUERIES[kind]):
        answer = client.get(address)
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", QUERIES)
def test_a_page_has_one_heading_a_title_and_nothing_inline(client: Client, study, kind):
    page = client.get(pages_of(study)[kind]).content.decode()
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert re.search(r"<title>\S.* · gentie</title>", page, re.DOTALL)
    assert "Synthetic grid, fictional operator." in page
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"\son[a-z]+=", page)


@pytest.mark.parametrize(
    "path",
    [
        "/studies/none/",
        "/studies/{slug}/constraints/999/",
        "/studies/{slug}/upgrades/0/",
        "/studies/{slug}/requests/nobody/",
        "/studies/none/bundle.zip",
    ],
)
def test_what_does_not_exist_is_said(client: Client, study, path):
    answer = client.get(path.format(slug=study.slug))
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()


def test_an_empty_service_has_its_pages(client: Client):
    assert "No study has been published" in client.get("/studies/").content.decode()
    assert "No base case has been published" in client.get("/capacity/").content.decode()
    assert client.get("/").status_code == 200
    assert client.get("/capacity/points.csv").content == b""


def test_nothing_is_changed_by_a_post(client: Client, study):
    for path in pages_of(study).values():
        assert client.post(path).status_code == 405


def column(page: str, place: int) -> list[str]:
    body = page.rsplit("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in body.split("</tr>")]
    return [re.sub(r"<[^>]+>", "", row[place]).strip() for row in rows if len(row) > place]


def test_tables_sort_both_ways_and_filter(client: Client, study):
    address = f"/studies/{study.slug}/constraints/"
    falling = [float(cell) for cell in column(client.get(address).content.decode(), 5)]
    assert falling == sorted(falling, reverse=True)
    assert len(falling) == study.constraints.count()
    rising = column(client.get(f"{address}?sort=with").content.decode(), 5)
    assert [float(cell) for cell in rising] == sorted(falling)
    only = client.get(f"{address}?condition=peak-deliverability").content.decode()
    assert set(column(only, 3)) == {"deliverability"}
    assert 'aria-sort="descending"' in only


@pytest.mark.parametrize(
    "asked",
    [
        "sort=nonsense",
        "page=999",
        "page=x",
        "kv=abc",
        "area=x",
        "least=x",
        "least=-5",
        "least=nan",
        "words=%00",
        "words=99999999999999999999",
    ],
)
def test_an_address_that_asks_nonsense_is_still_a_page(client: Client, study, asked):
    assert client.get(f"/capacity/?{asked}").status_code == 200


def test_the_download_has_all_rows_that_the_table_shows_in_its_order(client: Client, study):
    asked = "least=200&sort=mw"
    page = client.get(f"/capacity/?{asked}").content.decode()
    assert f'href="/capacity/points.csv?{asked.replace("&", "&amp;")}"' in page
    answer = client.get(f"/capacity/points.csv?{asked}")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    found = [float(row["capacity_mw"]) for row in rows if row["capacity_mw"]]
    assert found == sorted(found)
    assert found[0] >= 200
    assert [row["bus"] for row in rows[:50]] == [cell.split()[-1] for cell in column(page, 0)]
    assert f"{len(rows):,} point" in page


def test_a_point_that_nothing_limits_has_a_blank_figure(client: Client):
    case = published_small_case(by="program:test", at=AT)
    point = case.points.last()
    case.points.filter(pk=point.pk).update(capacity_mw=None, limiting_element="", next_mw=None)
    type(point.contingency).objects.filter(point=point).update(outage="", next_outage="")
    page = client.get(f"/capacity/?words={point.bus}").content.decode()
    assert "nothing limits" in page


def test_the_bundle_downloads_whole(client: Client, study):
    answer = client.get(f"/studies/{study.slug}/bundle.zip")
    content = b"".join(answer.streaming_content)
    assert content == bundle_file(study).read_bytes()
    assert answer["Content-Type"] == "application/zip"
    manifest = zipfile.ZipFile(io.BytesIO(content)).read("manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == study.bundle_digest


def test_the_summary_says_what_a_reader_must_know(client: Client, study):
    page = client.get(f"/studies/{study.slug}/").content.decode()
    for words in (
        "1.15 × the normal rating",
        "3% distribution factor",
        "no voltage, short-circuit or stability check",
        "0 overloads are left",
        study.bundle_digest,
        study.base_case.sha256,
        study.rulebook_version,
        "gentie study verify",
        "22 Nov 2026, 10:05 PT",
        *map(escape, study.summary["notes"]),
    ):
        assert words in page, words


def test_a_request_shows_the_arithmetic_of_each_row(client: Client, study):
    one = study.requests.order_by("-costs__total_cost").first()
    page = client.get(f"/studies/{study.slug}/requests/{one.name}/").content.decode()
    rows = one.ledger.count()
    assert page.count("data-amount=") == rows
    assert f"Sum of {rows} row" in page
    assert "The rows sum to the total cost, to the cent." in page
    assert f"${one.costs.total_cost:,.2f}" in page


def test_a_failure_has_its_page(client: Client, monkeypatch):
    def failing(request):
        raise RuntimeError("nothing a visitor could do about")

    monkeypatch.setattr("gentie.contexts.grid.reads.latest_case", lambda: failing(None))
    client.raise_request_exception = False
    answer = client.get("/capacity/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "Something failed on our side" in page
    assert "nothing a visitor" not in page
    assert re.search(r"/static/gentie/frame\.[0-9a-f]{12}\.css", page)
