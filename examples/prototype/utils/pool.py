"""CPU-bound work in processes of its own, so that the event loop and the page stay responsive.

`loky` and not `concurrent.futures`: its workers do not import `app.py` again, and a worker that died is replaced.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import anyio.to_thread
import loky

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Pool:
    """Runs a batch function over lists of items."""

    workers: int
    """Number of processes; with 0 the work runs in a thread, which is right for an accelerator."""
    load: Callable[[], object]
    """Called once in every process at its start, so that no user waits for imports and models."""

    async def map(self, function: Callable[[list[Item]], list[Result]], items: list[Item]) -> list[Result]:
        """Split `items` evenly over the workers and give the results in the order of the items."""
        if self.workers == 0:
            return await anyio.to_thread.run_sync(function, items)
        share = -(-len(items) // self.workers)
        parts = [items[start : start + share] for start in range(0, len(items), share)]
        loop = asyncio.get_running_loop()
        done = await asyncio.gather(*[loop.run_in_executor(self._executor(), function, part) for part in parts])
        return [result for part in done for result in part]

    def warm_up(self) -> None:
        """Start the workers and wait for the first that has loaded its model."""
        if self.workers == 0:
            self.load()
        else:
            self._executor().submit(int).result()

    def close(self) -> None:
        """Stop the workers."""
        if self.workers:
            self._executor().shutdown(wait=True)

    def _executor(self) -> Any:  # noqa: ANN401
        return cast("Any", loky).get_reusable_executor(
            max_workers=self.workers, timeout=None, reuse=True, initializer=start_worker, initargs=(self.load,)
        )


def start_worker(load: Callable[[], object]) -> None:
    """Load the model in a new worker, and see to it that the worker does not outlive a server that was killed."""
    server = os.getppid()

    def follow() -> None:  # pragma: no cover (runs in the worker)
        while os.getppid() == server:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    load()
