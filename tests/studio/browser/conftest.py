"""A real Chromium before a real gateway over a sandbox: what the journeys share."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.gateway.conftest import Stage, stage

__all__ = ["stage"]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
FLAGS = (
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SIZES = {"desk": (1280, 860), "phone": (390, 844)}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}

SHOTS = Path(os.environ.get("PISANG_SHOTS", Path(__file__).parents[3] / "build" / "studio"))

_CSP = """addEventListener('securitypolicyviolation',
  (event) => console.error('CSP', event.violatedDirective, event.blockedURI))"""

expect.set_options(timeout=10_000)


@dataclass
class Screen:
    """A page somebody looks at, and what it complained of to itself."""

    page: Page
    url: str
    name: str
    complaints: list[str] = field(default_factory=list)
    _shots: int = 0

    def open(self, where: str = "") -> Page:
        """Go there, once the pages are drawn."""
        self.page.goto(f"{self.url}/{where}")
        self.page.locator("studio-app nav, studio-app sign-in").first.wait_for()
        return self.page

    def forgive(self, words: str) -> None:
        """A browser writes down each answer of 4xx, and each connection it was refused, by itself:
        the test meant those that hold these words."""
        assert any(words in one for one in self.complaints), self.complaints
        self.complaints[:] = [one for one in self.complaints if words not in one]

    def shoot(self, what: str) -> None:
        """Keep a picture of it, to be looked at."""
        self._shots += 1
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{self.name}-{self._shots:02d}-{what}.png")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Without one the journeys can't be made."""
    if not CHROMIUM:
        if os.environ.get("PISANG_BROWSER") == "must":
            pytest.fail("no Chromium is installed, and PISANG_BROWSER=must")
        pytest.skip("the studio's journeys need Chromium (apt install chromium)")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))


@pytest.fixture(scope="module")
def shop(stage: Stage) -> Stage:
    """A gateway of this machine alone, over an upstream whose pictures have a price."""
    return stage


WAYS = {"en-desk": ("desk", "en"), "zh-phone": ("phone", "zh")}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """One journey at a desk in English, the same on a phone in Chinese."""
    return WAYS[request.param]


Opener = Callable[..., Screen]
Say = Callable[..., str]


def describe(page: Page, said: Say, prompt: str) -> None:
    """A prompt, put where it belongs."""
    page.get_by_role("textbox", name=said("composer.prompt")).fill(prompt)


def card(page: Page, prompt: str) -> Locator:
    """What the activity shows of a prompt, where it is in view."""
    return page.locator("queue-card:visible").filter(has_text=prompt).first


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A journey that fails leaves a picture of where it was."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def opening(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Opens a browser's window of its own before a server. At the end no page may have complained:
    no error in its console, no violation of its policy, no request that failed on its own."""
    opened: list[Screen] = []
    made = []

    def open_one(url: str, size: str = "desk", language: str = "en", **more: object) -> Screen:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=LOCALES[language],
            has_touch=size == "phone", is_mobile=size == "phone",
            permissions=["clipboard-read", "clipboard-write"], **more,  # type: ignore[arg-type]
        )  # fmt: skip
        made.append(context)
        context.add_init_script(_CSP)
        context.set_default_timeout(10_000)
        page = context.new_page()
        words = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
        screen = Screen(page, url, f"{words}-{len(opened)}" if opened else words)
        page.on(
            "console",
            lambda said: screen.complaints.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: screen.complaints.append(str(error)))
        opened.append(screen)
        return screen

    yield open_one
    if request.node.stash.get(FAILED, False):
        for one in opened:
            one.shoot("failed")
    for context in made:
        context.close()
    assert [(one.name, one.complaints) for one in opened if one.complaints] == []
