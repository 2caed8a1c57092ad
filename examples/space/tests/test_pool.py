"""Processes that work: in order, replaced when one dies, and loaded before the first item. No model is needed."""

import asyncio
import multiprocessing
import os
import time

import pytest

from tests.conftest import MakeApp
from tests.server.client import browse
from utils.pool import Pool, start_worker

WAIT_SECONDS = 20
"""How long a test waits for what must come; reached only when it fails."""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pool_keeps_the_order_and_outlives_a_dead_worker(workers: int) -> None:
    pool = Pool(workers, load=int)
    pool.warm_up()
    items = [[number] for number in range(5)]
    assert asyncio.run(pool.map(max_of_each, items)) == [0, 1, 2, 3, 4]
    if workers:
        with pytest.raises(Exception, match="terminated"):
            asyncio.run(pool.map(die, items))
        assert asyncio.run(pool.map(max_of_each, items)) == [0, 1, 2, 3, 4]
    pool.close()


def test_a_worker_loads_its_model_when_it_starts() -> None:
    loaded: list[bool] = []
    start_worker(lambda: loaded.append(True))
    assert loaded == [True]


def test_the_workers_start_with_the_server_and_end_with_it(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    monkeypatch.setattr(Pool, "warm_up", lambda _: happened.append("warm"))
    monkeypatch.setattr(Pool, "close", lambda _: happened.append("closed"))
    with browse(make_app()) as client:
        give_up = time.monotonic() + WAIT_SECONDS
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < give_up
    assert happened == ["warm", "closed"]


def test_no_worker_outlives_its_pool() -> None:
    pool = Pool(1, load=int)
    [process] = asyncio.run(pool.map(process_of_each, [None]))
    assert process in workers()
    pool.close()
    assert process not in workers()


def workers() -> set[int | None]:
    """Name the processes that this one has started and that still run."""
    return {process.pid for process in multiprocessing.active_children()}


def process_of_each(items: list[None]) -> list[int]:
    """Stand in for a model that tells where it runs."""
    return [os.getpid() for _ in items]


def max_of_each(items: list[list[int]]) -> list[int]:
    """Stand in for a model."""
    return [max(item) for item in items]


def die(_: list[list[int]]) -> list[int]:
    """Stand in for a model that takes its process down."""
    os._exit(1)
