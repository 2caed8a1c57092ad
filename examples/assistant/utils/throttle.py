"""Streams at the pace that a page can show. Ten updates a second read as well as a hundred and cost a fifth."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from server.logs import model_time

UPDATE_SECONDS = 0.1


@dataclass(frozen=True)
class Snapshot:
    """A growing answer at one moment."""

    text: str
    """All of it so far."""
    tokens: int
    """Pieces that the model has sent; most models send one token a piece."""
    first_token: float
    """Seconds from the request to the first piece."""
    seconds: float
    """Seconds from the request to the last piece."""

    @property
    def tokens_per_second(self) -> float:
        """Speed since the first piece; 0 while there is only one."""
        writing = self.seconds - self.first_token
        return (self.tokens - 1) / writing if writing > 0 else 0.0


async def throttled(
    pieces: AsyncGenerator[str], every: float = UPDATE_SECONDS, clock: Callable[[], float] = time.monotonic
) -> AsyncGenerator[Snapshot]:
    """Join the pieces: give the first at once, then at most one snapshot in `every` seconds, and always the last.

    Closing this generator closes `pieces`, so that Stop reaches the model.
    """
    started = clock()
    text, tokens, first_token, due = "", 0, 0.0, started
    latest = shown = None
    with model_time():
        async with aclosing(pieces):
            async for piece in pieces:
                now = clock()
                first_token = first_token if tokens else now - started
                text, tokens = text + piece, tokens + 1
                latest = Snapshot(text, tokens, first_token, now - started)
                if now >= due:
                    shown, due = latest, now + every
                    yield latest
    if latest is not None and latest is not shown:
        yield latest
