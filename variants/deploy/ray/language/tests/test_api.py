"""The model as OpenAI's clients see it. Ray is not needed; `serve_app.py` puts replicas behind the same route."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import httpx
import openai
import pytest

from services.api import Answer, Stream, create_api
from services.endpoint import EndpointOptions, NoAnswerError, QueueFullError
from services.protocol import End, Message, ModelUnavailableError, Piece, Source, Thinking
from services.remote import ModelServer, RemoteModel
from tests.models import Endless, Scripted, collect

QUESTION = [Message(role="system", content="Be kind."), Message(role="user", content="Hello")]


def client_of(stream: Stream, key: str = "") -> httpx.AsyncClient:
    """Reach the endpoint without a network."""
    api = create_api(stream, EndpointOptions("Model", key), most=50, name="tiny")
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://model")


def ask(answering: Stream, **request: Any) -> httpx.Response:  # noqa: ANN401
    async def post() -> httpx.Response:
        async with client_of(answering) as client:
            return await client.post("/v1/chat/completions", json={"messages": QUESTION} | request)

    return asyncio.run(post())


def read(stream: Stream, key: str = "", max_tokens: int = 20) -> list[Piece]:
    """Read an answer as the page does."""

    async def collected() -> list[Piece]:
        model = RemoteModel(ModelServer("tiny", "http://model/v1", key, retries=0))
        model.client = model.client.with_options(http_client=client_of(stream, key))
        async with model.client:
            return await collect(model.stream(QUESTION, max_tokens))

    return asyncio.run(collected())


def test_the_page_s_own_client_reads_the_answer_piece_by_piece() -> None:
    model = Scripted("Hel", "lo")
    assert read(model.stream) == ["Hel", "lo", End()]
    assert (model.asked, model.limits) == ([QUESTION], [20])


def test_thinking_and_why_it_ended_come_through_and_the_rest_is_left_out() -> None:
    model = Scripted(Thinking("Hm."), "So", Source("https://a.example"), End("length"))
    assert read(model.stream) == [Thinking("Hm."), "So", End("length")]
    assert ask(model.stream).json()["choices"][0]["message"]["content"] == "So"


def test_an_empty_answer_is_one_too() -> None:
    assert read(Scripted().stream) == [End()]
    assert ask(Scripted().stream).json()["choices"][0]["message"]["content"] == ""


def test_with_a_key_the_page_sends_it() -> None:
    assert read(Scripted("Hello").stream, "secret") == ["Hello", End()]
    question = {"messages": QUESTION}

    async def without() -> int:
        async with client_of(Scripted("Hello").stream, "secret") as client:
            return (await client.post("/v1/chat/completions", json=question)).status_code

    assert asyncio.run(without()) == 401


def test_a_client_that_does_not_stream_gets_the_whole_answer() -> None:
    answer = ask(Scripted("Hel", "lo").stream, model="other", temperature=1).json()
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Hello"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(("asked", "given"), [(2, 2), (10**6, 50)])
def test_the_length_is_limited_by_both_names_of_the_limit(field: str, asked: int, given: int) -> None:
    model = Scripted("Hel", "lo")
    assert ask(model.stream, **{field: asked}).json()["choices"][0]["finish_reason"] == (
        "length" if given == 2 else "stop"
    )
    assert model.limits == [given]


@pytest.mark.parametrize(
    "bad", [{"messages": []}, {"messages": [{"role": "robot", "content": "x"}]}, {"messages": [{"role": "user"}]}]
)
def test_what_is_no_conversation_is_refused(bad: dict[str, object]) -> None:
    assert ask(Scripted("never").stream, **bad).status_code == 422


async def full(_messages: Sequence[Message], _max_tokens: int) -> AsyncGenerator[str]:
    raise QueueFullError
    yield ""


async def dead(_messages: Sequence[Message], _max_tokens: int) -> AsyncGenerator[str]:
    raise NoAnswerError
    yield ""


@pytest.mark.parametrize(("stream", "advice"), [(full, "Queue is full"), (dead, "restarting")])
def test_a_model_without_an_answer_is_said_to_be_before_the_stream_begins(stream: Stream, advice: str) -> None:
    assert ask(stream, stream=True).status_code == 503
    with pytest.raises(ModelUnavailableError, match=advice):
        read(stream)


def test_a_reader_who_leaves_ends_the_work_of_the_model() -> None:
    model = Endless()

    async def leave() -> None:
        rest = model.stream([], 0)
        first = await anext(rest)
        async with aclosing(Answer("model", 10).lines(first, rest)) as lines:
            assert "assistant" in await anext(lines)
            assert first in await anext(lines)

    asyncio.run(leave())
    assert model.told_to_stop.is_set()


def test_the_answer_is_what_the_schema_of_the_client_says() -> None:
    async def complete() -> list[str | None]:
        client = openai.AsyncOpenAI(
            api_key="none", base_url="http://model/v1", http_client=client_of(Scripted("Hello").stream)
        )
        async with client:
            question: Any = {"model": "any", "messages": QUESTION}
            whole = await client.chat.completions.create(**question)
            async with await client.chat.completions.create(**question, stream=True) as chunks:
                reasons = [choice.finish_reason for chunk in [c async for c in chunks] for choice in chunk.choices]
        return [whole.choices[0].message.content, reasons[-1]]

    assert asyncio.run(complete()) == ["Hello", "stop"]
