"""What `gr.ChatInterface` decides for itself and gives no argument for."""

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from server.errors import boundary
from server.gradio_adapter import events
from server.gradio_chat import (
    chat_handler,
    fold_conversations,
    free_after_failure,
    keep_conversations,
    keep_placeholder,
    reopen_conversation,
    runs,
)
from server.queueing import Slots
from utils.attaching import without_paths
from utils.history import Turn
from utils.showing import text_only, told

Conversation = list[Turn]


def finish(
    demo: gr.ChatInterface, model: Slots, others: Slots, validator: Callable[..., object], saved_bytes: int
) -> None:
    """Give every event of a chat its limit and its visibility, failures an end, and saved conversations a lasting key.

    A chat brings some twenty events of its own. Gradio leaves all of them callable by programs, gives the page and
    the public event separate limits, and checks only what is typed into the page.

    Args:
        demo: The chat.
        model: The limit of events that ask the model.
        others: The limit of all others.
        validator: Holds what a visitor wrote against the rules.
        saved_bytes: Size of all saved conversations together, in bytes of JSON; the oldest go first.

    """
    handler = chat_handler(demo)
    reopen_conversation(demo, "conversation")
    fold_conversations(demo, "Conversations")
    free_after_failure(demo, shows_failures=True)  # what never reached the handler, such as a full queue
    for event in events(demo).values():
        slots = model if runs(event, handler) else others
        event.concurrency_id, event.concurrency_limit = slots["concurrency_id"], slots["concurrency_limit"]
        if event.api_name == demo.api_name:
            event.validator, event.fn = validator, text_only(event.fn)
            continue
        event.api_visibility = "private"
        if slots is model:
            event.fn = told(event.fn)
    keep_placeholder(demo)
    keep_conversations(demo, "conversations", lambda save: saver(save, saved_bytes))


def saver(save: Callable[..., Any], limit: int) -> Callable[..., Any]:
    """Wrap Gradio's function that saves a conversation, so that the oldest go when all together pass `limit` bytes.

    The browser sends all of them along each time; one day that would be more than a request may carry. Files are named
    and no more: whoever the gate does not know as their owner, as after a restart, could not send their paths again.
    """

    @boundary
    def save_newest(index: int | None, conversation: Conversation, saved: list[Conversation] | None) -> Any:  # noqa: ANN401
        index, saved = save(index, without_paths(conversation), saved)
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
