"""The embedded model, without Gradio."""

import asyncio
import logging
import time
from contextlib import aclosing

import pytest

import app
from services.embedded import EmbeddedModel
from services.protocol import Message
from tests.conftest import MakeApp, MakeSettings
from tests.models import WAIT_SECONDS, Scripted, collect
from tests.server.client import browse
from utils.models import build_model


def ask(text: str, instructions: str = "", max_tokens: int = 500) -> str:
    """Ask the embedded model."""
    system = [Message(role="system", content=instructions)] if instructions else []
    messages = [*system, Message(role="user", content=text)]
    return "".join(asyncio.run(collect(EmbeddedModel("", delay=0).stream(messages, max_tokens))))


def test_with_no_setting_the_embedded_model_answers_and_says_so(make_settings: MakeSettings) -> None:
    model = build_model(make_settings())
    assert isinstance(model, EmbeddedModel)
    assert "stand-in" in model.notice


def test_the_log_says_at_the_start_who_answers(make_settings: MakeSettings, caplog: pytest.LogCaptureFixture) -> None:
    build_model(make_settings()).warm_up()
    assert "stand-in answers" in caplog.text


class Cold(Scripted):
    """Notes when it is warmed up."""

    is_warm = False

    def warm_up(self) -> None:
        self.is_warm = True


def test_the_model_is_warm_before_the_first_visitor_comes(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Cold()
    monkeypatch.setattr(app, "model", model)
    with browse(make_app()) as client:
        give_up = time.monotonic() + WAIT_SECONDS
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < give_up
        assert model.is_warm


def test_the_embedded_model_says_what_it_is_and_counts() -> None:
    answer = ask("One fish, two fish.\nRed fish!")
    assert answer.startswith("I am the embedded stand-in")
    assert "> One fish, two fish.\n> Red fish!" in answer
    assert "| Words | 6 |" in answer
    assert "| Different words | 4 |" in answer
    assert "| Sentences | 2 |" in answer
    assert "2. Red fish!" in answer


def test_the_embedded_model_is_deterministic_and_follows_the_limit() -> None:
    assert ask("Hello") == ask("Hello")
    assert ask("Hello", max_tokens=3) == "I am the"


def test_the_embedded_model_shows_its_instructions() -> None:
    assert ask("Hello", instructions="Be kind.").endswith("> Be kind.")
    assert "instructions" not in ask("Hello")


def test_long_sentences_are_cut_in_the_outline() -> None:
    assert "1. one two three four five six ..." in ask("one two three four five six seven. End.")


def test_a_closed_stream_ends_the_work_of_the_model(caplog: pytest.LogCaptureFixture) -> None:
    async def read_one() -> None:
        async with aclosing(EmbeddedModel("", delay=0).stream([Message(role="user", content="Hi")], 100)) as stream:
            await anext(stream)

    with caplog.at_level(logging.INFO, "app.model"):
        asyncio.run(read_one())
    assert "wrote 1 of" in caplog.text
