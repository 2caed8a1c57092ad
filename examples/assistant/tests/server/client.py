"""Drive a Gradio app in process: no port, no thread, no browser."""

import json
import uuid
from pathlib import Path
from typing import Any, Self, cast

from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.server.access import headers


class EventError(Exception):
    """What a user would see in the page when an event fails."""


def browse(app: FastAPI, user: str = "ada", base_url: str = "http://localhost", **options: Any) -> TestClient:  # noqa: ANN401
    """Send plain requests as somebody who is signed in, where the auth mode asks for that."""
    return TestClient(app, base_url, headers=headers(user), raise_server_exceptions=False, **options)


class AppTest:
    """A visitor of the app. Each object is a session of its own; use it in a `with` block.

    It goes through the gate and Gradio's queue, so validation, limits, state and errors are the real ones.
    """

    def __init__(self, app: FastAPI, user: str = "ada") -> None:
        self.http = browse(app, user)
        self.session = uuid.uuid4().hex

    def __enter__(self) -> Self:
        self.http.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.http.__exit__()

    def another(self, user: str = "ada") -> "AppTest":
        """Give a second visitor of the same running app."""
        other = AppTest(cast("FastAPI", self.http.app), user)
        other.http.portal = self.http.portal
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
