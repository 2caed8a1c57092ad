"""Logs: whatever visitors send, a record is one line; and who was refused has one that says why."""

import logging
import re
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.testclient import TestClient

from server import application, gradio_speed, logs
from server.logs import TextFormatter, plain
from server.queueing import queue_options
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import TINY, MakeApp, MakeSettings, started

FORGED = "x%0a12:00:00 ERROR   - app.access: GET /admin 200 0.1s"
TRICKS = ["\n", "\r", "\x1b[2J", "\x9b31m", "\u2028", "\x85", "\u202e", "\0", "\ud800", "\x7f"]


def lines_of(record: logging.LogRecord) -> list[str]:
    return TextFormatter("%(levelname)s %(message)s").format(record).splitlines()


@pytest.mark.parametrize("trick", TRICKS, ids=ascii)
def test_a_record_is_one_line_that_no_terminal_obeys(trick: str) -> None:
    record = logging.makeLogRecord({"msg": "GET /%s", "args": (f"a{trick}b",), "levelname": "INFO"})
    [line] = lines_of(record)
    assert line.isprintable()
    assert line.startswith("INFO GET /a\\")


def test_what_people_write_is_shown_as_it_is() -> None:
    text = "caf\u00e9 \u4f60\u597d \U0001f600 /a b?c=d"
    assert plain(text) == text


def test_no_line_of_a_trace_looks_like_a_record() -> None:
    error = ValueError("first\n12:00:00 ERROR - app.access: forged\x1b[2J")
    record = logging.makeLogRecord({"msg": "failed", "levelname": "ERROR", "exc_info": (ValueError, error, None)})
    first, *trace = lines_of(record)
    assert first == "ERROR failed"
    assert all(line.startswith("  | ") and line.isprintable() for line in trace)


def test_a_path_cannot_write_a_line_of_its_own() -> None:
    with started(*TINY) as (process, url):
        assert httpx.get(f"{url}/{FORGED}").status_code in {401, 404}
        assert httpx.get(f"{url}/%1b[2J{FORGED}").status_code in {401, 404}
        process.terminate()
        process.wait(60)
        assert process.stderr is not None
        written = process.stderr.read()
    lines = [line for line in written.splitlines() if "GET /admin" in line]
    assert len(lines) == 2
    assert all(re.match(r"\d\d:\d\d:\d\d INFO +\w+ app\.access: GET /", line) for line in lines)
    assert "\x1b" not in written


def refusals(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Give the facts of each line about somebody who was refused."""
    return [vars(record) for record in caplog.records if record.name == "app.refused"]


def test_a_limit_that_was_hit_has_a_line(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    with browse(make_app(max_request_kb=1), client=("203.0.113.7", 5)) as client:
        client.post("/gradio_api/queue/join", json={"data": ["x" * 2000]})
    [facts] = refusals(caplog)
    assert (facts["reason"], facts["address"]) == ("quota", "203.0.113.7")
    assert "limit of 0.001 MB" in facts["problem"]


def test_a_key_that_nobody_has_has_a_line(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(make_app(), base_url="http://localhost", client=("203.0.113.7", 5)) as client:
        client.get("/config", headers={"Authorization": "Bearer s3cret"})
    [facts] = [facts for facts in refusals(caplog) if "key" in facts["problem"]]
    assert (facts["reason"], facts["address"]) == ("sign-in", "203.0.113.7")
    assert "s3cret" not in caplog.text


def test_an_observer_hears_of_refusals(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, Any]] = []
    monkeypatch.setattr(logs, "observers", [lambda name, facts: heard.append((name, facts))])
    with browse(make_app(max_request_kb=1)) as client:
        client.post("/gradio_api/queue/join", json={"data": ["x" * 2000]})
    assert [facts["reason"] for name, facts in heard if name == "app.refused"] == ["quota"]


def test_a_handler_that_fails_without_the_boundary_is_in_the_log_and_nowhere_else(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = make_settings()

    def fail(text: str) -> str:
        raise RuntimeError(f"{text}\n12:00:00 forged")

    with gr.Blocks(analytics_enabled=False) as demo:
        text = gr.Textbox()
        text.submit(fail, text, text, api_name="fail")
        text.change(str, text, text, api_name="valid", validator=fail)
    demo.queue(**queue_options(settings))
    with AppTest(application.create_app(demo, settings)) as test:
        for event in ("fail", "valid"):
            with pytest.raises(EventError):
                test.call(event, "x")
    failed = [record for record in caplog.records if record.name == gradio_speed.events_log.name]
    assert [record.getMessage().partition(":")[0] for record in failed] == ["an event failed", "a validator failed"]
    assert failed[0].exc_info
    assert "forged" not in "".join(capfd.readouterr())
