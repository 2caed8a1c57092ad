"""What replicas share: whose session this is, and which sign-ins are over. In memory, or in Redis for replicas."""

import logging
import math
import time
from typing import Any, Protocol, cast

from cachetools import TLRUCache
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError

from server.access.identity import StoreDownError
from server.settings import ServerSettings

log = logging.getLogger("app.store")

REMEMBERED = 100_000
"""Claims that one process keeps; the ones used longest ago go first."""
REDIS_SECONDS = 1
"""How long Redis may take. One that is down must not hold up every request for longer."""


class Store(Protocol):
    """Facts with an end. Keys are text, times are seconds."""

    async def claim(self, key: str, owner: str, ttl: float) -> str:
        """Make `owner` the owner of `key` unless it has one, and give the owner that it has now."""
        ...

    async def put(self, key: str, ttl: float) -> None:
        """Keep `key`."""
        ...

    async def has(self, key: str) -> bool:
        """Tell whether `key` is kept.

        Raises:
            StoreDownError: if that cannot be known now.

        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def expires(_: str, entry: tuple[str, float], now: float) -> float:
    """Tell cachetools when an entry ends."""
    return now + entry[1]


class MemoryStore:
    """For one process; a restart forgets."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.owners: TLRUCache[str, tuple[str, float]] = TLRUCache(REMEMBERED, expires, time.monotonic)
        # What is kept decides who is let in, so it never makes room for something newer.
        self.kept: TLRUCache[str, tuple[str, float]] = TLRUCache(math.inf, expires, time.monotonic)

    async def claim(self, key: str, owner: str, ttl: float) -> str:
        """See `Store`."""
        return self.owners.setdefault(key, (owner, ttl))[0]

    async def put(self, key: str, ttl: float) -> None:
        """See `Store`."""
        self.kept[key] = ("", ttl)

    async def has(self, key: str) -> bool:
        """See `Store`."""
        return key in self.kept

    async def close(self) -> None:
        """See `Store`."""


class RedisStore:
    """For replicas. What this process has learnt itself it knows also while Redis is away."""

    def __init__(self, url: str, prefix: str) -> None:
        """Connect at first use."""
        waits = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        # After a restart of Redis, the connections from before it are dead: a second try makes a new one.
        again = Retry(NoBackoff(), 1, supported_errors=(LostError,))
        self.redis: Redis = cast("Any", Redis).from_url(url, decode_responses=True, retry=again, **waits)
        self.prefix = prefix
        self.known = MemoryStore()
        self.absent: TLRUCache[str, tuple[str, float]] = TLRUCache(REMEMBERED, expires, time.monotonic)

    async def claim(self, key: str, owner: str, ttl: float) -> str:
        """Ask Redis once for a key. While it is away, this process decides: the session lives nowhere else."""
        if key in self.known.owners:
            return await self.known.claim(key, owner, ttl)
        try:
            held: Any = await self.redis.set(self.prefix + key, owner, nx=True, get=True, px=round(ttl * 1000))
        except RedisError:
            held = None
        return await self.known.claim(key, str(held or owner), ttl)

    async def put(self, key: str, ttl: float) -> None:
        """Keep it here in any case, and for the others if they can be told."""
        await self.known.put(key, ttl)
        try:
            await self.redis.set(self.prefix + key, "", px=round(ttl * 1000))
        except RedisError:
            log.warning("the store is away: only this process knows %s", key.partition(":")[0])

    async def has(self, key: str) -> bool:
        """Ask Redis. While it is away, what was not there the last time is not there; of the rest nobody can tell."""
        if await self.known.has(key):
            return True
        try:
            found = bool(await self.redis.exists(self.prefix + key))
        except RedisError as error:
            if key in self.absent:
                return False
            raise StoreDownError from error
        if found:
            self.absent.pop(key, None)
        else:
            self.absent[key] = ("", 86400)
        return found

    async def close(self) -> None:
        """See `Store`."""
        await self.redis.aclose()


def build_store(settings: ServerSettings) -> Store:
    """Build what `APP_STORE_URL` names."""
    url = settings.store_url.get_secret_value()
    return RedisStore(url, f"{settings.session_cookie}:") if url else MemoryStore()
