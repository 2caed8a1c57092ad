"""A page whose connection broke comes back by itself, whether the server was started anew or the network was cut."""

import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import anyio.to_thread
import gradio as gr
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from server import application
from server.queueing import queue_options
from tests.server.client import browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve, started
from tests.server.page import open_page
from tests.server.wire import wired

SECONDS = 30
"""How long a test waits for what must come; reached only when it fails."""
PROGRAM = """
import server
import asyncio
import gradio as gr
from server import application, running
from server.queueing import queue_options
from server.settings import ServerSettings, read_settings

async def answer(text):
    await asyncio.sleep(600 if text == "wait" else 0)
    return text.upper()

settings = read_settings(ServerSettings)
with gr.Blocks(analytics_enabled=False) as demo:
    text = gr.Textbox(label="Question")
    text.submit(answer, text, gr.Textbox(label="Answer"), api_name="answer")
demo.queue(**queue_options(settings))
running.serve(application.create_app(demo, settings), settings)
"""


def ask(page: Page, text: str) -> None:
    page.get_by_label("Question").fill(text)
    page.get_by_label("Question").press("Enter")


def works_anew(page: Page) -> None:
    """See that the page was loaded again and that an event of it is answered."""
    expect(page.locator("body[data-before]")).to_have_count(0, timeout=SECONDS * 1000)
    ask(page, "hello")
    expect(page.get_by_label("Answer")).to_have_value("HELLO", timeout=SECONDS * 1000)


def wait_for_an_answer(page: Page) -> None:
    """Start an event that does not end, in a page that is told from the one after it."""
    page.goto("/")
    page.evaluate("document.body.dataset.before = 'the break'")
    with page.expect_response(lambda answer: "queue/data" in answer.url):
        ask(page, "wait")


def test_a_page_may_ask_whether_the_server_is_still_the_same(make_app: MakeApp) -> None:
    app = make_app()
    with browse(app) as client:
        for path in ("/gradio_api/app_id", "/gradio_api/app_id/"):
            # Nothing else: a number that is drawn at each start and that the page has from its configuration.
            assert client.get(path).json() == {"app_id": app.state.demo.app_id}
        assert client.get("/config").json()["app_id"] == app.state.demo.app_id


def test_a_waiting_page_comes_back_after_a_new_start(browser: Browser, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    with started("-P", str(program), APP_PORT=port) as (first, url), open_page(browser, url) as page:
        wait_for_an_answer(page)
        first.kill()
        expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
        with started("-P", str(program), APP_PORT=port):
            works_anew(page)


def make_waiting(make_settings: MakeSettings) -> tuple[FastAPI, threading.Event]:
    """Make a page with an answer that waits for an event."""
    go_on, settings = threading.Event(), make_settings()

    async def answer(text: str) -> str:
        if text == "wait":
            await anyio.to_thread.run_sync(go_on.wait, SECONDS, abandon_on_cancel=True)
        return text.upper()

    with gr.Blocks(analytics_enabled=False) as demo:
        text = gr.Textbox(label="Question")
        text.submit(answer, text, gr.Textbox(label="Answer"), api_name="answer")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings), go_on


def test_a_waiting_page_comes_back_after_a_cut_of_the_network(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    app, go_on = make_waiting(make_settings)
    with serve(app) as url, wired(url) as (wire, front), open_page(browser, front) as page:
        wait_for_an_answer(page)
        wire.cut()
        # The page asks every two seconds: the cut is longer than three.
        for _ in range(2):
            page.wait_for_event("requestfailed", lambda request: request.url.endswith("/app_id"))
        wire.mend()
        works_anew(page)
        go_on.set()


def test_a_page_whose_sign_in_ended_during_a_cut_leads_to_the_sign_in(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    app, go_on = make_waiting(make_settings)
    with serve(app) as url, wired(url) as (wire, front), open_page(browser, front) as page:
        wait_for_an_answer(page)
        wire.cut()
        page.wait_for_event("requestfailed", lambda request: request.url.endswith("/app_id"))
        page.context.clear_cookies()
        page.context.set_extra_http_headers({})
        wanted = app.state.access.login_path or "/"
        with page.expect_request(lambda request: urlsplit(request.url).path == wanted, timeout=SECONDS * 1000):
            wire.mend()
        if not app.state.access.known_only:
            works_anew(page)
        go_on.set()
