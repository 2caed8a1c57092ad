"""The error boundary, the logs and the start of the process."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import server
from server import application, logs
from server.errors import boundary, translated
from server.logs import AddOrigin, JsonFormatter, RequestLog, set_up_logs
from server.queueing import light_slots, queue_options, slots
from server.settings import PROJECT_DIR
from tests.server.client import AppTest
from tests.server.fixtures import MakeSettings
from tests.server.tiny import InputError

SECRET = "postgres://user:secret@db"
SESSION = "private-session"
Reported = list[dict[str, Any]]


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Reported:
    """Collect what is reported to those who count."""
    found: Reported = []
    monkeypatch.setattr(logs, "observers", [lambda _, facts: found.append(facts)])
    return found


def explode(error: Exception) -> None:
    raise error


@boundary
def function(error: Exception) -> None:
    explode(error)


@boundary
def stream(error: Exception) -> Iterator[str]:
    yield "first"
    explode(error)


@boundary
async def coroutine(error: Exception) -> None:
    explode(error)


@boundary
async def async_stream(error: Exception) -> AsyncIterator[str]:
    yield "first"
    explode(error)


async def drain(values: AsyncIterator[str]) -> list[str]:
    return [value async for value in values]


CALLS: list[Callable[[Exception], object]] = [
    function,
    lambda error: list(stream(error)),
    lambda error: asyncio.run(coroutine(error)),
    lambda error: asyncio.run(drain(async_stream(error))),
]


@pytest.mark.parametrize("call", CALLS)
def test_an_unexpected_error_is_logged_and_hidden_under_one_id(
    call: Callable[[Exception], object], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(gr.Error) as shown:
        call(RuntimeError(SECRET))
    error_id = vars(caplog.records[-1])["error_id"]
    assert SECRET not in shown.value.message
    assert error_id in shown.value.message
    assert SECRET in caplog.text


@pytest.mark.parametrize("call", CALLS)
def test_what_the_user_can_put_right_is_shown(call: Callable[[Exception], object]) -> None:
    with pytest.raises(gr.Error, match="too long"):
        call(InputError("too long"))


@pytest.mark.parametrize("call", CALLS)
def test_an_error_made_for_the_page_passes_unchanged(call: Callable[[Exception], object]) -> None:
    original = gr.Error("as it is")
    with pytest.raises(gr.Error) as shown:
        call(original)
    assert shown.value is original


def test_a_stream_that_is_stopped_closes_the_handler(reported: Reported) -> None:
    closed: list[bool] = []

    @boundary
    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    async def stop_after_one() -> None:
        values: Any = endless()
        await anext(values)
        await values.aclose()
        assert closed == [True]  # already now, and not when the garbage is collected

    asyncio.run(stop_after_one())
    assert reported[0]["outcome"] == "stopped"


OUTCOMES = [(InputError("too long"), "refused"), (gr.Error("as it is"), "refused"), (RuntimeError(SECRET), "failed")]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("error", "outcome"), OUTCOMES)
def test_an_event_that_ends_in_an_error_has_one_line(
    call: Callable[[Exception], object], error: Exception, outcome: str, reported: Reported
) -> None:
    with pytest.raises(gr.Error):
        call(error)
    [facts] = reported
    assert facts["outcome"] == outcome
    assert facts["error"] == type(error).__name__
    assert facts["seconds"] >= facts.get("first_seconds", 0)
    assert ("first_seconds" in facts) == ("stream" in facts["handler"])
    assert SECRET not in str(facts)


def test_an_event_that_ends_well_has_one_line(reported: Reported) -> None:
    assert boundary(len)([1, 2]) == 2
    [facts] = reported
    assert facts["handler"] == "len"
    assert facts["outcome"] == "ok"
    assert "error" not in facts


def test_a_validator_is_no_event(reported: Reported) -> None:
    with pytest.raises(gr.Error):
        translated("validate")(explode)(InputError("too long"))
    assert reported == []


def test_lines_of_an_event_in_the_queue_name_its_request_and_session(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    @boundary
    def deep() -> Iterator[str]:
        yield "first"
        logging.getLogger("app.deep").info("inside")
        yield "last"

    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Button().click(deep, None, gr.Textbox(), api_name="deep")
    demo.queue(**queue_options(make_settings()))
    app = application.create_app(demo, make_settings())
    with caplog.at_level(logging.INFO), caplog.filtering(AddOrigin()), AppTest(app) as test:
        joined = test.http.post("/gradio_api/call/deep", json={"data": [], "session_hash": SESSION})
        test.http.get(f"/gradio_api/call/deep/{joined.json()['event_id']}")
    lines = {record.name: vars(record) for record in caplog.records}
    for line in (lines["app.deep"], lines["app.events"]):
        assert line["request_id"] == joined.headers["x-request-id"]
        assert line["session"] == logs.short(SESSION)
    assert lines["app.events"]["handler"] == "deep"
    assert lines["app.events"]["outcome"] == "ok"


def test_the_model_is_timed_also_when_it_is_stopped(reported: Reported) -> None:
    with pytest.raises(GeneratorExit), logs.model_time():
        raise GeneratorExit
    assert list(reported[0]) == ["seconds"]


def test_a_json_line_holds_the_facts_and_the_exception(
    make_settings: MakeSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    before = logging.root.handlers[:]
    set_up_logs(make_settings(log_format="json"))
    try:
        explode(ValueError("é"))
    except ValueError:
        logging.getLogger("app.test").exception("failed %s", "here", extra={"error_id": "abc"})
    logging.getLogger("app.test").info("fine")
    line, plain = map(json.loads, capsys.readouterr().err.splitlines())
    assert "exception" not in plain
    assert line["message"] == "failed here"
    assert line["level"] == "error"
    assert line["error_id"] == "abc"
    assert line["request_id"] == line["session"] == "-"
    assert "ValueError: é" in line["exception"]
    set_up_logs(make_settings())
    assert not isinstance(logging.root.handlers[0].formatter, JsonFormatter)
    logging.root.handlers[:] = before


def test_every_answer_carries_the_id_that_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    app.add_middleware(RequestLog)
    with caplog.at_level(logging.INFO), TestClient(app) as client:
        query = f"/missing?x=1&session_hash={SESSION}"
        given = client.get(query, headers={"x-request-id": "from-the-proxy"})
        made = client.get("/missing", headers={"x-request-id": "bad id\x7f"})
        for path in ("heartbeat/", "stream/", "file=", "call/name/", "call/v2/name/"):
            client.get(f"/gradio_api/{path}{SESSION}")
        client.post("/gradio_api/call/v2/name")
    assert given.headers["x-request-id"] == "from-the-proxy"
    assert len(made.headers["x-request-id"]) == 32
    lines = [record for record in caplog.records if record.name == "app.access"]
    assert vars(lines[0])["status"] == 404
    assert vars(lines[0])["session"] == logs.short(SESSION)
    assert all(vars(line)["path"].endswith(logs.short(SESSION)) for line in lines[2:-1])
    assert vars(lines[-1])["path"] == "/gradio_api/call/v2/name"
    assert all(SESSION not in JsonFormatter().format(line) for line in lines)


def test_gradio_is_told_to_stay_quiet_before_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.meta_path", sys.meta_path[:])
    for name in ("ENABLED", "MAX_EVENTS"):
        monkeypatch.delenv(f"GRADIO_ANALYTICS_{name}")
    server.prepare_process()
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    # All that are kept are copied after every event.
    assert int(os.environ["GRADIO_ANALYTICS_MAX_EVENTS"]) <= 100


def test_limits_come_from_the_settings(make_settings: MakeSettings) -> None:
    settings = make_settings(concurrency=3, queue_size=7)
    assert light_slots(settings) == slots("light", 3)
    options = {"max_size": 7, "default_concurrency_limit": 3, "status_update_rate": 5, "api_open": False}
    assert queue_options(settings) == options


def test_a_record_that_names_its_request_keeps_the_name() -> None:
    record = logging.makeLogRecord({"request_id": "given"})
    assert AddOrigin().filter(record)
    assert vars(record)["request_id"] == "given"
    assert vars(record)["session"] == "-"


def test_only_requests_get_an_id() -> None:
    seen: list[str] = []

    async def app(scope: Any, *_: object) -> None:  # noqa: ANN401
        seen.append(scope["type"])

    asyncio.run(RequestLog(app)({"type": "websocket"}, cast("Any", None), cast("Any", None)))
    assert seen == ["websocket"]


def test_an_older_python_is_told_which_one_is_needed() -> None:
    start = "import sys; sys.version_info = (3, 10, 13); import server"
    run = subprocess.run([sys.executable, "-c", start], cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    [line] = run.stderr.splitlines()
    assert line.startswith("Python 3.11 or newer is needed; this is ")
