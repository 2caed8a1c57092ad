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

DONE = "[DONE]"
BREAK_OFF = "break off"
SILENCE = "silence"
REFUSALS: dict[int, dict[str, str]] = {
    400: {"code": "context_length_exceeded"},
    404: {"code": "model_not_found"},
    503: {"code": "queue_full"},
}


def piece(text: str | None) -> str:
    """Make a chunk with a piece of the answer."""
    choice = {"index": 0, "delta": {"content": text}}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "choices": [choice]})


class FakeServer:
    """Plays back `script`: a status other than 200 is a refusal, everything else is a line of the stream."""

    def __init__(self) -> None:
        self.script: list[int | str] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.left = threading.Event()
        self.url = ""

    async def answer(self, request: Request) -> Response:
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("authorization"))
        if isinstance(self.script[0], int):
            status = self.script.pop(0)
            error = {"message": "SECRET of the server", **REFUSALS.get(status, {})}
            return JSONResponse({"error": error}, status, {"retry-after-ms": "1"})
        return StreamingResponse(self.lines(), media_type="text/event-stream")

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
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            yield self
            server.should_exit = True
            thread.join(20)
