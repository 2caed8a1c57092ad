"""The model. Replace this file first: plain Python that never imports Gradio."""

from collections.abc import AsyncGenerator
from typing import Any

import openai


async def ask(client: openai.AsyncOpenAI, name: str, messages: list[Any]) -> AsyncGenerator[str]:
    """Pass the answer of a server on, piece by piece. Leaving early ends the server's work too."""
    async with await client.chat.completions.create(model=name, messages=messages, stream=True) as chunks:
        async for chunk in chunks:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text


async def answer(messages: list[dict[str, str]]) -> AsyncGenerator[str]:
    """Answer in this process, where the settings name no server."""
    yield f"This is a stand-in: set `APP_MODEL_URL` or edit `services/model.py`. You wrote: {messages[-1]['content']}"
