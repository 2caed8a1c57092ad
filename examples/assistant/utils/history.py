"""From what `gr.ChatInterface` hands over to what a language model takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from services.protocol import Message
from utils.preprocess import clean, to_instructions, to_prompt


@dataclass(frozen=True)
class HistoryBounds:
    """How much of a conversation the model gets to see; the oldest messages go first."""

    messages: int = 40
    chars: int = 32_000


class Block(TypedDict, total=False):
    """A part of a message: text, or a file or component, which have other keys."""

    type: str
    text: str


class Turn(TypedDict):
    """A message as Gradio gives it. It was a string once; Gradio 6 hands over a list of blocks."""

    role: str
    content: str | Sequence[Block]


def to_messages(
    text: str | None, history: Sequence[Turn], instructions: str | None, longest: int, bounds: HistoryBounds
) -> list[Message]:
    """Make the whole conversation for the model: instructions, what fits of the history, and the new message.

    Args:
        text: What the visitor wrote now.
        history: What was said before, as Gradio gives it.
        instructions: How the model should answer.
        longest: Characters that a message, or the instructions, may have.
        bounds: How much of the history to keep.

    Raises:
        InputError: if the message is empty, or it or the instructions are too long.

    """
    newest = Message(role="user", content=to_prompt(text, longest))
    return [*to_instructions(instructions, longest), *newest_turns(history, bounds), newest]


def newest_turns(history: Sequence[Turn], bounds: HistoryBounds) -> list[Message]:
    """Keep the newest messages that fit, starting with one of the user."""
    kept: list[Message] = []
    room = bounds.chars
    for turn in reversed(history[-bounds.messages :] if bounds.messages else []):
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
