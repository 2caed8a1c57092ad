"""Queue and concurrency in one place, so that no event is left with a limit that nobody chose.

Gradio's own defaults are one call at a time, an unbounded queue, and an API route past the queue.
"""

from typing import TypedDict

from server.settings import ServerSettings


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
