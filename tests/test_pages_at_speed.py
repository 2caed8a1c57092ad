"""A page that uses what the examples do not, behind the quickened server, in a real browser.

What it renders while it runs, a camera and a microphone, batches, cancels, progress, and a reload of its file.
"""

import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import ROOT, render

APP = ROOT / "tests" / "pages" / "everything.py"
DEVICES = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
SECONDS = 30

pytestmark = pytest.mark.slow


@contextmanager
def served(project: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve `app.py` of a project, and give its address and what was said before."""
    process, said = started(project, {"APP_PORT": "0"}), list[str]()
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"http://127[\d.]+:\d+", line):
                break
            said.append(line.strip())
        else:
            pytest.fail(f"app.py did not start: {said}")
        yield found[0], said
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
    assert process.returncode == 0


def started(project: Path, variables: dict[str, str], *arguments: str) -> Popen[str]:
    """Start `app.py` of a project."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("APP_")}
    environment = kept | {"PYTHONUNBUFFERED": "1"} | variables
    command = [sys.executable, "app.py", *arguments]
    return Popen(command, cwd=project, env=environment, stderr=PIPE, text=True, start_new_session=True)


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    made = render(template, tmp_path / "app", {"app_type": "interface"})
    (made / "app.py").write_text(APP.read_text(encoding="utf-8"), encoding="utf-8")
    return made


@pytest.fixture
def page() -> Iterator[Page]:
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=DEVICES)
        context = browser.new_context(permissions=["camera", "microphone"])
        yield context.new_page()
        browser.close()


def test_every_kind_of_event_works(project: Path, page: Page) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    with served(project) as (url, _):
        page.goto(url)
        # What a page renders while it runs has events of its own.
        page.get_by_label("How many").fill("3")
        page.get_by_label("How many").press("Enter")
        expect(page.get_by_role("button", name="Number 2")).to_be_visible()
        page.get_by_role("button", name="Number 2").click()
        expect(page.get_by_label("Chosen")).to_have_value("2")
        # Waiting calls share a batch, and each gets its own answer.
        page.get_by_role("button", name="Batch").click()
        expect(page.get_by_label("Batched")).to_have_value("BATCHED")
        # A running stream is cancelled, and the next one runs.
        for times in ("1", "2"):
            page.get_by_role("button", name="Count").click()
            expect(page.get_by_label("Counted")).to_have_value(re.compile(r"\d+"))
            page.get_by_role("button", name="Cancel").click()
            expect(page.get_by_label("Cancelled")).to_have_value(times)
        # Progress is seen while it is made.
        page.get_by_role("button", name="Work").click()
        expect(page.get_by_text("Working")).to_be_visible()
        expect(page.get_by_label("Worked")).to_have_value("done")
        # Pieces of sound and pictures come from the devices.
        page.get_by_role("button", name="Record").first.click()
        expect(page.get_by_label("Heard")).to_have_value(re.compile(r"[1-9]"))
        page.get_by_role("button", name="Click to Access Webcam").click()
        page.get_by_role("button", name="capture photo").click()
        expect(page.get_by_label("Seen")).to_have_value(re.compile(r"[1-9]"))
    assert not problems


def test_a_change_of_the_file_is_served_without_a_new_start(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = started(project, {"APP_PORT": str(port)}, "--reload")
    try:
        until(port, "How many")
        app = project / "app.py"
        app.write_text(app.read_text(encoding="utf-8").replace("How many", "Another label"), encoding="utf-8")
        until(port, "Another label")
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # what watches the files, and what serves
        process.communicate(timeout=SECONDS)


def until(port: int, text: str) -> None:
    """Ask until the page holds a text; the server is away while it starts anew."""
    deadline = time.monotonic() + 2 * SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/config", timeout=SECONDS) as answer:
                if text in answer.read().decode():
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the page never held {text!r}")
