"""Every mood of a model server: the visitor is told, the operator is told, and the next message works."""

import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from app import build_demo
from server import application
from tests import test_browser
from tests.conftest import MakeSettings, Serve
from tests.fake_server import FakeServer
from tests.moods import BAD, FINE, GOOD, SILENT, Mood
from tests.server.client import AppTest, EventError
from tests.server.page import open_page
from tests.test_events import PUBLIC_EVENTS, inputs

[EVENT] = PUBLIC_EVENTS
HASTE = {"model_first_token_timeout": 0.5, "model_timeout": 0.5}


def cases(moods: dict[str, Mood]) -> list[object]:
    return [pytest.param(mood, id=name) for name, mood in moods.items()]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer().running() as running:
        yield running


def app_of(fake: FakeServer, make_settings: MakeSettings, **changes: object) -> FastAPI:
    settings = make_settings(model_url=fake.url, model_name="x", **changes)
    return application.create_app(build_demo(settings), settings)


@pytest.fixture(scope="module")
def talk(fake: FakeServer, make_settings: MakeSettings) -> Iterator[AppTest]:
    with AppTest(app_of(fake, make_settings)) as test:
        yield test


@pytest.fixture(scope="module")
def hasty(fake: FakeServer, make_settings: MakeSettings) -> Iterator[AppTest]:
    with AppTest(app_of(fake, make_settings, **HASTE)) as test:
        yield test


def test_there_are_many() -> None:
    assert len(GOOD | BAD | SILENT) >= 30


@pytest.mark.parametrize("mood", cases(GOOD))
def test_an_answer_in_any_shape_is_read(mood: Mood, fake: FakeServer, talk: AppTest) -> None:
    fake.script = [mood]
    said = talk.another().call(EVENT, *inputs("Hi"))[0]
    assert mood.answer in said
    assert "<think" not in said
    assert said or not mood.answer


def assert_told(mood: Mood, fake: FakeServer, talk: AppTest, log: pytest.LogCaptureFixture) -> None:
    fake.requests.clear()
    fake.script = [mood] * mood.asked
    visitor = talk.another()
    with log.at_level(logging.INFO), pytest.raises(EventError, match=mood.said) as caught:
        visitor.call(EVENT, *inputs("Hi"))
    assert "(id " in str(caught.value)
    assert len(fake.requests) == mood.asked
    assert mood.logged in log.text
    assert "SECRET" not in log.text + str(caught.value)
    assert "private" not in log.text
    assert visitor.call(EVENT, *inputs("And now?"))[0] == FINE


@pytest.mark.parametrize("mood", cases(BAD))
def test_whoever_is_concerned_is_told(
    mood: Mood, fake: FakeServer, talk: AppTest, caplog: pytest.LogCaptureFixture
) -> None:
    assert_told(mood, fake, talk, caplog)


@pytest.mark.parametrize("mood", cases(SILENT))
def test_a_silent_server_is_asked_once_and_left(
    mood: Mood, fake: FakeServer, hasty: AppTest, caplog: pytest.LogCaptureFixture
) -> None:
    fake.left.clear()
    assert_told(mood, fake, hasty, caplog)
    assert fake.left.wait(20)


def test_the_page_survives_all_of_them(
    browser: Browser, fake: FakeServer, make_settings: MakeSettings, serve: Serve
) -> None:
    with serve(app_of(fake, make_settings, model_retries=0)) as url, open_page(browser, url) as page:
        page.goto("/")
        for name, mood in BAD.items():
            fake.script = [mood] * 10  # a chat asks again with less where it was too much
            test_browser.say(page, f"Hi, {name}")
            test_browser.told(page, mood.said)
            fake.script = []
            test_browser.say(page, f"And after {name}?")
            expect(test_browser.answers(page).last).to_contain_text(FINE)
