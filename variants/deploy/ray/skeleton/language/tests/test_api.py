"""The model as OpenAI's clients see it. Ray is not needed; `serve_app.py` puts replicas behind the same route."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services import model
from services.api import create_api
from services.endpoint import EndpointOptions, QueueFullError
from services.protocol import Message
from tests.conftest import MakeSettings
from tests.serving import serving
from utils.answering import ModelUnavailableError, find_answer


class Replicas:
    """Stands in for Ray: runs the model here, or is full."""

    def __init__(self) -> None:
        self.is_full = False
        self.limits: list[int] = []

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
        if self.is_full:
            raise QueueFullError
        self.limits.append(max_tokens)
        conversation: list[Any] = list(messages)
        async for piece in model.answer(conversation):
            yield piece


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


@pytest.fixture
def api(replicas: Replicas) -> FastAPI:
    return create_api(replicas.stream, EndpointOptions("Test"), 512, "test")


def test_a_program_gets_the_answer_and_may_limit_it(api: FastAPI, replicas: Replicas) -> None:
    question = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
    answer = TestClient(api).post("/v1/chat/completions", json=question).json()
    assert "Hello" in answer["choices"][0]["message"]["content"]
    assert replicas.limits == [20]


def test_the_page_asks_the_endpoint_and_says_when_it_is_full(
    api: FastAPI, replicas: Replicas, make_settings: MakeSettings
) -> None:
    async def read(url: str) -> str:
        ask = find_answer(make_settings(model_url=url, model_retries=0))
        return "".join([piece async for piece in ask([{"role": "user", "content": "Hello"}])])

    with serving(api) as url:
        assert "Hello" in asyncio.run(read(url))
        assert replicas.limits == [512]
        replicas.is_full = True
        with pytest.raises(ModelUnavailableError, match="Queue is full"):
            asyncio.run(read(url))
