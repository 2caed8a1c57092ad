"""Processes that work: in order, replaced when one dies, and loaded before the first item. No model is needed."""

import asyncio
import os

import pytest

from utils.pool import Pool, start_worker


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


def max_of_each(items: list[list[int]]) -> list[int]:
    """Stand in for a model."""
    return [max(item) for item in items]


def die(_: list[list[int]]) -> list[int]:
    """Stand in for a model that takes its process down."""
    os._exit(1)
