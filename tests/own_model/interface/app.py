"""The page: soften a picture."""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
import gradio as gr
from fastapi import FastAPI
from PIL import Image

from server import application, running
from server.errors import boundary
from server.queueing import queue_options
from services import model
from utils.settings import Settings, get_settings
from utils.theme import build_theme


@boundary
def predict(picture: Image.Image | None, radius: float, grey: bool):
    """Soften a picture."""
    return model.soften(picture, radius, grey)


def build_demo(settings: Settings) -> gr.Interface:
    demo = gr.Interface(
        predict,
        inputs=[
            gr.Image(label="Picture", type="pil", sources=["upload"]),
            gr.Slider(0, 20, 2, label="Radius"),
            gr.Checkbox(label="Grey"),
        ],
        outputs=[gr.Image(label="Softened"), gr.JSON(label="Facts")],
        title=settings.title,
        api_name="predict",
        flagging_mode="never",
        analytics_enabled=False,
        delete_cache=(settings.file_ttl, settings.file_ttl),
        concurrency_limit=settings.model_concurrency,
    )
    demo.queue(**queue_options(settings))
    return demo


def create_app(settings: Settings | None = None) -> FastAPI:
    page = build_demo(settings) if settings else demo
    settings = settings or get_settings()
    return application.create_app(page, settings, theme=build_theme(settings))


demo = build_demo(get_settings())

if __name__ == "__main__":
    running.serve(create_app(), get_settings())
