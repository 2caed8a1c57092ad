"""The model and its input, without Gradio."""

from typing import cast

import numpy as np
import pytest

from services import model
from services.errors import InputError
from utils.preprocess import MAX_SIDE, Drawing, Pixels, to_bitmap


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


def test_samples_are_bitmaps() -> None:
    assert cast("tuple[int, int]", model.sample("3").shape) == (8, 8)
