"""The real client of OpenAI-compatible servers, against a fake server on this machine."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import openai
import pytest
from gradio_client import Client

from app import build_demo
from server import application
from services.embedded import EmbeddedModel
from services.errors import InputError
from services.protocol import Message, ModelUnavailableError
from services.remote import OPENAI_URL, ModelServer, RemoteModel
from tests.conftest import MakeSettings, Serve
from tests.fake_server import BREAK_OFF, DONE, SILENCE, FakeServer, piece
from tests.models import WAIT_SECONDS, collect
from tests.test_events import PUBLIC_EVENTS
from utils.models import build_model

[EVENT] = (f"/{name}" for name in PUBLIC_EVENTS)
QUESTION = [Message(role="system", content="Be kind."), Message(role="user", content="Hello")]
NO_CHOICES = json.dumps({"id": "1", "object": "chat.completion.chunk", "choices": [], "usage": None})


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer().running() as running:
        yield running


class Ask:
    """Asks the fake server by the real client."""

    def __init__(self, fake: FakeServer) -> None:
        self.fake = fake

    def __call__(self, *script: int | str, **changes: Any) -> list[str]:  # noqa: ANN401
        self.fake.script = list(script)
        server = ModelServer(**{"name": "tiny", "url": self.fake.url, "retries": 0} | changes)

        async def read() -> list[str]:
            model = RemoteModel(server)
            async with model.client:
                return await collect(model.stream(QUESTION, 20))

        return asyncio.run(read())


@pytest.fixture
def ask(fake: FakeServer) -> Ask:
    return Ask(fake)


def test_an_answer_of_a_fake_server_comes_piece_by_piece(ask: Ask, fake: FakeServer) -> None:
    script = [NO_CHOICES, piece(""), piece("Hel"), piece(None), piece("lo"), NO_CHOICES, DONE]
    assert ask(*script, key="key") == ["Hel", "lo"]
    assert fake.requests == [{"model": "tiny", "messages": QUESTION, "max_tokens": 20, "stream": True}]
    assert fake.keys == ["Bearer key"]


def test_the_name_of_the_limit_can_be_changed(ask: Ask, fake: FakeServer) -> None:
    ask(piece("Hello"), DONE, limit_field="max_completion_tokens")
    assert fake.requests[0]["max_completion_tokens"] == 20
    assert "max_tokens" not in fake.requests[0]


@pytest.mark.parametrize(
    ("script", "advice"),
    [
        ([429], "too much to do"),
        ([500], "failed"),
        ([503], "Queue is full"),
        ([piece("Once"), BREAK_OFF], "cannot be reached"),
        ([SILENCE], "took too long"),
        ([piece("Once"), SILENCE], "took too long"),
    ],
)
def test_what_may_pass_is_said_in_plain_words(ask: Ask, fake: FakeServer, script: list[int | str], advice: str) -> None:
    with pytest.raises(ModelUnavailableError, match=advice):
        ask(*script, timeout=0.2)
    assert len(fake.requests) == 1


def test_a_server_that_is_not_there_is_said_in_plain_words(ask: Ask) -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        ask(DONE, url="http://127.0.0.1:9/v1")


def test_too_long_a_conversation_is_the_visitors_to_shorten(ask: Ask) -> None:
    with pytest.raises(InputError, match="Shorten it"):
        ask(400)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ([401], openai.AuthenticationError),
        ([404], openai.NotFoundError),
        ([piece("Once"), json.dumps({"error": {"message": "out of memory"}})], openai.APIError),
    ],
)
def test_what_the_operator_must_mend_goes_on_as_it_is(ask: Ask, script: list[int | str], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(*script)


def test_other_bad_requests_go_on_as_they_are(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fake_server.REFUSALS", {})
    with pytest.raises(openai.BadRequestError):
        ask(400)


def test_a_busy_server_is_asked_again_but_not_once_it_has_begun(ask: Ask, fake: FakeServer) -> None:
    assert ask(503, piece("Hello"), DONE, retries=1) == ["Hello"]
    assert len(fake.requests) == 2
    with pytest.raises(ModelUnavailableError):
        ask(piece("Once"), BREAK_OFF, retries=1)
    assert len(fake.requests) == 3


def test_a_closed_stream_reaches_the_server(fake: FakeServer) -> None:
    fake.script = [piece("Once"), SILENCE]

    async def read_one() -> str:
        model = RemoteModel(ModelServer("tiny", fake.url))
        async with model.client, aclosing(model.stream(QUESTION, 20)) as stream:
            return await anext(stream)

    assert asyncio.run(read_one()) == "Once"
    assert fake.left.wait(WAIT_SECONDS)


def test_the_app_answers_fails_and_stops_with_the_fake_server(
    fake: FakeServer, make_settings: MakeSettings, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings(model_url=fake.url, model_key="key", model_retries=0)
    with serve(application.create_app(build_demo(settings), settings)) as url:
        client = Client(url, verbose=False)
        fake.script = [piece("Hello"), DONE]
        assert "Hello" in client.predict("Hi", api_name=EVENT)
        fake.script = [401]
        with pytest.raises(Exception, match=r"Please report the id \w{8}") as caught:
            client.predict("Hi", api_name=EVENT)
        assert "SECRET" not in str(caught.value)
        assert "SECRET of the server" in caplog.text
        fake.script = [429]
        with pytest.raises(Exception, match="too much to do"):
            client.predict("Hi", api_name=EVENT)
        fake.left.clear()
        fake.script = [piece("Once"), SILENCE]
        job = client.submit("Hi", api_name=EVENT)
        next(job)  # Before, the client does not know yet what to cancel.
        job.cancel()
        assert fake.left.wait(WAIT_SECONDS)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, EmbeddedModel),
        ({"model_url": "http://localhost/v1"}, RemoteModel),
        ({"model_key": "key"}, RemoteModel),
        ({"model_key": "key", "model": "embedded"}, EmbeddedModel),
        ({"model_key": "key", "model": "openai"}, RemoteModel),
    ],
)
def test_the_settings_choose_the_model(make_settings: MakeSettings, changes: dict[str, str], kind: type) -> None:
    assert isinstance(build_model(make_settings(**changes)), kind)


def test_a_server_that_is_demanded_but_not_named_is_refused_at_the_start(make_settings: MakeSettings) -> None:
    with pytest.raises(SystemExit, match="APP_MODEL_URL or APP_MODEL_KEY"):
        build_model(make_settings(model="openai"))


def test_nothing_but_what_is_given_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example")
    monkeypatch.setenv("OPENAI_API_KEY", "of someone else")
    model = RemoteModel(ModelServer("tiny"))
    assert str(model.client.base_url).rstrip("/") == OPENAI_URL
    assert model.client.api_key == "none"


def test_the_log_says_which_server_answers_but_not_the_key(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "app.model"):
        build_model(make_settings(model_key="sk-key", model_name="tiny")).warm_up()
    assert f"tiny answers at {OPENAI_URL}" in caplog.text
    assert "sk-key" not in caplog.text


def test_the_key_is_not_printed(make_settings: MakeSettings) -> None:
    assert "sk-key" not in repr(make_settings(model_key="sk-key"))
