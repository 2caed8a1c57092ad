"""Requests that make no sense are answered by a sentence: nothing crashes over them, and nothing shows its insides."""

import json
import random
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from starlette.testclient import TestClient

from server import application
from server.queueing import queue_options
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeApp, MakeSettings
from tests.server.test_gate import ENDLESS, OPEN

API = "/gradio_api/"
FORM = {"content-type": "multipart/form-data; boundary=b"}
JSON = {"content-type": "application/json"}
SEED, EXAMPLES = 12, 150
WORDS = [
    "",
    "s",
    "fetch",
    "v2",
    "..",
    "%00",
    "%ff",
    "a" * 300,
    "%0a",
    "0",
    "-1",
    "file=",
    "\u00e9",
    "__class__",
    "a/b",
    "//",
]
VALUES = [None, True, 0, -1, 99, 1.5, "", "x", "\0", "\ud7ff", [], {}, [[]], {"path": "/x"}, {"path": 5}, ["x"] * 5]
NAMES = [
    "session_hash",
    "event_id",
    "fn_index",
    "data",
    "trigger_id",
    "event_data",
    "component_id",
    "fn_name",
    "batched",
]
METHODS = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"]


class Watched:
    """Stands around an application, and keeps what it raises: a server would write a trace of it."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401
        self.app, self.raised = app, list[Exception]()

    async def __call__(self, *connection: Any) -> None:  # noqa: ANN401
        try:
            await self.app(*connection)
        except Exception as error:
            self.raised.append(error)
            raise


@pytest.fixture(scope="module")
def watched(make_app: MakeApp) -> Watched:
    return Watched(make_app())


@pytest.fixture(scope="module")
def http(watched: Watched) -> Iterator[TestClient]:
    with browse(watched) as client:  # type: ignore[arg-type]
        yield client


def assert_sensible(answer: Any, watched: Watched) -> None:  # noqa: ANN401
    """See that somebody meant this answer."""
    assert answer.status_code < 500 or answer.status_code == 503, answer.request
    assert "Traceback" not in answer.text
    assert watched.raised == [], answer.request


def part(head: str, content: str = "x") -> bytes:
    return f"--b\r\n{head}\r\n\r\n{content}\r\n--b--\r\n".encode()


FILE = 'Content-Disposition: form-data; name="files"; filename="a.txt"'


@pytest.mark.parametrize("query", ["", "?upload_id=u1"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--b",
        b"no form",
        part(FILE)[:-12],
        part("Content-Disposition: form-data"),
        part('Content-Disposition: form-data; name="files"'),
        part('Content-Disposition: form-data; name="other"'),
        part("X: " + "a" * 10_000),
        part("no colon"),
        part(""),
        part(FILE.replace("a.txt", "a" * 300)),
        part(FILE.replace("a.txt", "..")),
        part(FILE.replace("a.txt", "a\0b")),
    ],
)
def test_a_broken_upload_is_refused(http: TestClient, watched: Watched, content: bytes, query: str) -> None:
    answer = http.post(f"{API}upload{query}", content=content, headers=FORM)
    assert_sensible(answer, watched)
    assert answer.text


@pytest.mark.parametrize("path", ["", "assets/", "static/", "svelte/", "gradio_api/file=/", "gradio_api/call/"])
@pytest.mark.parametrize("name", ["a" * 60_000, "a" * 256, "a/" * 3_000, "\u00e9" * 130, "%00", "x%00.js"])
def test_a_path_that_no_file_has_is_not_found(http: TestClient, watched: Watched, path: str, name: str) -> None:
    answer = http.get(f"/{path}{name}")
    assert_sensible(answer, watched)
    assert answer.status_code == 404


@pytest.mark.parametrize("event", ["call/fetch/", "call/v2/fetch/"])
def test_an_event_that_is_not_there_is_not_found(http: TestClient, watched: Watched, event: str) -> None:
    answer = http.get(f"{API}{event}made-up")
    assert_sensible(answer, watched)
    assert (answer.status_code, answer.json()["detail"]) == (404, "This is not there, or its answer was read already.")


def test_a_page_that_listens_to_nothing_is_told_to_start_anew(http: TestClient, watched: Watched) -> None:
    answer = http.get(f"{API}queue/data?session_hash=made-up")
    assert_sensible(answer, watched)
    told = json.loads(answer.text.removeprefix("data: "))
    assert (told["msg"], told["session_not_found"]) == ("unexpected_error", True)
    assert http.get(f"{API}queue/data").status_code == 422


@pytest.fixture
def odd(make_settings: MakeSettings) -> Iterator[AppTest]:
    """Serve events, queued and not, whose components take only certain values."""
    settings = make_settings()
    with gr.Blocks(analytics_enabled=False) as demo:
        choice, file, text = gr.Dropdown(["a", "b"]), gr.File(), gr.Textbox()
        for name, queue in (("queued", True), ("at_once", False)):
            gr.on([choice.select], lambda *_: "fine", [choice, file], text, api_name=name, queue=queue)
        text.submit(lambda _: 1 / 0, text, text, api_name="fail", queue=False)
    demo.queue(**queue_options(settings))
    with AppTest(application.create_app(demo, settings)) as test:
        yield test


@pytest.mark.parametrize(
    "inputs", [["c", None], ["a", "x"], ["a", {"path": 5}], ["a", {"path": "/etc/passwd"}], [{}, []]]
)
def test_a_value_that_no_component_takes_is_an_error_of_the_visitor(
    odd: AppTest, inputs: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EventError, match=r"cannot be used|not in the list"):
        odd.call("queued", *inputs)
    fns = odd.http.app.state.demo.fns  # type: ignore[attr-defined]
    [number] = [number for number, fn in fns.items() if fn.api_name == "at_once"]
    answer = odd.http.post(f"{API}run/predict", json={"data": inputs, "fn_index": number, "session_hash": "s"})
    assert answer.status_code == 422
    assert not any(record.exc_info for record in caplog.records)


def test_a_handler_that_fails_is_no_error_of_the_visitor(odd: AppTest) -> None:
    fns = odd.http.app.state.demo.fns  # type: ignore[attr-defined]
    [number] = [number for number, fn in fns.items() if fn.api_name == "fail"]
    answer = odd.http.post(f"{API}run/predict", json={"data": ["x"], "fn_index": number, "session_hash": "s"})
    assert answer.status_code == 500


def test_an_error_elsewhere_stays_one(make_app: MakeApp) -> None:
    app = make_app()

    def broken(*_: object) -> None:
        raise ValueError("in a page, which has no body")

    app.state.demo.get_api_info = broken
    with browse(app) as client:
        assert client.get(f"{API}info").status_code == 500


def made_up(dice: random.Random) -> tuple[str, str, dict[str, Any]]:
    """Make a request up: a route that is open, and anything in its path, head and body."""
    path = dice.choice(sorted(OPEN - ENDLESS - {f"{API}queue/data", f"{API}upload_progress"}))
    while "{" in path:
        path = path[: path.index("{")] + dice.choice(WORDS) + path[path.index("}") + 1 :]
    fields = {name: dice.choice(VALUES) for name in dice.sample(NAMES, dice.randint(0, len(NAMES)))}
    body = json.dumps(dice.choice([fields, fields, fields, [fields], *VALUES])).encode()
    cut = dice.choice([len(body)] * 5 + [dice.randint(0, len(body))])
    kind = dice.choice([JSON, JSON, JSON, FORM, {}, {"content-type": dice.choice([b"", b"text/plain", b"\xff"])}])
    query = dice.choice(["", "", f"?{dice.choice(NAMES)}={dice.choice(WORDS)}", "?&&=%", "?page=x&deep_link=../x"])
    return dice.choice([*METHODS, "POST", "POST", "POST"]), path + query, {"content": body[:cut], "headers": kind}


def test_whatever_is_sent_the_answer_is_sensible(http: TestClient, watched: Watched) -> None:
    dice = random.Random(SEED)
    for _ in range(EXAMPLES):
        method, path, more = made_up(dice)
        assert_sensible(http.request(method, path, **more, follow_redirects=False), watched)
