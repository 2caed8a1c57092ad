"""The real queue, over HTTP: bounded, side by side where the limit says so, and apart for each visitor."""

import threading

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from server import gradio_adapter
from services import model
from tests.conftest import MakeApp, Serve
from tests.server.access import headers
from tests.server.fixtures import started
from utils.preprocess import Bitmap


class Device:
    """A model that holds its callers until the test lets them go."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.entered = threading.Semaphore(0)
        self.sizes: list[int] = []

    def predict(self, bitmaps: list[Bitmap]) -> list[model.Scores]:
        self.sizes.append(len(bitmaps))
        self.entered.release()
        assert self.release.wait(30)
        return [{str(round(bitmap.sum())): 1.0} for bitmap in bitmaps]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    monkeypatch.setattr(model, "predict", device.predict)
    return device


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """Pictures with different amounts of ink."""
    values: list[dict[str, object]] = []
    for digit in model.SAMPLES:
        path = tmp_path_factory.mktemp("pictures") / f"{digit}.png"
        Image.fromarray((255 - model.sample(digit) * 15).astype(np.uint8)).resize((200, 200)).save(path)
        file = handle_file(str(path))
        values.append({"background": file, "layers": [], "composite": file})
    return values


def connected(url: str, count: int) -> list[Client]:
    """Connect several visitors. The server lets go of them when it stops; closing one takes a second."""
    return [Client(url, verbose=False, headers=headers()) for _ in range(count)]


def test_a_full_queue_answers_at_once_and_nothing_hangs(
    device: Device, make_app: MakeApp, serve: Serve, pictures: list[dict[str, object]]
) -> None:
    app = make_app(model_workers=0, model_concurrency=1, max_batch=1, queue_size=1)
    with serve(app) as url:
        running, waiting, refused = connected(url, 3)
        first = running.submit(pictures[0], api_name="/predict")
        assert device.entered.acquire(timeout=20)
        second = waiting.submit(pictures[0], api_name="/predict")
        while gradio_adapter.waiting(app.state.demo) == 0:
            assert not second.done()
        with pytest.raises(Exception, match=r"(?i)full"):
            refused.submit(pictures[0], api_name="/predict").result(timeout=20)
        device.release.set()
        assert first.result(timeout=20)
        assert second.result(timeout=20)


def test_three_slow_calls_run_side_by_side(
    device: Device, make_app: MakeApp, serve: Serve, pictures: list[dict[str, object]]
) -> None:
    with serve(make_app(model_workers=0, model_concurrency=3, max_batch=1)) as url:
        jobs = [client.submit(pictures[0], api_name="/predict") for client in connected(url, 3)]
        for _ in jobs:
            assert device.entered.acquire(timeout=20)
        device.release.set()
        assert [bool(job.result(timeout=20)) for job in jobs] == [True, True, True]


def test_waiting_calls_share_a_batch_and_each_visitor_gets_the_own_answer(
    device: Device, make_app: MakeApp, serve: Serve, pictures: list[dict[str, object]]
) -> None:
    app = make_app(model_workers=0, model_concurrency=1)
    with serve(app) as url:
        first, *others = connected(url, 4)
        ahead = first.submit(pictures[0], api_name="/predict")
        assert device.entered.acquire(timeout=20)
        jobs = [client.submit(picture, api_name="/predict") for client, picture in zip(others, pictures, strict=True)]
        while gradio_adapter.waiting(app.state.demo) < len(jobs):
            assert not any(job.done() for job in jobs)
        device.release.set()
        labels = [job.result(timeout=20)["label"] for job in jobs]
        assert device.sizes == [1, 3]
        assert len(set(labels)) == 3
        assert ahead.result(timeout=20)["label"] == labels[0]


def test_the_size_of_a_batch_is_the_setting() -> None:
    with started("app.py", APP_MAX_BATCH="3", APP_MODEL_WORKERS="0") as (_, url):
        config = httpx.get(f"{url}/config", headers=headers(), timeout=30).json()
    assert [event["max_batch_size"] for event in config["dependencies"] if event["batch"]] == [3]
