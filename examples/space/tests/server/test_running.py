"""Serving: probes, a busy port, hot reload, and a stop that loses no answer."""

import gc
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio.to_thread
import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from gradio_client import Client

from server import application, gradio_adapter, running
from server.queueing import queue_options
from server.settings import PROJECT_DIR
from tests.server.access import headers
from tests.server.client import browse
from tests.server.fixtures import TINY, MakeApp, MakeSettings, Serve, started


class Gates:
    """Lets a test hold a handler until it has seen enough."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.go_on = threading.Event()

    async def stream(self, text: str) -> AsyncIterator[str]:
        yield f"{text} begins"
        self.started.set()
        await anyio.to_thread.run_sync(self.go_on.wait, 20, abandon_on_cancel=True)
        yield f"{text} ends"


def slow_app(make_settings: MakeSettings, gates: Gates) -> FastAPI:
    """Serve a stream, and an event that follows it."""
    settings = make_settings()
    with gr.Blocks(analytics_enabled=False) as demo:
        first, second, follow = gr.Textbox(), gr.Textbox(), gr.Textbox()
        started = first.submit(gates.stream, first, second, api_name="stream", concurrency_limit=None)
        started.then(str.upper, second, follow, api_name="follow")
        second.change(lambda: None, api_name="lonely", api_visibility="private")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


def look_twice(server: running.Server) -> None:
    """Wait until the server has asked itself twice whether it may close."""
    looked = threading.Semaphore(0)
    look = server.on_tick

    async def counted(counter: int) -> bool:
        leave = await look(counter)
        looked.release()
        return leave

    server.on_tick = counted
    for _ in range(2):
        assert looked.acquire(timeout=20)


def test_a_stop_lets_the_answer_under_way_come_to_its_end(make_settings: MakeSettings, serve: Serve) -> None:
    gates = Gates()
    app = slow_app(make_settings, gates)
    with serve(app) as url:
        client = Client(url, verbose=False, headers=headers())
        with httpx.Client(timeout=20, headers=headers()).stream("GET", f"{url}/gradio_api/heartbeat/tab") as tab:
            job = client.submit("answer", api_name="/stream")
            assert gates.started.wait(20)
            stopping = app.state.stop()
            assert next(tab.iter_lines()) == "data: ALIVE"
            refused = httpx.post(f"{url}/gradio_api/call/stream", json={"data": ["late"]}, headers=headers())
            assert refused.status_code == 503
            assert "restarting" in refused.json()["detail"]
            look_twice(app.state.server)
            assert not app.state.server.should_exit, "uvicorn must not stop listening before the answer is out"
            gates.go_on.set()
            assert job.result(timeout=20) == "answer ends"
            stopping.join(20)
            assert not stopping.is_alive()


def test_a_stop_lets_the_next_link_of_a_chain_run(make_settings: MakeSettings) -> None:
    app = slow_app(make_settings, Gates())
    [link] = [number for number, fn in gradio_adapter.events(app.state.demo).items() if fn.api_name == "follow"]
    app.state.work.stopping = True
    with browse(app) as client:
        body: dict[str, Any] = {"data": ["x"], "session_hash": "s", "fn_index": link}
        assert client.post("/gradio_api/queue/join", json=body).status_code == 200
        for wrong in ({"fn_index": 0}, {"fn_index": 99}, {"fn_index": None}):
            assert client.post("/gradio_api/queue/join", json=body | wrong).status_code == 503
        assert client.post("/gradio_api/queue/join", json={}).status_code == 503


def test_a_second_signal_stops_at_once_but_an_echo_does_not(make_settings: MakeSettings, serve: Serve) -> None:
    gates = Gates()
    app = slow_app(make_settings, gates)
    with serve(app) as url:
        Client(url, verbose=False, headers=headers()).submit("answer", api_name="/stream")
        assert gates.started.wait(20)
        app.state.stop()
        app.state.stop()
        assert not app.state.server.force_exit
        app.state.server.first_signal -= 2 * running.ONE_SIGNAL_SECONDS
        app.state.stop().join(20)
        assert app.state.server.force_exit
    gates.go_on.set()


def test_a_stop_does_not_wait_longer_than_the_grace_period(make_settings: MakeSettings) -> None:
    app = slow_app(make_settings, Gates())
    server = running.build_server(app, make_settings(shutdown_grace=0))
    server.work.open = 1
    server.handle_exit(signal.SIGTERM, None)
    assert server.is_drained(server.deadline)
    assert not server.is_drained(server.deadline - 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for processes")
def test_a_served_app_stops_cleanly_with_a_tab_open() -> None:
    with started(*TINY) as (process, url):
        with httpx.stream("GET", f"{url}/gradio_api/heartbeat/tab", headers=headers()) as tab:
            assert tab.status_code == 200
            assert httpx.get(url, headers=headers()).status_code == 200
            process.send_signal(signal.SIGTERM)
            for _ in tab.iter_raw():
                pass
        assert process.wait(30) == 0


def test_a_busy_port_is_an_error_and_not_a_silent_move(make_settings: MakeSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = make_settings(port=taken.getsockname()[1])
        with pytest.raises(SystemExit, match=r"Cannot listen on 127.0.0.1:\d+ .* set APP_PORT"):
            running.bind(settings)


def test_small_answers_are_not_held_back(make_settings: MakeSettings) -> None:
    # asyncio turns Nagle's algorithm off only where the socket names its protocol; with it each event waits 40 ms.
    with running.bind(make_settings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_ipv6_works_where_the_machine_has_it(make_settings: MakeSettings) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with running.bind(make_settings(host="::1", port=0)) as listener:
        assert listener.family == socket.AF_INET6


def test_serve_says_where_it_is_and_can_open_the_browser(
    make_app: MakeApp, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    seen = threading.Event()
    monkeypatch.setattr(running.webbrowser, "open", lambda url: opened.append(url) or seen.set())
    monkeypatch.setattr(running.Server, "run", lambda *_, **__: None)
    monkeypatch.setattr(running, "set_up_logs", lambda _: None)
    monkeypatch.setattr("sys.argv", ["app.py"])
    app = make_app()
    running.serve(app, make_settings(port=0))
    assert opened == []
    running.serve(app, make_settings(port=0, open_browser=True))
    assert seen.wait(20)
    assert opened[0].startswith("http://127.0.0.1:")


def test_reload_watches_the_whole_project(
    make_app: MakeApp, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("sys.argv", ["app.py", "--reload"])
    monkeypatch.setattr(running.subprocess, "call", lambda command: commands.append(command) or 0)
    with pytest.raises(SystemExit):
        running.serve(make_app(), make_settings(port=7861))
    assert commands[0][-4:] == ["--reload-dir", str(PROJECT_DIR), "--timeout-graceful-shutdown", "1"]


def test_what_is_there_for_good_is_no_work_for_the_garbage_collector(
    make_app: MakeApp, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.Server, "run", lambda *_, **__: None)
    monkeypatch.setattr(running, "set_up_logs", lambda _: None)
    monkeypatch.setattr("sys.argv", ["app.py"])
    app = make_app()
    running.serve(app, make_settings(port=0))
    gc.unfreeze()
    with browse(app) as client:
        while client.get("/readyz").status_code != 200:
            pass
    assert gc.get_freeze_count() > 10_000
    gc.unfreeze()
