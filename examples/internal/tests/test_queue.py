"""Queue, limits and sessions over HTTP, with the client that other programs use."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
from gradio_client import Client, handle_file

from services import model
from tests.conftest import MakeApp, Serve
from tests.server.access import headers

PATIENCE = 30
"""Seconds after which a test gives up. No assertion depends on how fast something is."""


class SlowModel:
    """Stands in for statistics that take long: each call waits until `together` of them are under way."""

    def __init__(self, together: int) -> None:
        self.started = threading.Semaphore(0)
        self.barrier = threading.Barrier(together)
        self.done = threading.Event()

    def meet(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Wait for the other calls; fails when they do not run at the same time."""
        self.barrier.wait(PATIENCE)
        return frame[["city"]].head(1)

    def wait(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Wait until the test says so."""
        self.started.release()
        self.done.wait(PATIENCE)
        return frame[["city"]].head(1)


def visitor(url: str) -> Client:
    """Visit the page as a session of its own, with the sample loaded."""
    client = Client(url, verbose=False, headers=headers())
    client.predict(api_name="/load_sample")
    return client


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowModel]:
    """Make statistics wait until the test lets them go."""
    stand_in = SlowModel(together=3)
    monkeypatch.setattr(model, "summarise", stand_in.wait)
    yield stand_in
    stand_in.done.set()


def test_as_many_slow_calls_run_side_by_side_as_the_limit_says(
    make_app: MakeApp, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "summarise", SlowModel(together=3).meet)
    with serve(make_app(model_concurrency=3)) as url:
        client = visitor(url)
        jobs = [client.submit(api_name="/summarise") for _ in range(3)]
        assert [len(job.result(PATIENCE)["data"]) for job in jobs] == [1, 1, 1]


def test_no_more_slow_calls_run_than_the_limit_says_and_light_ones_pass_them(
    make_app: MakeApp, serve: Serve, slow: SlowModel
) -> None:
    with serve(make_app(model_concurrency=1)) as url:
        client = visitor(url)
        jobs = [client.submit(api_name="/summarise") for _ in range(2)]
        assert slow.started.acquire(timeout=PATIENCE)
        # An event that shares nothing with the slow ones comes through while they hold their only slot.
        client.predict(["city"], api_name="/choose_columns")
        assert not slow.started.acquire(blocking=False)
        slow.done.set()
        assert [len(job.result(PATIENCE)["data"]) for job in jobs] == [1, 1]


class Joining:
    """Joins the queue without waiting for the answer, which tells at once whether there is room."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/gradio_api/call/", timeout=PATIENCE, headers=headers())

    def join(self, event: str) -> httpx.Response:
        """Ask for an event."""
        return self.http.post(event, json={"data": [], "session_hash": "joining"})

    def answer(self, event: str, joined: httpx.Response) -> str:
        """Wait for what comes of it."""
        return self.http.get(f"{event}/{joined.json()['event_id']}").text


def test_a_full_queue_answers_at_once_and_nothing_hangs(make_app: MakeApp, serve: Serve, slow: SlowModel) -> None:
    with serve(make_app(model_concurrency=1, queue_size=1)) as url:
        client, other = visitor(url), Joining(url)
        other.answer("load_sample", other.join("load_sample"))
        running = client.submit(api_name="/summarise")
        assert slow.started.acquire(timeout=PATIENCE)
        waiting = other.join("summarise")
        assert waiting.status_code == 200
        # There was room for one. From now on everyone is turned away, although the slow call has not moved.
        refused = other.join("summarise")
        assert (refused.status_code, "Queue is full" in refused.text) == (503, True)
        with pytest.raises(Exception, match="Queue is full"):
            client.submit(api_name="/summarise").result(PATIENCE)
        slow.done.set()
        assert len(running.result(PATIENCE)["data"]) == 1
        assert "event: complete" in other.answer("summarise", waiting)


def test_two_sessions_work_on_tables_of_their_own(make_app: MakeApp, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,age\nAda,36\nBo,20\n", encoding="utf-8")
    with serve(make_app()) as url:
        one, two = visitor(url), visitor(url)
        one.predict(handle_file(path), api_name="/load_csv")
        two.predict(column="city", comparison="is", value="Oslo", api_name="/filter_rows")
        one.predict(column="age", comparison="is at least", value="30", api_name="/filter_rows")
        assert [len(pd.read_csv(client.predict(api_name="/download"))) for client in (one, two)] == [1, 36]
