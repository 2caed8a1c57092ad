"""Models that do as a test wants. They are handed to `build_demo(settings, model)`."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from typing import TypeVar

from services.protocol import Message, Piece

Result = TypeVar("Result")
WAIT_SECONDS = 20
"""How long a test waits for what must come; reached only when it fails."""


class Scripted:
    """Gives fixed pieces, and remembers what it was asked."""

    notice = "Scripted for a test."

    def __init__(self, *pieces: Piece) -> None:
        self.pieces = pieces
        self.asked: list[list[Message]] = []
        self.limits: list[int] = []

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[Piece]:
        self.asked.append(list(messages))
        self.limits.append(max_tokens)
        for piece in self.pieces:
            yield piece


class Quoting(Scripted):
    """Says what it was asked before its own pieces, so that a page shows when it was asked."""

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[Piece]:
        yield f"{messages[-1]['content']}: "
        async for piece in super().stream(messages, max_tokens):
            yield piece


class Counting:
    """Counts what it was sent."""

    notice = "Counts for a test."

    async def stream(self, messages: Sequence[Message], _max_tokens: int) -> AsyncGenerator[str]:
        mine = [message["content"] for message in messages if message["role"] == "user"]
        for piece in (f"Words: {len(mine[-1].split())}. ", f"Messages from you: {len(mine)}."):
            yield piece


class Endless:
    """Writes one word and then falls silent, or goes on writing dots, until it is told to stop."""

    notice = ""

    def __init__(self, *, silent: bool = True) -> None:
        self.silent = silent
        self.told_to_stop = threading.Event()

    async def stream(self, _messages: Sequence[Message], _max_tokens: int) -> AsyncGenerator[str]:
        try:
            yield "Endless"
            while True:
                await asyncio.sleep(1000 if self.silent else 0.01)
                yield "."
        finally:
            self.told_to_stop.set()


class Gathering:
    """Holds every answer back until `expected` are under way at once, or until the test opens it."""

    notice = ""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.under_way = 0
        self.arrivals = threading.Semaphore(0)
        self.gate = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def stream(self, messages: Sequence[Message], _max_tokens: int) -> AsyncGenerator[str]:
        self.loop = asyncio.get_running_loop()
        self.under_way += 1
        self.arrivals.release()
        if self.under_way == self.expected:
            self.gate.set()
        await self.gate.wait()
        self.under_way -= 1
        yield f"seen: {messages[-1]['content']}"

    def open(self) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.gate.set)


class Broken:
    """Fails after its first word, for ever or so many times, and then counts its messages; notes what it was asked."""

    notice = ""

    def __init__(self, error: Exception, times: int = 1000) -> None:
        self.error = error
        self.times = times
        self.asked: list[list[Message]] = []

    async def stream(self, messages: Sequence[Message], _max_tokens: int) -> AsyncGenerator[str]:
        self.asked.append(list(messages))
        yield "Once"
        self.times -= 1
        if self.times >= 0:
            raise self.error
        yield f" and again, with {len(messages)} of messages"


async def collect(pieces: AsyncGenerator[Result]) -> list[Result]:
    """Read a stream to its end."""
    return [piece async for piece in pieces]
