"""The events of the page, in process, through the gate and the queue."""

import pytest

from app import build_demo
from server.gradio_adapter import events
from tests.conftest import MakeSettings
from tests.server.client import AppTest, EventError

PUBLIC_EVENTS = {"stream"}
"""What programs may call. A new event of yours is private until it is named here and in `app.py`."""


def test_only_the_listed_events_are_public(make_settings: MakeSettings) -> None:
    found = events(build_demo(make_settings())).values()
    assert {event.api_name for event in found if event.api_visibility != "private"} == PUBLIC_EVENTS


def test_a_message_is_answered_and_an_empty_one_refused(app_test: AppTest) -> None:
    assert "Hello" in app_test.call("stream", "Hello")[0]
    with pytest.raises(EventError, match="Write something"):
        app_test.call("stream", " ")
