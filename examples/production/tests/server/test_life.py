"""What happens between the first and the last request: lifespan, warm-up, close, and what the probes say of it."""

import re
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio.lowlevel
import gradio as gr
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.testclient import TestClient

from server import application, work
from server.queueing import queue_options
from tests.server.client import AppTest, browse
from tests.server.fixtures import MakeApp, MakeSettings

WAIT_SECONDS = 20
"""How long a test waits for what must come; reached only when it fails."""


def wait_until_ready(client: TestClient) -> None:
    give_up = time.monotonic() + WAIT_SECONDS
    while (answer := client.get("/readyz")).status_code != 200:
        assert answer.json() == {"status": "starting"}
        assert time.monotonic() < give_up, "it is never ready"


def test_the_lifespan_is_entered_before_ready_and_left_at_the_end(make_settings: MakeSettings) -> None:
    happened: list[str] = []
    router = APIRouter(prefix="/own")

    @router.get("/pool")
    async def pool(request: Request) -> str:
        return request.state.pool

    def handler(request: gr.Request) -> str:
        return str(request.request.state.pool) if request.request else ""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        happened.append(f"enter {type(app).__name__}")
        yield {"pool": "connected"}
        happened.append("leave")

    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Button().click(handler, None, gr.Textbox(), api_name="pool")
    settings = make_settings()
    demo.queue(**queue_options(settings))
    closing: dict[str, Any] = {"lifespan": lifespan, "close": lambda: happened.append("close")}
    with AppTest(application.create_app(demo, settings, routers=[router], **closing)) as test:
        assert happened == ["enter FastAPI"]
        assert test.http.get("/own/pool").json() == "connected"
        assert test.call("pool") == ["connected"]
        wait_until_ready(test.http)
    assert happened == ["enter FastAPI", "leave", "close"]


def test_a_lifespan_may_yield_nothing(make_app: MakeApp) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield

    with browse(make_app({"lifespan": lifespan})) as client:
        assert client.get("/healthz").status_code == 200


def test_probes_tell_alive_from_ready(make_app: MakeApp) -> None:
    warm = threading.Event()
    closed: list[bool] = []
    app = make_app({"warm_up": lambda: warm.wait(WAIT_SECONDS), "close": lambda: closed.append(True)})
    with browse(app) as client:
        try:
            assert client.get("/healthz").json() == {"status": "ok"}
            assert client.get("/readyz").json() == {"status": "starting"}
        finally:
            warm.set()
        wait_until_ready(client)
        app.state.work.stopping = True
        assert client.get("/readyz").status_code == 503
        assert client.get("/readyz").json() == {"status": "stopping"}
        assert client.get("/healthz").status_code == 200
    assert closed == [True]


def test_warm_up_and_close_may_be_awaited(make_app: MakeApp) -> None:
    happened: list[str] = []

    async def warm_up() -> None:
        await anyio.lowlevel.checkpoint()
        happened.append("warm")

    async def close() -> None:
        await anyio.lowlevel.checkpoint()
        happened.append("closed")

    with browse(make_app({"warm_up": warm_up, "close": close})) as client:
        wait_until_ready(client)
    assert happened == ["warm", "closed"]


def test_a_running_app_gives_back_the_memory_that_is_free(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app, given, forgot = make_app(), threading.Event(), threading.Event()
    monkeypatch.setattr(work, "give_back", given.set)
    app.state.work.bounded.forget = forgot.set
    with browse(app):
        assert given.wait(WAIT_SECONDS)
        assert forgot.wait(WAIT_SECONDS)


def test_a_session_goes_in_time_unless_it_is_in_use(make_app: MakeApp) -> None:
    app = make_app(session_ttl=60)
    states, queue = app.state.demo.app.state_holder, app.state.demo._queue  # noqa: SLF001
    bounded, events = app.state.work.bounded, queue.event_ids_to_events
    for name in ("new", "left", "open", "busy"):
        _ = states[name]
        states.time_last_used[name] -= timedelta(seconds=0 if name == "new" else 90)
    events["event"] = SimpleNamespace(session_hash="busy")
    with bounded.sessions.read(["open"]):
        bounded.forget()
        assert set(states.session_data) == {"new", "open", "busy"}
    events.clear()
    bounded.forget()
    assert set(states.session_data) == set(states.time_last_used) == {"new"}


def memory() -> int:
    """Give the bytes that this process takes."""
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(kilobytes) * 1000


@pytest.mark.skipif(work.TRIM is None, reason="glibc alone keeps what is free")
def test_memory_between_what_is_in_use_goes_back_to_the_system() -> None:
    pieces = [bytes([number % 256]) * 50_000 for number in range(2000)]
    kept = pieces[::20]  # The last pieces of what was taken stay in use, and hold all that is free below them.
    del pieces
    before = memory()
    work.give_back()
    assert before - memory() > 50_000_000
    assert len(kept) == 100
