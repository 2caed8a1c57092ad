"""What every page of the app must hold, checked in a real browser."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect

from tests.server.access import headers

expect.set_options(timeout=20_000)

PHONE_WIDTH = 390
"""In CSS pixels; the narrowest common phones."""

BEYOND = """width => [...document.body.querySelectorAll("*")].filter(it => {
  const box = it.getBoundingClientRect()
  if (box.right <= width + 1 || box.left >= box.right || box.top >= box.bottom || !it.checkVisibility()) return false
  for (let up = it.parentElement; up && !up.matches(".gradio-container"); up = up.parentElement)
    if (up.scrollWidth > up.clientWidth && ["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return false
  return true
}).map(it => `${it.outerHTML.slice(0, 150)} ends at ${Math.round(it.getBoundingClientRect().right)}`)"""
"""What is seen beyond the right edge, and not in a part that scrolls by itself, such as a table."""

GRADIO_FINDINGS = {
    "aria-prohibited-attr": "the placeholder of an empty output",
    "aria-required-children": "the list of examples of a chat",
    "button-name": "pictures in the list of examples",
    "color-contrast": "primary buttons, hints of uploads, limits of sliders",
}
"""Serious findings of axe that only Gradio can put right. Anything else fails the test."""


@contextmanager
def open_page(browser: Browser, url: str, width: int = 1280, locale: str = "en-US") -> Generator[Page]:
    """Open an empty page as somebody who is signed in, where the auth mode asks for that."""
    sent = headers()
    name, _, value = sent.pop("Cookie", "").partition(";")[0].partition("=")
    size: ViewportSize = {"width": width, "height": 900}
    context = browser.new_context(base_url=url, extra_http_headers=sent, viewport=size, locale=locale)
    if name:
        context.add_cookies([{"name": name, "value": value, "url": url}])
    yield context.new_page()
    context.close()


@contextmanager
def visit(
    browser: Browser, url: str, width: int = 1280, locale: str = "en-US", harmless: tuple[str, ...] = ()
) -> Generator[Page]:
    """Open a page as a new visitor; afterwards, nothing may have gone wrong in the background.

    Args:
        browser: The browser that opens it.
        url: Where the app is served.
        width: Of the window, in CSS pixels.
        locale: The language that the browser asks for.
        harmless: Beginnings of lines in the console that may come.

    Raises:
        AssertionError: for a call to a foreign host, an error in the console or an uncaught exception.

    """
    with open_page(browser, url, width, locale) as page:
        problems: list[str] = []

        def check_request(request: Request) -> None:
            if not request.url.startswith((url, "data:", "blob:")):
                problems.append(f"foreign host: {request.url}")

        def check_console(message: ConsoleMessage) -> None:
            if message.type == "error" and not message.text.startswith(harmless):
                problems.append(f"console: {message.text}")

        page.on("request", check_request)
        page.on("console", check_console)
        page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
        page.goto("/")
        yield page
    assert not problems, problems


def assert_accessible(page: Page) -> None:
    """Let axe look for what keeps people out."""
    violations = cast("list[dict[str, Any]]", Axe().run(page).response["violations"])
    serious = {
        finding["id"]: [node["html"] for node in finding["nodes"]]
        for finding in violations
        if finding["impact"] in {"serious", "critical"} and finding["id"] not in GRADIO_FINDINGS
    }
    assert not serious, serious


def assert_fits_a_phone(page: Page) -> None:
    """Look for anything that makes the page scroll sideways, or that lies beyond its edge and cannot be reached."""
    page.set_viewport_size({"width": PHONE_WIDTH, "height": 844})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE_WIDTH, f"the page is {wide} pixels wide"
    beyond = page.evaluate(BEYOND, PHONE_WIDTH)
    assert not beyond, f"beyond the right edge of a phone: {beyond}"
