from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from gentie.contexts.accounts.clearances import clear_for_ceii
from gentie.contexts.accounts.examples import cast
from gentie.contexts.grid import reads, runs
from gentie.contexts.grid.examples import (
    published_small_case,
    published_small_real_case,
    small_case,
    small_profile,
)
from gentie.portal.templatetags.figures import named
from gentie.rulebook.book import load_rulebook
from gentie.workbench.capacity import capacity_at
from gentie.workbench.publication import published_case

AT = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Any:
    return published_small_case(by="program:test", at=AT)


def cleared_member() -> Any:
    """Somebody of a company that is cleared and that owns nothing."""
    people = cast(by="program:test", at=AT)
    clear_for_ceii(organisation_id=people.organisations["second"].pk, by="program:test", at=AT)
    return people.members["other"]


@pytest.fixture
def point(case):
    return case.points.filter(capacity_mw__gt=20).order_by("capacity_mw").first()


def address(kind: str, case: Any) -> str:
    return f"/capacity/map/{kind}-{reads.drawings_of(case)[kind]}.json"


# ---------------------------------------------------------------------------------- the map


# Who asks is said to the database around each page: here inside the test's own transaction. The
# frame of a whole page asks two things of the installation; a part of a page asks neither.
FRAME = 5
QUERIES = {"map": 9, "point": 5, "panel": 3, "figures": 2, "drawing": 1}


@pytest.mark.parametrize("kind", QUERIES)
def test_a_page_asks_the_database_a_fixed_number_of_questions(
    client: Client, case, point, kind, django_assert_num_queries
):
    asked = {
        "map": "/capacity/map/",
        "point": f"/capacity/points/{point.bus}/",
        "panel": f"/capacity/points/{point.bus}/panel/",
        "figures": f"/capacity/points/{point.bus}/figures.json?mw=20",
        "drawing": address("points", case),
    }[kind]
    client.get(f"/capacity/points/{point.bus}/figures.json?mw=20")  # the case is in memory now
    with django_assert_num_queries(FRAME + QUERIES[kind]):
        assert client.get(asked).status_code == 200


@pytest.mark.parametrize("path", ["/capacity/map/", "/capacity/points/{bus}/?mw=20"])
def test_a_page_has_one_heading_a_title_and_nothing_inline(client: Client, case, point, path):
    page = client.get(path.format(bus=point.bus)).content.decode()
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert re.search(r"<title>\S.* · gentie</title>", page, re.DOTALL)
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert client.post(path.format(bus=point.bus)).status_code == 405


def test_without_a_published_case_the_pages_say_so(client: Client):
    assert "No base case has been published" in client.get("/capacity/map/").content.decode()
    assert client.get("/capacity/points/1/").status_code == 404
    refused = client.get("/capacity/points/1/figures.json?mw=5")
    assert refused.status_code == 404
    assert refused.json()["errors"][0]["code"] == "capacity.case.none"


def test_map_and_table_lead_to_each_other_with_the_same_filters(client: Client, case):
    table = client.get("/capacity/?least=200").content.decode()
    assert 'href="/capacity/map/?least=200"' in table
    page = client.get("/capacity/map/?least=200").content.decode()
    assert 'href="/capacity/?least=200"' in page
    count = reads.points_of(case, least_mw=200.0).count()
    assert f"{count} points</h2>" in page
    assert f"{count} points" in table
    counted = sum(
        int(found.replace(",", "")) for found in re.findall(r'legend__count">\(([\d,]+)\)', page)
    )
    unlimited = reads.points_of(case, least_mw=200.0).filter(capacity_mw=None).count()
    assert counted == count - unlimited


def test_every_row_of_the_table_leads_to_its_point(client: Client, case):
    page = client.get("/capacity/").content.decode()
    assert len(set(re.findall(r'href="/capacity/points/(\d+)/"', page))) == 50


# ----------------------------------------------------------------------------- its drawings


def test_the_points_of_the_drawing_are_the_rows_of_the_table(client: Client, case):
    drawn = client.get(address("points", case)).json()
    network = small_case().network
    assert sorted(drawn["bus"]) == sorted(int(bus) for bus in network.buses.number)
    assert {len(drawn[name]) for name in ("name", "level", "area", "lat", "lon", "mw")} == {
        len(drawn["bus"])
    }
    told = {
        bus: None if mw == -1 else mw
        for bus, mw in zip(drawn["bus"], drawn["mw"], strict=True)
        if mw is not None
    }
    rows = dict(case.points.values_list("bus", "capacity_mw"))
    assert told == {bus: mw if mw is None else round(mw, 1) for bus, mw in rows.items()}
    kv = {bus: drawn["kv"][level] for bus, level in zip(drawn["bus"], drawn["level"], strict=True)}
    assert all(kv[bus] == found for bus, found in case.points.values_list("bus", "kv"))
    places = small_profile().coordinates
    for bus, lat, lon in zip(drawn["bus"], drawn["lat"], drawn["lon"], strict=True):
        assert (lat / drawn["steps"], lon / drawn["steps"]) == pytest.approx(places[bus], abs=1e-4)


def test_every_branch_in_service_with_a_length_is_on_some_path(client: Client, case):
    points = client.get(address("points", case)).json()
    lines = client.get(address("lines", case)).json()
    network = small_case().network
    assert sum(lines["circuits"]) == int(network.is_branch_live.sum())
    drawn = {
        frozenset((points["bus"][first], points["bus"][second]))
        for first, second in zip(lines["from"], lines["to"], strict=True)
    }
    number, branches = network.buses.number, network.branches
    assert drawn == {
        frozenset((int(number[first]), int(number[second])))
        for first, second, is_live in zip(
            branches.from_bus, branches.to_bus, network.is_branch_live, strict=True
        )
        if is_live
    }
    assert lines["level"] == sorted(lines["level"])


def test_a_drawing_is_kept_for_ever_under_its_digest(client: Client, case):
    plain = client.get(address("points", case))
    packed = client.get(address("points", case), headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert plain["ETag"].strip('"') in address("points", case)
    assert "immutable" in plain["Cache-Control"]
    assert "Accept-Encoding" in packed["Vary"]
    again = client.get(address("points", case), headers={"if-none-match": plain["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/capacity/map/points-{'0' * 64}.json").status_code == 404


def test_lines_of_a_real_grid_are_given_to_the_cleared_alone(client: Client, signed_in):
    case = published_small_real_case(by="program:test", at=AT)
    lines = address("lines", case)
    assert client.get(lines).status_code == 404
    page = client.get("/capacity/map/").content.decode()
    assert 'data-lines=""' in page
    assert "Lines, kV" not in page
    signed_in(cleared_member())
    given = client.get(lines)
    assert given.status_code == 200
    assert "public" not in given["Cache-Control"]
    assert "no-store" in given["Cache-Control"]
    assert lines in client.get("/capacity/map/").content.decode()


def test_a_case_without_its_drawing_has_its_page(client: Client, case):
    case.drawings.all().delete()
    page = client.get("/capacity/map/").content.decode()
    assert "published without its drawing" in page
    assert "capacity-map.js" not in page


# ------------------------------------------------------------------------------- one point


def test_the_figures_are_those_of_the_workbench(client: Client, case, point):
    published = published_case(small_case(), load_rulebook(), small_profile())
    for mw in (12.5, point.capacity_mw + 100):
        told = client.get(f"/capacity/points/{point.bus}/figures.json?mw={mw}").json()
        wanted = capacity_at(
            published, bus=point.bus, mw=mw, rulebook_version=case.rulebook_version
        )
        assert told == json.loads(json.dumps(wanted.as_dict()))
        assert told["facilities"]
        assert told["limit_mw"] == point.capacity_mw
        assert told["within_limits"] is (mw < point.capacity_mw)


def test_page_and_panel_show_the_figures(client: Client, case, point):
    path = f"/capacity/points/{point.bus}/"
    report = client.get(f"{path}figures.json?mw=1,000").json()
    page = client.get(f"{path}?mw=1,000").content.decode()
    panel = client.get(f"{path}panel/?mw=1,000").content.decode()
    count = len(report["facilities"])
    assert page.count('<th scope="row">') == count
    assert panel.count('<th scope="rowgroup"') == min(8, count)
    assert f"{count} impacted facilit" in page
    worst = report["facilities"][0]
    for figure in (
        f"{100 * worst['distribution_factor']:,.1f}",
        f"{worst['impact_mw']:,.1f}",
        f"{worst['impact_percent']:,.1f}",
        f"{worst['before_percent']:,.1f}",
        f"{worst['after_percent']:,.1f}",
    ):
        assert f">{figure}<" in page
        assert f">{figure}<" in panel
    assert "Too much" in page
    assert "<html" not in panel
    assert "1,000 MW are more than the" in panel


@pytest.mark.parametrize(
    ("mw", "sentence"),
    [
        ("many", "“many” is not a number of megawatts; give one such as 200."),
        ("nan", "“nan” is not a number of megawatts; give one such as 200."),
        ("inf", "“inf” is not a number of megawatts; give one such as 200."),
        ("0", "0 MW cannot be asked about; give more than 0 and at most 10,000 MW."),
        ("-5", "-5 MW cannot be asked about; give more than 0 and at most 10,000 MW."),
        ("10001", "10001 MW cannot be asked about; give more than 0 and at most 10,000 MW."),
    ],
)
def test_mw_that_cannot_be_asked_about_are_refused_in_a_sentence(  # noqa: PLR0917 - fixtures
    client: Client, case, point, mw, sentence, monkeypatch
):
    monkeypatch.setattr(runs, "capacity_at", None)  # nothing is computed
    path = f"/capacity/points/{point.bus}/"
    refused = client.get(f"{path}figures.json?mw={mw}")
    assert refused.status_code == 400
    assert [one["sentence"] for one in refused.json()["errors"]] == [sentence]
    for part, status in ((path, 400), (f"{path}panel/", 200)):
        page = client.get(f"{part}?mw={mw}")
        assert page.status_code == status
        assert sentence in page.content.decode()
        assert 'aria-invalid="true"' in page.content.decode()


def test_a_bus_that_is_no_point_is_refused(client: Client, case, point):
    assert client.get("/capacity/points/999999/").status_code == 404
    assert client.get(f"/capacity/points/{10**30}/").status_code == 404
    refused = client.get("/capacity/points/999999/figures.json?mw=5")
    assert refused.status_code == 404
    assert "has no bus 999999" in refused.json()["errors"][0]["sentence"]
    missing = client.get(f"/capacity/points/{point.bus}/figures.json")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (
        400,
        "capacity.mw.missing",
    )


def test_one_question_at_a_time(client: Client, case, point, monkeypatch):
    monkeypatch.setattr(runs, "PATIENCE_S", 0.01)
    path = f"/capacity/points/{point.bus}/"
    with runs._turn:
        refused = client.get(f"{path}figures.json?mw=5")
        assert refused.status_code == 503
        assert client.get(path).status_code == 200
    assert client.get(f"{path}figures.json?mw=5").status_code == 200


def test_few_questions_wait(client: Client, case, point):
    path = f"/capacity/points/{point.bus}/"
    for _ in range(runs.MOST_AT_ONCE):
        assert runs._places.acquire(blocking=False)
    try:
        refused = client.get(f"{path}?mw=5")
        assert refused.status_code == 503
        assert "Many are asking at this moment" in refused.content.decode()
    finally:
        runs._places.release(runs.MOST_AT_ONCE)
    assert client.get(f"{path}?mw=5").status_code == 200


def test_outages_and_loadings_of_a_real_grid_are_for_the_cleared_alone(client: Client, signed_in):
    case = published_small_real_case(by="program:test", at=AT)
    point = (
        case.points.exclude(contingency__outage__in=("", "base"))
        .exclude(contingency__outage__in=(F("limiting_element"), F("next_element")))
        .order_by("pk")
        .first()
    )
    contingency = point.contingency
    path, table = f"/capacity/points/{point.bus}/", f"/capacity/?words={point.bus}"
    download = f"/capacity/points.csv?words={point.bus}"

    def told(address: str) -> str:
        answer = client.get(address)
        assert answer.status_code == 200
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return re.sub(r"<[^>]+>", "", content.decode())

    words = re.sub(r"<[^>]+>", "", named(contingency.outage))
    for visited in (path, f"{path}panel/", table):
        page = told(visited)
        assert words not in page
        assert "Ask the operator for clearance" in page
        assert f"{point.capacity_mw:,.1f}" in page
        assert "Your injection" not in page
    rows = told(download)
    assert "outage" not in rows
    assert f",{point.capacity_mw:g}," in rows
    for asked in (f"{path}?mw=5", f"{path}panel/?mw=5", f"{path}figures.json?mw=5"):
        refused = client.get(asked)
        assert refused.status_code == 403
        assert "ask the operator for clearance" in refused.text

    signed_in(cleared_member())
    for visited in (path, f"{path}panel/", table):
        assert words in told(visited)
    assert contingency.outage in told(download)
    assert "impacted facilit" in told(f"{path}?mw=5")
    assert client.get(f"{path}figures.json?mw=5").json()["facilities"]


def test_a_case_without_its_file_says_so(client: Client, case, point, monkeypatch):
    monkeypatch.setattr(runs, "_kept", [])
    case.file.delete()
    refused = client.get(f"/capacity/points/{point.bus}/figures.json?mw=5")
    assert refused.status_code == 400
    assert "published without its file" in refused.json()["errors"][0]["sentence"]
