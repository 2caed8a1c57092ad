"""The real client of OpenAI-compatible servers, against a fake server on this machine."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest
from gradio_client import Client

from app import build_demo
from server import application
from services.causes import NO_CONNECTION
from services.embedded import EmbeddedModel
from services.errors import InputError
from services.protocol import End, Message, ModelUnavailableError, Notice, Piece, Source, Thinking
from services.remote import OPENAI_URL, ModelServer, RemoteModel, seconds_to_wait
from tests.conftest import MakeSettings, Serve
from tests.fake_server import BREAK_OFF, DONE, SILENCE, FakeServer, piece
from tests.models import WAIT_SECONDS, collect
from tests.moods import BAD, GOOD, Mood
from tests.server.access import headers
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

    def __call__(self, *script: int | str | Mood, **changes: Any) -> list[Piece]:  # noqa: ANN401
        self.fake.script = list(script)
        server = ModelServer(**{"name": "tiny", "url": self.fake.url, "retries": 0} | changes)

        async def read() -> list[Piece]:
            model = RemoteModel(server)
            async with model.client:
                return await collect(model.stream(QUESTION, 20))

        return asyncio.run(read())


@pytest.fixture
def ask(fake: FakeServer) -> Ask:
    return Ask(fake)


def test_an_answer_of_a_fake_server_comes_piece_by_piece(ask: Ask, fake: FakeServer) -> None:
    script = [NO_CHOICES, piece(""), piece("Hel"), piece(None), piece("lo"), NO_CHOICES, DONE]
    assert ask(*script, key="key") == ["Hel", "lo", End()]
    assert fake.requests == [{"model": "tiny", "messages": QUESTION, "max_tokens": 20, "stream": True}]
    assert fake.keys == ["Bearer key"]


def test_pictures_are_parts_of_a_message(fake: FakeServer) -> None:
    fake.script = [GOOD["plain"], Mood('{"error": {"message": "System role not supported"}}', 400, "application/json")]
    seen, alone = {"pictures": ["data:a"]}, Message(role="user", content="") | {"pictures": ["data:b"]}
    talk = [QUESTION[0], QUESTION[1] | seen, Message(role="assistant", content="Hi"), alone]

    async def read() -> None:
        model = RemoteModel(ModelServer("tiny", fake.url))
        async with model.client:
            for _ in range(2):
                await collect(model.stream(talk, 20))

    asyncio.run(read())
    first, last = ({"type": "image_url", "image_url": {"url": url}} for url in ("data:a", "data:b"))
    sent = [message["content"] for message in fake.requests[0]["messages"]]
    assert sent == ["Be kind.", [first, {"type": "text", "text": "Hello"}], "Hi", [last]]
    sent = [message["content"] for message in fake.requests[2]["messages"]]
    assert sent == [[first, {"type": "text", "text": "Be kind.\n\nHello"}], "Hi", [last]]


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
        ([piece("Once"), BREAK_OFF], "broke off"),
        ([SILENCE], "took too long"),
        ([piece("Once"), SILENCE], "took too long"),
    ],
)
def test_what_may_pass_is_said_in_plain_words(ask: Ask, fake: FakeServer, script: list[int | str], advice: str) -> None:
    with pytest.raises(ModelUnavailableError, match=advice):
        ask(*script, timeout=0.5, first_token_timeout=0.5)
    assert len(fake.requests) == 1


def test_a_server_that_is_not_there_is_said_in_plain_words(ask: Ask) -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        ask(DONE, url="http://127.0.0.1:9/v1")


def test_too_long_a_conversation_is_the_visitors_to_shorten(ask: Ask) -> None:
    with pytest.raises(InputError, match="Shorten it"):
        ask(400)


@pytest.mark.parametrize("status", [401, 404])
def test_what_the_operator_must_mend_is_not_worth_another_try(ask: Ask, fake: FakeServer, status: int) -> None:
    with pytest.raises(ModelUnavailableError, match="not set up rightly"):
        ask(status, retries=2)
    assert len(fake.requests) == 1


def test_thinking_sources_and_why_it_ended_are_pieces(ask: Ask) -> None:
    for name in ("reasoning_content", "reasoning", "think in text", "thinking in parts"):
        pieces = ask(GOOD[name])
        thoughts = [piece.text for piece in pieces if isinstance(piece, Thinking)]
        assert "".join(thoughts) == "Hm.", name
        assert "".join(piece for piece in pieces if isinstance(piece, str)) == "All is well.", name
    assert Source("https://a.example", "A") in ask(GOOD["sources"])
    assert ask(GOOD["at its limit"])[-1] == End("length")
    assert ask(GOOD["usage alone"])[-1] == End("stop", 3)


def test_a_model_without_a_system_role_gets_the_instructions_with_the_first_message(ask: Ask, fake: FakeServer) -> None:
    refusal = Mood('{"error": {"message": "System role not supported"}}', 400, "application/json")
    assert ask(refusal, GOOD["plain"])[-1] == End()
    assert fake.requests[1]["messages"] == [{"role": "user", "content": "Be kind.\n\nHello"}]
    with pytest.raises(InputError, match="no instructions"):
        ask(refusal, refusal)


def test_a_busy_server_is_asked_again_but_not_once_it_has_begun(ask: Ask, fake: FakeServer) -> None:
    assert ask(503, piece("Hello"), DONE, retries=1) == [
        Notice("Queue is full. Next try in 0 s."),
        "Hello",
        End(),
    ]
    assert len(fake.requests) == 2
    with pytest.raises(ModelUnavailableError):
        ask(piece("Once"), BREAK_OFF, retries=1)
    assert len(fake.requests) == 3
    with pytest.raises(ModelUnavailableError, match="too much to do"):
        ask(piece("Once"), json.dumps({"error": {"message": "slow down", "code": 429}}), retries=1)
    assert len(fake.requests) == 4


def test_several_models_share_a_server_and_one_is_named_on_the_page(
    fake: FakeServer, make_settings: MakeSettings
) -> None:
    fake.script = [GOOD["plain"]]
    model = build_model(make_settings(model_url=fake.url, models=["small", "large"]))
    assert isinstance(model, RemoteModel)
    assert (model.names, model.notice) == (("small", "large"), "")

    async def read() -> list[Piece]:
        async with model.client:
            return await collect(model.named("large").stream(QUESTION, 20))

    assert asyncio.run(read())[-1] == End()
    assert (fake.requests[0]["model"], model.server.name) == ("large", "small")
    assert "tiny" in build_model(make_settings(model_url=fake.url, model_name="tiny")).notice


def test_an_event_without_an_end_is_given_up(ask: Ask) -> None:
    with pytest.raises(ModelUnavailableError, match="not set up"):
        ask(Mood(b"data: " + b"x" * 9 * 2**20, then=SILENCE), first_token_timeout=WAIT_SECONDS)


def test_a_server_that_loads_is_asked_until_a_first_token_would_be_too_late(ask: Ask, fake: FakeServer) -> None:
    loading = Mood(BAD["loading"].body, 503, "application/json", headers={"retry-after-ms": "1"})
    *notices, _, _, _ = ask(*[loading] * 5, GOOD["plain"], retries=1)
    assert notices == [Notice("The model is loading. Next try in 0 s.")] * 5
    with pytest.raises(ModelUnavailableError, match="loading"):
        ask(loading)
    assert len(fake.requests) == 7


def test_a_refused_connection_is_tried_again(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        ask(DONE, url="http://127.0.0.1:9/v1", retries=1)
    assert caplog.text.count(NO_CONNECTION.said) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "20"}, 0.02),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_wait(headers) == seconds


def test_the_names_of_the_models_are_advice_alone(ask: Ask, fake: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ModelUnavailableError, match="not set up"):
        ask(404, url=f"{fake.url}/chat")
    assert "not to be had either" in caplog.text


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
        client = Client(url, verbose=False, headers=headers())
        fake.script = [piece("Hello"), DONE]
        assert "Hello" in client.predict("Hi", api_name=EVENT)
        fake.script = [403]
        with pytest.raises(Exception, match=r"not set up rightly.*\(id \w{8}\)") as caught:
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
