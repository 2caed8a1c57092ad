"""What belongs to one session but cannot be copied into `gr.State`: large tables, connections, open files."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


def let_go(_: object) -> None:
    """Leave the rest to the garbage collector."""


@dataclass
class Entry(Generic[Value]):
    """One held value."""

    value: Value
    size: int
    used: float


class SessionRegistry(Generic[Value]):
    """Holds one value a session, bounded in time and in total size. Safe to use from many threads.

    Gradio tells that a page was closed (`demo.unload`), but not that a program which called the API has gone, and a
    server may be asked for more than it can hold. So entries also go when they were not used for `ttl` seconds, and the
    least recently used ones go when all together exceed `max_size`.
    """

    def __init__(
        self,
        ttl: float,
        max_size: int,
        on_drop: Callable[[Value], object] = let_go,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an empty registry.

        Args:
            ttl: Seconds after its last use that a value is held.
            max_size: Total of the sizes given to `put`; the value put last stays even when it is larger.
            on_drop: Called with every value that is replaced or dropped, to close or delete what belongs to it.
            clock: Seconds that only ever grow.

        """
        self.ttl = ttl
        self.max_size = max_size
        self._on_drop = on_drop
        self._clock = clock
        self._entries: OrderedDict[str, Entry[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Count the held values."""
        return len(self._entries)

    def put(self, session: str, value: Value, size: int) -> None:
        """Hold a value, in place of the session's last one."""
        with self._lock:
            gone = self._pop(session)
            self._entries[session] = Entry(value, size, self._clock())
            gone += self._sweep()
        self._close(gone)

    def get(self, session: str) -> Value | None:
        """Give the session's value, or None if there is none (any more)."""
        with self._lock:
            gone = self._sweep()
            entry = self._entries.get(session)
            if entry is not None:
                entry.used = self._clock()
                self._entries.move_to_end(session)
        self._close(gone)
        return None if entry is None else entry.value

    def drop(self, session: str) -> None:
        """Let go of the session's value, if there is one."""
        with self._lock:
            gone = self._pop(session)
        self._close(gone)

    def _pop(self, session: str) -> list[Value]:
        entry = self._entries.pop(session, None)
        return [] if entry is None else [entry.value]

    def _sweep(self) -> list[Value]:
        # The order of the entries is the order of their last use, so the ones to drop come first.
        gone: list[Value] = []
        total = sum(entry.size for entry in self._entries.values())
        for session, entry in list(self._entries.items()):
            too_many = total > self.max_size and len(self._entries) > 1
            if not too_many and self._clock() - entry.used <= self.ttl:
                break
            total -= entry.size
            gone += self._pop(session)
        return gone

    def _close(self, gone: list[Value]) -> None:
        # Outside the lock: closing may take a while.
        for value in gone:
            self._on_drop(value)
