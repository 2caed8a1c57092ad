"""The one gate in front of every route: what is not on the list is closed.

Pure ASGI and not `BaseHTTPMiddleware`, which holds event streams back. From the outside in: security headers, peer,
list of open paths, host, cross-site check, who asks, size of the body, whose things the request names.
"""

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server import bodies, gradio_adapter
from server.access.base import Access
from server.access.identity import StoreDownError, cannot_check, try_again
from server.asked import SAFE_METHODS, Kind, asked, header, is_preflight
from server.caching import CACHE_CONTROL, Caching
from server.refusals import refused, too_large
from server.routes import OwnRoutes
from server.security import Security
from server.settings import ASSETS, ServerSettings
from server.work import Held, Work, most_of_body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("app.gate")

NOT_YOURS = "This belongs to somebody else."


class Gate:
    """Default deny. Open are the paths that Gradio's page and its clients ask for, and routes of your own."""

    def __init__(  # noqa: PLR0913 (what it stands between)
        self,
        app: "ASGIApp",
        *,
        settings: ServerSettings,
        work: Work,
        access: Access,
        own: OwnRoutes,
        security: Security,
    ) -> None:
        """Stand in front of `app`, let in whom `access` knows, and put the headers of `security` on each answer."""
        self.app, self.settings, self.work, self.access, self.own = app, settings, work, access, own
        self.security = security
        self.events, self.pages = gradio_adapter.public_events(work.demo), gradio_adapter.page_names(work.demo)
        self.slashed = frozenset(f"/{name}/" for name in self.pages if name)
        self.caching = Caching([ASSETS, *settings.public_folders], personal=access.known_only)
        self.proxied = ProxyHeadersMiddleware(cast("Any", self.check), trusted_hosts=settings.trusted_proxies)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":  # Gradio has none; closing before accepting answers 403.
            await send({"type": "websocket.close", "code": 1008})
            return

        wanted = asked(scope)
        is_public_file = wanted.kind is Kind.FILE and self.caching.is_public(*wanted.files)
        has_key = any(name == b"authorization" for name, _ in scope["headers"])
        caching = self.caching.header(wanted, is_public_file=is_public_file, has_key=has_key)

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                given = [pair for pair in message.get("headers", ()) if not (caching and pair[0] == CACHE_CONTROL)]
                names = {name for name, _ in given}
                security = self.security.of(scope["path"], scope["scheme"], given, is_public_file=is_public_file)
                ours = [*security, *caching]
                message["headers"] = given + [pair for pair in ours if pair[0] not in names]
            await send(message)

        peer = (scope.get("client") or ("", 0))[0]
        # Behind a trusted proxy the address becomes the visitor's; who is really connected is kept for the access.
        scope.setdefault("state", {})["peer"] = peer
        if peer in self.proxied.trusted_hosts:
            await self.proxied(cast("Any", scope), cast("Any", receive), cast("Any", send_with_headers))
        else:  # Gradio builds links from forwarded headers, whoever sent them.
            headers = [pair for pair in scope["headers"] if not pair[0].startswith((b"x-forwarded-", b"forwarded"))]
            await self.check({**scope, "headers": headers}, receive, send_with_headers)

    async def check(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Refuse, or let through and count."""
        wanted = asked(scope)
        if wanted.kind is Kind.PROBE:  # Asked for by address, from inside.
            await self.app(scope, receive, send)
            return
        try:
            answer = self.refusal(scope) or await self.stranger(scope) or self.elsewhere(scope)
            if answer is not None:
                await answer(scope, receive, send)
            elif wanted.kind is Kind.TAB:
                await self.app(scope, self.work.until_released(receive), send)
            else:
                with self.work:
                    await self.check_body(scope, receive, self.access.watch(scope, send))
        except bodies.UnreadableError as error:
            await refused(scope, str(error), error.status)(scope, receive, send)
        except StoreDownError:
            await cannot_check()(scope, receive, send)

    def refusal(self, scope: "Scope") -> Response | None:
        """Decide by the head of the request alone."""
        wanted = asked(scope)
        if (wanted.kind is Kind.LINK or wanted.links) and not self.settings.deep_links:
            return refused(scope, "Not found", 404)
        named = wanted.kind is not Kind.CLOSED or self.is_page(scope) or self.is_public(scope)
        if not named and self.own.find(scope["method"], scope["path"], preflight=is_preflight(scope)) is None:
            return refused(scope, "Not found", 404)
        host = header(scope, b"x-forwarded-host") or header(scope, b"host")
        if not is_named(host, tuple(self.settings.allowed_hosts)):
            log.warning("refused the host %r: add it to APP_ALLOWED_HOSTS if it is yours", host)
            return refused(scope, "This host name is not served here. See APP_ALLOWED_HOSTS.", 400)
        if scope["method"] not in SAFE_METHODS and self.is_cross_site(scope, host):
            return refused(scope, "Requests from other sites are refused. See APP_CORS_ORIGINS.", 403)
        starts = wanted.kind is Kind.START and scope["method"] == "POST" and wanted.event
        if starts and wanted.event not in self.events:
            return refused(scope, f"There is no event {wanted.event!r} here.", 404)
        return None

    async def stranger(self, scope: "Scope") -> Response | None:
        """Turn away whom nobody knows and who wants what belongs to another. Calls from within bring their user."""
        if self.is_public(scope) or is_preflight(scope):  # The latter never get further than CORS.
            return None
        connection = HTTPConnection(scope)
        user = scope["state"].get("user") or await self.access.identify(connection)
        if user is None or (self.is_page(scope) and user.source == "key"):
            return self.access.challenge(connection, user)
        scope["state"]["user"] = user
        wanted = asked(scope)
        owned = await self.access.owns(user, wanted.ids, wanted.files, wanted.links)
        return None if owned else refused(scope, NOT_YOURS, 403)

    def is_public(self, scope: "Scope") -> bool:
        """Tell whether this leads to becoming known and is part of its looks, or is a route of your own for anyone."""
        method, path = scope["method"], scope["path"]
        if method in SAFE_METHODS and asked(scope).kind is Kind.FONT:
            return True
        route = self.own.find(method, path) if asked(scope).kind is Kind.CLOSED else None
        return f"{method} {path}" in self.access.public or (route is not None and route.is_public)

    def is_page(self, scope: "Scope") -> bool:
        """Tell whether this is the page, or another one of an app with several."""
        return scope["method"] != "OPTIONS" and (scope["path"][1:] in self.pages or scope["path"] in self.slashed)

    def elsewhere(self, scope: "Scope") -> Response | None:
        """Lead from `/second/` to `/second`. Gradio's own way there loses the query, and the path at a proxy."""
        if scope["path"] not in self.slashed:
            return None
        query = scope["query_string"].decode("latin-1")
        return RedirectResponse(self.access.base + scope["path"][:-1] + (query and f"?{query}"), 308)

    def is_cross_site(self, scope: "Scope", host: str) -> bool:
        """Tell whether a page of another site sent this. Programs send neither header."""
        origin = header(scope, b"origin")
        if origin in self.settings.cors_origins:
            return False
        if site := header(scope, b"sec-fetch-site"):
            return site not in {"same-origin", "none"}
        return bool(origin) and urlsplit(origin).netloc != host

    async def check_body(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Bound the body, whatever its header says."""
        wanted, limit = asked(scope), most_of_body(scope, self.settings)
        size = header(scope, b"content-length") or "0"
        if not size.isdecimal() or int(size) > limit:
            await too_large(scope, limit)(scope, receive, send)
        elif scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
        elif wanted.kind is Kind.UPLOAD:
            await self.stream_upload(scope, receive, send, limit)
        else:
            await self.buffer_body(scope, receive, send, limit)

    async def buffer_body(self, scope: "Scope", receive: "Receive", send: "Send", limit: int) -> None:
        """Read a small body whole before anything else sees it; turn new work away while the server stops."""
        body, more = bytearray(), True
        with Held(self.work.bounded.memory, scope) as held:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                more = message.get("more_body", False)
                refusal = too_large(scope, limit) if len(body) > limit else held.grow(len(body), more=more)
                if refusal is not None:
                    await refusal(scope, receive, send)
                    return
            whole = bytes(body)
            if (refusal := await self.refusal_of_body(scope, whole)) is not None:
                await refusal(scope, receive, send)
                return
            replayed: list[Message] = [{"type": "http.request", "body": whole, "more_body": False}]

            async def replay() -> "Message":
                return replayed.pop() if replayed else await receive()

            await self.app(scope, replay, send)

    async def refusal_of_body(self, scope: "Scope", body: bytes) -> Response | None:
        """Decide by what the request holds."""
        wanted, user = asked(scope), scope["state"].get("user")
        if wanted.kind is Kind.CLOSED:  # A route of your own, whose bodies may be of any form.
            return None
        holds = scope["state"]["body"] = await bodies.read(scope, body) if body else bodies.Body()
        if self.work.stopping and wanted.starts_event and not self.work.continues_chain(holds.fields):
            return try_again("The server is restarting.")
        if user is not None and not await self.access.owns(user, holds.ids, holds.files):
            return refused(scope, NOT_YOURS, 403)
        bodies.fit(self.work.demo, wanted, holds)
        return None

    async def stream_upload(self, scope: "Scope", receive: "Receive", send: "Send", limit: int) -> None:
        """Pass an upload on and cut it off at the limit."""
        bodies.is_form(scope)
        received, over = 0, False

        async def counted() -> "Message":
            nonlocal received, over
            message = await receive()
            received += len(message.get("body", b""))
            if received <= limit or over:
                return message
            over = True
            await too_large(scope, limit)(scope, receive, send)
            return {"type": "http.disconnect"}

        async def send_unless_refused(message: "Message") -> None:
            if not over:
                await send(message)

        try:
            await self.app(scope, counted, send_unless_refused)
        except Exception:
            if not over:
                raise


@lru_cache(maxsize=100)  # The same few come with every request.
def is_named(host: str, allowed: tuple[str, ...]) -> bool:
    """Compare a host with names such as `*`, `*.example.com` and `localhost`, without the port."""
    name = re.sub(r":\d+$", "", host).lower()
    return any(one in {"*", name} or (one.startswith("*.") and name.endswith(one[1:])) for one in allowed)
