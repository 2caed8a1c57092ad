"""Metrics: what Prometheus reads over HTTP while events run, fail, are refused, are stopped and wait."""

import json
import logging
import os
import queue
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from gradio_client import Client
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from server import application, errors, logs, metrics
from server.access.keys import new_key
from server.errors import boundary
from server.queueing import queue_options
from server.settings import PROJECT_DIR, ServerSettings
from tests.server.access import headers
from tests.server.client import browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve, environment
from tests.server.test_running import Gates
from tests.server.tiny import InputError

Figures = dict[tuple[str, ...], float]
"""Values by name of the sample and values of its labels."""
KEY, API_KEYS = new_key("prometheus")
DASHBOARD = PROJECT_DIR / "deploy" / "grafana" / "dashboard.json"
WAIT_SECONDS = 20
"""How long a test waits for what must come; reached only when it fails."""
OWN = Counter("shop_sales", "What a project counts itself", ["shop"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def read(text: str) -> Figures:
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def scrape(port: int) -> Figures:
    return read(httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text)


def wait_until(port: int, fits: Callable[[Figures], bool]) -> Figures:
    give_up = time.monotonic() + WAIT_SECONDS
    while not fits(figures := scrape(port)):
        assert time.monotonic() < give_up, figures
    return figures


@boundary
def echo(text: str) -> str:
    return text


@boundary
def refuse(_: str) -> None:
    raise InputError("Too long.")


@boundary
def fail(text: str) -> None:
    with logs.model_time():
        raise RuntimeError(text)


def measured_app(settings: Any, gates: Gates) -> FastAPI:  # noqa: ANN401
    """Serve handlers with every outcome; the stream takes one at a time."""
    with gr.Blocks(analytics_enabled=False) as demo:
        text, shown = gr.Textbox(), gr.Textbox()
        text.submit(boundary(gates.stream), text, shown, api_name="stream", concurrency_limit=1)
        for handler in (echo, refuse, fail):
            text.submit(handler, text, shown, api_name=handler.__name__)
        text.submit(None, text, shown, js="(text) => text", api_visibility="private")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


@dataclass
class Measured:
    """An app that is served, with its metrics."""

    app: FastAPI
    url: str
    port: int
    gates: Gates
    ended: "queue.SimpleQueue[Any]"
    """Facts of events, when they end."""

    def client(self) -> Client:
        return Client(self.url, verbose=False, headers=headers())


@pytest.fixture(autouse=True)
def only_own_observers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "observers", [])


@pytest.fixture
def measured(make_settings: MakeSettings, serve: Serve) -> Iterator[Measured]:
    gates, port, ended = Gates(), free_port(), queue.SimpleQueue[Any]()
    settings = make_settings(metrics_port=port)
    app = measured_app(settings, gates)
    logs.observers.append(lambda source, facts: ended.put(facts) if source == errors.log.name else None)
    with metrics.metrics_port(app, settings), serve(app) as url:
        yield Measured(app, url, port, gates, ended)
        gates.go_on.set()


def test_each_outcome_is_counted_and_timed(measured: Measured, caplog: pytest.LogCaptureFixture) -> None:
    # The level of the logs does not matter.
    with caplog.at_level(logging.ERROR):
        client = measured.client()
        assert client.predict("hello", api_name="/echo") == "hello"
        for handler in ("refuse", "fail"):
            with pytest.raises(Exception, match=r"id [0-9a-f]{8}"):
                client.predict("x", api_name=f"/{handler}")
    figures = scrape(measured.port)
    assert figures["app_events_total", "echo", "ok"] == 1
    assert figures["app_events_total", "refuse", "refused"] == 1
    assert figures["app_events_total", "fail", "failed"] == 1
    assert figures["app_errors_total", "refuse", "InputError"] == 1
    assert figures["app_errors_total", "fail", "RuntimeError"] == 1
    assert figures["app_event_seconds_count", "echo"] == 1
    assert figures["app_event_seconds_bucket", "echo", "+Inf"] == 1
    assert ("app_first_chunk_seconds_count", "echo") not in figures
    assert figures["app_model_seconds_count",] == 1
    assert figures["app_requests_total", "2xx"] > 3
    assert figures["app_sessions",] >= 1


def test_streams_that_run_wait_and_are_stopped_are_seen(measured: Measured) -> None:
    client = measured.client()
    first = client.submit("one", api_name="/stream")
    assert measured.gates.started.wait(WAIT_SECONDS)
    second = measured.client().submit("two", api_name="/stream")
    figures = wait_until(measured.port, lambda seen: seen["app_queue_length",] == 1)
    assert figures["app_events_running", "stream"] == 1
    assert figures["app_events_waiting", "stream"] == 1
    assert figures["app_events_waiting", "echo"] == 0
    assert figures["app_queue_limit",] == queue_options(ServerSettings(_env_file=None))["max_size"]
    first.cancel()
    assert measured.ended.get(timeout=WAIT_SECONDS)["outcome"] == "stopped"
    measured.gates.go_on.set()
    assert second.result(timeout=WAIT_SECONDS) == "two ends"
    figures = wait_until(measured.port, lambda seen: seen["app_events_running", "stream"] == 0)
    assert figures["app_queue_length",] == 0
    assert figures["app_events_total", "stream", "stopped"] == 1
    assert figures["app_events_total", "stream", "ok"] == 1
    assert figures["app_first_chunk_seconds_count", "stream"] == 2


def test_probes_and_paths_that_visitors_choose_make_no_series(measured: Measured) -> None:
    before = len(scrape(measured.port))
    with httpx.Client(headers=headers()) as visitor:
        for path in ("healthz", "readyz"):
            visitor.get(f"{measured.url}/{path}")
        assert ("app_requests_total", "2xx") not in scrape(measured.port)
        for number in range(5):
            assert visitor.get(f"{measured.url}/made-up-{number}").status_code == 404
            assert visitor.post(f"{measured.url}/gradio_api/call/made-up-{number}", json={}).status_code == 404
    figures = scrape(measured.port)
    assert figures["app_requests_total", "4xx"] == 10
    assert len(figures) == before + 1
    assert "made-up" not in str(figures)


def test_whoever_is_refused_is_counted(make_app: MakeApp) -> None:
    app = make_app(metrics_port=1, max_request_kb=1, api_keys=API_KEYS)
    with browse(app) as client:
        client.post("/gradio_api/queue/join", json={"data": ["x" * 2000]})
        client.get("/config", headers={"Authorization": "Bearer made-up"})
    counted = read(metrics.generate_latest(app.state.metrics.registry).decode())
    assert counted["app_refusals_total", "quota"] == 1
    assert counted["app_refusals_total", "sign-in"] == 1


def test_more_names_than_an_app_has_become_one(make_app: MakeApp) -> None:
    counted = make_app(metrics_port=1).state.metrics
    for number in range(2 * metrics.MOST_NAMES):
        counted.observe(errors.log.name, {"handler": f"made-{number}", "outcome": "ok", "seconds": 0})
    counted.observe("another.logger", {})
    names = {sample.labels["event"] for family in counted.events.collect() for sample in family.samples}
    assert len(names) == metrics.MOST_NAMES + 1
    assert metrics.OTHER in names


def test_the_public_port_does_not_know_them(measured: Measured) -> None:
    for given in (headers(), {"Authorization": f"Bearer {KEY}"}, {}):
        assert httpx.get(f"{measured.url}/metrics", headers=given).status_code == 404


def test_a_path_of_the_public_port_is_for_programs_with_a_key(make_app: MakeApp) -> None:
    with browse(make_app(metrics_path="/metrics", api_keys=API_KEYS)) as client:
        assert client.get("/metrics").status_code == 403
        client.headers.clear()
        assert client.get("/metrics", headers={"Authorization": "Bearer made-up"}).status_code == 401
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {KEY}"})
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert read(answer.text)["app_queue_length",] == 0


def test_nothing_is_counted_or_opened_unless_the_settings_say_so(
    make_app: MakeApp, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(metrics, "start_http_server")
    app = make_app()
    assert logs.observers == []
    assert not hasattr(app.state, "metrics")
    with metrics.metrics_port(app, make_settings()), browse(app) as client:
        assert client.get("/metrics").status_code == 404


def test_the_port_closes_with_the_app(make_app: MakeApp, make_settings: MakeSettings) -> None:
    settings = make_settings(metrics_port=free_port())
    with metrics.metrics_port(make_app(metrics_port=1), settings):
        pass
    with pytest.raises(httpx.ConnectError):
        scrape(settings.metrics_port)


def test_a_busy_port_stops_the_start_with_one_line(tmp_path: Any) -> None:  # noqa: ANN401
    with socket.create_server(("127.0.0.1", 0)) as taken:
        variables = {"APP_PORT": "0", "APP_METRICS_PORT": str(taken.getsockname()[1]), "APP_MODEL_WORKERS": "0"}
        start = subprocess.run(
            [sys.executable, "app.py"],
            cwd=PROJECT_DIR,
            env=os.environ | environment() | variables | {"APP_UPLOAD_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert start.returncode == 1
    assert re.fullmatch(r"Cannot listen on 127.0.0.1:\d+ .* set APP_METRICS_PORT\.\n", start.stderr)


def test_a_busy_port_is_named(make_app: MakeApp, make_settings: MakeSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, ExitStack() as stack:
        settings = make_settings(metrics_port=taken.getsockname()[1])
        with pytest.raises(SystemExit, match="set APP_METRICS_PORT"):
            stack.enter_context(metrics.metrics_port(make_app(metrics_port=1), settings))


def test_gradio_still_holds_what_is_looked_at(make_app: MakeApp) -> None:
    app = make_app(metrics_port=1)
    with browse(app):
        inside = metrics.look_inside(app.state.demo, timedelta(hours=1))
        state_holder = app.state.demo.app.state_holder
        assert inside.known
        assert inside.sessions == 0
        assert inside.waiting.total() == inside.running.total() == 0
        for session in ("open", "closed"):  # asking for a session makes it
            assert not state_holder[session].is_closed
        state_holder["closed"].is_closed = True
        assert metrics.look_inside(app.state.demo, timedelta(hours=1)).sessions == 1
        assert metrics.look_inside(app.state.demo, timedelta(0)).sessions == 0


def test_what_a_project_counts_itself_is_shown(measured: Measured) -> None:
    OWN.labels("corner").inc()
    assert scrape(measured.port)["shop_sales_total", "corner"] == 1


def test_the_dashboard_shows_all_there_is_and_nothing_else(make_app: MakeApp) -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert dashboard["schemaVersion"] >= 41
    assert [item["query"] for item in dashboard["templating"]["list"] if item["type"] == "datasource"] == ["prometheus"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    assert {target["datasource"]["uid"] for target in targets} == {"${datasource}"}
    drawn = {name for target in targets for name in re.findall(r"\b(?:app|process)_\w+", target["expr"])}
    app = make_app(metrics_port=1)
    with browse(app):
        families = list(app.state.metrics.registry.collect())
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum"]}
    known = {f"{family.name}{suffix}": family.name for family in families for suffix in suffixes.get(family.type, [""])}
    assert drawn <= set(known)
    assert {known[name] for name in drawn} >= {family.name for family in families if family.name.startswith("app_")}
