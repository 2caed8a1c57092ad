"""From what `gr.ChatInterface` hands over to what a language model takes."""

from collections.abc import Sequence
from typing import TypedDict

from utils.preprocess import Message, clean, to_instructions, to_prompt
from utils.settings import Settings


class Block(TypedDict, total=False):
    """A part of a message: text, or a file or component, which have other keys."""

    type: str
    text: str


class Turn(TypedDict):
    """A message as Gradio gives it. It was a string once; Gradio 6 hands over a list of blocks."""

    role: str
    content: str | Sequence[Block]


def to_messages(
    text: str | None, history: Sequence[Turn], instructions: str | None, settings: Settings
) -> list[Message]:
    """Make the whole conversation for the model: instructions, what fits of the history, and the new message.

    Raises:
        InputError: if the message is empty, or it or the instructions are too long.

    """
    newest = Message(role="user", content=to_prompt(text, settings))
    return [*to_instructions(instructions, settings), *newest_turns(history, settings), newest]


def newest_turns(history: Sequence[Turn], settings: Settings) -> list[Message]:
    """Keep the newest messages that fit, starting with one of the user."""
    kept: list[Message] = []
    room = settings.max_history_chars
    for turn in reversed(history[-settings.max_history_messages :] if settings.max_history_messages else []):
        message = to_message(turn)
        room -= len(message["content"])
        if room < 0:
            break
        kept.insert(0, message)
    while kept and kept[0]["role"] == "assistant":
        del kept[0]
    return [message for message in kept if message["content"]]


def to_message(turn: Turn) -> Message:
    """Take the text of a message and leave out the rest.

    The history comes back from the visitor's browser, so its roles are not to be believed: whatever is not the
    assistant's is the user's, and nobody smuggles in instructions as `system`.
    """
    content = turn["content"]
    parts = [content] if isinstance(content, str) else [block.get("text", "") for block in content]
    return Message(role="assistant" if turn["role"] == "assistant" else "user", content=clean("\n".join(parts)))
