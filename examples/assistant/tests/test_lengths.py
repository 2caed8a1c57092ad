"""What a model can take, where its server tells it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from app import build_demo
from server import application
from services import lengths
from services.lengths import length_in
from services.remote import ModelServer, RemoteModel
from tests.conftest import MakeSettings
from tests.fake_server import FakeServer
from tests.moods import FINE
from tests.server.client import AppTest, EventError
from tests.test_events import PUBLIC_EVENTS, inputs

[EVENT] = PUBLIC_EVENTS
LONG = "word " * 100
"""Some 170 tokens."""


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer().running() as running:
        yield running


@pytest.mark.parametrize(
    ("entry", "length"),
    [
        ({"max_model_len": 4096}, 4096),
        ({"context_length": 8192, "top_provider": {"context_length": 4096}}, 8192),
        ({"context_window": 131072}, 131072),
        ({"max_context_length": 32768}, 32768),
        ({"max_model_len": None, "context_length": 10}, 10),
        ({"max_model_len": -1}, 0),
        ({"context_length": "many"}, 0),
        ({"meta": {"n_ctx": 4096, "n_ctx_train": 131072}}, 4096),
        ({"meta": {"n_ctx_train": 131072}}, 0),
        ({"meta": "llama"}, 0),
        ({}, 0),
    ],
)
def test_the_length_is_read_by_every_name(entry: dict[str, Any], length: int) -> None:
    assert length_in(entry) == length


def ask(model: RemoteModel, *names: str) -> list[int]:
    async def read() -> list[int]:
        async with model.client:
            return [await model.named(name).context_tokens() for name in names]

    return asyncio.run(read())


def test_a_server_is_asked_once_for_all_of_its_models(fake: FakeServer) -> None:
    fake.models = [{"id": "tiny", "max_model_len": 100}, {"id": "large", "max_model_len": 1000}, {"id": "silent"}]
    assert ask(RemoteModel(ModelServer("tiny", fake.url)), "tiny", "large", "silent", "tiny", "unknown") == [
        100,
        1000,
        0,
        100,
        0,
    ]
    assert fake.lists == 1


def test_a_server_without_a_list_is_asked_again_after_a_while(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = RemoteModel(ModelServer("tiny", f"{fake.url}/elsewhere"))
    assert ask(model, "tiny") == [0]
    model = RemoteModel(ModelServer("tiny", fake.url))
    assert ask(model, "unknown", "unknown") == [0, 0]
    assert fake.lists == 1
    monkeypatch.setattr(lengths, "PAUSE", 0)
    assert ask(RemoteModel(ModelServer("tiny", fake.url)), "unknown", "unknown") == [0, 0]
    assert fake.lists == 3


def test_what_the_server_tells_bounds_what_is_sent(fake: FakeServer, make_settings: MakeSettings) -> None:
    fake.models = [{"id": "x", "max_model_len": 100}]
    settings = make_settings(model_url=fake.url, model_name="x")
    with AppTest(application.create_app(build_demo(settings), settings)) as test:
        with pytest.raises(EventError, match="more text than the model can read"):
            test.call(EVENT, *inputs(LONG))
        assert not fake.requests
        assert test.another().call(EVENT, *inputs("Hi"))[0] == FINE


def test_what_the_operator_says_counts(fake: FakeServer, make_settings: MakeSettings) -> None:
    fake.models = [{"id": "x", "max_model_len": 100}]
    settings = make_settings(model_url=fake.url, model_name="x", context_tokens=1000)
    with AppTest(application.create_app(build_demo(settings), settings)) as test:
        assert test.call(EVENT, *inputs(LONG))[0] == FINE
    assert not fake.lists
