"""The events of the page, in process, through the gate and the queue."""

import logging

import gradio as gr
import pytest

from app import build_demo
from server import application
from services.protocol import End
from tests.conftest import MakeSettings
from tests.models import Broken, Scripted
from tests.server.client import AppTest, EventError

PUBLIC_EVENTS = {"stream"}
"""What programs may call. A new event of yours is private until it is named here and in `app.py`."""


def inputs(message: str) -> tuple[object, ...]:
    """What a program sends to have a message answered."""
    return message, 20, None


def test_only_the_listed_events_are_public(make_settings: MakeSettings) -> None:
    events = build_demo(make_settings()).fns.values()
    assert {fn.api_name for fn in events if fn.api_visibility != "private"} == PUBLIC_EVENTS


def test_every_event_with_the_model_shares_its_limit(make_settings: MakeSettings) -> None:
    events = build_demo(make_settings(model_concurrency=5)).fns.values()
    found = {fn.api_name: fn.concurrency_limit for fn in events if fn.concurrency_id == "model"}
    assert found == {"stream": 5, "go_on": 5}


def test_what_is_kept_of_a_visitor_has_an_end(make_settings: MakeSettings) -> None:
    kept = [block for block in build_demo(make_settings(session_ttl=5)).blocks.values() if isinstance(block, gr.State)]
    assert [state.time_to_live for state in kept] == [5, 5]


def test_a_visitor_who_waits_sees_that_and_where(make_settings: MakeSettings) -> None:
    demo = build_demo(make_settings())
    [stream] = [fn for fn in demo.fns.values() if fn.api_name == "stream"]
    assert stream.tracks_progress
    assert [part.elem_id for part in stream.show_progress_on or []] == ["answer"]


def test_a_prompt_is_answered_with_figures(make_settings: MakeSettings) -> None:
    settings, model = make_settings(max_tokens=50), Scripted("Hel", "lo")
    with AppTest(application.create_app(build_demo(settings, model), settings)) as test:
        answer, figures = test.call("stream", "  Say hello ", 20, None)[:2]
    assert answer == "Hello"
    assert figures.startswith("2 of at most 20 tokens")
    assert model.asked == [[{"role": "user", "content": "Say hello"}]]
    assert model.limits == [20]


def test_the_operator_s_instructions_are_always_sent(make_settings: MakeSettings) -> None:
    settings, model = make_settings(instructions="Be kind."), Scripted("Hello")
    with AppTest(application.create_app(build_demo(settings, model), settings)) as test:
        test.call("stream", "Hi", 20, None)
    assert model.asked[0][0] == {"role": "system", "content": "Be kind."}


def test_a_prompt_that_the_model_cannot_take_is_refused(make_settings: MakeSettings) -> None:
    settings, model = make_settings(context_tokens=60), Scripted("Hello", End("length"))
    with AppTest(application.create_app(build_demo(settings, model), settings)) as test:
        test.call("stream", "x" * 108, 20, None)
        with pytest.raises(EventError, match="more text than the model can read"):
            test.call("stream", "x" * 111, 20, None)
        with pytest.raises(EventError, match="or allow a shorter answer"):
            test.call("stream", "x" * 108, 21, None)
    assert len(model.asked) == 1


def test_an_empty_answer_is_an_error(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with (
        AppTest(application.create_app(build_demo(settings, Scripted()), settings)) as test,
        pytest.raises(EventError, match="empty answer"),
    ):
        test.call("stream", "Hi", 20, None)


def test_an_answer_grows(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with AppTest(application.create_app(build_demo(settings, Scripted("Hel", "lo")), settings)) as test:
        values = test.stream("stream", "Hi", 20, None)
    assert [values[0][0], values[-1][0]] == ["Hel", "Hello"]


def test_nothing_written_is_refused_before_the_queue(app_test: AppTest) -> None:
    with pytest.raises(EventError, match="Write a message first"):
        app_test.call("stream", "  ", 20, None)


def test_an_unexpected_error_of_a_check_is_not_shown(app_test: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("app.to_prompt", fail)
    with pytest.raises(EventError, match=r"Please report the id \w{8}") as caught:
        app_test.call("stream", "Hello", 20, None)
    assert "hunter2" not in str(caught.value)


def test_an_unexpected_error_of_the_model_is_not_shown(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings()
    demo = build_demo(settings, Broken(RuntimeError("password=hunter2")))
    with (
        caplog.at_level(logging.ERROR),
        AppTest(application.create_app(demo, settings)) as test,
        pytest.raises(EventError, match=r"Please report the id \w{8}") as caught,
    ):
        test.call("stream", "Hello", 20, None)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" in caplog.text
