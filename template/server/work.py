"""The requests under way, so that a stopping server knows when the last answer is out."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from server import gradio_adapter

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import Message, Receive


class Work:
    """Counts the requests under way."""

    def __init__(self, demo: "gr.Blocks") -> None:
        """Start with nothing under way."""
        self.demo = demo
        self.open = self.finished = 0
        self.stopping = False
        self.release_tabs = asyncio.Event()

    def __enter__(self) -> None:
        """Begin one request."""
        self.open += 1

    def __exit__(self, *_: object) -> None:
        """End one request."""
        self.open -= 1
        self.finished += 1

    def until_released(self, receive: "Receive") -> "Receive":
        """Let a tab's standing connection end as if the visitor had left when the server is about to close."""

        async def receive_or_leave() -> "Message":
            leave = asyncio.ensure_future(self.release_tabs.wait())
            hear = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({leave, hear}, return_when=asyncio.FIRST_COMPLETED)
                return hear.result() if hear.done() else {"type": "http.disconnect"}
            finally:
                leave.cancel()
                hear.cancel()

        return receive_or_leave

    def continues_chain(self, fields: Mapping[str, Any]) -> bool:
        """Tell whether an event follows another (`.then`, `.success`): its user waits for an answer already."""
        try:
            return gradio_adapter.follows_another(self.demo, fields["fn_index"])
        except (KeyError, TypeError):
            return False
