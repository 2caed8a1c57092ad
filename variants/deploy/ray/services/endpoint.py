"""The endpoint of the model: who may ask, how large a question may be, and what is said when no answer comes.

It stands in front of the model where that runs in processes of its own, behind Ray Serve. The page is its client.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS = {"/healthz"}
RETRY_SECONDS = 1


@dataclass(frozen=True)
class EndpointOptions:
    """What the endpoint is called, and what it holds callers to."""

    title: str
    key: str = ""
    """What callers send as `Authorization: Bearer ...`; empty lets everyone in."""
    request_kb: int = 16_384
    """Size of the largest body."""


class NoAnswerError(Exception):
    """Asking again later may help: the request was not begun, or may be repeated."""

    code = "unavailable"
    message = "The model is restarting."


class QueueFullError(NoAnswerError):
    """As many wait for the model already as may wait."""

    code = "queue_full"
    message = "Queue is full. Try again in a moment."


def problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Answer in the form that clients of OpenAI-compatible servers read."""
    return JSONResponse({"error": {"message": message, "type": code, "code": code}}, status, headers)


def try_again(_: Request, error: Exception) -> JSONResponse:
    """Answer 503 and say when to come back."""
    kind = error if isinstance(error, NoAnswerError) else NoAnswerError()
    return problem(503, kind.code, kind.message, {"retry-after": str(RETRY_SECONDS)})


def explain(_: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with the first bad value. FastAPI would send all of them back, which may be megabytes."""
    first = cast("RequestValidationError", error).errors()[0]
    return problem(422, "invalid_request", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


class Guard:
    """Refuses strangers, and bodies over the limit, before anything is read."""

    def __init__(self, app: "ASGIApp", key: str, limit: int) -> None:
        """Stand in front of `app`.

        Args:
            app: What answers.
            key: What callers send as `Authorization: Bearer ...`; empty lets everyone in.
            limit: Largest body, in bytes.

        """
        self.app = app
        self.expected = f"Bearer {key}".encode() if key else b""
        self.limit = limit

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        refusal = self.refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def refusal(self, scope: "Scope") -> JSONResponse | None:
        """Say what is wrong with a request, or None."""
        if scope["path"] in OPEN_PATHS:
            return None
        headers = Headers(scope=scope)
        given = headers.get("authorization", "").encode("latin-1")
        if self.expected and not hmac.compare_digest(given, self.expected):
            return problem(401, "invalid_api_key", "Send the key of this endpoint: Authorization: Bearer ...")
        if scope["method"] != "POST":
            return None
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return problem(411, "length_required", "Say how long the body is: Content-Length.")
        if int(length) > self.limit:
            return problem(413, "too_large", f"This is larger than the limit of {self.limit // 1000} kB.")
        return None


def create_endpoint(options: EndpointOptions) -> FastAPI:
    """Build an application that has no routes yet but `/healthz`."""
    app = FastAPI(title=options.title, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(NoAnswerError, try_again)
    app.add_exception_handler(RequestValidationError, explain)
    app.add_middleware(Guard, key=options.key, limit=options.request_kb * 1000)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "ok"}

    return app
