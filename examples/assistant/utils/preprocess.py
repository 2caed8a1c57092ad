"""Cleaning of the input, as plain functions: what comes from a user is checked here before a service sees it."""

import unicodedata
from typing import Literal, TypedDict

from utils.settings import Settings


class InputError(ValueError):
    """Something that the user can put right. Its text is shown as it is."""


class Message(TypedDict):
    """One message of a conversation, in the form that language models take."""

    role: Literal["system", "user", "assistant"]
    content: str


def clean(text: str | None) -> str:
    """Drop control characters and halves of characters, which break logs and servers, and the space around."""
    kept = (char for char in text or "" if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def to_prompt(text: str | None, settings: Settings) -> str:
    """Clean what the user wrote.

    Raises:
        InputError: if it is empty or too long.

    """
    prompt = clean(text)
    if not prompt:
        raise InputError("Write a message first.")
    if len(prompt) > settings.max_prompt_chars:
        raise InputError(f"The message is {len(prompt)} characters long. Shorten it to {settings.max_prompt_chars}.")
    return prompt


def to_instructions(text: str | None, settings: Settings) -> list[Message]:
    """Make the message that tells the model how to answer, if there is anything to tell.

    Raises:
        InputError: if it is too long.

    """
    instructions = clean(text)
    if len(instructions) > settings.max_prompt_chars:
        raise InputError(f"The instructions are too long. Shorten them to {settings.max_prompt_chars} characters.")
    return [Message(role="system", content=instructions)] if instructions else []


def to_token_limit(tokens: float | None, settings: Settings) -> int:
    """Keep the length of an answer, in tokens, within the limits; programs may send anything."""
    return max(1, min(int(tokens or settings.max_tokens), settings.max_tokens))
