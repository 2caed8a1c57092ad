"""What replicas share, and what they do while nobody answers for it."""

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Self

import gradio as gr
import pytest
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TooLateError

from server import application
from server.access import store
from server.access.identity import StoreDownError
from server.access.store import MemoryStore, RedisStore, build_store
from server.queueing import queue_options
from tests.server.access import SIGNS_IN
from tests.server.client import AppTest
from tests.server.fixtures import MakeSettings

HOUR = 3600


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class RedisServer:
    """A real Redis, which a test stops and starts. It keeps nothing on disk."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        while True:
            assert self.process.poll() is None, "Redis has exited"
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                continue
            return

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(20)


class StandIn:
    """What a Redis does as far as the store knows, in this process."""

    url = "redis://127.0.0.1:1/0"

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.kept: dict[str, tuple[str, float]] = {}
        self.problem: RedisError | None = None

    def hang(self) -> None:
        self.problem = TooLateError("too late")

    def stop(self) -> None:
        self.problem = LostError("refused")

    def from_url(self, _url: str, **_: object) -> Self:
        return self

    async def get(self, key: str) -> str | None:
        if self.problem is not None:
            raise self.problem
        value, ends = self.kept.get(key, ("", 0))
        return value if ends > time.monotonic() else None

    async def set(self, key: str, value: str, px: int, **only_new: bool) -> str | None:
        held = await self.get(key)
        if held is None or not only_new:
            self.kept[key] = (value, time.monotonic() + px / 1000)
        return held

    async def exists(self, key: str) -> int:
        return int(await self.get(key) is not None)

    async def aclose(self) -> None:
        pass


@pytest.fixture(params=["with_a_server", "without_a_server"])
def redis(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RedisServer | StandIn]:
    """Run each test with a real server, and on machines without one at least with a stand-in."""
    if request.param == "without_a_server":
        stand_in = StandIn()
        monkeypatch.setattr(store, "Redis", stand_in)
        yield stand_in
        return
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server found: install Redis 7 or later, of Debian: apt-get install redis-server")
    started = RedisServer(program, tmp_path)
    yield started
    started.stop()


def with_replicas(redis: RedisServer | StandIn, test: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Run a test with the stores of two replicas."""

    async def run() -> None:
        stores = [RedisStore(redis.url, "app:") for _ in range(2)]
        await test(*stores)
        for each in stores:
            await each.close()

    asyncio.run(run())


def test_in_memory_a_claim_is_for_one_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(store, "time", clock)
    memory = MemoryStore()

    async def run() -> None:
        assert await memory.claim("a", "ada", HOUR) == "ada"
        assert await memory.claim("a", "bo", HOUR) == "ada"
        assert await memory.claim("b", "bo", HOUR) == "bo"
        clock.now += HOUR + 1
        assert await memory.claim("a", "bo", HOUR) == "bo"
        await memory.close()

    asyncio.run(run())


def test_in_memory_what_is_put_is_there_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(store, "time", clock)
    memory = MemoryStore()

    async def run() -> None:
        assert not await memory.has("a")
        await memory.put("a", HOUR)
        assert await memory.has("a")
        assert not await memory.has("b")
        clock.now += HOUR + 1
        assert not await memory.has("a")

    asyncio.run(run())


def test_in_memory_old_claims_make_room_but_what_is_put_never_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "REMEMBERED", 2)
    memory = MemoryStore()

    async def run() -> None:
        for key in "abc":
            await memory.put(key, HOUR)
            await memory.claim(key, "ada", HOUR)
        assert await memory.claim("a", "bo", HOUR) == "bo"
        assert await memory.claim("c", "bo", HOUR) == "ada"
        assert [await memory.has(key) for key in "abc"] == [True] * 3

    asyncio.run(run())


def test_a_claim_on_one_replica_holds_on_all_and_ends(redis: RedisServer | StandIn) -> None:
    async def test(one: RedisStore, two: RedisStore) -> None:
        assert await one.claim("a", "ada", HOUR) == "ada"
        assert await two.claim("a", "bo", HOUR) == "ada"
        assert await one.claim("a", "bo", HOUR) == "ada"
        assert await one.claim("short", "ada", 0.05) == "ada"
        while await two.claim("short", "bo", 0.05) != "bo":
            pass

    with_replicas(redis, test)


def test_many_claim_at_once_and_one_gets_it(redis: RedisServer | StandIn) -> None:
    async def test(one: RedisStore, two: RedisStore) -> None:
        owners = await asyncio.gather(*(each.claim("a", f"{n}", HOUR) for n in range(20) for each in (one, two)))
        assert len(set(owners)) == 1

    with_replicas(redis, test)


def test_what_one_replica_puts_is_there_on_all_and_ends(redis: RedisServer | StandIn) -> None:
    async def test(one: RedisStore, two: RedisStore) -> None:
        assert not await two.has("a")
        await one.put("a", HOUR)
        assert await one.has("a")
        assert await two.has("a")
        assert not await two.has("b")
        await one.put("short", 0.05)
        while await one.has("short") or await two.has("short"):
            pass

    with_replicas(redis, test)


def test_another_app_in_the_same_redis_is_another_world(redis: RedisServer | StandIn) -> None:
    async def run() -> None:
        ours, theirs = RedisStore(redis.url, "ours:"), RedisStore(redis.url, "theirs:")
        await ours.put("a", HOUR)
        await ours.claim("b", "ada", HOUR)
        assert not await theirs.has("a")
        assert await theirs.claim("b", "bo", HOUR) == "bo"
        await ours.close()
        await theirs.close()

    asyncio.run(run())


def test_while_redis_is_away_what_was_learnt_holds(redis: RedisServer | StandIn) -> None:
    async def test(one: RedisStore, two: RedisStore) -> None:
        await one.claim("a", "ada", HOUR)
        await two.claim("a", "bo", HOUR)
        await one.put("put", HOUR)
        assert not await one.has("absent")
        redis.stop()
        assert [await each.claim("a", "bo", HOUR) for each in (one, two)] == ["ada", "ada"]
        assert await one.has("put")
        assert not await one.has("absent")

    with_replicas(redis, test)


def test_while_redis_is_away_nobody_guesses(redis: RedisServer | StandIn) -> None:
    async def test(one: RedisStore, two: RedisStore) -> None:
        await one.put("a", HOUR)
        assert not await two.has("late")
        await one.put("late", HOUR)
        assert await two.has("late")
        redis.stop()
        for key in ("unknown", "a", "late"):
            with pytest.raises(StoreDownError):
                await two.has(key)

    with_replicas(redis, test)


def test_while_redis_is_away_a_replica_decides_for_itself(
    redis: RedisServer | StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(one: RedisStore, two: RedisStore) -> None:
        redis.stop()
        assert await one.claim("a", "ada", HOUR) == "ada"
        assert await one.claim("a", "bo", HOUR) == "ada"
        await one.put("ended:secret", HOUR)
        assert await one.has("ended:secret")
        with pytest.raises(StoreDownError):
            await two.has("ended:secret")

    with_replicas(redis, test)
    assert "only this process knows ended" in caplog.text
    assert "secret" not in caplog.text


def test_a_redis_that_hangs_is_away_too(redis: RedisServer | StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "REDIS_SECONDS", 0.5)

    async def test(one: RedisStore, _: RedisStore) -> None:
        assert not await one.has("before")
        redis.hang()
        with pytest.raises(StoreDownError):
            await one.has("a")
        assert await one.claim("a", "ada", HOUR) == "ada"

    with_replicas(redis, test)


def test_when_redis_is_back_it_is_asked_again(redis: RedisServer | StandIn) -> None:
    async def test(one: RedisStore, two: RedisStore) -> None:
        await one.put("before", HOUR)
        redis.stop()
        with pytest.raises(StoreDownError):
            await two.has("a")
        redis.start()
        await one.put("a", HOUR)
        assert await two.has("a")
        assert await one.claim("b", "ada", HOUR) == "ada"
        assert await two.claim("b", "bo", HOUR) == "ada"
        assert await one.has("before")

    with_replicas(redis, test)


def test_the_setting_chooses(make_settings: MakeSettings) -> None:
    assert isinstance(build_store(make_settings()), MemoryStore)
    shared = build_store(make_settings(store_url="redis://127.0.0.1:1/0", session_cookie="mine"))
    assert isinstance(shared, RedisStore)
    assert shared.prefix == "mine:"


def test_who_was_served_before_is_served_while_redis_is_away_and_nobody_else(
    make_settings: MakeSettings, redis: RedisServer | StandIn
) -> None:
    settings = make_settings(store_url=redis.url)
    with gr.Blocks(analytics_enabled=False) as demo:
        text = gr.Textbox()
        text.submit(str.upper, text, text, api_name="shout")
    demo.queue(**queue_options(settings))
    with AppTest(application.create_app(demo, settings)) as ada:
        bo = ada.another("bo")
        assert ada.call("shout", "hello") == ["HELLO"]
        redis.stop()
        assert ada.call("shout", "again") == ["AGAIN"]
        answer = bo.http.get("/config")
        # Where the app keeps no sign-ins, there is nothing to ask Redis for.
        assert answer.status_code == (503 if SIGNS_IN else 200)
        assert ("cannot be checked" in answer.text) == SIGNS_IN
        assert ("components" in answer.text) != SIGNS_IN
        redis.start()
        assert bo.call("shout", "now") == ["NOW"]
