"""From what `gr.ChatInterface` hands over to what a language model takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

from services.errors import InputError
from services.protocol import Message
from utils.preprocess import clean, to_instructions, to_prompt


@dataclass(frozen=True)
class HistoryBounds:
    """How much of a conversation the model gets to see; the oldest messages go first."""

    messages: int = 40
    chars: int = 32_000
    tokens: int = 0
    """What the model can read and write together; 0 if nobody knows."""

    def minus(self, limit: int) -> "HistoryBounds":
        """Leave room for an answer of `limit` tokens."""
        return replace(self, tokens=max(1, self.tokens - limit)) if self.tokens else self


class Block(TypedDict, total=False):
    """A part of a message: text, or a file or component, which have other keys."""

    type: str
    text: str


class Turn(TypedDict):
    """A message as Gradio gives it. It was a string once; Gradio 6 hands over a list of blocks."""

    role: str
    content: str | Sequence[Block]
    metadata: NotRequired[dict[str, Any] | None]
    """With a title, this is something beside the conversation: thinking, a tool, a note."""
    options: NotRequired[list[dict[str, Any]] | None]
    """Buttons below it."""


@dataclass(frozen=True)
class Talk:
    """What the model gets."""

    messages: list[Message]
    is_shortened: bool
    """Whether the oldest messages had no room."""


def to_talk(
    text: str | None, history: Sequence[Turn], instructions: Sequence[str | None], longest: int, bounds: HistoryBounds
) -> Talk:
    """Make the whole conversation for the model: instructions, what fits of the history, and the new message.

    Args:
        text: What the visitor wrote now.
        history: What was said before, as Gradio gives it.
        instructions: How the model should answer: the operator's, then the visitor's.
        longest: Characters that a message, or the visitor's instructions, may have.
        bounds: How much to keep. Instructions and the new message always stay.

    Raises:
        InputError: if the message is empty, or it or the instructions are too long.

    """
    newest = Message(role="user", content=to_prompt(text, longest))
    first = to_instructions(instructions, longest)
    turns = alternating(history)
    room = bounds.tokens - sum(map(tokens_of, [*first, newest])) if bounds.tokens else None
    if room is not None and room < 0:
        raise InputError("This is more text than the model can read. Shorten it.")
    kept = newest_turns(turns, bounds, room)
    return Talk([*first, *kept, newest], is_shortened=len(kept) < len(turns))


def alternating(history: Sequence[Turn]) -> list[Message]:
    """Make the turns alternate, which strict models insist on, and begin with the visitor's.

    A question that got no answer (stopped, failed) is left out; an answer in several messages becomes one.
    """
    turns: list[Message] = []
    for message in [to_message(turn) for turn in history if not is_aside(turn)]:
        if not message["content"] or (not turns and message["role"] == "assistant"):
            continue
        if not turns or turns[-1]["role"] != message["role"]:
            turns.append(message)
        elif message["role"] == "user":
            turns[-1] = message
        else:
            turns[-1] = Message(role="assistant", content=f"{turns[-1]['content']}\n\n{message['content']}")
    return turns[:-1] if turns and turns[-1]["role"] == "user" else turns


def newest_turns(turns: Sequence[Message], bounds: HistoryBounds, tokens: int | None) -> list[Message]:
    """Keep the newest messages that fit, starting with one of the user."""
    kept: list[Message] = []
    chars = bounds.chars
    for message in reversed(turns[-bounds.messages :] if bounds.messages else []):
        chars -= len(message["content"])
        tokens = tokens if tokens is None else tokens - tokens_of(message)
        if chars < 0 or (tokens is not None and tokens < 0):
            break
        kept.insert(0, message)
    return kept[1:] if kept and kept[0]["role"] == "assistant" else kept


def tokens_of(message: Message) -> int:
    """Estimate the tokens of a message, rather too many: three bytes each, as no tokenizer is here, and four around."""
    return len(message["content"].encode()) // 3 + 4


def is_aside(turn: Turn) -> bool:
    """Tell whether this is no part of the conversation: thinking, a tool, a note of the app."""
    return bool((turn.get("metadata") or {}).get("title"))


def to_message(turn: Turn) -> Message:
    """Take the text of a message and leave out the rest.

    The history comes back from the visitor's browser, so its roles are not to be believed: whatever is not the
    assistant's is the user's, and nobody smuggles in instructions as `system`.
    """
    content = turn["content"]
    parts = [content] if isinstance(content, str) else [block.get("text", "") for block in content]
    return Message(role="assistant" if turn["role"] == "assistant" else "user", content=clean("\n".join(parts)))
