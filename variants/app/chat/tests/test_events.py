"""The events of the page, in process, through the gate and the queue."""

import inspect
import logging

import pytest

from app import build_demo
from server import application
from services.protocol import End, Thinking
from tests.conftest import MakeSettings
from tests.models import Broken, Scripted
from tests.server.client import AppTest, EventError

PUBLIC_EVENTS = {"chat"}
"""What programs may call. A new event of yours is private until it is named here and in `app.py`."""


def inputs(message: str) -> tuple[object, ...]:
    """What a program sends to have a message answered."""
    return message, None, "", 20


def test_only_the_listed_events_are_public(make_settings: MakeSettings) -> None:
    events = build_demo(make_settings()).fns.values()
    assert {fn.api_name for fn in events if fn.api_visibility != "private"} == PUBLIC_EVENTS


def test_every_event_with_the_model_shares_its_limit(make_settings: MakeSettings) -> None:
    demo = build_demo(make_settings(model_concurrency=5, concurrency=2))
    limits: dict[str, set[object]] = {"model": set(), "light": set()}
    for event in demo.fns.values():
        limits[str(event.concurrency_id)].add(event.concurrency_limit)
    assert limits == {"model": {5}, "light": {2}}
    with_model = [event for event in demo.fns.values() if event.concurrency_id == "model"]
    assert len(with_model) == 6  # typed, called by a program, example, retry, option, edit
    assert all(inspect.unwrap(event.fn) is inspect.unwrap(demo.fn) for event in with_model)


def test_saved_conversations_can_be_read_after_a_restart(make_settings: MakeSettings) -> None:
    before, after = (build_demo(make_settings()).saved_conversations for _ in range(2))
    assert (before.storage_key, before.secret) == (after.storage_key, after.secret)


def test_the_oldest_conversations_go_before_a_request_grows_too_large(make_settings: MakeSettings) -> None:
    demo = build_demo(make_settings(max_request_kb=2))
    saves = [event.fn for event in demo.fns.values() if getattr(event.fn, "__name__", "") == "save_newest"]
    assert len(saves) == 5  # after an answer, a retry, an undone message, a chosen option, an edit
    saved = [[{"role": "user", "content": letter * 400}] for letter in "abcd"]
    assert saves[0](None, [], saved[:2]) == (0, [[], *saved[:2]])
    assert saves[0](0, saved[0], saved) == (0, saved[:2])
    assert saves[0](3, saved[3], saved) == (None, saved[:2])
    assert saves[0](0, [{"content": "x" * 3000}], [[]]) == (0, [[{"content": "x" * 3000}]])


def test_a_message_is_answered_in_the_light_of_the_conversation(make_settings: MakeSettings) -> None:
    settings, model = make_settings(max_tokens=50), Scripted("Hel", "lo")
    with AppTest(application.create_app(build_demo(settings, model), settings)) as test:
        assert test.call("chat", " Say hello ", None, "Be kind.", 20)[0] == "Hello"
        assert test.call("chat", "Again", None, "", 20)[0] == "Hello"
    assert model.asked == [
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Say hello"}],
        [
            {"role": "user", "content": "Say hello"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Again"},
        ],
    ]
    assert model.limits == [20, 20]


def test_two_conversations_by_turns_know_nothing_of_each_other(make_settings: MakeSettings) -> None:
    settings, model = make_settings(), Scripted("Hello")
    with AppTest(application.create_app(build_demo(settings, model), settings)) as ada:
        bo = ada.another()
        for turn in ("first", "second"):
            ada.call("chat", f"Ada's {turn}", None, "", 20)
            bo.call("chat", f"Bo's {turn}", None, "", 20)
    said = [[message["content"] for message in asked if message["role"] == "user"] for asked in model.asked]
    assert said == [["Ada's first"], ["Bo's first"], ["Ada's first", "Ada's second"], ["Bo's first", "Bo's second"]]


def test_the_operator_s_instructions_come_first_and_the_visitor_s_add_to_them(make_settings: MakeSettings) -> None:
    settings, model = make_settings(instructions="Never swear."), Scripted("Hello")
    with AppTest(application.create_app(build_demo(settings, model), settings)) as test:
        test.call("chat", "Hi", None, "Swear.", 20)
        config = test.http.get("/config").text
    assert model.asked[0][0] == {"role": "system", "content": "Never swear.\n\nSwear."}
    assert "Never swear" not in config


def test_programs_get_the_text_alone(make_settings: MakeSettings) -> None:
    settings, model = make_settings(), Scripted(Thinking("Hm."), "Hello", End("length"))
    with AppTest(application.create_app(build_demo(settings, model), settings)) as test:
        assert test.call("chat", "Hi", None, "", 20)[0] == "Hello"


def test_an_empty_answer_is_an_error(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with (
        AppTest(application.create_app(build_demo(settings, Scripted()), settings)) as test,
        pytest.raises(EventError, match="empty answer"),
    ):
        test.call("chat", "Hi", None, "", 20)


def test_an_answer_grows(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with AppTest(application.create_app(build_demo(settings, Scripted("Hel", "lo")), settings)) as test:
        values = test.stream("chat", "Hi", None, "", 20)
    assert [values[0][0], values[-1][0]] == ["Hel", "Hello"]


def test_nothing_written_is_refused_before_the_queue(app_test: AppTest) -> None:
    with pytest.raises(EventError, match="Write a message first"):
        app_test.call("chat", "  ", None, "", 20)


def test_instructions_that_are_too_long_are_refused(make_settings: MakeSettings) -> None:
    settings = make_settings(max_prompt_chars=10)
    with (
        AppTest(application.create_app(build_demo(settings), settings)) as test,
        pytest.raises(EventError, match="instructions are too long"),
    ):
        test.call("chat", "Hello", None, "x" * 11, 20)


def test_an_unexpected_error_of_a_check_is_not_shown(app_test: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("utils.attaching.to_prompt", fail)
    with pytest.raises(EventError, match=r"Please report the id \w{8}") as caught:
        app_test.call("chat", "Hello", None, "", 20)
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
        test.call("chat", "Hello", None, "", 20)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" in caplog.text
