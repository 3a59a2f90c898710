from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

AT = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)
BY = "program:test"
PATHS = 13_000


@pytest.fixture
def case(transactional_db):
    from gentie.contexts.grid.examples import published_small_case

    return published_small_case(by=BY, at=AT)


@pytest.fixture
def point(case):
    return case.points.filter(capacity_mw__gt=20).order_by("capacity_mw", "bus").first()


@pytest.fixture
def large_case(transactional_db):
    """A case of the demonstration's size: its own places and names, invented capacities."""
    from gentie.contexts.grid.actions import CaseSource, publish_case
    from gentie.contexts.grid.drawings import drawings_of
    from gentie.contexts.grid.examples import small_capacity
    from gentie.rulebook.book import load_grid_profile, load_rulebook
    from gentie.workbench.cases import read_case

    name = "case_ACTIVSg10k"
    whole, profile = read_case(name), load_grid_profile(name)
    buses = whole.network.buses
    facts, (like, *_) = small_capacity()
    rows = [
        {
            **like,
            "bus": int(buses.number[row]),
            "point": f"point:{buses.number[row]}",
            "name": buses.name[row],
            "kv": float(buses.nominal_kv[row]),
            "area": int(buses.area[row]),
            "capacity_mw": float(20 + row * 7919 % 3000),
            "limiting_element": "line:1:2:1",
        }
        for row in range(len(buses.number))
        if buses.area[row] in profile.areas and buses.nominal_kv[row] > 100
    ]
    drawings = drawings_of(whole.network, profile, rows)
    lines = json.loads(drawings["lines"])
    for extra in range(PATHS - len(lines["from"])):
        for column, value in (("level", 8), ("from", extra), ("to", extra + 1), ("circuits", 1)):
            lines[column].append(value)
    return publish_case(
        facts=replace(facts, name=whole.name, sha256=whole.sha256),
        points=rows,
        by=BY,
        at=AT,
        source=CaseSource(
            source_name=whole.source_name,
            content=whole.content,
            rulebook=load_rulebook().sources,
            profile=profile.sources,
            drawings={**drawings, "lines": json.dumps(lines).encode()},
        ),
    )


def drawn(page, patience_s: float = 60.0):
    """Wait until the map has nothing left to draw; what it says of itself."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        told = page.evaluate("({...document.getElementById('capacity-map').dataset})")
        if told["state"] != "waiting":
            break
        page.wait_for_timeout(50)
    assert told["state"] == "drawn", told
    return told


def test_map_and_points_are_accessible_fit_and_are_silent(  # noqa: PLR0917 - fixtures
    case, point, open_page, size, scheme, assert_accessible, screenshot
):
    page = open_page("/capacity/map/", size=size, scheme=scheme)
    drawn(page)
    screenshot(page, f"capacity-map-{size[0]}-{scheme}")
    assert_accessible(page)
    page.get_by_role("region", name="Chosen point").get_by_role("link").first.click()
    page.get_by_label("Your injection, MW").fill("2000")
    page.keyboard.press("Enter")
    page.get_by_role("table").wait_for()
    screenshot(page, f"capacity-map-panel-{size[0]}-{scheme}")
    assert_accessible(page)
    for kind, address in {
        "point": f"/capacity/points/{point.bus}/",
        "point-mw": f"/capacity/points/{point.bus}/?mw=2000",
        "map-none": "/capacity/map/?words=nowhere",
    }.items():
        page.goto(address)
        screenshot(page, f"capacity-{kind}-{size[0]}-{scheme}")
        assert_accessible(page)


def test_ten_thousand_points_and_thirteen_thousand_lines_are_drawn(
    large_case, open_page, screenshot
):
    page = open_page("/capacity/map/")
    told = drawn(page)
    assert told["drawn"] == f"10000 points, {PATHS} paths"
    sent = page.evaluate(
        "performance.getEntriesByType('resource').filter(one => one.name.includes('/capacity/map/'))"
        ".map(one => one.encodedBodySize)"
    )
    assert len(sent) == 2
    assert sum(sent) < 400_000
    screenshot(page, "capacity-map-full-size")
    print(f"\n10,000 points and {PATHS:,} lines drawn in {int(told['ms']) / 1000:.2f} s")


def test_a_point_is_named_and_opened_where_it_lies(case, point, open_page):
    from playwright.sync_api import expect

    page = open_page(f"/capacity/map/?words={point.bus}")
    drawn(page)
    expect(page.get_by_text("Synthetic grid", exact=True)).to_be_visible()
    box = page.locator("#capacity-map").bounding_box()
    centre = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*centre)
    hover = page.locator(".g-map__hover")
    expect(hover).to_have_text(re.compile(rf"{re.escape(point.bus_name)}.*{point.kv:g} kV.* MW"))
    page.mouse.click(*centre)
    panel = page.get_by_role("region", name="Chosen point")
    expect(panel.get_by_role("heading")).to_have_text(point.bus_name)
    expect(panel).to_contain_text(f"{point.capacity_mw:,.1f} MW")
    expect(panel).to_contain_text(f"{point.next_mw:,.1f} MW")
    expect(panel).to_contain_text(case.rulebook_version)


def test_by_keyboard_alone_from_the_map_to_every_figure(case, point, open_page):
    from playwright.sync_api import expect

    page = open_page(f"/capacity/map/?words={point.bus}")
    drawn(page)
    page.get_by_role("button", name="Show", exact=True).focus()
    skip = page.get_by_role("link", name="Skip the map")
    for _ in range(3):  # past the link that shows all
        page.keyboard.press("Tab")
        if skip.evaluate("link => link === document.activeElement"):
            break
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Tab")
    canvas = page.locator(".maplibregl-canvas")
    expect(canvas).to_be_focused()
    expect(canvas).to_have_attribute("aria-label", re.compile("^Map of points"))
    page.keyboard.press("ArrowRight")
    for name in ("Zoom in", "Zoom out", "Show all points"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Chosen point")
    expect(panel.get_by_role("heading")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your injection, MW")).to_be_focused()
    page.keyboard.type("much")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("“much” is not a number of megawatts")
    field = page.get_by_label("Your injection, MW")
    expect(field).to_be_focused()
    field.fill("2000")
    page.keyboard.press("Enter")
    table = panel.get_by_role("table")
    expect(table).to_be_visible(timeout=60_000)  # the first question compiles
    expect(table.locator("td").nth(4)).to_have_text(re.compile(r"^[\d,.]+$"))


def test_the_same_without_a_script_from_the_table(case, point, open_page):
    from playwright.sync_api import expect

    page = open_page(f"/capacity/?words={point.bus}")
    link = page.get_by_role("region", name="Point by point").locator("tbody a")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(point.bus_name)
    page.get_by_label("Your injection, MW").focus()
    page.keyboard.type("2000")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?mw=2000$"))
    told = page.request.get(f"/capacity/points/{point.bus}/figures.json?mw=2000").json()
    rows = page.get_by_role("table").locator("tbody tr")
    expect(rows).to_have_count(len(told["facilities"]))
    for row, facility in zip(rows.all(), told["facilities"], strict=True):
        assert row.locator("td").all_inner_texts() == [
            f"{figure:,.1f}"
            for figure in (
                100 * facility["distribution_factor"],
                facility["impact_mw"],
                facility["impact_percent"],
                facility["before_percent"],
                facility["after_percent"],
            )
        ]


def test_a_map_that_cannot_be_drawn_says_so(case, open_page):
    from playwright.sync_api import expect

    page = open_page("/", silent=False)
    page.route("**/capacity/map/points-*.json", lambda route: route.abort())
    page.goto("/capacity/map/")
    expect(page.get_by_role("status")).to_contain_text("The map could not be drawn here.")
    page.get_by_role("region", name="Chosen point").get_by_role("link").first.click()
    expect(page.get_by_label("Your injection, MW")).to_be_visible()
