"""A fake of an OpenAI-compatible server, so that the real client can be tested without a network."""

import json
from typing import Any

import httpx
import openai


def lines(*pieces: str) -> str:
    """Write an answer as a server streams it."""
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    # Some chunks carry no choice, such as statistics at the end.
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in [*chunks, {"choices": []}]) + "data: [DONE]\n\n"


class FakeServer:
    """Answers with a status and a text, and remembers what it was asked."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        self.asked: list[Any] = []

    def reply(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        return httpx.Response(self.status, text=self.text, headers={"content-type": "text/event-stream"})

    def client(self) -> openai.AsyncOpenAI:
        """Give a client that reaches nobody else."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.reply))
        return openai.AsyncOpenAI(api_key="none", base_url="http://model/v1", http_client=http, max_retries=0)
