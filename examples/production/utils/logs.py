"""Structured logs, each line with the id of the request that caused it."""

import json
import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from utils.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID_HEADER = "x-request-id"
request_id: ContextVar[str] = ContextVar("request_id", default="-")
access_log = logging.getLogger("app.access")

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_PLAIN_RECORD = frozenset([*vars(logging.makeLogRecord({})), "message", "request_id"])
_QUIET = {"/healthz", "/readyz"}


class AddRequestId(logging.Filter):
    """Puts the current request's id on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        if not hasattr(record, "request_id"):
            record.request_id = request_id.get()
        return True


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
        }
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN_RECORD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logs(settings: Settings) -> None:
    """Send all logs to standard error, in the chosen format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(AddRequestId())
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(request_id)s %(name)s: %(message)s", "%H:%M:%S")
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
            # The query is left out: it carries session ids.
            seconds = round(time.perf_counter() - started, 4)
            level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
            facts = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": seconds}
            access_log.log(level, "%(method)s %(path)s %(status)s %(seconds)ss", facts, extra=facts)
            request_id.reset(token)
