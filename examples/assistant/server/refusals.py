"""How the gate says no, and how what Gradio cannot take becomes a sentence instead of a crash."""

import json
import logging
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from server import gradio_adapter
from server.asked import API, Kind, asked
from server.errors import unfit_value
from server.logs import refused_log, report

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MB = 1_000_000
QUOTAS = frozenset({413, 429, 503, 507})
"""How somebody is answered who wants more than a limit allows."""
STUMBLES = (AttributeError, AssertionError, LookupError, TypeError, ValueError)
"""What Gradio's routes raise over a body that they did not expect."""
WITH_BODY = frozenset({Kind.START, Kind.CONTROL, Kind.UPLOAD, Kind.COMPONENT, Kind.MEDIA})
OVER = "This is not there, or its answer was read already."


def refused(scope: "Scope", text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Say why not, in the form that reaches the visitor: the page shows `detail` of a refused event as it stands.

    Of a refused upload it shows the whole answer. A limit that was hit has a line in the log, and is counted.
    """
    if status in QUOTAS:
        report_refusal(scope, "quota", text)
    if scope["path"].startswith(API) and asked(scope).kind is not Kind.UPLOAD:
        return JSONResponse({"detail": text}, status, headers)
    return PlainTextResponse(text, status, headers)


def report_refusal(scope: "Scope", reason: str, text: str, name: str = "-") -> None:
    """Write a line that says who was refused and why, and count it.

    Args:
        scope: The request.
        reason: One of a few words, by which it is counted.
        text: What happened.
        name: Whom the visitor claims to be.

    """
    address = (scope.get("client") or ("-",))[0]
    facts = {"reason": reason, "visitor": name, "address": address, "problem": text}
    report(refused_log, logging.WARNING, "%(reason)s: %(visitor)r from %(address)s: %(problem)s", facts)


def too_large(scope: "Scope", limit: int) -> Response:
    """Answer 413 with the limit."""
    return refused(scope, f"This is larger than the limit of {limit / MB:g} MB.", 413)


def refuse_stumbles(app: "FastAPI") -> None:
    """Answer 400 where Gradio's routes stumble over a request; a handler of yours does not run in them."""

    async def answer(request: "Request", error: Exception) -> Response:
        if asked(request.scope).kind not in WITH_BODY:
            raise error
        report_refusal(request.scope, "unreadable", repr(error))
        return refused(request.scope, "This request cannot be read.", 400)

    for kind in STUMBLES:
        app.add_exception_handler(kind, answer)


class Sentences:
    """Stands around Gradio: whoever listens to nothing, or sends a value that is none, is told so."""

    def __init__(self, app: "ASGIApp", demo: "gr.Blocks") -> None:
        """Stand in front of `app`."""
        self.app, self.demo = app, demo

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            wanted = asked(scope)
            if (
                wanted.kind is Kind.ANSWER
                and scope["method"] == "GET"
                and wanted.ids
                and not self.is_heard(*wanted.ids)
            ):
                await self.nothing(scope)(scope, receive, send)
                return
            if wanted.kind is Kind.RUN:
                send = blaming(send)
        await self.app(scope, receive, send)

    def is_heard(self, *names: str) -> bool:
        """Tell whether there is something to listen to."""
        return any(gradio_adapter.is_heard(self.demo, name) for name in names)

    def nothing(self, scope: "Scope") -> Response:
        """Say that there is nothing to listen to; the page starts anew when it is told so in its own way."""
        if asked(scope).event:
            return refused(scope, OVER, 404)
        told = {"msg": "unexpected_error", "message": OVER, "session_not_found": True, "success": False}
        return StreamingResponse(iter([f"data: {json.dumps(told)}\n\n"]), media_type="text/event-stream")


def blaming(send: "Send") -> "Send":
    """Answer 422 where a value was to blame. Gradio answers 500 for any event without a queue that does not succeed."""

    async def blame(message: "Message") -> None:
        changed: dict[str, Any] = {"status": 422} if message.get("status") == 500 and unfit_value.get() else {}  # noqa: PLR2004
        await send({**message, **changed})

    return blame
