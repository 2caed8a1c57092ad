"""Cleaning of the input, as plain functions: what comes from a user is checked here before a service sees it."""

from functools import partial
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.errors import InputError
from services.model import INK_LEVELS, SIZE, Bitmap

MAX_SIDE = 4096
"""Longest side of an image that is read, in pixels."""
MIN_CONTRAST = 32

Pixels = NDArray[np.uint8]


class Drawing(TypedDict):
    """What Gradio's image editors give: arrays of shape (height, width, 4)."""

    background: Pixels | None
    layers: list[Pixels]
    composite: Pixels | None


def to_bitmap(drawing: Drawing | None) -> Bitmap:
    """Turn a drawing or a photo of one digit into the model's input.

    The digit is cut out, scaled into a square and averaged over blocks, as the data set was made
    (https://archive.ics.uci.edu/dataset/80).

    Args:
        drawing: Dark ink on a light ground, or light on dark.

    Returns:
        Ink from 0 to 16, shape (64,).

    Raises:
        InputError: if there is nothing to read or the image is too large.

    """
    pixels = drawing and drawing["composite"]
    if pixels is None or pixels.size == 0:
        raise InputError("Draw a digit or upload a picture of one first.")
    if max(pixels.shape[:2]) > MAX_SIDE:
        raise InputError(f"The picture is larger than {MAX_SIDE} pixels. Scale it down and try again.")
    ink = to_ink(pixels)
    rows, columns = np.nonzero(ink > ink.max() / 2)
    digit = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    side = max(digit.shape)
    square = np.zeros((side, side))
    top, left = (side - digit.shape[0]) // 2, (side - digit.shape[1]) // 2
    square[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    small = Image.fromarray(square.astype(np.uint8)).resize((SIZE, SIZE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64).reshape(-1) * (INK_LEVELS / 255)


def to_ink(pixels: Pixels) -> NDArray[np.float64]:
    """Give the amount of ink at each pixel, 0 to 255, shape (height, width).

    Raises:
        InputError: if the picture is of one colour.

    """
    # White ink on a transparent ground is seen on black alone.
    grey = next(
        (grey for grey in map(partial(on_ground, pixels), ("white", "black")) if np.ptp(grey) >= MIN_CONTRAST), None
    )
    if grey is None:
        raise InputError("The picture is empty. Draw a digit with a dark pen.")
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(edge))
    return ink * (255 / ink.max())


def on_ground(pixels: Pixels, colour: str) -> NDArray[np.float64]:
    """Lay a picture on a ground and give the brightness of each pixel, 0 to 255, shape (height, width)."""
    image = Image.fromarray(pixels).convert("RGBA")
    ground = Image.new("RGBA", image.size, colour)
    ground.alpha_composite(image)
    return np.asarray(ground.convert("L"), dtype=np.float64)
