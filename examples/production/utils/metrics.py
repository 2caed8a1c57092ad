"""What Prometheus may ask: how long events take and how they end, the queue, the sessions, the model, the requests.

Events, requests and the model are counted where they are logged; the queue and the sessions are looked at when somebody
asks. What you define yourself with `prometheus_client` is shown as well. `deploy/grafana/dashboard.json` draws it all.
"""

import inspect
import logging
from collections import Counter as Tally
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from utils import errors, logs
from utils.gate import PROBES
from utils.identity import current_user
from utils.settings import Settings

log = logging.getLogger("app.metrics")

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Upper bounds of the histograms, from a cached answer to a long text of a slow model."""
MOST_NAMES, OTHER = 200, "other"

disable_created_metrics()  # They double the number of series, and nothing here uses them.


class Metrics(Collector):
    """The figures of one app."""

    def __init__(self, demo: gr.Blocks, settings: Settings) -> None:
        """Start to count."""
        self.demo, self.settings = demo, settings
        self.names: set[str] = set()
        own = self.registry = CollectorRegistry()
        own.register(self)
        own.register(cast("Any", REGISTRY))  # memory and processor time, and what you define yourself
        by_event = partial(Histogram, labelnames=["event"], buckets=SECONDS, registry=own)
        self.events = Counter("app_events", "Events that ended, by outcome", ["event", "outcome"], registry=own)
        self.errors = Counter("app_errors", "Events refused or failed, by error", ["event", "kind"], registry=own)
        self.seconds = by_event("app_event_seconds", "Time of an event, without its time in the queue")
        self.first = by_event("app_first_chunk_seconds", "Time to the first chunk of a stream")
        self.model = Histogram("app_model_seconds", "Time that the model works", buckets=SECONDS, registry=own)
        self.requests = Counter("app_requests", "Requests answered, without the probes", ["status"], registry=own)
        self.counting = {
            errors.log.name: self.count_event,
            logs.model_log.name: self.count_model,
            logs.access_log.name: self.count_request,
        }
        logs.observers.append(self.observe)

    def observe(self, source: str, facts: Mapping[str, Any]) -> None:
        """Count what is logged."""
        if source in self.counting:
            self.counting[source](facts)

    def count_event(self, facts: Mapping[str, Any]) -> None:
        """Count an event that ended. A batch is one event."""
        event = self.bounded(facts["handler"])
        self.events.labels(event, facts["outcome"]).inc()
        self.seconds.labels(event).observe(facts["seconds"])
        if "first_seconds" in facts:
            self.first.labels(event).observe(facts["first_seconds"])
        if "error" in facts:
            self.errors.labels(event, self.bounded(facts["error"])).inc()

    def count_model(self, facts: Mapping[str, Any]) -> None:
        """Count one use of the model."""
        self.model.observe(facts["seconds"])

    def count_request(self, facts: Mapping[str, Any]) -> None:
        """Count one answer."""
        if facts["path"] not in PROBES:
            self.requests.labels(f"{facts['status'] // 100}xx").inc()

    def bounded(self, name: str) -> str:
        """Give a name as a label, or `other` beyond more names than an app has: each is a series for Prometheus."""
        if len(self.names) < MOST_NAMES:
            self.names.add(name)
        return name if name in self.names else OTHER

    def collect(self) -> Iterator[Metric]:
        """Look at the queue and the sessions; Prometheus asks from a thread of its own."""
        seen = look_inside(self.demo, timedelta(seconds=self.settings.session_ttl))
        yield GaugeMetricFamily("app_queue_length", "Events that wait", seen.waiting.total())
        yield GaugeMetricFamily("app_queue_limit", "Events that may wait", self.settings.queue_size)
        yield GaugeMetricFamily("app_sessions", "Open sessions used within their time to live", seen.sessions)
        for state, counts in (("waiting", seen.waiting), ("running", seen.running)):
            family = GaugeMetricFamily(f"app_events_{state}", f"Events {state}, by event", labels=["event"])
            for event in seen.known:
                family.add_metric([event], counts[event])
            yield family


@dataclass(frozen=True)
class Inside:
    """What Gradio holds at one moment."""

    known: list[str]
    """Names of all handlers."""
    waiting: Tally[str]
    running: Tally[str]
    sessions: int


def look_inside(demo: gr.Blocks, ttl: timedelta) -> Inside:
    """Look at what Gradio does not publish. All that a new version may break is here; `test_metrics.py` says so."""
    queue, holder = cast("Any", demo)._queue, cast("Any", demo).app.state_holder  # noqa: SLF001
    queues, jobs = list(queue.event_queue_per_concurrency_id.values()), list(queue.active_jobs)
    functions = cast("dict[int, Any]", demo.fns)
    since = datetime.now(UTC) - ttl
    closed = {session for session, state in list(holder.session_data.items()) if state.is_closed}
    used = {session for session, last in list(holder.time_last_used.items()) if last.astimezone() > since}
    return Inside(
        known=sorted({name_of(function) for function in list(functions.values()) if function.fn is not None}),
        waiting=Tally(name_of(event.fn) for waiting in queues for event in list(waiting.queue)),
        running=Tally(name_of(event.fn) for job in jobs if job is not None for event in job),
        sessions=len(used - closed),
    )


def name_of(function: Any) -> str:  # noqa: ANN401 (Gradio's object)
    """Name a handler as the error boundary does, whatever Gradio put around it."""
    return str(getattr(inspect.unwrap(function.fn), "__name__", OTHER))


def add_metrics(app: FastAPI, settings: Settings) -> list[str]:
    """Count what happens, where the settings ask for that, and give the paths that the gate has to know.

    Behind the gate, only programs with a key may ask: figures about all visitors are for none of them.
    """
    if not (settings.metrics_port or settings.metrics_path):
        return []
    metrics = app.state.metrics = Metrics(app.state.demo, settings)
    if not settings.metrics_path:
        return []

    @app.get(settings.metrics_path)
    async def figures(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        if current_user(request).source != "key":
            return PlainTextResponse("Metrics are for programs with a key. See APP_API_KEYS.", 403)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [settings.metrics_path]


@contextmanager
def metrics_port(app: FastAPI, settings: Settings) -> Generator[None]:
    """Answer Prometheus on a port of its own for as long as the app is served, where the settings name one.

    Raises:
        SystemExit: one line that says what to change, before anything is served.

    """
    if not settings.metrics_port:
        yield
        return
    host, port = settings.host.strip("[]"), settings.metrics_port
    try:
        server, thread = start_http_server(port, host, app.state.metrics.registry)
    except OSError as error:
        reason = f"Cannot listen on {host}:{port} ({error.strerror}). Stop what uses it, or set APP_METRICS_PORT."
        raise SystemExit(reason) from None
    log.info("metrics are at http://%s:%s/metrics", settings.host, port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
