"""The pace of an answer, over models that do as a test wants."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

from tests.models import Endless, Scripted, collect
from utils.throttle import Snapshot, throttled


def ticks(*times: float) -> Iterator[float]:
    """Stand in for a clock."""
    yield from times


def snapshots(pieces: AsyncGenerator[str], *times: float) -> list[Snapshot]:
    clock = ticks(*times)
    return asyncio.run(collect(throttled(pieces, Snapshot(), every=1, clock=lambda: next(clock))))


def test_a_stream_is_slowed_to_what_a_page_can_show_and_ends_complete() -> None:
    pieces = Scripted("a", "b", "c", "d", "e").stream([], 0)
    seen = snapshots(pieces, 10, 10.5, 10.6, 11.6, 11.7, 11.8)
    assert [snapshot.text for snapshot in seen] == ["a", "abc", "abcde"]
    assert [snapshot.tokens for snapshot in seen] == [1, 3, 5]
    assert {round(snapshot.first_token, 6) for snapshot in seen} == {0.5}
    assert seen[0].tokens_per_second == 0
    assert seen[-1].tokens_per_second == pytest.approx(4 / 1.3)


def test_a_last_piece_that_was_shown_is_not_shown_twice() -> None:
    assert [snapshot.text for snapshot in snapshots(Scripted("a").stream([], 0), 0, 1)] == ["a"]


def test_an_empty_answer_shows_nothing() -> None:
    assert snapshots(Scripted().stream([], 0), 0) == []


def test_closing_the_slowed_stream_reaches_the_model() -> None:
    model = Endless()

    async def read_one() -> None:
        async with aclosing(throttled(model.stream([], 0))) as stream:
            await anext(stream)

    asyncio.run(read_one())
    assert model.told_to_stop.is_set()
