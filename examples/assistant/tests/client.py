"""Drive a Gradio app in process: no port, no thread, no browser."""

import json
import uuid
from pathlib import Path
from typing import Any, Self

from fastapi import FastAPI
from starlette.testclient import TestClient


class EventError(Exception):
    """What a user would see in the page when an event fails."""


class AppTest:
    """A visitor of the app. Each object is a session of its own; use it in a `with` block.

    It goes through the gate and Gradio's queue, so validation, limits, state and errors are the real ones.
    """

    def __init__(self, app: FastAPI) -> None:
        self.http = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        self.session = uuid.uuid4().hex

    def __enter__(self) -> Self:
        self.http.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.http.__exit__()

    def another(self) -> "AppTest":
        """Give a second visitor of the same running app."""
        other = object.__new__(AppTest)
        other.http, other.session = self.http, uuid.uuid4().hex
        return other

    def upload(self, path: Path) -> dict[str, Any]:
        """Upload a file and give what an event takes as its value."""
        with path.open("rb") as file:
            answer = self.http.post("/gradio_api/upload", files={"files": (path.name, file)})
        if answer.is_error:
            raise EventError(answer.text)
        return {"path": answer.json()[0], "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}

    def stream(self, event: str, *inputs: object) -> list[Any]:
        """Call an event and give everything that it sends, the final outputs last.

        Of a stream, Gradio sends the first value whole and then only what changed.
        """
        body = {"data": inputs, "session_hash": self.session}
        joined = self.http.post(f"/gradio_api/call/{event}", json=body)
        if joined.is_error:
            raise EventError(joined.text)
        text = self.http.get(f"/gradio_api/call/{event}/{joined.json()['event_id']}").text
        values: list[Any] = []
        for message in text.strip().split("\n\n"):
            kind, data = (line.split(": ", 1)[1] for line in message.splitlines())
            if kind == "error":
                raise EventError((json.loads(data) or {}).get("error") or "no message")
            if kind != "heartbeat":
                values.append(json.loads(data))
        return values

    def call(self, event: str, *inputs: object) -> list[Any]:
        """Call an event and give its final outputs, one for each output component."""
        return self.stream(event, *inputs)[-1]
