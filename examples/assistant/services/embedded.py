"""A stand-in for a language model: offline, deterministic, and honest about what it is.

It streams like a real one, so that the page, Stop, limits and tests work before any model is there.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from services.protocol import Message

log = logging.getLogger("app.model")


@dataclass(frozen=True)
class EmbeddedModel:
    """Counts and quotes; it does not think."""

    notice: str
    delay: float = 0.01
    """Seconds between two tokens."""

    def warm_up(self) -> None:
        """Nothing takes long here: only say who answers."""
        log.warning(self.notice)

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
        """Write the answer word by word."""
        tokens = re.findall(r"\s*\S+", compose(messages))[:max_tokens]
        sent = 0
        try:
            for token in tokens:
                await asyncio.sleep(self.delay)
                sent += 1
                yield token
        finally:
            log.info("the embedded model wrote %s of %s tokens", sent, len(tokens))


def compose(messages: Sequence[Message]) -> str:
    """Describe the last message in Markdown."""
    prompt = messages[-1]["content"]
    words = re.findall(r"\w+(?:['\u2019-]\w+)*", prompt)
    sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n+", prompt) if part.strip()]
    facts = {
        "Words": len(words),
        "Different words": len({word.lower() for word in words}),
        "Sentences": len(sentences),
        "Characters": len(prompt),
        "Messages from you": sum(message["role"] == "user" for message in messages),
    }
    instructions = [quote(message["content"]) for message in messages if message["role"] == "system"]
    parts = [
        "I am the embedded stand-in for a language model: I count and quote, I do not think.",
        "**You wrote**",
        quote(prompt),
        "| In your message | Number |\n|---|---|\n" + "\n".join(f"| {name} | {n} |" for name, n in facts.items()),
        *(["**Its outline**", "\n".join(outline(sentences))] if len(sentences) > 1 else []),
        *(["**My instructions**", *instructions] if instructions else []),
    ]
    return "\n\n".join(parts)


def quote(text: str) -> str:
    """Quote in Markdown, line by line."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def outline(sentences: Sequence[str]) -> list[str]:
    """Number the sentences, each cut to its first six words."""
    starts = [sentence.split() for sentence in sentences]
    return [
        f"{number}. {' '.join(words[:6])}{' ...' if len(words) > len(words[:6]) else ''}"
        for number, words in enumerate(starts, 1)
    ]
