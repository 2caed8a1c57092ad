"""What Prometheus may ask: how long events take and how they end, the queue, the sessions, the model, the requests.

Events, requests and the model are counted where they are logged; the queue and the sessions are looked at when somebody
asks. What you define yourself with `prometheus_client` is shown as well. `deploy/grafana/dashboard.json` draws it all.
"""

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI, Response
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

from server import errors, logs
from server.asked import EXACT, Kind
from server.gradio_adapter import look_inside
from server.routes import programs
from server.settings import ServerSettings

log = logging.getLogger("app.metrics")

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Upper bounds of the histograms, from a cached answer to a long text of a slow model."""
MOST_NAMES, OTHER = 200, "other"

disable_created_metrics()  # They double the number of series, and nothing here uses them.


class Metrics(Collector):
    """The figures of one app."""

    def __init__(self, demo: gr.Blocks, settings: ServerSettings) -> None:
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
        self.refusals = Counter("app_refusals", "Failed sign-ins and limits that were hit", ["reason"], registry=own)
        self.counting = {
            errors.log.name: self.count_event,
            logs.model_log.name: self.count_model,
            logs.access_log.name: self.count_request,
            logs.refused_log.name: self.count_refusal,
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
        if EXACT.get(facts["path"]) is not Kind.PROBE:
            self.requests.labels(f"{facts['status'] // 100}xx").inc()

    def count_refusal(self, facts: Mapping[str, Any]) -> None:
        """Count somebody who was refused, by one of a few reasons."""
        self.refusals.labels(facts["reason"]).inc()

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


def add_metrics(app: FastAPI, settings: ServerSettings) -> None:
    """Count what happens, where the settings ask for that.

    Behind the gate, only programs with a key may ask: figures about all visitors are for none of them.
    """
    if not (settings.metrics_port or settings.metrics_path):
        return
    metrics = app.state.metrics = Metrics(app.state.demo, settings)
    if settings.metrics_path:

        @app.get(settings.metrics_path, dependencies=[programs])
        async def figures() -> Response:  # pyright: ignore[reportUnusedFunction]
            return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


@contextmanager
def metrics_port(app: FastAPI, settings: ServerSettings) -> Generator[None]:
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
