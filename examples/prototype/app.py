"""The user interface: one function, from a drawing to the three most likely digits."""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from fastapi import FastAPI
from PIL import Image

from server import application, running
from server.errors import boundary, translated
from server.logs import model_time
from server.queueing import queue_options
from services import model
from services.errors import InputError
from utils.pictures import Canvas
from utils.pool import Pool
from utils.preprocess import Drawing, to_bitmap
from utils.settings import Settings, get_settings
from utils.theme import build_theme

CANVAS = 320
"""Side of the canvas, in pixels."""


def build_demo(settings: Settings) -> gr.Interface:
    """Build the page and wire its one event."""
    pool = model_pool(settings)

    @boundary
    async def predict(drawings: list[Drawing | None]) -> list[list[model.Scores | None]]:
        """Tell which digit a picture shows, for a batch of pictures."""
        bitmaps = [bitmap_or_none(drawing) for drawing in drawings]
        usable = [bitmap for bitmap in bitmaps if bitmap is not None]
        with model_time():
            scores = iter(await pool.map(model.predict, usable) if usable else [])
        return [[None if bitmap is None else next(scores) for bitmap in bitmaps]]

    demo = gr.Interface(
        predict,
        inputs=Canvas(
            blank(),  # Something is on it, so it opens with the pen in hand and not with a field for uploads.
            label="Digit",
            type="numpy",
            image_mode="RGBA",
            sources=["upload", "clipboard"],
            brush=gr.Brush(default_size=24, colors=["#000000"], color_mode="fixed"),
            layers=False,
            canvas_size=(CANVAS, CANVAS),
        ),
        outputs=gr.Label(label="Prediction", num_top_classes=3),
        examples=examples(settings.upload_dir / "digits"),
        cache_examples=False,
        title=settings.title,
        description="Draw a digit from 0 to 9, or upload a picture of one.",
        validator=validate,
        batch=True,
        max_batch_size=settings.max_batch,
        api_name="predict",
        flagging_mode="never",
        deep_link=False,  # on a Space Gradio adds such a button: see APP_DEEP_LINKS
        analytics_enabled=False,
        delete_cache=(settings.file_ttl, settings.file_ttl),
        concurrency_limit=settings.model_concurrency,
    )
    demo.queue(**queue_options(settings))
    return demo


def blank() -> dict[str, Any]:
    """Give an empty sheet."""
    return {"background": None, "layers": [np.zeros((CANVAS, CANVAS, 4), dtype=np.uint8)], "composite": None}


def bitmap_or_none(drawing: Drawing | None) -> model.Bitmap | None:
    """Clean one input of a batch: a bad one must not take the others with it."""
    try:
        return to_bitmap(drawing)
    except InputError:
        return None


def validate(drawings: list[Drawing | None]) -> list[list[dict[str, Any]]]:
    """Refuse a bad drawing before it waits in the queue.

    Raises and does not return `gr.validate(...)`: with `batch=True` Gradio 6.31 takes any returned verdict for a yes.
    """
    problem = first_problem(drawings)
    if problem is not None:
        raise problem
    return [[gr.validate(is_valid=True, message="") for _ in drawings]]


@translated("validate")  # Gradio shows whatever a validator raises.
def first_problem(drawings: list[Drawing | None]) -> InputError | None:
    """Give the reason why the first bad drawing cannot be read."""
    for drawing in drawings:
        try:
            to_bitmap(drawing)
        except InputError as error:
            return error
    return None


def examples(folder: Path) -> list[str]:
    """Write a few digits of the data set as pictures, dark on light, and give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[str] = []
    for digit in model.SAMPLES:
        path = folder / f"{digit}.png"
        pixels = 255 - model.sample(digit) * (255 / 16)
        Image.fromarray(np.pad(pixels, 2, constant_values=255).astype(np.uint8)).resize((240, 240)).save(path)
        paths.append(str(path))
    return paths


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application that any ASGI server can run: `uvicorn app:create_app --factory`.

    Tests bring settings of their own. Hooks for styles, routes and start-up are arguments of `application.create_app`.
    """
    page = build_demo(settings) if settings else demo
    settings = settings or get_settings()
    pool, look = model_pool(settings), build_theme(settings)
    return application.create_app(page, settings, theme=look, warm_up=pool.warm_up, close=pool.close)


def model_pool(settings: Settings) -> Pool:
    """Describe the processes that run the model; every pool of the same size is the same one."""
    return Pool(settings.model_workers, load=model.load_classifier)


demo = build_demo(get_settings())

if __name__ == "__main__":
    running.serve(create_app(), get_settings())
