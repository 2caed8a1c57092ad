"""A language model behind any server that speaks OpenAI's chat completions.

https://platform.openai.com/docs/api-reference/chat; Ollama, vLLM, llama.cpp and most hosts offer the same.
"""

import logging
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import openai

from services.errors import InputError
from services.protocol import Message, ModelUnavailableError

log = logging.getLogger("app.model")

OPENAI_URL = "https://api.openai.com/v1"
ADVICE: dict[type[openai.APIError], str] = {
    openai.APITimeoutError: "The model took too long. Try again, or ask for less.",
    openai.APIConnectionError: "The model cannot be reached. Try again in a minute.",
    openai.RateLimitError: "The model has too much to do. Try again in a minute.",
    openai.InternalServerError: "The model failed. Try again in a minute.",
}
"""What to tell a user; the first kind that fits counts."""
QUEUE_FULL = "Queue is full. Try again in a moment."


@dataclass(frozen=True)
class ModelServer:
    """Where a language model answers, and how long to wait for it."""

    name: str
    url: str = ""
    """Such as `http://localhost:11434/v1`; empty means OpenAI's own."""
    key: str = ""
    limit_field: str = "max_tokens"
    """What the server calls the longest answer."""
    connect_timeout: float = 5
    timeout: float = 60
    """Seconds that the server may stay silent, before the first token and between two."""
    retries: int = 2
    """Further tries when the server is busy or cannot be reached, until its answer has begun."""


class RemoteModel:
    """One client for all visitors; it keeps connections open between answers."""

    notice = ""

    def __init__(self, server: ModelServer) -> None:
        """Note whom to ask; nothing is sent yet."""
        self.name, self.limit_field = server.name, server.limit_field
        self.client = openai.AsyncOpenAI(
            # Both are always given: the client would look for them in the environment.
            base_url=server.url or OPENAI_URL,
            api_key=server.key or "none",
            timeout=openai.Timeout(server.timeout, connect=server.connect_timeout),
            # The client tries again only until the server has begun to answer, so nothing is said twice.
            max_retries=server.retries,
        )

    def warm_up(self) -> None:
        """Say who answers. The server is not asked: it may start later than this app."""
        log.info("%s answers at %s", self.name, self.client.base_url)

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
        """Pass the server's answer on as it comes."""
        request: dict[str, Any] = {"model": self.name, "messages": list(messages), self.limit_field: max_tokens}
        with explained():
            # Leaving the block closes the connection, which is how the server learns that the user pressed Stop.
            async with await self.client.chat.completions.create(**request, stream=True) as chunks:
                async for chunk in chunks:
                    # Some chunks carry no choice: statistics at the end, filters at the start.
                    if chunk.choices and (text := chunk.choices[0].delta.content):
                        yield text


@contextmanager
def explained() -> Generator[None]:
    """Say what a user can do about an error of the server.

    All others, such as a wrong key or model name, are for whoever runs the app: they go on as they are, and the error
    boundary keeps their text in the log.
    """
    try:
        yield
    except tuple(ADVICE) as error:
        log.warning("the model server failed: %r", error)
        advice = next(text for kind, text in ADVICE.items() if isinstance(error, kind))
        raise ModelUnavailableError(QUEUE_FULL if error.code == "queue_full" else advice) from error
    except openai.BadRequestError as error:
        if error.code != "context_length_exceeded":
            raise
        raise InputError("This is more text than the model can read. Shorten it, or start anew.") from error
