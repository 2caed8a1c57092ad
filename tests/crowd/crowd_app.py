"""A page with all that a crowd can strain: pictures before the queue, an editor, state, files and a stream."""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
import asyncio
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from server import application, running
from server.queueing import queue_options
from server.settings import ServerSettings, read_settings


def check(picture: Any) -> dict[str, Any]:  # noqa: ANN401
    """Look at a decoded picture."""
    return gr.validate(is_valid=picture is not None, message="")


def size(picture: Any) -> str:  # noqa: ANN401
    """Tell how large a picture is."""
    return str(picture.shape)


async def count(pieces: float) -> AsyncIterator[str]:
    """Stream an answer."""
    for piece in range(int(pieces)):
        await asyncio.sleep(0.1)
        yield str(piece)


def page(settings: ServerSettings) -> gr.Blocks:
    """Build the page."""
    with gr.Blocks(analytics_enabled=False) as demo:
        picture, text, number = gr.Image(), gr.Textbox(), gr.Number()
        gr.ImageEditor(type="pil")
        kept = gr.State(0)
        picture.upload(size, picture, text, validator=check, api_name="size")
        number.submit(count, number, text, api_name="count", concurrency_limit=None)
        text.submit(lambda state: (state + 1, str(state + 1)), kept, [kept, text], api_name="state")
    demo.queue(**queue_options(settings))
    return demo


if __name__ == "__main__":
    found = read_settings(ServerSettings)
    running.serve(application.create_app(page(found), found), found)
