"""What makes Gradio cheaper to serve: it works, and without it Gradio serves in its own way."""

import asyncio
import itertools
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import anyio.to_thread
import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies import utils as fastapi_utils
from gradio import blocks, queueing, routes
from gradio_client import Client
from starlette.requests import Request

from server import application, gradio_speed
from server.gradio_speed import InTheLoop, Memory, Nap, NapWithoutEvents, Sleeper, Waiter
from server.queueing import queue_options
from tests.server.access import headers
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.test_gradio_adapter import holds


def naps_of(app: FastAPI) -> list[Any]:
    """Give the two naps of an app's queue."""
    queue = cast("Any", app.state.demo)._queue  # noqa: SLF001
    return [queue.sleep_when_free, queue.progress_update_sleep_when_free]


@pytest.fixture
def busy_app(make_settings: MakeSettings) -> FastAPI:
    """Serve events that end well, end badly, report progress, and stream; one at a time."""

    def fail(_: str) -> None:
        raise RuntimeError("broken")

    def slow(text: str, progress: gr.Progress = gr.Progress()) -> str:  # noqa: B008 (Gradio fills it in)
        for step in progress.tqdm(range(3)):
            time.sleep(0.02 * (step + 1))
        return text

    async def stream(text: str) -> AsyncIterator[str]:
        for letter in text:
            await asyncio.sleep(0)
            yield letter

    settings = make_settings()
    with gr.Blocks(analytics_enabled=False) as demo:
        text = gr.Textbox()
        for name, handler in {"fail": fail, "slow": slow, "stream": stream}.items():
            text.submit(handler, text, text, api_name=name, concurrency_id="one", concurrency_limit=1)
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


def test_every_trick_fits_the_gradio_that_is_installed(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        app = make_app()
    with holds("what server/gradio_speed.py relies on"):
        assert "not as it was" not in caplog.text
        assert [type(nap) for nap in naps_of(app)] == [Nap, NapWithoutEvents]
        assert isinstance(cast("Any", queueing).asyncio, Sleeper)
        assert cast("Any", queueing).run_sync.is_ours
        assert cast("Any", fastapi_utils).run_in_threadpool.is_ours
        assert isinstance(cast("Any", blocks).anyio.to_thread, InTheLoop)
        assert isinstance(cast("Any", blocks).inspect, Memory)
        assert isinstance(cast("Any", routes).asyncio, Waiter) == (sys.version_info < (3, 12))
        assert cast("Any", Request.is_disconnected).is_ours
        first, *_ = gradio_speed.inside(app.state.demo.app.router.routes[0])
        assert gradio_speed.path_of(first).endswith("/queue/join")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (queueing.Queue, "push"),
        (queueing.Queue, "process_events"),
        (queueing.Queue, "reset_iterators"),
        (queueing.Queue, "close"),
        (queueing.Queue, "compute_analytics_summary"),
        (queueing, "run_sync"),
        (fastapi_utils, "run_in_threadpool"),
        (blocks, "anyio"),
        (routes, "asyncio"),
        (Request, "is_disconnected"),
    ],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_without_what_it_relies_on_gradio_is_left_alone(
    owner: Any,  # noqa: ANN401
    name: str,
    make_settings: MakeSettings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    demo.queue(**queue_options(make_settings()))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.delattr(owner, name)
        gradio_speed.quicken(demo)
    assert "Gradio is not as it was" in caplog.text


def test_a_gradio_that_reads_constructors_elsewhere_is_left_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradio_speed, "TRICKS", (gradio_speed.remember_signatures,))
    with gr.Blocks(analytics_enabled=False) as demo, monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.delattr(blocks, "inspect")
        gradio_speed.quicken(demo)
    assert "remember_signatures" in caplog.text


def test_an_app_without_any_trick_answers_all_the_same(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(_: gr.Blocks) -> None:
        raise AttributeError("Gradio has no such thing any more")

    monkeypatch.setattr(gradio_speed, "TRICKS", (changed,))
    with AppTest(make_app()) as test, pytest.raises(EventError):
        test.call("fetch", "/etc/passwd")


def test_an_idle_queue_sleeps(busy_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Nap] = []
    plain = Nap.take

    async def counted(nap: Nap) -> None:
        taken.append(nap)
        await plain(nap)

    monkeypatch.setattr(Nap, "take", counted)
    for nap in naps_of(busy_app):
        nap.longest = 30.0
    with AppTest(busy_app) as test:
        assert test.call("slow", "x") == ["x"]
        before = len(taken)
        for _ in range(50):
            test.http.get("/healthz")
        assert before > 0
        assert len(taken) - before <= 4  # Gradio would have looked some hundred times


def test_work_wakes_the_queue_whatever_became_of_the_work_before(busy_app: FastAPI, serve: Serve) -> None:
    for nap in naps_of(busy_app):
        nap.longest = 600.0  # Nothing but a bell ends a nap in this test.
    with serve(busy_app) as url:
        client = Client(url, verbose=False, headers=headers())
        jobs = [client.submit("x", api_name=name) for name in ("/slow", "/fail", "/slow", "/fail", "/stream", "/slow")]
        for number, job in enumerate(jobs):
            if number in {1, 3}:
                with pytest.raises(Exception, match=r"(?i)error|broken"):
                    job.result(timeout=30)
            else:
                assert job.result(timeout=30) == "x"


def test_a_closing_queue_is_woken_to_see_that(busy_app: FastAPI) -> None:
    cast("Any", busy_app.state.demo)._queue.close()  # noqa: SLF001
    assert all(nap.rung for nap in naps_of(busy_app))


def test_a_nap_is_taken_and_everything_else_slept() -> None:
    async def nap() -> None:
        bell = Nap(0.001)
        assert bell == 0.001  # Gradio may compute with it
        bell.ring()
        assert await Sleeper.sleep(bell, "rung before") == "rung before"
        asyncio.get_running_loop().call_later(0.01, bell.ring)
        await bell.take()
        bell.longest = 0.01
        await bell.take()
        assert await Sleeper.sleep(0, "slept") == "slept"
        assert cast("Any", Sleeper(asyncio)).Lock is asyncio.Lock

    asyncio.run(asyncio.wait_for(nap(), 20))


def test_events_start_no_thread_for_what_takes_no_time(busy_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    in_threads: list[str] = []
    plain = anyio.to_thread.run_sync

    async def run_sync(function: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        in_threads.append(getattr(getattr(function, "func", function), "__name__", ""))
        return await plain(function, *args, **options)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)
    with AppTest(busy_app) as test:
        test.call("stream", "abc")
        assert "login_check" not in in_threads
        assert not {"preprocess", "postprocess"} & set(in_threads)
        test.call("slow", "x")
        assert "slow" in in_threads  # a plain function of a handler
        test.call("stream", "")
        assert "preprocess" not in in_threads
        test.call("slow", "x" * (InTheLoop.longest + 1))
        assert {"preprocess", "postprocess"} <= set(in_threads)


class Derived(gr.Textbox):
    """A component of somebody's own."""


@pytest.mark.parametrize(
    ("kind", "value", "at_once"),
    [
        (gr.Textbox, "a", True),
        (gr.Number, 1.5, True),
        (gr.Checkbox, True, True),
        (gr.Markdown, None, True),
        (gr.Textbox, "a" * 20_000, False),
        (gr.Textbox, ["a"], False),
        (Derived, "a", False),
        (gr.JSON, "a", False),
    ],
)
def test_only_short_values_of_plain_components_pass_without_a_thread(
    kind: type[gr.Textbox],
    value: object,
    at_once: bool,  # noqa: FBT001
) -> None:
    within = cast("InTheLoop", cast("Any", blocks).anyio.to_thread)
    component = kind()
    assert within.is_short(component.preprocess, (value,)) == at_once
    assert within.is_short(component.postprocess, (value,)) == at_once
    assert not within.is_short(component.get_config, ())
    assert not within.is_short(str, (value,))


def test_a_stream_ends_when_its_visitor_has_left(make_settings: MakeSettings, serve: Serve) -> None:
    began, ended = threading.Event(), threading.Event()

    async def forever() -> AsyncIterator[str]:
        try:
            for number in itertools.count():
                yield str(number)
                began.set()
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Button().click(forever, None, gr.Textbox(), api_name="forever")
    demo.queue(**queue_options(make_settings()))
    with serve(application.create_app(demo, make_settings())) as url:
        joined = httpx.post(f"{url}/gradio_api/call/forever", json={"data": []}, headers=headers())
        with httpx.stream("GET", f"{url}/gradio_api/call/forever/{joined.json()['event_id']}", headers=headers()) as it:
            assert next(it.iter_lines())
            assert began.wait(30)
        assert ended.wait(30)


class Cycle:
    """Stands in for what uvicorn keeps of one request; with `None`, for another server."""

    def __init__(self, *, disconnected: bool | None) -> None:
        self.disconnected = disconnected
        self.asked = 0

    async def receive(self) -> dict[str, str]:
        self.asked += 1
        return {"type": "http.disconnect"}


def test_the_server_is_asked_who_left_and_without_an_answer_starlette_looks(make_app: MakeApp) -> None:
    make_app()
    for known, left, asked in ((True, True, 0), (False, False, 0), (None, True, 1)):
        cycle = Cycle(disconnected=known)
        assert asyncio.run(Request({"type": "http"}, cast("Any", cycle.receive)).is_disconnected()) == left
        assert cycle.asked == asked


def test_a_wait_without_a_task_ends_in_time() -> None:
    async def wait() -> None:
        queue: asyncio.Queue[str] = asyncio.Queue()
        with pytest.raises(TimeoutError):
            await Waiter.wait_for(queue.get(), 0.01)
        tasks = len(asyncio.all_tasks())
        waiting = asyncio.ensure_future(Waiter.wait_for(queue.get(), 20))
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == tasks + 1
        queue.put_nowait("here")
        assert await waiting == "here"

    asyncio.run(asyncio.wait_for(wait(), 20))


def test_constructors_are_read_once_and_handlers_each_time() -> None:
    assert Memory.signature(gr.Textbox.__init__) is Memory.signature(gr.Textbox.__init__)
    assert Memory.signature(headers) is not Memory.signature(headers)
    assert cast("Any", blocks).inspect.isfunction(headers)


def test_a_summary_is_made_when_it_is_due(busy_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []
    plain = queueing.Queue.compute_analytics_summary

    def compute_analytics_summary(queue: queueing.Queue, records: Any) -> Any:  # noqa: ANN401
        made.append(gradio_speed.is_due(queue))
        return plain(queue, records)

    monkeypatch.setattr(queueing.Queue, "compute_analytics_summary", compute_analytics_summary)
    queue = cast("Any", busy_app.state.demo)._queue  # noqa: SLF001
    with AppTest(busy_app) as test:
        test.call("stream", "abc")
        assert made == []
        queue.ANAYLTICS_CACHE_FREQUENCY = 1
        test.call("stream", "abc")
        assert any(made)


def test_what_is_for_gradio_goes_straight_there_and_the_rest_does_not(make_app: MakeApp) -> None:
    app = make_app()
    reached: list[str] = []
    plain = app.router.__call__

    async def router(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        reached.append(scope.get("path", scope["type"]))
        await plain(scope, receive, send)

    cast("Any", app).router = router
    with browse(app) as client:
        for path in ("/gradio_api/info", "/config", "/gradio_api/mine"):
            client.get(path)
    assert "/gradio_api/info" not in reached
    assert "/config" in reached
