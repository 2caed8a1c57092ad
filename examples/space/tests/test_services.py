"""The model and its input, without Gradio."""

import asyncio
import os
import subprocess
import sys
from typing import cast

import numpy as np
import pytest

from services import model
from utils.pool import Pool, start_worker
from utils.preprocess import MAX_SIDE, Drawing, InputError, Pixels, to_bitmap
from utils.settings import PROJECT_DIR


def drawing(pixels: Pixels | None) -> Drawing:
    """Wrap an array as Gradio does."""
    return Drawing(background=None, layers=[], composite=pixels)


def picture(digit: str, ink: int = 0, ground: int = 255) -> Pixels:
    """Paint one of the samples large and off-centre."""
    shape = np.kron(model.sample(digit) / 16, np.ones((20, 20)))
    page = np.full((400, 300), float(ground))
    page[30:190, 90:250] += shape * (ink - ground)
    return np.stack([page, page, page, np.full_like(page, 255)], axis=-1).astype(np.uint8)


def test_the_model_is_right_on_data_it_has_not_seen() -> None:
    assert model.load_classifier().accuracy >= 0.95


def test_the_model_is_loaded_once() -> None:
    assert model.load_classifier() is model.load_classifier()


@pytest.mark.parametrize("digit", model.SAMPLES)
@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
def test_a_picture_is_read_whatever_its_size_place_and_colours(digit: str, ink: int, ground: int) -> None:
    [scores] = model.predict([to_bitmap(drawing(picture(digit, ink, ground)))])
    assert max(scores, key=scores.__getitem__) == digit
    assert sum(scores.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "Draw a digit"),
        (drawing(None), "Draw a digit"),
        (drawing(np.full((50, 50, 4), 255, np.uint8)), "empty"),
        (drawing(np.zeros((1, MAX_SIDE + 1, 4), np.uint8)), "larger than"),
    ],
)
def test_bad_pictures_are_refused_with_a_reason(bad: Drawing | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_bitmap(bad)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pool_keeps_the_order_and_outlives_a_dead_worker(workers: int) -> None:
    pool = Pool(workers, load=int)
    pool.warm_up()
    items = [[number] for number in range(5)]
    assert asyncio.run(pool.map(max_of_each, items)) == [0, 1, 2, 3, 4]
    if workers:
        with pytest.raises(Exception, match="terminated"):
            asyncio.run(pool.map(die, items))
        assert asyncio.run(pool.map(max_of_each, items)) == [0, 1, 2, 3, 4]
    pool.close()


def test_a_worker_loads_its_model_when_it_starts() -> None:
    loaded: list[bool] = []
    start_worker(lambda: loaded.append(True))
    assert loaded == [True]


def max_of_each(items: list[list[int]]) -> list[int]:
    """Stand in for a model."""
    return [max(item) for item in items]


def die(_: list[list[int]]) -> list[int]:
    """Stand in for a model that takes its process down."""
    os._exit(1)


def test_services_do_not_import_gradio() -> None:
    code = "import sys, services.model; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, check=False).returncode == 0


def test_samples_are_bitmaps() -> None:
    assert cast("tuple[int, int]", model.sample("3").shape) == (8, 8)
