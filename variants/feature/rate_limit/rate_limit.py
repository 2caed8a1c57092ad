"""Feature `rate_limit`: how many events and uploads one visitor may start in a while."""

import logging
from typing import TYPE_CHECKING

from fastapi import FastAPI
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from server import gradio_adapter
from server.access.identity import GUEST, StoreDownError, current_user
from server.asked import asked
from server.counting import build_storage, limit_of, network_of, seconds_to_wait
from server.refusals import refused
from server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger("app.limits")

PARTS = 20
"""Uploads by which the page of an image editor sends its background and layers while somebody draws, at each click."""


class Limits:
    """Counts what each visitor starts, over any stretch of time as long as the limit's."""

    def __init__(self, settings: ServerSettings, *, in_parts: bool = False) -> None:
        """Read the limits; see `limit_of` for what may be wrong with them.

        Args:
            settings: The settings.
            in_parts: Whether one picture may come as `PARTS` uploads.

        """
        self.events = limit_of("APP_RATE_LIMIT", settings.rate_limit)
        self.uploads = limit_of("APP_RATE_LIMIT_UPLOADS", settings.rate_limit_uploads)
        self.uploads.amount *= PARTS if in_parts else 1
        storage = build_storage(settings.store_url.get_secret_value(), settings.rate_limit_prefix)
        self.shared = MovingWindowRateLimiter(storage)
        self.own = MovingWindowRateLimiter(MemoryStorage())

    async def wait(self, limit: RateLimitItem, *who: str) -> int:
        """Count once; give the seconds to wait if it is one too many, else 0."""
        try:
            return await seconds_to_wait(self.shared, limit, *who)
        except StoreDownError:  # A limit for each replica is better than none, and than no service.
            log.warning("the store is away: this process counts for itself")
            return await seconds_to_wait(self.own, limit, *who)


class RateLimit:
    """Stands behind the gate, which knows the user and the visitor's address."""

    def __init__(self, app: "ASGIApp", limits: Limits) -> None:
        """Stand in front of `app`."""
        self.app, self.limits = app, limits

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on, or answer 429 with the time to wait."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        wanted = asked(scope)
        if wanted.starts_event:
            wait = await self.limits.wait(self.limits.events, "event", who(scope))
        elif wanted.takes_files:
            wait = await self.limits.wait(self.limits.uploads, "upload", who(scope))
        else:
            wait = 0
        if not wait:
            await self.app(scope, receive, send)
            return
        text, headers = f"Too many requests. Wait {wait} seconds, then try again.", {"retry-after": str(wait)}
        await refused(scope, text, 429, headers)(scope, receive, send)


def who(scope: "Scope") -> str:
    """Name whoever is counted: a user, a program with a key, or, of guests, the address."""
    connection = HTTPConnection(scope)
    user = current_user(connection)
    return f"address:{network_of(connection)}" if user == GUEST else user.owner


def add_rate_limit(app: FastAPI, settings: ServerSettings) -> None:
    """Count from now on, behind whatever is added later."""
    in_parts = bool(gradio_adapter.pictures_of_editors(app.state.demo))
    app.add_middleware(RateLimit, limits=Limits(settings, in_parts=in_parts))
