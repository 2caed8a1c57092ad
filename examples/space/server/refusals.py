"""How the gate says no."""

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response

from server.asked import API, Kind, asked

if TYPE_CHECKING:
    from starlette.types import Scope

MB = 1_000_000


def refused(scope: "Scope", text: str, status: int) -> Response:
    """Say why not, in the form that reaches the visitor: the page shows `detail` of a refused event as it stands.

    Of a refused upload it shows the whole answer.
    """
    if scope["path"].startswith(API) and asked(scope).kind is not Kind.UPLOAD:
        return JSONResponse({"detail": text}, status)
    return PlainTextResponse(text, status)


def too_large(scope: "Scope", limit: int) -> Response:
    """Answer 413 with the limit."""
    return refused(scope, f"This is larger than the limit of {limit / MB:g} MB.", 413)
