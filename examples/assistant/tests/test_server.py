"""Serving: probes, a busy port, hot reload, and a stop that loses no answer."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from gradio_client import Client

from tests.access import headers
from tests.client import browse
from tests.conftest import MakeApp, MakeSettings, Serve, environment, queue_of
from utils import server
from utils.settings import PROJECT_DIR, queue_options


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
    return server.create_app(demo, settings)


def look_twice(running: server.Server) -> None:
    """Wait until the server has asked itself twice whether it may close."""
    looked = threading.Semaphore(0)
    look = running.on_tick

    async def counted(counter: int) -> bool:
        leave = await look(counter)
        looked.release()
        return leave

    running.on_tick = counted
    for _ in range(2):
        assert looked.acquire(timeout=20)


@contextmanager
def started(*arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `app.py` as a person would and wait for the line that says where it is."""
    process = subprocess.Popen(
        [sys.executable, "app.py", *arguments],
        cwd=PROJECT_DIR,
        env=os.environ | {"APP_PORT": "0", "PYTHONUNBUFFERED": "1"} | environment() | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"http://[\d.]+:\d+", line):
                yield process, found[0]
                break
        else:
            pytest.fail("app.py did not start")
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_probes_tell_alive_from_ready(make_settings: MakeSettings) -> None:
    warm = threading.Event()
    closed: list[bool] = []
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    app = server.create_app(demo, make_settings(), warm_up=warm.wait, close=lambda: closed.append(True))
    with browse(app) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "starting"}
        warm.set()
        while (answer := client.get("/readyz")).status_code != 200:
            assert answer.json() == {"status": "starting"}
        app.state.work.stopping = True
        assert client.get("/readyz").status_code == 503
        assert client.get("/readyz").json() == {"status": "stopping"}
        assert client.get("/healthz").status_code == 200
    assert closed == [True]


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
    [link] = [number for number, fn in app.state.demo.fns.items() if fn.api_name == "follow"]
    app.state.work.stopping = True
    with browse(app) as client:
        body: dict[str, Any] = {"data": ["x"], "session_hash": "s", "fn_index": link}
        assert client.post("/gradio_api/queue/join", json=body).status_code == 200
        for wrong in ({"fn_index": 0}, {"fn_index": 99}, {"fn_index": None}):
            assert client.post("/gradio_api/queue/join", json=body | wrong).status_code == 503
        assert client.post("/gradio_api/queue/join", content=b"no json").status_code == 503


def test_a_second_signal_stops_at_once_but_an_echo_does_not(make_settings: MakeSettings, serve: Serve) -> None:
    gates = Gates()
    app = slow_app(make_settings, gates)
    with serve(app) as url:
        Client(url, verbose=False, headers=headers()).submit("answer", api_name="/stream")
        assert gates.started.wait(20)
        app.state.stop()
        app.state.stop()
        assert not app.state.server.force_exit
        app.state.server.first_signal -= 2 * server.ONE_SIGNAL_SECONDS
        app.state.stop().join(20)
        assert app.state.server.force_exit
    gates.go_on.set()


def test_a_stop_does_not_wait_longer_than_the_grace_period(make_settings: MakeSettings) -> None:
    app = slow_app(make_settings, Gates())
    running = server.build_server(app, make_settings(shutdown_grace=0))
    running.work.open = 1
    running.handle_exit(signal.SIGTERM, None)
    assert running.is_drained(running.deadline)
    assert not running.is_drained(running.deadline - 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for processes")
def test_app_py_serves_and_stops_cleanly_with_a_tab_open() -> None:
    with started(APP_MODEL_WORKERS="0") as (process, url):  # no need for processes that run a model
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
            server.bind(settings)


def test_small_answers_are_not_held_back(make_settings: MakeSettings) -> None:
    # asyncio turns Nagle's algorithm off only where the socket names its protocol; with it each event waits 40 ms.
    with server.bind(make_settings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_head_without_end_is_cut_off(make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url, socket.create_connection((httpx.URL(url).host, httpx.URL(url).port), 20) as visitor:
        visitor.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nx-long: ")
        with pytest.raises(ConnectionError):
            visitor.sendall(b"a" * 200 * server.MOST_HEAD)


def test_ipv6_works_where_the_machine_has_it(make_settings: MakeSettings) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with server.bind(make_settings(host="::1", port=0)) as listener:
        assert listener.family == socket.AF_INET6


def test_serve_says_where_it_is_and_can_open_the_browser(
    make_app: MakeApp, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    seen = threading.Event()
    monkeypatch.setattr(server.webbrowser, "open", lambda url: opened.append(url) or seen.set())
    monkeypatch.setattr(server.Server, "run", lambda *_, **__: None)
    monkeypatch.setattr(server, "set_up_logs", lambda _: None)
    monkeypatch.setattr("sys.argv", ["app.py"])
    app = make_app()
    server.serve(app, make_settings(port=0))
    assert opened == []
    server.serve(app, make_settings(port=0, open_browser=True))
    assert seen.wait(20)
    assert opened[0].startswith("http://127.0.0.1:")


def test_reload_watches_the_whole_project(
    make_app: MakeApp, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("sys.argv", ["app.py", "--reload"])
    monkeypatch.setattr(server.subprocess, "call", lambda command: commands.append(command) or 0)
    with pytest.raises(SystemExit):
        server.serve(make_app(), make_settings(port=7861))
    assert commands[0][-4:] == ["--reload-dir", str(PROJECT_DIR), "--timeout-graceful-shutdown", "1"]


def test_an_unknown_theme_is_named_with_the_known_ones() -> None:
    with pytest.raises(SystemExit, match=r"there is no theme 'plaid'. Choose one of: base, citrus"):
        server.theme("plaid")


def test_the_page_holds_the_title_and_the_queue_is_bounded(make_app: MakeApp, make_settings: MakeSettings) -> None:
    app = make_app(title="Named")
    with browse(app) as client:
        config = json.loads(client.get("/config").text)
    assert config["title"] == "Named"
    assert queue_of(app).max_size == make_settings().queue_size
    assert Path(os.environ["GRADIO_TEMP_DIR"]).is_dir()


def test_a_logo_is_on_the_page_and_in_the_tab(make_app: MakeApp, tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    with browse(make_app(logo=str(logo), root_path="/demo")) as client:
        config = client.get("/config").json()
        page = client.get("/", headers={"accept": "text/html"}).text
        icon = client.get("/favicon.ico")
    [image] = [part for part in config["components"] if part["props"].get("elem_id") == "logo"]
    assert '<img src="/demo/favicon.ico"' in image["props"]["value"]
    assert config["layout"]["children"][0]["id"] == image["id"]
    assert "/demo/favicon.ico" in page
    assert icon.text == logo.read_text()
    assert icon.headers["content-type"] == "image/svg+xml"


def test_a_logo_that_is_not_there_is_refused(make_app: MakeApp) -> None:
    with pytest.raises(SystemExit, match=r"APP_LOGO: there is no file missing\.png"):
        make_app(logo="missing.png")
