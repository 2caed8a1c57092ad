"""A page of one function, served by a rendered project's own plumbing; it is copied into the project to run there.

`services/model.py` is then the functions that the comparison needs. Run as `python bench_app.py <task>`; with `gate` or
`log` after it, SIGUSR1 takes the gate or the log of requests out and puts it back, which shows what it costs.
"""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
import signal
import sys
from typing import Any

import gradio as gr
from server import application, running
from server.errors import boundary
from server.gate import Gate
from server.logs import RequestLog
from server.queueing import queue_options
from services import model
from starlette.types import Receive, Scope, Send
from utils.pool import Pool
from utils.settings import Settings, get_settings


def build_demo(task: str, settings: Settings, pool: Pool) -> gr.Interface:
    """Build the page and wire its one event, as the apps of the template do."""

    @boundary
    async def predict(text: str) -> str:
        """Call a function that takes no time."""
        return model.nothing(text)

    @boundary
    async def count(texts: list[str]) -> list[list[str]]:
        """Spread work for the processor over the pool."""
        return [await pool.map(model.count_batch, texts)]

    @boundary
    async def device(texts: list[str]) -> list[list[str]]:
        """Give the accelerator a batch."""
        return [await pool.map(model.device, texts)]

    batch = {"batch": True, "max_batch_size": settings.max_batch, "concurrency_limit": settings.model_concurrency}
    options = {"predict": {"concurrency_limit": settings.concurrency}, "count": batch, "device": batch}
    demo = gr.Interface(
        fn={"predict": predict, "count": count, "device": device}[task],
        inputs=gr.Textbox(label="Input"),
        outputs=gr.Textbox(label="Output"),
        api_name="predict",
        flagging_mode="never",
        analytics_enabled=False,
        delete_cache=(settings.file_ttl, settings.file_ttl),
        **options[task],
    )
    demo.queue(**queue_options(settings))
    return demo


def switched(layer: type[Any]) -> type[Any]:
    """Let a signal take a layer out of the way of requests, and put it back."""

    class Switched(layer):
        is_on = True

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if self.is_on or scope["type"] != "http":
                await super().__call__(scope, receive, send)
            else:
                await self.app(scope, receive, send)

    def switch(*_: object) -> None:
        Switched.is_on = not Switched.is_on

    signal.signal(signal.SIGUSR1, switch)
    return Switched


def main(task: str, layer: str = "") -> None:
    """Serve until a signal comes."""
    settings = get_settings()
    pool = Pool(settings.model_workers, load=model.load)
    demo = build_demo(task, settings, pool)
    app = application.create_app(demo, settings, warm_up=pool.warm_up, close=pool.close)
    chosen = {"gate": Gate, "log": RequestLog}.get(layer)
    for each in app.user_middleware:
        if each.cls is chosen:
            each.cls = switched(chosen)
    running.serve(app, settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
