"""A real Chromium for tests, which fails a test for whatever the page complains about."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from .effort import IS_FULL

if TYPE_CHECKING:  # every worker loads this file, and not every one opens a browser
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

LIGHT = "chromium-headless-shell"  # the same engine without a window: a third of the work per page
PROGRAMS = [LIGHT, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
SWITCHES = [
    "--no-sandbox",  # tests may run as root
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--renderer-process-limit=1",  # a new process for each profile would be a fifth of the work
    # Nothing but this machine can be reached, whatever a page asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
MARKUP = """() => {
    const kind = (each) => [
        each.tagName, each.getAttribute("role"), each.getAttribute("type"),
        ...each.getAttributeNames().sort(), ...each.classList,
    ].join(".");
    return [...new Set([...document.querySelectorAll("*")].map(kind))].sort().join();
}"""
LOCALES = {"zh-hant": "zh-HK", "en": "en-GB"}


@dataclass
class Complaints:
    """What the browser said of a test's pages: script errors, refused styles, missing files, far hosts."""

    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # parts of complaints that a test provokes on purpose

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"{message.text} ({message.location['url']})")

    def see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https"} and address.hostname not in {"127.0.0.1", "localhost"}:
            self.found.append(f"a request left this machine: {request.url}")

    @property
    def unexpected(self) -> list[str]:
        return [line for line in self.found if not any(part in line for part in self.expected)]


OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        pytest.fail("Chromium is missing: apt-get install chromium, or name it in the variable CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test at its end for every complaint that ``expected`` does not name."""
    complaints = Complaints()
    yield complaints
    assert not complaints.unexpected


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[OpenPage]:
    """``open_page("en", javascript=False, width=320)``: a page in a new, empty browser profile."""
    contexts = []

    def open_one(
        language: str = "en", *, javascript: bool = True, width: int = 1280, height: int = 900
    ) -> Page:
        context = browser.new_context(
            locale=LOCALES[language],
            java_script_enabled=javascript,
            viewport={"width": width, "height": height},
            timezone_id="Asia/Hong_Kong",
        )
        contexts.append(context)
        context.on("console", complaints.hear)
        context.on("weberror", lambda error: complaints.found.append(str(error.error)))
        context.on("request", complaints.see)
        context.set_default_timeout(15_000)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """An English page with JavaScript at desktop size."""
    return open_page("en")


def assert_visible(place: Locator, why: object = "") -> None:
    """Fail unless the place is shown, at the latest once the page is ready: at once would be a race."""
    from playwright.sync_api import expect

    expect(place, str(why)).to_be_visible()


def assert_hidden(place: Locator, why: object = "") -> None:
    """Fail unless the place is hidden, at the latest once page and script are ready."""
    from playwright.sync_api import expect

    expect(place, str(why)).to_be_hidden()


def assert_accessible(page: Page) -> None:
    """axe finds nothing serious on the page. Needs JavaScript.

    In `make test` each kind of page is looked at once: a page of the same address, apart from numbers and
    language, made of the same elements, attributes and classes has nothing new to show.
    """
    if not IS_FULL and _is_known(page):
        return
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    serious = [each for each in violations if each["impact"] in {"serious", "critical"}]
    assert not serious, "\n".join(
        f"{page.url}: {each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}"
        for each in serious
    )


def _is_known(page: Page) -> bool:
    """Whether any worker of the run has looked at this kind of page."""
    parts = urlsplit(page.url).path.split("/")[2:]  # without the language
    path = "/".join("#" if any(map(str.isdigit, part)) else part for part in parts)
    kind = hashlib.sha256(f"{path} {page.evaluate(MARKUP)}".encode()).hexdigest()
    marker = Path(os.environ["TEST_FOLDER"]) / "accessible" / kind
    marker.parent.mkdir(exist_ok=True)
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return True
    return False
