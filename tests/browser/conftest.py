"""A Chromium, a live site over the test database, and what every page must hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "screenshots"

WIDE, NARROW = (1280, 800), (390, 844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.xdist_group("browser"))  # one Chromium, not one per worker
        if chromium.found() is None:
            item.add_marker(pytest.mark.skip(reason=chromium.why_none()))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    from playwright.sync_api import sync_playwright

    path = chromium.found()
    assert path is not None
    # Playwright keeps an event loop in this thread, in which Django would refuse to query.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path,
            args=list(chromium.FLAGS),
            env=dict(chromium.environment(path)),
        )
        yield running
        running.close()


@pytest.fixture
def site(transactional_db: None) -> Iterator[str]:
    """The address of the whole service, middleware and hashed static files included.

    Rows that a test wants on the page are made before it is opened; they are seen because this
    test's database is shared with the server's threads and everything is committed.
    """
    from django.test.testcases import LiveServerThread

    def as_it_is(handler: Any) -> Any:
        """Static files come from whitenoise, as for everybody."""
        return handler

    server = LiveServerThread("127.0.0.1", as_it_is)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture(params=["wide", "narrow"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return WIDE if request.param == "wide" else NARROW


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Open a path of the site: `open_page("/", size=(390, 844), scheme="dark")`.

    At the end the page must have been silent: no failed request, no script error and no refusal by
    the content policy.
    """
    contexts = []
    complaints: list[str] = []

    def opened(
        path: str, *, size: tuple[int, int] = WIDE, scheme: str = "light", silent: bool = True
    ) -> Page:
        context = browser.new_context(
            base_url=site,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="America/Los_Angeles",
        )
        contexts.append(context)
        page = context.new_page()
        if silent:
            page.on(
                "console",
                lambda said: (
                    complaints.append(said.text) if said.type in {"error", "warning"} else None
                ),
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        page.evaluate("document.fonts.ready")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page], size: tuple[int, int], scheme: str) -> Page:
    """The start page at both widths, light and dark; `page.goto(…)` leads elsewhere."""
    return open_page("/", size=size, scheme=scheme)


@pytest.fixture(scope="session")
def assert_accessible() -> Callable[[Page], None]:
    """`assert_accessible(page)`: no violation of any axe rule, and no sideways scrolling."""
    script = AXE.read_text()

    def check(page: Page) -> None:
        # Evaluated through the debugger, not added as a tag: the content policy stays as it is.
        page.evaluate(script)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
        told = [
            f"{rule['id']} ({rule['impact']}): {node['target']} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
        assert told == [], "\n".join(told)
        wide, seen = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= seen, f"the page is {wide} px wide in a window of {seen} px"

    return check


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keep a picture of the whole page under screenshots/ (git-ignored) for people to look at."""

    def keep(page: Page, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return keep
