"""How often somebody may try to sign in."""

import ipaddress
import math
import time
from contextlib import suppress

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from starlette.requests import HTTPConnection

from utils.identity import StoreDownError
from utils.settings import Settings


def limit_of(variable: str, text: str) -> RateLimitItem:
    """Read a limit such as `10 per 5 minute`.

    Raises:
        SystemExit: one line that says how to write it.

    """
    try:
        return parse(text)
    except ValueError:
        raise SystemExit(f"{variable}: {text!r} is no limit. Write it like this: 10 per 5 minute") from None


class Throttle:
    """Counts tries, for a name from an address and for an address, so that guessing takes for ever."""

    def __init__(self, settings: Settings) -> None:
        """Count in the store that replicas share, or in this process; see `limit_of`."""
        url, prefix = settings.store_url.get_secret_value(), f"{settings.session_cookie}:tries"
        storage = (
            RedisStorage(f"async+{url}", wrap_exceptions=True, implementation="redispy", key_prefix=prefix)
            if url
            else MemoryStorage()
        )
        self.limiter = FixedWindowRateLimiter(storage)
        self.for_name = limit_of("APP_LOGIN_LIMIT", settings.login_limit)
        self.for_address = limit_of("APP_LOGIN_LIMIT_ADDRESS", settings.login_limit_address)

    async def try_once(self, address: str, name: str) -> int:
        """Count a try; give the seconds to wait if it is one too many, else 0.

        Raises:
            StoreDownError: if nobody can count.

        """
        checks = [(self.for_address, (address,)), (self.for_name, (address, name.casefold()))]
        try:
            for limit, who in checks:
                if not await self.limiter.hit(limit, *who):
                    window = await self.limiter.get_window_stats(limit, *who)
                    return max(1, math.ceil(window.reset_time - time.time()))
        except StorageError as error:
            raise StoreDownError from error
        return 0

    async def forget(self, address: str, name: str) -> None:
        """Start anew for a name that has signed in from an address."""
        with suppress(StorageError):
            await self.limiter.clear(self.for_name, address, name.casefold())


def network_of(connection: HTTPConnection) -> str:
    """Give the visitor's address; of IPv6 the /64, because one visitor owns all of it."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((host, 64), strict=False))  # noqa: PLR2004
