"""The one gate in front of every route: what is not on the list is closed.

Pure ASGI and not `BaseHTTPMiddleware`, which holds event streams back. From the outside in: security headers, peer,
list of open paths, host, cross-site check, who asks, size of the body, whose things the request names.
"""

import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from utils.identity import Access, StoreDownError, cannot_check, try_again
from utils.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from utils.server import Work

log = logging.getLogger("app.gate")

PROBES = frozenset({"/healthz", "/readyz"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NO_STORE = (b"cache-control", b"no-store")
MB = 1_000_000
UPLOAD_OVERHEAD = MB  # for the multipart frame, so that Gradio's own message about a large file comes first

# What Gradio's page and its clients ask for. The rest that Gradio serves stays closed: monitoring, history, schemas.
GRADIO_PATHS = re.compile(
    r"/|/config/?|/(gradio_api/)?theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json"
    r"|/(assets|static|svelte)/.+"
    r"|/gradio_api/(info/?|upload|upload_progress|cancel|reset/?|component_server/?|queue/(join|data))"
    r"|/gradio_api/(run/predict|call/(v2/)?[^/]+(/[^/]+)?|heartbeat/[^/]+|file=.+|custom_component/.+|stream/.+)"
)
STARTS_EVENT = re.compile(r"/gradio_api/(queue/join|run/predict|call/(v2/)?(?P<name>[^/]+))")
UPLOAD = "/gradio_api/upload"
TAKES_FILES = re.compile(UPLOAD + r"|/gradio_api/component_server/?")
NOT_YOURS = PlainTextResponse("This belongs to somebody else.", 403)
KEEPS_OPEN = re.compile(r"/gradio_api/heartbeat/.+")
SAME_FOR_ALL = re.compile(r"/(assets|static|svelte)/.+|/(gradio_api/)?theme\.css|/favicon\.ico|/robots\.txt")


class Gate:
    """Default deny. `extra_paths` are exact paths of routes that you added yourself."""

    def __init__(  # noqa: PLR0913 (what it stands between)
        self,
        app: "ASGIApp",
        *,
        settings: Settings,
        work: "Work",
        access: Access,
        headers: dict[str, str],
        extra_paths: Iterable[str] = (),
    ) -> None:
        """Stand in front of `app`, let in whom `access` knows, and put `headers` on each answer."""
        self.app, self.settings, self.work, self.demo, self.access = app, settings, work, work.demo, access
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.headers_https = [*self.headers, (b"strict-transport-security", b"max-age=31536000")]
        self.extra_paths = frozenset(extra_paths)
        self.proxied = ProxyHeadersMiddleware(cast("Any", self.check), trusted_hosts=settings.trusted_proxies)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":  # Gradio has none; closing before accepting answers 403.
            await send({"type": "websocket.close", "code": 1008})
            return

        personal = self.access.known_only and not SAME_FOR_ALL.fullmatch(scope["path"])

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                given = [pair for pair in message.get("headers", ()) if not (personal and pair[0] == NO_STORE[0])]
                names = {name for name, _ in given}
                ours = self.headers_https if scope["scheme"] == "https" else self.headers
                ours = [*ours, NO_STORE] if personal else ours
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
        if scope["path"] in PROBES:  # Asked for by address, from inside.
            await self.app(scope, receive, send)
            return
        try:
            refusal = self.refusal(scope) or await self.stranger(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
            elif KEEPS_OPEN.fullmatch(scope["path"]):
                await self.app(scope, self.work.until_released(receive), send)
            else:
                with self.work:
                    await self.check_body(scope, receive, self.access.watch(scope, send))
        except StoreDownError:
            await cannot_check()(scope, receive, send)

    def refusal(self, scope: "Scope") -> Response | None:
        """Decide by the head of the request alone."""
        path, headers = scope["path"], Headers(scope=scope)
        named = path in self.extra_paths or self.is_public(scope) or path[1:] in self.pages()
        if not named and not GRADIO_PATHS.fullmatch(path):
            return PlainTextResponse("Not found", 404)
        host = headers.get("x-forwarded-host", headers.get("host", ""))
        if not self.knows_host(host):
            log.warning("refused the host %r: add it to APP_ALLOWED_HOSTS if it is yours", host)
            return PlainTextResponse("This host name is not served here. See APP_ALLOWED_HOSTS.", 400)
        if scope["method"] not in SAFE_METHODS and self.is_cross_site(headers, host):
            return PlainTextResponse("Requests from other sites are refused. See APP_CORS_ORIGINS.", 403)
        event = STARTS_EVENT.fullmatch(path)
        if event and scope["method"] == "POST" and event["name"] and event["name"] not in self.public_events():
            return JSONResponse({"detail": f"There is no event {event['name']!r} here."}, 404)
        return None

    async def stranger(self, scope: "Scope") -> Response | None:
        """Turn away whom nobody knows and who wants what belongs to another. Calls from within bring their user."""
        is_preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope)
        if self.is_public(scope) or is_preflight:  # The latter never get further than CORS.
            return None
        connection = HTTPConnection(scope)
        user = scope["state"].get("user") or await self.access.identify(connection)
        is_page = scope["path"][1:] in self.pages()
        if user is None or (is_page and user.source == "key"):
            return self.access.challenge(connection, user)
        scope["state"]["user"] = user
        return None if await self.access.owns(user, scope) else NOT_YOURS

    def is_public(self, scope: "Scope") -> bool:
        """Tell whether this leads to becoming known."""
        return f"{scope['method']} {scope['path']}" in self.access.public

    def public_events(self) -> set[str]:
        """Name the events that programs may call."""
        return {str(fn.api_name) for fn in self.demo.fns.values() if fn.api_visibility != "private"}

    def pages(self) -> set[str]:
        """Name the pages of a multipage app."""
        return {name for name, *_ in self.demo.pages}

    def knows_host(self, host: str) -> bool:
        """Compare with the allowed names, without the port."""
        name = re.sub(r":\d+$", "", host).lower()
        return any(
            allowed in {"*", name} or (allowed.startswith("*.") and name.endswith(allowed[1:]))
            for allowed in self.settings.allowed_hosts
        )

    def is_cross_site(self, headers: Headers, host: str) -> bool:
        """Tell whether a page of another site sent this. Programs send neither header."""
        origin = headers.get("origin")
        if origin in self.settings.cors_origins:
            return False
        if (site := headers.get("sec-fetch-site")) is not None:
            return site not in {"same-origin", "none"}
        return origin is not None and urlsplit(origin).netloc != host

    async def check_body(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Bound the body, whatever its header says."""
        takes_files = TAKES_FILES.fullmatch(scope["path"]) is not None
        limit = self.settings.max_request_kb * 1000
        if takes_files:
            limit = self.settings.max_upload_mb * MB + UPLOAD_OVERHEAD
        size = Headers(scope=scope).get("content-length", "0")
        if not size.isdecimal() or int(size) > limit:
            await too_large(limit)(scope, receive, send)
        elif takes_files and (scope["path"] == UPLOAD or not self.access.known_only):
            await self.stream_body(scope, receive, send, limit)
        elif scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
        else:
            await self.buffer_body(scope, receive, send, limit)

    async def buffer_body(self, scope: "Scope", receive: "Receive", send: "Send", limit: int) -> None:
        """Read a small body whole before anything else sees it; turn new work away while the server stops."""
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                await too_large(limit)(scope, receive, send)
                return
        refusal = await self.refusal_of_body(scope, bytes(body))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        replayed: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> "Message":
            return replayed.pop() if replayed else await receive()

        await self.app(scope, replay, send)

    async def refusal_of_body(self, scope: "Scope", body: bytes) -> Response | None:
        """Decide by what the request holds."""
        if self.work.stopping and STARTS_EVENT.fullmatch(scope["path"]) and not self.work.continues_chain(body):
            return try_again("The server is restarting.")
        user = scope["state"].get("user")
        if user is None or not body or await self.access.owns(user, scope, body):
            return None
        return NOT_YOURS

    async def stream_body(self, scope: "Scope", receive: "Receive", send: "Send", limit: int) -> None:
        """Pass a large body on and cut it off at the limit."""
        received, refused = 0, False

        async def counted() -> "Message":
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received <= limit or refused:
                return message
            refused = True
            await too_large(limit)(scope, receive, send)
            return {"type": "http.disconnect"}

        async def send_unless_refused(message: "Message") -> None:
            if not refused:
                await send(message)

        try:
            await self.app(scope, counted, send_unless_refused)
        except Exception:
            if not refused:
                raise


def too_large(limit: int) -> PlainTextResponse:
    """Answer 413 with the limit."""
    return PlainTextResponse(f"This is larger than the limit of {limit / MB:g} MB.", 413)
