"""The real queue, over HTTP: bounded, side by side where the limit says so, and stopped when the user says so."""

from typing import Any

import pytest
from fastapi import FastAPI
from gradio_client import Client

from app import build_demo
from server import application, gradio_adapter
from services.protocol import ChatModel
from tests.conftest import MakeSettings, Serve
from tests.models import WAIT_SECONDS, Endless, Gathering
from tests.server.access import headers
from tests.test_events import PUBLIC_EVENTS

[EVENT] = (f"/{name}" for name in PUBLIC_EVENTS)


def app_with(model: ChatModel, make_settings: MakeSettings, **changes: Any) -> FastAPI:  # noqa: ANN401
    settings = make_settings(**changes)
    return application.create_app(build_demo(settings, model), settings)


def visitor(url: str) -> Client:
    """Visit the app as a program, which may have many calls under way."""
    return Client(url, verbose=False, headers=headers())


def test_a_full_queue_answers_at_once_and_nothing_hangs(make_settings: MakeSettings, serve: Serve) -> None:
    model = Gathering(expected=99)
    app = app_with(model, make_settings, model_concurrency=1, queue_size=1)
    with serve(app) as url:
        client = visitor(url)
        running = client.submit("first", api_name=EVENT)
        assert model.arrivals.acquire(timeout=WAIT_SECONDS)
        waiting = client.submit("second", api_name=EVENT)
        while gradio_adapter.waiting(app.state.demo) == 0:
            assert not waiting.done()
        with pytest.raises(Exception, match=r"(?i)full"):
            client.submit("third", api_name=EVENT).result(timeout=WAIT_SECONDS)
        model.open()
        assert "seen: first" in running.result(timeout=WAIT_SECONDS)
        assert "seen: second" in waiting.result(timeout=WAIT_SECONDS)


def test_three_slow_answers_are_written_side_by_side_each_for_its_visitor(
    make_settings: MakeSettings, serve: Serve
) -> None:
    app = app_with(Gathering(expected=3), make_settings)
    with serve(app) as url:
        visitors = [visitor(url) for _ in range(3)]
        jobs = [client.submit(f"I am {client.session_hash}", api_name=EVENT) for client in visitors]
        for client, job in zip(visitors, jobs, strict=True):
            assert f"seen: I am {client.session_hash}" in job.result(timeout=WAIT_SECONDS)


def test_a_lower_limit_makes_answers_wait(make_settings: MakeSettings, serve: Serve) -> None:
    model = Gathering(expected=3)
    app = app_with(model, make_settings, model_concurrency=2)
    with serve(app) as url:
        client = visitor(url)
        jobs = [client.submit("Hello", api_name=EVENT) for _ in range(3)]
        for _ in range(2):
            assert model.arrivals.acquire(timeout=WAIT_SECONDS)
        while gradio_adapter.waiting(app.state.demo) == 0:
            assert not any(job.done() for job in jobs)
        assert model.under_way == 2
        model.open()
        for job in jobs:
            assert "seen: Hello" in job.result(timeout=WAIT_SECONDS)


def test_stop_reaches_the_model(make_settings: MakeSettings, serve: Serve) -> None:
    model = Endless()
    with serve(app_with(model, make_settings)) as url:
        client = visitor(url)
        job = client.submit("Hello", api_name=EVENT)
        next(job)  # Before, the client does not know yet what to cancel.
        job.cancel()
        assert model.told_to_stop.wait(WAIT_SECONDS)
