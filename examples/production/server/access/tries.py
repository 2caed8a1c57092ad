"""How often somebody may try to sign in."""

from contextlib import suppress

from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError

from server.counting import build_storage, limit_of, seconds_to_wait
from server.settings import ServerSettings


class Throttle:
    """Counts tries, for a name from an address and for an address, so that guessing takes for ever."""

    def __init__(self, settings: ServerSettings) -> None:
        """Count in the store that replicas share, or in this process; see `limit_of`."""
        url, prefix = settings.store_url.get_secret_value(), f"{settings.session_cookie}:tries"
        self.limiter = FixedWindowRateLimiter(build_storage(url, prefix))
        self.for_name = limit_of("APP_LOGIN_LIMIT", settings.login_limit)
        self.for_address = limit_of("APP_LOGIN_LIMIT_ADDRESS", settings.login_limit_address)

    async def try_once(self, address: str, name: str) -> int:
        """Count a try; give the seconds to wait if it is one too many, else 0.

        Raises:
            StoreDownError: if nobody can count.

        """
        wait = await seconds_to_wait(self.limiter, self.for_address, address)
        return wait or await seconds_to_wait(self.limiter, self.for_name, address, name.casefold())

    async def forget(self, address: str, name: str) -> None:
        """Start anew for a name that has signed in from an address."""
        with suppress(StorageError):
            await self.limiter.clear(self.for_name, address, name.casefold())
