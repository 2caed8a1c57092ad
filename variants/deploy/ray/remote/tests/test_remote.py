"""The client of the model, against a server on this machine that answers as it is told."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from services.endpoint import NoAnswerError, QueueFullError, problem, try_again
from services.errors import InputError
from services.remote import ModelServer, ModelUnavailableError, Remote
from tests.serving import serving

SILENCE = -1


class FakeModel:
    """Plays back `script`: a status, or silence, for one request after the other; at its end the model answers."""

    def __init__(self) -> None:
        self.script: list[int] = []
        self.full = True
        self.asked: list[Any] = []
        self.keys: list[str | None] = []
        self.patience = threading.Event()
        self.url = ""

    async def answer(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("authorization"))
        status = self.script.pop(0) if self.script else 200
        if status == SILENCE:
            await asyncio.to_thread(self.patience.wait, 20)
        if status == 503:
            answer = try_again(request, QueueFullError() if self.full else NoAnswerError())
            answer.headers["retry-after"] = "0"
            return answer
        if status not in {200, SILENCE}:
            return problem(status, "other", "SECRET of the model")
        return JSONResponse({"results": [max(item) for item in self.asked[-1]["items"]]})


@pytest.fixture(scope="module")
def served() -> Iterator[FakeModel]:
    fake, api = FakeModel(), FastAPI()
    api.post("/v1/largest")(fake.answer)
    with serving(api) as fake.url:
        yield fake


@pytest.fixture
def fake(served: FakeModel) -> Iterator[FakeModel]:
    served.asked.clear()
    served.keys.clear()
    served.script, served.full = [], True
    served.patience.clear()
    yield served
    served.patience.set()


class Ask:
    """Asks the fake model by the real client."""

    def __init__(self, fake: FakeModel) -> None:
        self.fake = fake

    def __call__(self, *script: int, **changes: Any) -> Any:  # noqa: ANN401
        self.fake.script = list(script)
        remote = Remote(ModelServer(**{"url": self.fake.url, "retries": 0} | changes))
        try:
            return asyncio.run(remote.map(largest, [np.array([1.0, 3.0]), np.array([2.0])]))
        finally:
            remote.close()


def largest(_: list[Any]) -> list[float]:
    """Stand in for a function of the model: only its name matters here."""
    raise AssertionError


@pytest.fixture
def ask(fake: FakeModel) -> Ask:
    return Ask(fake)


def test_a_batch_is_answered_in_order(ask: Ask, fake: FakeModel) -> None:
    assert ask(key="secret") == [3, 2]
    assert fake.asked == [{"items": [[1, 3], [2]]}]
    assert fake.keys == ["Bearer secret"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_passes_is_asked_again(ask: Ask, fake: FakeModel, status: int) -> None:
    assert ask(status, retries=1) == [3, 2]
    assert len(fake.asked) == 2
    assert fake.asked[0] == fake.asked[1]


def test_a_full_model_is_said_in_the_words_of_a_full_queue(ask: Ask, fake: FakeModel) -> None:
    with pytest.raises(ModelUnavailableError, match="Queue is full"):
        ask(503, 503, retries=1)
    assert len(fake.asked) == 2


def test_a_model_that_restarts_is_said_in_plain_words(ask: Ask, fake: FakeModel) -> None:
    fake.full = False
    with pytest.raises(ModelUnavailableError, match="cannot be reached") as caught:
        ask(503)
    assert "SECRET" not in str(caught.value)


def test_a_silent_model_is_said_in_plain_words(ask: Ask) -> None:
    with pytest.raises(ModelUnavailableError, match="took too long"):
        ask(SILENCE, timeout=0.2)


def test_a_model_that_is_not_there_is_said_in_plain_words(ask: Ask) -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        ask(url="http://127.0.0.1:9/v1", retries=1)


@pytest.mark.parametrize("status", [401, 404, 422])
def test_what_the_operator_must_mend_is_no_advice_to_the_user(ask: Ask, fake: FakeModel, status: int) -> None:
    with pytest.raises(RuntimeError, match=str(status)) as caught:
        ask(status, retries=3)
    assert not isinstance(caught.value, InputError)
    assert len(fake.asked) == 1


def test_too_large_a_question_is_not_sent(ask: Ask, fake: FakeModel) -> None:
    remote = Remote(ModelServer(fake.url, request_kb=1))
    with pytest.raises(InputError, match="at most 1 kB"):
        remote.ask("largest", {"items": ["x" * 1000]})
    assert fake.asked == []
    assert ask() == [3, 2]


def test_the_log_says_at_the_start_where_the_model_is(caplog: pytest.LogCaptureFixture) -> None:
    remote = Remote(ModelServer("http://model/v1/", "secret"))
    with caplog.at_level(logging.INFO, "app.model"):
        remote.warm_up()
    assert "http://model/v1" in caplog.text
    assert "secret" not in caplog.text
