"""The function as other programs see it. Ray is not needed; `serve_app.py` puts replicas behind the same route."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import app
from services import model
from services.api import create_api
from services.endpoint import EndpointOptions, QueueFullError
from tests.conftest import MakeSettings
from tests.server.client import AppTest, EventError
from tests.serving import serving


class Replicas:
    """Stands in for Ray: calls the function here, or is full."""

    def __init__(self) -> None:
        self.is_full = False
        self.asked: list[str] = []

    async def describe(self, text: str) -> dict[str, int]:
        if self.is_full:
            raise QueueFullError
        self.asked.append(text)
        return model.describe(text)


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


@pytest.fixture
def api(replicas: Replicas) -> FastAPI:
    return create_api(replicas.describe, EndpointOptions("Test"))


def test_a_program_gets_the_result_or_the_reason_why_not(api: FastAPI) -> None:
    client = TestClient(api)
    assert client.post("/v1/describe", json={"text": "Hello world"}).json() == {"words": 2, "characters": 11}
    assert "Write something" in client.post("/v1/describe", json={"text": " "}).json()["error"]["message"]
    for bad in ({}, {"text": None}, {"text": 1}):
        assert client.post("/v1/describe", json=bad).status_code == 422


def test_the_page_asks_the_endpoint_and_says_what_it_says(
    api: FastAPI, replicas: Replicas, make_settings: MakeSettings
) -> None:
    with serving(api) as url, AppTest(app.create_app(make_settings(model_url=url, model_retries=0))) as test:
        assert test.call("describe", "Hello world") == [{"words": 2, "characters": 11}]
        assert replicas.asked == ["Hello world"]
        with pytest.raises(EventError, match="Write something"):
            test.call("describe", " ")
        replicas.is_full = True
        with pytest.raises(EventError, match="Queue is full"):
            test.call("describe", "Hello world")
