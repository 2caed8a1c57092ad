"""What `gr.ChatInterface` decides for itself and gives no argument for."""

import inspect
import json
from collections.abc import Callable
from typing import Any, cast

import gradio as gr

from utils.settings import Settings, light_slots, model_slots

Conversation = list[dict[str, Any]]


def finish(demo: gr.ChatInterface, settings: Settings, validator: Callable[..., object]) -> None:
    """Give every event of a chat its limit and its visibility, and the saved conversations a lasting key.

    A chat brings some twenty events of its own. Gradio leaves all of them callable by programs, gives the page and
    the public event separate limits, and checks only what is typed into the page.
    """
    handler: Any = inspect.unwrap(cast("Any", demo).fn)
    save = cast("Any", demo)._save_conversation  # noqa: SLF001
    for event in cast("dict[int, Any]", demo.fns).values():
        runs_model = event.fn is not None and inspect.unwrap(event.fn) is handler
        slots = model_slots(settings) if runs_model else light_slots(settings)
        event.concurrency_id, event.concurrency_limit = slots["concurrency_id"], slots["concurrency_limit"]
        if event.api_name == demo.api_name:
            event.validator = validator
        else:
            event.api_visibility = "private"
        if event.fn == save:
            event.fn = saver(save, settings.max_request_kb * 1000 // 2)
    # Its picture lies beside Gradio's source, which is not served where it is installed inside the project.
    cast("Any", demo.new_chat_button).icon = None
    # By default both are made up at every start, and the conversations saved before it cannot be read any more. The
    # second is no secret: it is sent to every browser.
    saved = cast("Any", demo.saved_conversations)
    saved.storage_key = "conversations"
    saved.secret = saved.storage_key


def saver(save: Callable[..., Any], limit: int) -> Callable[..., Any]:
    """Wrap Gradio's function that saves a conversation, so that the oldest go when all together pass `limit` bytes.

    The browser sends all of them along each time; one day that would be more than a request may carry.
    """

    def save_newest(index: int | None, conversation: Conversation, saved: list[Conversation] | None) -> Any:  # noqa: ANN401
        index, saved = save(index, conversation, saved)
        kept = newest(saved or [], limit)
        return index if index is not None and index < len(kept) else None, kept

    return save_newest


def newest(conversations: list[Conversation], limit: int) -> list[Conversation]:
    """Keep from the front what fits into `limit` bytes of JSON, and at least one."""
    room = limit
    for count, conversation in enumerate(conversations):
        room -= len(json.dumps(conversation))
        if room < 0 and count:
            return conversations[:count]
    return conversations
