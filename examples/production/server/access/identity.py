"""Who is asking: the same small object in every auth mode."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import Scope


@dataclass(frozen=True)
class User:
    """Somebody who may be here."""

    id: str
    """Stays the same for as long as the account exists, and is unique within its source."""
    name: str
    email: str = ""
    groups: tuple[str, ...] = ()
    source: str = "none"
    """The auth mode that vouches for the user, or `key`."""

    @property
    def owner(self) -> str:
        """Name the user among users of all sources."""
        return f"{self.source}:{self.id}"


GUEST = User(id="guest", name="Guest")


def current_user(request: Any) -> User:  # noqa: ANN401 (Gradio's request, or Starlette's)
    """Tell who sent a request, in any handler that takes a `gr.Request`, queued or not.

    A call without a request, such as `demo("...")` in Python, comes from a guest, who has no rights.
    """
    plain = getattr(request, "request", request)
    return GUEST if plain is None else plain.scope["state"].get("user", GUEST)


def visitor_of(scope: "Scope") -> str:
    """Name whoever a limit counts for: a user, a program with a key, or, of guests, the address.

    Of an IPv6 address its network counts, because one machine has as many addresses there as it likes.
    """
    user = scope["state"].get("user", GUEST)
    if user != GUEST:
        return str(user.owner)
    host = str((scope.get("client") or ("",))[0])
    try:
        wide = ip_address(host).version == 6  # noqa: PLR2004
    except ValueError:  # A name, or a socket without one.
        wide = False
    return f"address:{ip_network((host, 64), strict=False) if wide else host}"


def wants_page(connection: HTTPConnection) -> bool:
    """Tell a person's browser from a program."""
    return "text/html" in connection.headers.get("accept", "")


class StoreDownError(Exception):
    """What replicas share cannot be asked at the moment."""


def try_again(reason: str) -> JSONResponse:
    """Answer 503."""
    return JSONResponse({"detail": f"{reason} Try again in a moment."}, 503, {"retry-after": "5"})


def cannot_check(*_: object) -> JSONResponse:
    """Answer while the store is away."""
    return try_again("Who you are cannot be checked just now.")
