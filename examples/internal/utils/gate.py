"""The one gate in front of every route: what is not on the list is closed.

Pure ASGI and not `BaseHTTPMiddleware`, which holds event streams back. From the outside in: security headers, peer and
host, cross-site check, list of open paths, size of the body.
"""

import asyncio
import json
import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import gradio as gr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from utils.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("app.gate")

PROBES = frozenset({"/healthz", "/readyz"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MB = 1_000_000
UPLOAD_OVERHEAD = MB
"""Room for the multipart frame, so that Gradio's own message about a file that is too large comes first."""

# What Gradio's page and its clients ask for. Everything else that Gradio serves stays closed: monitoring, run history,
# schema pages, direct calls past the queue, deep links, proxying, reload.
GRADIO_PATHS = re.compile(
    r"/|/config/?|/(gradio_api/)?theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json"
    r"|/(assets|static|svelte)/.+"
    r"|/gradio_api/(info/?|upload|upload_progress|cancel|reset/?|component_server/?|queue/(join|data))"
    r"|/gradio_api/(run/predict|call/(v2/)?[^/]+(/[^/]+)?|heartbeat/[^/]+|file=.+|custom_component/.+|stream/.+)"
)
STARTS_EVENT = re.compile(r"/gradio_api/(queue/join|run/predict|call/(v2/)?(?P<name>[^/]+))")
TAKES_FILES = re.compile(r"/gradio_api/(upload|component_server/?)")
KEEPS_OPEN = re.compile(r"/gradio_api/heartbeat/.+")


def security_headers(settings: Settings) -> dict[str, str]:
    """Headers for every answer. The policy admits this site only; Gradio's page needs inline scripts and styles."""
    ancestors = " ".join(settings.frame_ancestors) or "'none'"
    scripts = "'self' 'unsafe-inline' 'unsafe-eval'" if settings.allow_eval else "'self' 'unsafe-inline'"
    policy = (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob: data:; font-src 'self' data:; connect-src 'self'; "
        f"worker-src 'self' blob:; frame-ancestors {ancestors}; base-uri 'self'; form-action 'self'; object-src 'none'"
    )
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    return headers if settings.frame_ancestors else headers | {"x-frame-options": "DENY"}


class Work:
    """Counts the requests under way, so that a stopping server knows when the last answer is out."""

    def __init__(self) -> None:
        """Start with nothing under way."""
        self.open = 0
        self.finished = 0
        self.stopping = False
        self.release_tabs = asyncio.Event()


class Gate:
    """Default deny. `extra_paths` are exact paths of routes that you added yourself."""

    def __init__(
        self, app: "ASGIApp", settings: Settings, work: Work, demo: gr.Blocks, extra_paths: Iterable[str] = ()
    ) -> None:
        """Stand in front of `app`, which serves `demo`."""
        self.app = app
        self.settings = settings
        self.work = work
        self.demo = demo
        self.headers = [(name.encode(), value.encode()) for name, value in security_headers(settings).items()]
        self.headers_https = [*self.headers, (b"strict-transport-security", b"max-age=31536000")]
        self.open_paths = PROBES | set(extra_paths)
        self.proxied = ProxyHeadersMiddleware(cast("Any", self.check), trusted_hosts=settings.trusted_proxies)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":  # Gradio has none; closing before accepting answers 403.
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name for name, _ in given}
                ours = self.headers_https if scope["scheme"] == "https" else self.headers
                message["headers"] = given + [pair for pair in ours if pair[0] not in names]
            await send(message)

        peer = (scope.get("client") or ("", 0))[0]
        if peer in self.proxied.trusted_hosts:
            await self.proxied(cast("Any", scope), cast("Any", receive), cast("Any", send_with_headers))
        else:  # Gradio builds links from forwarded headers, whoever sent them.
            headers = [pair for pair in scope["headers"] if not pair[0].startswith((b"x-forwarded-", b"forwarded"))]
            await self.check({**scope, "headers": headers}, receive, send_with_headers)

    async def check(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Refuse, or let through and count."""
        refusal = self.refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif scope["path"] in PROBES:
            await self.app(scope, receive, send)
        elif KEEPS_OPEN.fullmatch(scope["path"]):
            await self.app(scope, self.until_released(receive), send)
        else:
            self.work.open += 1
            try:
                await self.check_body(scope, receive, send)
            finally:
                self.work.open -= 1
                self.work.finished += 1

    def until_released(self, receive: "Receive") -> "Receive":
        """Let a tab's standing connection end as if the visitor had left when the server is about to close."""

        async def receive_or_leave() -> "Message":
            leave = asyncio.ensure_future(self.work.release_tabs.wait())
            hear = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({leave, hear}, return_when=asyncio.FIRST_COMPLETED)
                return hear.result() if hear.done() else {"type": "http.disconnect"}
            finally:
                leave.cancel()
                hear.cancel()

        return receive_or_leave

    def refusal(self, scope: "Scope") -> Response | None:
        """Decide by the head of the request alone."""
        path, headers = scope["path"], Headers(scope=scope)
        if path in PROBES:  # Asked for by address, from inside.
            return None
        if path not in self.open_paths and not GRADIO_PATHS.fullmatch(path) and path[1:] not in self.pages():
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
        """Bound the body, whatever its header says, and turn new work away while the server stops."""
        takes_files = TAKES_FILES.fullmatch(scope["path"]) is not None
        limit = self.settings.max_request_kb * 1000
        if takes_files:
            limit = self.settings.max_upload_mb * MB + UPLOAD_OVERHEAD
        size = Headers(scope=scope).get("content-length", "0")
        if not size.isdecimal() or int(size) > limit:
            await too_large(limit)(scope, receive, send)
        elif takes_files:
            await self.stream_body(scope, receive, send, limit)
        elif scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
        else:
            await self.buffer_body(scope, receive, send, limit)

    async def buffer_body(self, scope: "Scope", receive: "Receive", send: "Send", limit: int) -> None:
        """Read a small body whole before anything else sees it."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                await too_large(limit)(scope, receive, send)
                return
        if self.work.stopping and STARTS_EVENT.fullmatch(scope["path"]) and not self.continues_chain(body):
            detail = {"detail": "The server is restarting. Try again in a moment."}
            await JSONResponse(detail, 503, {"retry-after": "5"})(scope, receive, send)
            return
        replayed: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> "Message":
            return replayed.pop() if replayed else await receive()

        await self.app(scope, replay, send)

    def continues_chain(self, body: bytes) -> bool:
        """Tell whether the event follows another (`.then`, `.success`): its user waits for an answer already."""
        try:
            function = self.demo.fns[json.loads(body)["fn_index"]]
        except (ValueError, KeyError, TypeError):
            return False
        return function.trigger_after is not None

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
