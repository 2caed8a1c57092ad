"""Queue, sessions and concurrency in one place, so that no event is left with a limit that nobody chose.

Gradio's own defaults are one call at a time, an unbounded queue, and an API route past the queue.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypedDict

from fastapi import HTTPException

from server.access.identity import visitor_of
from server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import Scope

MINUTE = 60
STARTING: ContextVar["Scope | None"] = ContextVar("STARTING", default=None)
"""The request that starts an event, for as long as Gradio answers it."""


class QueueOptions(TypedDict):
    """Arguments of `Blocks.queue()`."""

    max_size: int
    default_concurrency_limit: int
    status_update_rate: float
    api_open: bool


class Slots(TypedDict):
    """Arguments of an event listener. Events with the same id share one limit; the lowest limit given wins."""

    concurrency_id: str
    concurrency_limit: int


def queue_options(settings: ServerSettings) -> QueueOptions:
    """Bound the queue, close the route past it, and tell waiting users their place every 5 s, not at every change."""
    return {
        "max_size": settings.queue_size,
        "default_concurrency_limit": settings.concurrency,
        "status_update_rate": 5,
        "api_open": False,
    }


def slots(name: str, limit: int) -> Slots:
    """Let events that share a name share one limit: `**slots("model", settings.model_concurrency)`."""
    return {"concurrency_id": name, "concurrency_limit": limit}


def light_slots(settings: ServerSettings) -> Slots:
    """Limit everything that asks no model."""
    return slots("light", settings.concurrency)


class Sessions:
    """Which sessions may begin, and which are in use.

    What is raised here reaches the visitor as the answer to the event that was to start.
    """

    def __init__(self, settings: ServerSettings) -> None:
        """Start with nobody."""
        self.settings = settings
        self.minute = -1
        self.begun: Counter[str] = Counter()
        """Sessions of this minute by visitor."""
        self.readers: Counter[str] = Counter()
        """Connections that read the answers of a session or event, or hold its page open."""
        self.checking: Counter[str] = Counter()
        """Validators that run or wait, by visitor."""
        self.slots = asyncio.Semaphore(settings.validators)

    def admit(self, scope: "Scope") -> None:
        """Count one more session; no request begins more than one.

        Raises:
            HTTPException: 429 if it is one too many for its visitor, 503 if it is for all together.

        """
        if scope["state"].get("counted"):
            return
        minute, second = divmod(int(time.monotonic()), MINUTE)
        if minute != self.minute:
            self.minute, self.begun = minute, Counter()
        visitor, wait = visitor_of(scope), {"retry-after": str(MINUTE - second)}
        if self.begun[visitor] >= self.settings.new_sessions_per_visitor:
            text = "You have begun too many sessions in this minute. Wait a moment, or use one session for all calls."
            raise HTTPException(429, text, wait)
        if self.begun.total() >= self.settings.new_sessions:
            raise HTTPException(503, "Too many sessions are beginning. Try again in a moment.", wait)
        self.begun[visitor] += 1
        scope["state"]["counted"] = True

    @contextmanager
    def read(self, names: Iterable[str]) -> Generator[None]:
        """Keep sessions for as long as somebody is connected to them."""
        names = tuple(names)
        self.readers.update(names)
        try:
            yield
        finally:
            forget(self.readers, names)

    def is_read(self, *names: str) -> bool:
        """Tell whether somebody is connected to one of these sessions or events."""
        return any(name in self.readers for name in names)

    @asynccontextmanager
    async def validating(self, scope: "Scope") -> AsyncGenerator[None]:
        """Wait for a place where a validator may run, which decodes what it looks at.

        Raises:
            HTTPException: 429 if too many of this visitor run or wait already, 503 if there is no end of others.

        """
        visitor = visitor_of(scope)
        if self.checking[visitor] >= self.settings.validators_per_visitor:
            raise HTTPException(429, "Too many of your inputs are being checked. Wait until an answer has come.")
        if self.checking.total() >= self.settings.queue_size:
            raise HTTPException(503, "Too many inputs are being checked. Try again in a moment.")
        self.checking[visitor] += 1
        try:
            async with self.slots:
                yield
        finally:
            forget(self.checking, (visitor,))


def forget(counts: Counter[str], names: Iterable[str]) -> None:
    """Count one less of each, and keep no zeros."""
    for name in names:
        counts[name] -= 1
        if not counts[name]:
            del counts[name]
