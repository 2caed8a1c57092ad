"""HTTP/1.1 by httptools, which parses in C, with bounds of our own for the head of a request.

The parser bounds neither the length of a head nor the number of its lines, and takes a request that names two hosts.
Here a head of more than `MOST_HEAD` bytes or `MOST_LINES` lines is refused in whatever pieces it comes, and so is one
that names several hosts: the gate would believe one of them, and a proxy in front another.
"""

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 64_000
"""Bytes of the target and all header lines of a request, or of its trailers."""
MOST_LINES = 200
LARGE = "The head of this request is too large."


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head that does not end, or that can be read in two ways: https://www.rfc-editor.org/rfc/rfc9112."""

    head = 0
    """Bytes of the current head that the parser has handed on."""
    unseen = 0
    """Bytes since the parser last came to an end of something: it keeps an unfinished line to itself."""

    def data_received(self, data: bytes) -> None:
        """Take what came; at most `MOST_HEAD` bytes may lead to nothing."""
        self.unseen += len(data)
        super().data_received(data)
        if self.unseen > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response(LARGE)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.head = 0
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
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self.unseen = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self.unseen = 0
        super().on_message_complete()

    def count(self, size: int) -> None:
        """Count a piece of the head.

        Raises:
            ValueError: if it has become too large.

        """
        self.head += size
        if self.head > MOST_HEAD or len(self.headers) >= MOST_LINES:
            raise ValueError(LARGE)
