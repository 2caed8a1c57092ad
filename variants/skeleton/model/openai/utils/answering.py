"""From the settings to the function that answers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import openai

from services.model import answer, ask
from utils.settings import Settings
from utils.streaming import Answer, Message

PASSING = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)
"""Errors after which it is worth trying again. All others are for whoever runs the app, who finds them in the log."""


class ModelUnavailableError(Exception):
    """The server cannot answer at the moment. Visitors read this text as it is."""

    for_visitor = True
    title = "The model does not answer"


def find_answer(settings: Settings) -> Answer:
    """Give the function that asks the server, or the stand-in where neither its address nor a key is set."""
    key = settings.model_key.get_secret_value()
    if not (settings.model_url or key):
        return answer
    client = openai.AsyncOpenAI(
        # Both are always given: the client would look for them in the environment.
        base_url=settings.model_url or "https://api.openai.com/v1",
        api_key=key or "none",
        timeout=openai.Timeout(settings.model_timeout, connect=settings.model_connect_timeout),
        max_retries=settings.model_retries,
    )
    return asking(client, settings.model_name)


def asking(client: openai.AsyncOpenAI, name: str) -> Answer:
    """Ask by this client, and say in plain words what may pass."""

    async def asked(messages: list[Message]) -> AsyncGenerator[str]:
        try:
            async with aclosing(ask(client, name, messages)) as pieces:
                async for piece in pieces:
                    yield piece
        except PASSING as error:
            is_full = error.code == "queue_full"
            advice = "Queue is full. Try again in a moment." if is_full else "It may help to try again in a minute."
            raise ModelUnavailableError(advice) from error

    return asked
