"""Cleaning of the input, as plain functions: what comes from a user is checked here before a service sees it."""

import unicodedata
from collections.abc import Sequence

from services.errors import InputError
from services.protocol import Message

PICTURE_TOKENS = 1000
"""What a picture takes of the model's room; most models are between a hundred and some thousand."""


def clean(text: str | None) -> str:
    """Drop control characters and halves of characters, which break logs and servers, and the space around."""
    kept = (char for char in text or "" if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def to_prompt(text: str | None, longest: int) -> str:
    """Clean what the user wrote. It may have `longest` characters.

    Raises:
        InputError: if it is empty or too long.

    """
    prompt = clean(text)
    if not prompt:
        raise InputError("Write a message first.")
    if len(prompt) > longest:
        raise InputError(f"The message is {len(prompt)} characters long. Shorten it to {longest}.")
    return prompt


def to_instructions(texts: Sequence[str | None], longest: int) -> list[Message]:
    """Make the message that tells the model how to answer, if there is anything to tell.

    Each of the texts, the operator's and then the visitor's, adds to it; the last may have `longest` characters.

    Raises:
        InputError: if it is too long.

    """
    instructions = [clean(text) for text in texts]
    if instructions and len(instructions[-1]) > longest:
        raise InputError(f"The instructions are too long. Shorten them to {longest} characters.")
    content = "\n\n".join(filter(None, instructions))
    return [Message(role="system", content=content)] if content else []


def to_token_limit(tokens: float | None, most: int) -> int:
    """Keep the length of an answer, in tokens, within the limits; programs may send anything."""
    return max(1, min(int(tokens or most), most))


def tokens_of(message: Message) -> int:
    """Estimate the tokens of a message, rather too many: three bytes each, as no tokenizer is here, and four around."""
    return len(message["content"].encode()) // 3 + 4 + PICTURE_TOKENS * len(message.get("pictures", ()))


def check_room(messages: Sequence[Message], limit: int, context: int) -> None:
    """Hold messages, with an answer of `limit` tokens, against what the model can take; 0 if nobody knows.

    Raises:
        InputError: if it is more.

    """
    if context and sum(map(tokens_of, messages)) + limit > context:
        raise InputError("This is more text than the model can read. Shorten it, or allow a shorter answer.")
