"""The model. Replace this file first: plain Python that never imports Gradio."""

import asyncio
from collections.abc import AsyncGenerator


async def answer(messages: list[dict[str, str]]) -> AsyncGenerator[str]:
    """Answer the last message, piece by piece.

    The generator is closed when the visitor presses Stop or leaves: free what you hold in a `finally`.
    """
    said = messages[-1]["content"]
    for word in f"This is a stand-in, not a language model: see `services/model.py`. You wrote: {said}".split(" "):
        await asyncio.sleep(0.02)
        yield f"{word} "
