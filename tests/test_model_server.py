"""Chat and streaming with a model server that nobody here wrote: llama.cpp's."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from scripts.screenshots import chromium
from tests.conftest import ROOT, render
from tests.test_first_start import started

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("model_server")]

TOKENS = 512
"""That the server gives to a question, with all that was said before, and its answer."""
ANSWER = 32
WRITTEN = re.compile(f"[a-z]{{{ANSWER}}}")


@contextmanager
def llama(folder: Path, port: int = 0) -> Iterator[str]:
    """Start the server and give its address."""
    with (
        (folder / "llama.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.model_server", str(folder), str(TOKENS), str(port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), (folder / "llama.log").read_text()
        yield address
        process.kill()  # as when its machine goes


@dataclass
class App:
    """How a page is used."""

    app_type: str
    say: Callable[[Page, str], None]
    answer: Callable[[Page], Locator]
    told: Callable[[Page, str], None]


def say_in_chat(page: Page, text: str) -> None:
    message = page.get_by_role("textbox", name=re.compile("^Message"))
    expect(message).to_be_enabled()
    message.fill(text)
    page.get_by_role("button", name="Send").click()


def told_in_chat(page: Page, text: str) -> None:
    expect(page.locator(".bot").last).to_contain_text(text)


def say_in_streaming(page: Page, text: str) -> None:
    page.get_by_label("Prompt").fill(text)
    page.get_by_role("button", name="Run", exact=True).click()


def told_in_streaming(page: Page, text: str) -> None:
    note = page.locator(".toast-body", has_text=text)
    expect(note).to_be_visible()
    note.get_by_test_id("toast-close").click()


CHAT = App("chat", say_in_chat, lambda page: page.locator(".bot").last, told_in_chat)
STREAMING = App("streaming", say_in_streaming, lambda page: page.locator("#answer"), told_in_streaming)


@contextmanager
def opened(app: App, template: Path, folder: Path, server: str, **settings: str) -> Iterator[Page]:
    """Serve an app that asks this server, and open its page."""
    project = render(template, folder / "app", {"app_type": app.app_type, "model": "openai"})
    known = {
        "APP_MODEL_URL": f"{server}/v1",
        "APP_MODEL_NAME": "tiny",
        "APP_MODEL_RETRIES": "0",
        "APP_MAX_TOKENS": str(ANSWER),
    }
    with started(project, sys.executable, "app.py", **known, **settings) as url, chromium() as browser:
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(url)
        yield page
        assert not problems


BOTH = pytest.mark.parametrize("app", [CHAT, STREAMING], ids=lambda app: app.app_type)


@BOTH
def test_a_question_too_long_is_refused_and_the_next_one_answered(app: App, template: Path, tmp_path: Path) -> None:
    # The operator says more than there is: the page lets it pass, and the server refuses it in its own words.
    with llama(tmp_path) as server, opened(app, template, tmp_path, server, APP_CONTEXT_TOKENS="4000") as page:
        app.say(page, "word " * 200)
        app.told(page, "more text than the model can read")
        app.say(page, "Hi")
        expect(app.answer(page)).to_contain_text(WRITTEN)


def test_a_conversation_goes_on_past_what_the_server_reads(template: Path, tmp_path: Path) -> None:
    with llama(tmp_path) as server, opened(CHAT, template, tmp_path, server) as page:
        for number in range(6):
            CHAT.say(page, f"{number} " + "word " * 20)
            expect(page.get_by_text(f"limit of {ANSWER} tokens")).to_have_count(number + 1)
        expect(page.locator(".bot").last).to_contain_text("Earlier messages are left out")


@BOTH
def test_a_server_that_dies_is_told_and_the_page_goes_on_when_it_is_back(
    app: App, template: Path, tmp_path: Path
) -> None:
    with ExitStack() as first:
        server = first.enter_context(llama(tmp_path))
        with opened(app, template, tmp_path, server) as page:
            app.say(page, "Hi")
            expect(app.answer(page)).to_contain_text(WRITTEN)
            first.close()
            app.say(page, "Are you there?")
            app.told(page, "The model cannot be reached.")
            with llama(tmp_path, int(server.rpartition(":")[2])):
                app.say(page, "And now?")
                expect(app.answer(page)).to_contain_text(WRITTEN)
