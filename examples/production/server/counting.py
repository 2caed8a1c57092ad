"""How often somebody may do something: limits, the place where it is counted, and who is counted."""

import ipaddress
import math
import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import RateLimiter
from limits.errors import StorageError
from starlette.requests import HTTPConnection

from server.access.identity import StoreDownError

REDIS_SECONDS = 1
"""How long Redis may take. One that is down must not hold up every request for longer."""


def limit_of(variable: str, text: str) -> RateLimitItem:
    """Read a limit such as `10 per 5 minute`.

    Raises:
        SystemExit: one line that says how to write it.

    """
    try:
        return parse(text)
    except ValueError:
        raise SystemExit(f"{variable}: {text!r} is no limit. Write it like this: 10 per 5 minute") from None


def build_storage(url: str, prefix: str) -> MemoryStorage | RedisStorage:
    """Count in the Redis that replicas share, or, where `url` is empty, in this process."""
    if not url:
        return MemoryStorage()
    waits = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return RedisStorage(f"async+{url}", wrap_exceptions=True, implementation="redispy", key_prefix=prefix, **waits)


async def seconds_to_wait(limiter: RateLimiter, limit: RateLimitItem, *who: str) -> int:
    """Count once; give the seconds to wait if it is one too many, else 0.

    Raises:
        StoreDownError: if nobody can count.

    """
    try:
        if await limiter.hit(limit, *who):
            return 0
        window = await limiter.get_window_stats(limit, *who)
    except StorageError as error:
        raise StoreDownError from error
    return max(1, math.ceil(window.reset_time - time.time()))


def network_of(connection: HTTPConnection) -> str:
    """Give the visitor's address; of IPv6 the /64, because one visitor owns all of it."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((host, 64), strict=False))  # noqa: PLR2004
