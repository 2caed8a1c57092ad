"""Streams at the pace that a page can show. Ten updates a second read as well as a hundred and cost a fifth."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from server.logs import model_time

UPDATE_SECONDS = 0.1


@dataclass(frozen=True)
class Snapshot:
    """A growing answer at one moment."""

    text: str = ""
    """All of it so far."""
    tokens: int = 0
    """Pieces that the model has sent; most models send one token a piece."""
    first_token: float = 0.0
    """Seconds from the request to the first piece."""
    seconds: float = 0.0
    """Seconds from the request to the last piece."""

    @property
    def tokens_per_second(self) -> float:
        """Speed since the first piece; 0 while there is only one."""
        writing = self.seconds - self.first_token
        return (self.tokens - 1) / writing if writing > 0 else 0.0

    def plus(self, piece: Any, seconds: float) -> Self:  # noqa: ANN401 (what a subclass takes)
        """Give the answer with one more piece, which came after so many seconds."""
        return replace(self.counted(seconds), text=self.text + piece)

    def counted(self, seconds: float) -> Self:
        """Give the answer with one more token."""
        first = self.first_token if self.tokens else seconds
        return replace(self, tokens=self.tokens + 1, first_token=first, seconds=seconds)


Growing = TypeVar("Growing", bound=Snapshot)


async def throttled(
    pieces: AsyncGenerator[Any],
    start: Growing = Snapshot(),
    every: float = UPDATE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Growing]:
    """Join the pieces: give the first at once, then at most one snapshot in `every` seconds, and always the last.

    Closing this generator closes `pieces`, so that Stop reaches the model.
    """
    started = due = clock()
    latest = shown = start
    with model_time():
        async with aclosing(pieces):
            async for piece in pieces:
                now = clock()
                latest = latest.plus(piece, now - started)
                if now >= due:
                    shown, due = latest, now + every
                    yield latest
    if latest is not shown:
        yield latest
