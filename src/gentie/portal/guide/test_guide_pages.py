from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from django.apps import apps

from gentie.contexts.grid.examples import published_small_case
from gentie.contexts.grid.reads import CLASSES_MW, public_drawings
from gentie.contexts.guide.actions import load_pages
from gentie.contexts.guide.package import packaged_pages
from gentie.contexts.studies.examples import published_small_study
from gentie.portal.capacity.still import RAMP, WIDE, class_of, drawn
from gentie.portal.guide.dates import dates_now
from gentie.portal.guide.pages import CONNECTED, STEPS, today
from gentie.portal.guide.rendering import as_page
from gentie.rulebook.book import load_rulebook

AT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
BY = "program:test"


@pytest.fixture
def guide(db):
    load_pages(by=BY, at=AT)


def test_html_in_a_text_is_shown_as_it_was_typed():
    shown = as_page("## A <b>\n<script>alert(1)</script> [x](javascript:alert)\n", {})
    assert "<script" not in shown
    assert "<b>" not in shown
    assert 'href="javascript' not in shown
    assert '<h2 id="a-b">' in shown


def test_a_figure_leads_to_its_rule():
    rules = load_rulebook().rules
    shown = as_page("Within {access.review_days}.", rules)
    assert shown == '<p>Within <a href="/rules/#access.review_days">10 days</a>.</p>\n'


@pytest.mark.parametrize("page", packaged_pages(), ids=lambda page: page.slug)
def test_a_page_shows_its_text_its_rules_and_the_way_on(client, guide, page):
    shown = client.get(f"/guide/{page.slug}/").text
    for passage in list(page.passages)[1:]:
        assert f'<h2 id="{passage.anchor}">' in shown
        assert f'href="#{passage.anchor}"' in shown
    for key in page.rules:
        assert f"<code>{key}</code>" in shown
    assert "{" not in re.sub(r"<code>.*?</code>", "", shown)
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))


def test_every_link_of_the_guide_leads_somewhere(client, guide):
    shown = client.get("/guide/").text
    addresses = set(re.findall(r'href="(/guide/[^"#]+)"', shown))
    assert addresses >= {f"/guide/{page.slug}/" for page in packaged_pages()}
    for page in packaged_pages():
        for address in re.findall(r"\]\((/[^)]*)\)", page.text):
            path, _, anchor = address.partition("#")
            answer = client.get(path)
            assert answer.status_code == 200, (page.slug, address)
            assert not anchor or f'id="{anchor}"' in answer.text, (page.slug, address)


def test_a_page_that_is_not_there(client, guide):
    assert client.get("/guide/none/").status_code == 404


def test_a_guide_that_was_not_loaded_says_so(client, db):
    assert "The guide has not been loaded here yet." in client.get("/guide/").text
    assert client.get("/guide/request/").status_code == 404


def test_steps_and_paths_of_the_start_page_have_their_pages(client, guide):
    slugs = {
        part: [one.slug for one in packaged_pages() if one.part == part]
        for part in ("steps", "connected")
    }
    assert [one.name for one in STEPS] == slugs["steps"]
    assert [one.name for one in CONNECTED] == slugs["connected"]
    shown = client.get("/").text
    for one in (*STEPS, *CONNECTED):
        assert f'href="/guide/{one.name}/"' in shown
    titles = {one.slug: one.title for one in packaged_pages()}
    assert all(titles[one.name] == str(one.title) for one in (*STEPS, *CONNECTED))


def test_the_rules_are_all_there_with_their_standing(client, db):
    shown = client.get("/rules/").text
    rules = load_rulebook(on=today()).rules
    for key, rule in rules.items():
        assert f'<tr id="{key}">' in shown
        assert rule.standing in shown
    assert shown.count("<tr id=") == len(rules)
    some = client.get("/rules/?words=18+CFR").text
    assert some.count("<tr id=") == 4
    assert "No rule has these words" in client.get("/rules/?words=zebra").text


def test_dates_that_matter_come_in_their_order(client, guide, tmp_path):
    assert dates_now(None, None) == []
    study = published_small_study(tmp_path / "bundle", by=BY, at=AT)
    dates = dates_now(study.base_case, study)
    assert len(dates) == 2
    assert [one.at for one in dates] == sorted(one.at for one in dates)
    assert "Dates that matter now" in client.get("/").text


# ------------------------------------------------------------------------------------- the still

POINTS = {
    "steps": 100,
    "lat": [4000, 3900, 3950, 3800, 2000, 2100],
    "lon": [-12000, -12100, -12050, -12000, -9000, -9100],
    "mw": [0.0, 150.0, None, -1.0, None, None],
}


LINES = {"from": [0, 1, 4], "to": [1, 2, 5]}


def test_the_still_has_a_dot_for_each_point_with_room_in_its_place():
    picture = ET.fromstring(drawn(POINTS, LINES))
    lines, *paths = picture.findall("{http://www.w3.org/2000/svg}path")
    assert [path.get("stroke") for path in paths] == [RAMP[0], RAMP[1], RAMP[6]]
    places = [re.findall(r"M(\d+) (\d+)h0", path.get("d")) for path in paths]
    (north_east,), (west,), (south_east,) = [[(int(x), int(y)) for x, y in one] for one in places]
    assert west[0] < north_east[0] == south_east[0] < WIDE
    assert north_east[1] < west[1] < south_east[1]
    high = int(picture.get("viewBox").split()[3])
    assert south_east[1] < high
    # Lines that leave the picture at both ends are not on it.
    first = "M{} {}L{} {}".format(*north_east, *west)
    assert lines.get("d").startswith(first)
    assert lines.get("d").count("M") == 2


@pytest.mark.parametrize(
    ("mw", "step"), [(0, 0), (99.9, 0), (100, 1), (1999, 5), (2000, 6), (9e9, 6), (-1, 6)]
)
def test_the_classes_of_the_still_are_the_maps(mw, step):
    assert class_of(mw) == step
    assert len(RAMP) == len(CLASSES_MW)


def test_a_still_of_nothing():
    assert "svg" in drawn({"steps": 1, "lat": [], "lon": [], "mw": []}, {"from": [], "to": []})


def test_the_still_is_kept_for_ever_and_only_what_is_public_is_drawn(client, db):
    case = published_small_case(by=BY, at=AT)
    digests = public_drawings(case)
    address = f"/capacity/map/still-{digests['points']}.{digests['lines']}.svg"
    assert f'src="{address}"' in client.get("/").text
    answer = client.get(address)
    assert answer["Content-Type"] == "image/svg+xml"
    assert "immutable" in answer["Cache-Control"]
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == answer.content
    assert answer.text.count("h0") == case.points.count()
    assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.get("/capacity/map/still-none.none.svg").status_code == 404
    apps.get_model("grid", "Drawing").objects.filter(kind="lines").update(tier="ceii")
    shown = client.get("/").text
    assert f"still-{digests['points']}.none.svg" in shown
    assert client.get(address).status_code == 404
    apps.get_model("grid", "Drawing").objects.update(tier="ceii")
    assert "still-" not in client.get("/").text
