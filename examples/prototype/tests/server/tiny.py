"""A tiny app that the tests of the plumbing start: run as a program, it is served as `app.py` is served."""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
import gradio as gr

from server import application, running
from server.queueing import queue_options
from server.settings import ServerSettings, read_settings


class InputError(ValueError):
    """Stands in for the one of `services/errors.py`: its text is for the visitor."""

    for_visitor = True


def echo(value: str) -> str:
    """Give back what came."""
    return value


def tiny_demo(settings: ServerSettings) -> gr.Blocks:
    """Build a page with two public events and a private one, whatever the project's own app does."""
    with gr.Blocks(title=settings.title, analytics_enabled=False) as demo:
        file, text = gr.File(label="File"), gr.Textbox(label="Text")
        text.submit(echo, text, file, api_name="fetch")
        file.upload(echo, file, text, api_name="read")
        text.change(echo, text, text, api_name="hidden", api_visibility="private")
    demo.queue(**queue_options(settings))
    return demo


if __name__ == "__main__":  # pragma: no cover (runs in a process of its own)
    found = read_settings(ServerSettings)
    running.serve(application.create_app(tiny_demo(found), found), found)
