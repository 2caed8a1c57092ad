"""What the apps under load do. In a rendered project this file takes the place of `services/model.py`.

Every function does the same on both sides of a comparison.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

TOKENS = 50
TOKEN_SECONDS = 0.01
BATCH_SECONDS = 0.1
SAMPLE_SECONDS = 0.002
COUNTED_TO = 2_000_000

_device = threading.Lock()


def nothing(text: str) -> str:
    """Answer at once: what remains is the cost of the server."""
    return text


def stream() -> Iterator[str]:
    """Give 50 tokens, one each 10 ms, as a language model would."""
    for number in range(TOKENS):
        time.sleep(TOKEN_SECONDS)
        yield f"token{number} "


async def stream_async() -> AsyncIterator[str]:
    """Do the same for an event loop."""
    for number in range(TOKENS):
        await asyncio.sleep(TOKEN_SECONDS)
        yield f"token{number} "


def count(text: str) -> str:
    """Keep a core busy for roughly 100 ms, in Python, so that threads do not help."""
    total = 0
    for number in range(COUNTED_TO):
        total += number
    return f"{text}{total}"


def count_batch(texts: list[str]) -> list[str]:
    """Do the same for each of several inputs; nothing is saved by batching."""
    return [count(text) for text in texts]


def device(texts: list[str]) -> list[str]:
    """Run a batch on the one accelerator: 100 ms and 2 ms for each sample."""
    with _device:
        time.sleep(BATCH_SECONDS + SAMPLE_SECONDS * len(texts))
    return texts


def load() -> None:
    """Load nothing: there is no model to load."""
