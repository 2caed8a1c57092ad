"""Structured logs, each line with the request and the session that caused it.

What is worth a line is often worth a count as well: whoever counts adds a function to `observers`.
"""

import hashlib
import json
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

from server.asked import Kind, asked
from server.gradio_adapter import request_of_event
from server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID_HEADER = "x-request-id"
request_id: ContextVar[str] = ContextVar("request_id", default="-")
access_log = logging.getLogger("app.access")

model_log = logging.getLogger("app.model")
refused_log = logging.getLogger("app.refused")
"""Failed sign-ins, limits that were hit, and requests that nobody can read."""

Observer = Callable[[str, Mapping[str, Any]], object]
"""Takes the name of a logger, and the facts of a line."""
observers: list[Observer] = []

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_PLAIN_RECORD = frozenset([*vars(logging.makeLogRecord({})), "message", "request_id", "session"])


def report(logger: logging.Logger, level: int, text: str, facts: Mapping[str, Any]) -> None:
    """Write a line about `facts`, and tell them to the observers, whatever the level of the logs is."""
    logger.log(level, text, facts, extra=facts)
    for observer in observers:
        observer(logger.name, facts)


def short(secret: str) -> str:
    """Give a name to what must not be in a log: a session's hash lets its holder act for the visitor."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def origin() -> dict[str, str]:
    """Tell the request and the session that the code works for, also where a queue worker runs an event later."""
    request = request_of_event()
    session = getattr(request, "session_hash", None)
    state = getattr(request, "state", None)
    return {
        "request_id": str(getattr(state, "request_id", request_id.get())),
        "session": short(session) if session else "-",
    }


@contextmanager
def model_time() -> Generator[None]:
    """Report how long the model works. It also ends where a stream is stopped."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds = round(time.perf_counter() - started, 4)
        report(model_log, logging.DEBUG, "the model worked for %(seconds)ss", {"seconds": seconds})


class AddOrigin(logging.Filter):
    """Puts the current request and session on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        vars(record).update(origin() | vars(record))
        return True


def plain(text: str) -> str:
    """Show a text as one line that no terminal takes for a command."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


class TextFormatter(logging.Formatter):
    """One line for a record, whatever a visitor's text in it holds; the lines of a trace below it are set in."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Format the line."""
        return plain(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802 (logging's name)
        """Format a trace: whatever an error's text holds, none of its lines looks like one of the log."""
        return "\n".join(f"  | {plain(line)}" for line in super().formatException(ei).split("\n"))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with whatever was passed as `extra=`."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", "-"),
            "session": getattr(record, "session", "-"),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN_RECORD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logs(settings: ServerSettings) -> None:
    """Send all logs to standard error, in the chosen format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(AddOrigin())
    text = TextFormatter("%(asctime)s %(levelname)-7s %(request_id)s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else text)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class RequestLog:
    """Outermost layer: gives each request an id, sends it back, and writes one line when the answer is complete."""

    def __init__(self, app: "ASGIApp") -> None:
        """Stand in front of `app`."""
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        current = given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(current)
        scope.setdefault("state", {})["request_id"] = current
        started, status = time.perf_counter(), 500

        async def send_with_id(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = current
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = round(time.perf_counter() - started, 4)
            wanted = asked(scope)
            level = logging.DEBUG if wanted.kind is Kind.PROBE else logging.INFO
            # The query is left out: it carries session ids.
            path = scope["path"].removesuffix(wanted.secret) + (short(wanted.secret) if wanted.secret else "")
            facts = {"method": scope["method"], "path": path, "status": status, "seconds": seconds}
            if wanted.session:
                facts["session"] = short(wanted.session)
            report(access_log, level, "%(method)s %(path)s %(status)s %(seconds)ss", facts)
            request_id.reset(token)
