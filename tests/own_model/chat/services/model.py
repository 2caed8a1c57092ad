"""A language model of Example Inc., asked over HTTP: each line of the answer is a piece of the text as JSON."""

import json
from collections.abc import AsyncGenerator, Sequence

import httpx

from services.protocol import ChatModel, Message, ModelUnavailableError


class Vendor:
    notice = ""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.headers = url, {"x-key": key}

    def warm_up(self) -> None:
        """Nothing to load."""

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
        body = {"talk": [[message["role"], message["content"]] for message in messages], "most": max_tokens}
        try:
            async with (
                httpx.AsyncClient(headers=self.headers, timeout=60) as client,
                client.stream("POST", f"{self.url}/write", json=body) as answer,
            ):
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    yield json.loads(line)
        except httpx.HTTPError as error:
            raise ModelUnavailableError("The model cannot be reached. Try again in a minute.") from error


def load_model(url: str, key: str) -> ChatModel:
    return Vendor(url, key)
