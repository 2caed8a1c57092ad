"""Refusals of the gate reach the visitor as a sentence, and what a page has to send passes with the default limits."""

import gradio as gr
import pytest
from playwright.sync_api import Browser, expect

from server import application
from server.access.identity import User
from server.queueing import queue_options
from tests.server.client import AppTest, browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.page import open_page

ROWS, COLUMNS = 12_000, 12
"""A table of the size that people look through in a page."""


async def owns(_user: User, ids: frozenset[str], *_: object) -> bool:
    return "theirs" not in ids


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("queue/missing", {}, 404),
        ("call/missing", {}, 404),
        ("queue/join", {"host": "evil.example"}, 400),
        ("queue/join", {"origin": "https://evil.example"}, 403),
        ("call/fetch", {}, 403),
        ("queue/join", {"content-length": "9999"}, 413),
        ("component_server", {"content-length": "2999999"}, 413),
    ],
)
def test_every_refusal_of_the_api_has_a_detail(
    make_app: MakeApp, path: str, headers: dict[str, str], status: int
) -> None:
    app = make_app(max_request_kb=1, max_upload_mb=1)
    app.state.access.owns = owns
    with browse(app) as client:
        answer = client.post(f"/gradio_api/{path}", json={"data": [], "session_hash": "theirs"}, headers=headers)
    assert answer.status_code == status
    assert len(answer.json()["detail"].split()) > 1


def test_elsewhere_and_of_an_upload_the_whole_answer_is_the_sentence(make_app: MakeApp) -> None:
    with browse(make_app(max_upload_mb=1)) as client:
        assert client.get("/docs").text == "Not found"
        large = client.post("/gradio_api/upload", content=b"x", headers={"content-length": "2999999"})
        assert large.text == "This is larger than the limit of 2 MB."


def test_the_page_says_that_an_event_is_too_large(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app(max_request_kb=2)) as url, open_page(browser, url) as page:
        page.goto("/")
        page.get_by_label("Text").fill("x" * 5_000)
        expect(page.get_by_text("This is larger than the limit of 0.002 MB.").first).to_be_visible()
        # The answer arrives also where it comes long before the whole body is sent.
        post = "size => fetch('/gradio_api/queue/join', {method: 'POST', body: 'x'.repeat(size)}).then(it => it.status)"
        assert page.evaluate(post, 20_000_000) == 413


def test_a_large_table_passes_with_the_default_limit(make_settings: MakeSettings) -> None:
    settings = make_settings()
    rows = [[row / 7 + column for column in range(COLUMNS)] for row in range(ROWS)]
    with gr.Blocks(analytics_enabled=False) as demo:
        shown, size = gr.Dataframe(), gr.Textbox(label="Size")
        shown.change(lambda value: str(value.shape), shown, size, api_name="size")
    demo.queue(**queue_options(settings))
    with AppTest(application.create_app(demo, settings)) as test:
        # As the page sends it: 2.4 MB.
        table = {"headers": [f"column {number}" for number in range(COLUMNS)], "data": rows, "metadata": None}
        assert test.call("size", table) == [f"({ROWS}, {COLUMNS})"]
