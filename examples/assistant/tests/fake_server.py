"""A fake of an OpenAI-compatible server, on this machine, so that the real client can be tested without a network."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from tests.moods import BREAK_OFF, END, FINE, SILENCE, Mood, text

DONE = "[DONE]"
REFUSALS: dict[int, dict[str, str]] = {
    400: {"code": "context_length_exceeded"},
    404: {"code": "model_not_found"},
    503: {"code": "queue_full"},
}


def piece(content: str | None) -> str:
    """Make a chunk with a piece of the answer."""
    choice = {"index": 0, "delta": {"content": content}}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "choices": [choice]})


class FakeServer:
    """Plays back `script`: a status is a refusal, a mood a whole answer; else all of it are lines of one stream."""

    def __init__(self) -> None:
        self.script: list[int | str | Mood] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.left = threading.Event()
        self.url = ""
        self.models: list[dict[str, Any]] = [{"id": "tiny"}, {"id": "large"}]
        self.lists = 0
        """How often the list of models was asked for."""

    async def answer(self, request: Request) -> Response:
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("authorization"))
        first = self.script[0] if self.script else Mood(text(FINE) + END)
        if isinstance(first, int):
            self.script.pop(0)
            error = {"message": "SECRET of the server", **REFUSALS.get(first, {})}
            return JSONResponse({"error": error}, first, {"retry-after-ms": "1"})
        if isinstance(first, Mood):
            self.script = self.script[1:]
            return StreamingResponse(self.packets(first), first.status, first.headers, first.kind)
        return StreamingResponse(self.lines(), media_type="text/event-stream")

    async def list_models(self) -> dict[str, Any]:
        self.lists += 1
        return {"object": "list", "data": self.models}

    async def packets(self, mood: Mood) -> AsyncIterator[bytes]:
        body = mood.body if isinstance(mood.body, bytes) else mood.body.encode()
        step = mood.by_packet or len(body) or 1
        try:
            for start in range(0, len(body), step):
                yield body[start : start + step]
            if mood.then == BREAK_OFF:
                raise ConnectionError
            if mood.then == SILENCE:
                await asyncio.Event().wait()
        finally:
            self.left.set()

    async def lines(self) -> AsyncIterator[str]:
        try:
            for line in self.script:
                if line == BREAK_OFF:
                    raise ConnectionError
                if line == SILENCE:
                    await asyncio.Event().wait()
                yield f"data: {line}\n\n"
        finally:
            self.left.set()

    @contextmanager
    def running(self) -> Generator["FakeServer"]:
        """Serve on a free port."""
        app = FastAPI()
        app.post("/v1/chat/completions")(self.answer)
        app.get("/v1/models")(self.list_models)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            yield self
            server.should_exit = True
            thread.join(20)
