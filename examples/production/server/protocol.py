"""HTTP/1.1 by httptools, which parses in C, with bounds of our own for requests and connections.

The parser bounds neither the length of a head nor the number of its lines, and takes a request that names two hosts.
Here a head of more than `MOST_HEAD` bytes or `MOST_LINES` lines is refused in whatever pieces it comes, and so is one
that names several hosts: the gate would believe one of them, and a proxy in front another. A request has a time in
which it has to be there whole, and an address only so many connections; how long an answer takes is not bounded.
"""

import asyncio
import json
from collections import Counter
from typing import Any, ClassVar, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.settings import ServerSettings

MOST_HEAD = 64_000
"""Bytes of the target and all header lines of a request, or of its trailers."""
MOST_LINES = 200
LARGE = "The head of this request is too large."
SLOWEST = 16_000
"""Bytes a second that a body has to come with, once its first seconds are over."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head that does not end, or that can be read in two ways: https://www.rfc-editor.org/rfc/rfc9112."""

    head = 0
    """Bytes of the current head that the parser has handed on."""
    unseen = 0
    """Bytes since the parser last came to an end of something: it keeps an unfinished line to itself."""

    settings: ClassVar[ServerSettings]
    trusted: ClassVar[Any]
    """Proxies, which bring the visitors of many addresses."""
    open: ClassVar[Counter[str]]
    """Connections by address."""
    address = ""
    """Under which this connection is counted."""
    coming = True
    """Whether a request has to come, or has begun and is not there whole."""
    body = -1
    """Bytes of the current body that have come; -1 as long as its head is not there."""
    since = 0.0
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say why not."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.open[self.address] += 1
        if len(self.connections) > self.settings.connections:
            self.refuse("503 Service Unavailable", "There are too many connections (APP_CONNECTIONS).")
        elif self.open[self.address] > self.settings.connections_per_address and self.address not in self.trusted:
            text = "There are too many connections from this address (APP_CONNECTIONS_PER_ADDRESS)."
            self.refuse("429 Too Many Requests", text)
        else:
            self.watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        self.let_go()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to another protocol, which tells nobody when it ends. The gate refuses it at once."""
        self.let_go()  # pragma: no cover (where a library for them is installed)
        super().handle_websocket_upgrade()  # pragma: no cover

    def let_go(self) -> None:
        """Count one connection less."""
        self.coming = False
        self.watch()
        self.open[self.address] -= 1
        if not self.open[self.address]:
            del self.open[self.address]

    def data_received(self, data: bytes) -> None:
        """Take what came; at most `MOST_HEAD` bytes may lead to nothing."""
        if self.transport.is_closing():  # Refused, and still sending.
            return  # pragma: no cover (a race)
        self.unseen += len(data)
        super().data_received(data)
        if self.unseen > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response(LARGE)
        self.coming = self.coming or self.unseen > 0
        if self.coming or self.timer is not None:
            self.watch()

    def watch(self) -> None:
        """Start the time of what has to come, or end it."""
        if self.timer is not None and not (self.coming and self.timer.when() <= self.deadline()):
            self.timer.cancel()  # All is there, or a body has less time than its head had.
            self.timer = None
        elif self.coming and self.timer is None:
            self.since = self.loop.time()
        if self.coming and self.timer is None and not self.transport.is_closing():
            self.timer = self.loop.call_at(self.deadline(), self.look)

    def deadline(self) -> float:
        """Tell until when the head or the body has to be there."""
        if self.body < 0:
            return self.since + self.settings.head_seconds
        return self.since + self.settings.body_seconds + self.body / SLOWEST

    def look(self) -> None:
        """Close the connection, unless more has come meanwhile, or it is the app that does not read on."""
        self.timer = None
        now = self.loop.time()
        if self.body >= 0 and self.flow.read_paused:
            self.since = now - self.body / SLOWEST
        if self.deadline() > now:
            self.timer = self.loop.call_at(self.deadline(), self.look)
        elif not self.transport.is_closing():  # pragma: no branch (a race)
            self.refuse("408 Request Timeout", "This request did not come in time.")

    def refuse(self, status: str, text: str) -> None:
        """Answer, if no answer has begun, and close."""
        cycle = cast("Any", self).cycle
        begun = cycle is not None and cycle.response_started and not cycle.response_complete
        if not begun and not self.pipeline:  # pragma: no branch (whether one has, is a race)
            body = json.dumps({"detail": text})
            head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(f"{head}connection: close\r\n\r\n{body}".encode())
        if cycle is not None:
            cycle.disconnected = True  # The app's own answer would come behind this one.
        self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.head, self.body, self.coming = 0, -1, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self.count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one line."""
        self.count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head. What is raised here and in `count` becomes a 400, and the connection is closed."""
        self.unseen = 0
        names = [name for name, _ in self.headers]
        hosts, may_have_none = names.count(b"host"), cast("Any", self.parser).get_http_version() == "1.0"
        if hosts > 1 or (hosts == 0 and not may_have_none):
            raise ValueError("not exactly one host")
        self.body, self.since = 0, self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self.unseen = 0
        self.body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self.unseen, self.coming = 0, False
        super().on_message_complete()

    def count(self, size: int) -> None:
        """Count a piece of the head.

        Raises:
            ValueError: if it has become too large.

        """
        self.head += size
        if self.head > MOST_HEAD or len(self.headers) >= MOST_LINES:
            raise ValueError(LARGE)


def bounded(settings: ServerSettings) -> type[BoundedProtocol]:
    """Make the protocol of one server; its connections are counted together."""
    trusted = ProxyHeadersMiddleware(cast("Any", None), trusted_hosts=settings.trusted_proxies).trusted_hosts
    return type("Protocol", (BoundedProtocol,), {"settings": settings, "trusted": trusted, "open": Counter()})
