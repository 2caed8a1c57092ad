"""From what `gr.ChatInterface` hands over to what a language model takes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

from services.errors import InputError
from services.protocol import Message
from utils.fitting import Talk
from utils.preprocess import clean, to_instructions, tokens_of

FILE = "File: "
"""How the title of a file's text begins, where a conversation shows it."""


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
    """A part of a message: text, a file, or a component, which has other keys."""

    type: str
    text: str
    file: dict[str, Any]


class Turn(TypedDict):
    """A message as Gradio gives it. It was a string once; Gradio 6 hands over a list of blocks."""

    role: str
    content: str | Sequence[Block]
    metadata: NotRequired[dict[str, Any] | None]
    """With a title, this is something beside the conversation: thinking, a tool, a note."""
    options: NotRequired[list[dict[str, Any]] | None]
    """Buttons below it."""
    pictures: NotRequired[list[str]]
    """What `utils/attaching.py` has found for the model, as `data:` addresses."""


def to_talk(
    newest: Message, history: Sequence[Turn], instructions: Sequence[str | None], longest: int, bounds: HistoryBounds
) -> Talk:
    """Make the whole conversation for the model: instructions, what fits of the history, and the new message.

    Args:
        newest: What the visitor says now.
        history: What was said before, as Gradio gives it.
        instructions: How the model should answer: the operator's, then the visitor's.
        longest: Characters that the visitor's instructions may have.
        bounds: How much to keep. Instructions and the new message always stay.

    Raises:
        InputError: if the instructions are too long, or all is too much for the model.

    """
    first = to_instructions(instructions, longest)
    turns = alternating(history)
    room = bounds.tokens - sum(map(tokens_of, [*first, newest])) if bounds.tokens else None
    if room is not None and room < 0:
        raise InputError("This is more text than the model can read. Shorten it.")
    kept = newest_turns(turns, bounds, room)
    return Talk([*first, *kept, newest], is_shortened=len(kept) < len(turns))


def alternating(history: Sequence[Turn]) -> list[Message]:
    """Make the turns alternate, which strict models insist on, and begin with the visitor's.

    A question that got no answer (stopped, failed) is left out; an answer in several messages becomes one. The text of
    a file stands beside the conversation, and belongs to the question before it.
    """
    turns: list[Message] = []
    for message in [to_message(turn) for turn in with_files(history) if not is_aside(turn)]:
        is_empty = not message["content"] and not message.get("pictures")
        if is_empty or (not turns and message["role"] == "assistant"):
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


def with_files(history: Sequence[Turn]) -> list[Turn]:
    """Put the texts of files, which are shown beside the conversation, into the message that they came with."""
    turns: list[Turn] = []
    for turn in history:
        title = str((turn.get("metadata") or {}).get("title"))
        if title.startswith(FILE) and turns and turns[-1]["role"] == "user":
            lines = text_in(turn).split("\n")[1:-1]  # without the fence
            text = as_file(title.removeprefix(FILE), "\n".join(lines))
            blocks = blocks_of(turns[-1])
            # In front, in their order: what was sent once is sent the same again, which servers remember.
            known = sum(block.get("type") == "read" for block in blocks)
            turns[-1] = {**turns[-1], "content": [*blocks[:known], Block(type="read", text=text), *blocks[known:]]}
        else:
            turns.append(turn)
    return turns


def as_file(name: str, text: str) -> str:
    """Write the text of a file so that the model knows where it begins, where it ends, and what it is called."""
    return f"<file name={json.dumps(name)}>\n{text}\n</file>"


def is_aside(turn: Turn) -> bool:
    """Tell whether this is no part of the conversation: thinking, a tool, a note of the app."""
    return bool((turn.get("metadata") or {}).get("title"))


def blocks_of(turn: Turn) -> list[Block]:
    """Give the parts of a message. What programs have said comes as it was, and not in Gradio's blocks."""
    content = turn["content"]
    return [to_block(part) for part in ([content] if isinstance(content, str) else content)]


def to_block(part: Any) -> Block:  # noqa: ANN401 (what a visitor sent)
    """Make a block of a text and of the path of a file."""
    if isinstance(part, str):
        return Block(type="text", text=part)
    return Block(type="file", file=part) if "path" in part else part


def text_in(turn: Turn) -> str:
    """Give the text of a message."""
    return "\n".join(filter(None, (block.get("text") for block in blocks_of(turn))))


def to_message(turn: Turn) -> Message:
    """Take the text of a message, and its pictures, and leave out the rest.

    The history comes back from the visitor's browser, so its roles are not to be believed: whatever is not the
    assistant's is the user's, and nobody smuggles in instructions as `system`.
    """
    message = Message(role="assistant" if turn["role"] == "assistant" else "user", content=clean(text_in(turn)))
    if "pictures" in turn:
        message["pictures"] = turn["pictures"]
    return message
