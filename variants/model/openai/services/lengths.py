"""How much a model can read and write together, where its server tells that beside its name."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import openai

from services.causes import fields

log = logging.getLogger("app.model")

FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
"""What vLLM and SGLang, OpenRouter and Together, Groq, and Mistral call it in the list of models. llama.cpp has `n_ctx`
under `meta`, beside `n_ctx_train`, which is more than it serves and in older versions alone."""
PAUSE = 300
"""Seconds until a server that told nothing is asked again."""


class Lengths:
    """Asks a server once for all of its models."""

    def __init__(self, client: openai.AsyncOpenAI, patience: float) -> None:
        """Note whom to ask, and the seconds that it may take; nothing is sent yet."""
        self.client, self.patience = client, patience
        self.known: dict[str, int] = {}
        self.due = 0.0

    async def of(self, name: str) -> int:
        """Tell the length of a model in tokens; 0 if nobody knows."""
        if name not in self.known and time.monotonic() >= self.due:
            self.due = time.monotonic() + PAUSE
            try:
                async with asyncio.timeout(self.patience):
                    self.known |= {model.id: length_in(model.model_dump()) async for model in self.client.models.list()}
            except Exception as error:  # noqa: BLE001 (many servers have no list, and answer all the same)
                log.info("the lengths of its models are not to be had: %s", type(error).__name__)
        return self.known.get(name, 0)


def length_in(model: Mapping[str, Any]) -> int:
    """Find the length in an entry of the list; 0 if it says none."""
    said = [*(model.get(name) for name in FIELDS), fields(model.get("meta")).get("n_ctx")]
    found = [length for length in said if isinstance(length, int)]
    return max(0, found[0]) if found else 0
