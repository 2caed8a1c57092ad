"""The model as other programs see it. Ray is not needed; `serve_app.py` puts replicas behind the same route."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from app import build_demo, model_pool
from server import application
from services import model
from services.api import create_api
from services.endpoint import EndpointOptions, QueueFullError
from services.model import Bitmap, Scores
from services.remote import ModelServer, Remote
from tests.conftest import MakeSettings
from tests.server.client import AppTest, EventError
from tests.serving import serving
from utils.pool import Pool

BLANK = [0.0] * 64


class Replicas:
    """Stands in for Ray: calls the model here, or is full."""

    def __init__(self) -> None:
        self.full = False
        self.sizes: list[int] = []

    async def predict(self, bitmaps: list[Bitmap]) -> list[Scores]:
        if self.full:
            raise QueueFullError
        self.sizes.append(len(bitmaps))
        return model.predict(bitmaps)


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


@pytest.fixture
def api(replicas: Replicas) -> FastAPI:
    return create_api(replicas.predict, EndpointOptions("Digits"), max_batch=3)


@pytest.fixture
def client(api: FastAPI) -> Iterator[TestClient]:
    with TestClient(api) as client:
        yield client


def test_a_batch_is_classified_as_it_would_be_here(client: TestClient) -> None:
    bitmaps = [model.sample(digit).reshape(-1) for digit in model.SAMPLES]
    answer = client.post("/v1/predict", json={"items": [bitmap.tolist() for bitmap in bitmaps]})
    assert answer.json()["results"] == model.predict(bitmaps)


@pytest.mark.parametrize("bad", [[], [[0.0]], [[*BLANK, 0]], [[17, *BLANK[1:]]], [["x", *BLANK[1:]]]])
def test_what_is_no_bitmap_is_refused(client: TestClient, replicas: Replicas, bad: list[object]) -> None:
    assert client.post("/v1/predict", json={"items": bad}).status_code == 422
    assert replicas.sizes == []


def test_more_than_a_batch_is_refused(client: TestClient) -> None:
    assert client.post("/v1/predict", json={"items": [BLANK] * 3}).is_success
    assert client.post("/v1/predict", json={"items": [BLANK] * 4}).status_code == 413


def test_the_settings_choose_where_the_model_runs(make_settings: MakeSettings) -> None:
    assert isinstance(model_pool(make_settings()), Pool)
    assert isinstance(model_pool(make_settings(model_url="http://model/v1")), Remote)


def test_the_page_asks_the_endpoint_and_says_when_it_is_full(
    api: FastAPI, replicas: Replicas, make_settings: MakeSettings, tmp_path: Path
) -> None:
    picture = tmp_path / "three.png"
    Image.fromarray((255 - model.sample("3") * 15).astype(np.uint8)).resize((200, 200)).save(picture)
    with serving(api) as url:
        settings = make_settings(model_url=url, model_retries=0)
        with AppTest(application.create_app(build_demo(settings), settings)) as test:
            file = test.upload(picture)
            drawing = {"background": file, "layers": [], "composite": file}
            [label] = test.call("predict", drawing)
            assert (label["label"], replicas.sizes) == ("3", [1])
            replicas.full = True
            with pytest.raises(EventError, match="Queue is full"):
                test.call("predict", drawing)


def test_the_name_of_the_function_is_the_path(api: FastAPI) -> None:
    with serving(api) as url:
        remote = Remote(ModelServer(url))
        [scores] = asyncio.run(remote.map(model.predict, [model.sample("5").reshape(-1)]))
        remote.close()
    assert max(scores, key=scores.__getitem__) == "5"
