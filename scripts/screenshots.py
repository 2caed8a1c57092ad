"""Take the pictures of the README, one for each app type: `uv run python -m scripts.screenshots`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from copier import run_copy
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TITLES = {"blocks": "Table Explorer", "interface": "Digit Reader", "chat": "Assistant", "streaming": "Writer"}


def show_interface(page: Page) -> None:
    """Read an example digit."""
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    page.locator(".gallery-item").nth(1).click()
    expect(undo).to_be_enabled()  # The picture is on the canvas.
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_test_id("label-output-value")).to_be_visible()


def show_blocks(page: Page) -> None:
    """Open the sample and show its plot."""
    page.get_by_role("button", name=re.compile("sample", re.IGNORECASE)).click()
    expect(page.locator("canvas, .vega-embed svg").first).to_be_visible()


def show_chat(page: Page) -> None:
    """Ask the model what it is."""
    page.get_by_role("textbox").last.fill("Who are you, and what can you do?")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("bot")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def show_streaming(page: Page) -> None:
    """Let the model write."""
    page.get_by_role("textbox").first.fill("A short note about tides")
    page.get_by_role("button", name=re.compile("generate|write|run|send|start", re.IGNORECASE)).first.click()
    expect(page.get_by_text(re.compile(r"per second|tokens/s"))).to_be_visible()


JOURNEYS: dict[str, Callable[[Page], None]] = {
    "interface": show_interface,
    "blocks": show_blocks,
    "chat": show_chat,
    "streaming": show_streaming,
}


@contextmanager
def served(app_type: str, folder: Path, settings: Mapping[str, str] = {}, **answers: str) -> Generator[str]:
    """Render and start an app, and give its address."""
    data = {"app_type": app_type, "project_name": TITLES[app_type], **answers}
    run_copy(str(ROOT), folder, data=data, defaults=True, quiet=True, vcs_ref="HEAD")
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=folder,
        env={**os.environ, "APP_PORT": "0", **settings},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = process.stderr or ()
        url = next(found[0] for line in lines if (found := re.search(r"http://[\d.]+:\d+", line)))
        # Read on: a full pipe would stop the server.
        threading.Thread(target=deque, args=(lines, 0), daemon=True).start()
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=60)


@contextmanager
def chromium() -> Generator[Browser]:
    """Start the browser of this machine."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def take(app_type: str, folder: Path) -> None:
    """Render, start and photograph one app."""
    with served(app_type, folder) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 720})
        page.set_default_timeout(30_000)
        page.goto(url)
        JOURNEYS[app_type](page)
        page.wait_for_timeout(2000)  # animations; nothing depends on it
        page.screenshot(path=ROOT / "docs" / "screenshots" / f"{app_type}.png")


if __name__ == "__main__":
    (ROOT / "docs" / "screenshots").mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or JOURNEYS:
        with tempfile.TemporaryDirectory() as scratch:
            take(name, Path(scratch) / "app")
