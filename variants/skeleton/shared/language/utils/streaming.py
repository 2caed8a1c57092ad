"""From a function that writes an answer piece by piece to the handler of an event that shows it grow."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import gradio as gr

from utils.throttle import throttled

Message = dict[str, str]
"""`role` and `content`, as language models take them."""
Answer = Callable[[list[Message]], AsyncGenerator[str]]
"""Takes a conversation, the oldest message first, and gives the pieces of an answer."""


def growing(answer: Answer) -> Callable[..., AsyncGenerator[str]]:
    """Make a handler: it gives the whole text so far, as Gradio wants it, at the pace that a page can show."""

    async def respond(message: str, history: Sequence[dict[str, Any]] = ()) -> AsyncGenerator[str]:
        """Answer a message in the light of the conversation so far."""
        messages = [*map(to_message, history), Message(role="user", content=checked(message))]
        # Closed here and not by the garbage collector, so that Stop reaches the model at once.
        async with aclosing(throttled(answer(messages))) as answers:
            async for so_far in answers:
                yield so_far.text

    return respond


def checked(text: str | None) -> str:
    """Give what a visitor wrote, without the space around it.

    Raises:
        gr.Error: if nothing is left.

    """
    if not (text or "").strip():
        raise gr.Error("Write something first.", title="Please check your input", print_exception=False)
    return (text or "").strip()


def to_message(turn: dict[str, Any]) -> Message:
    """Take the text of a message of Gradio's and leave out the rest.

    The history comes back from the browser, so whatever is not the assistant's counts as the visitor's: nobody smuggles
    in instructions as `system`.
    """
    content = turn["content"]
    parts = [content] if isinstance(content, str) else [block.get("text", "") for block in content]
    return Message(role="assistant" if turn["role"] == "assistant" else "user", content="\n".join(parts))
