"""Who is asking: the same small object in every auth mode, and keys with which programs come in.

`python -m utils.identity NAME` makes a key for the program of that name.
"""

import hashlib
import hmac
import json
import re
import secrets
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import gradio as gr
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from utils.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Scope, Send

SHA256 = re.compile(r"[0-9a-f]{64}")


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


class Access:
    """Who gets past the gate. This is mode `none`: visitors are guests, and a program with a key has its name.

    The other modes override what they do differently; `build_access` of their module is what the server calls.
    """

    known_only = False
    """Whether a visitor must be known."""
    public: frozenset[str] = frozenset()
    """What leads to becoming known, as `GET /login`: method and exact path."""
    login_path = ""

    def __init__(self, settings: Settings) -> None:
        """Read the keys.

        Raises:
            SystemExit: one line that says what is wrong and how to make a good value.

        """
        self.settings = settings
        self.base = urlsplit(settings.root_path).path.rstrip("/")
        for name, digest in settings.api_keys.items():
            if not SHA256.fullmatch(digest):
                help_ = f"Make one: uv run python -m utils.identity {name}"
                raise SystemExit(f"APP_API_KEYS: {name!r} is no hash of a key. {help_}")

    def add_routes(self, app: "FastAPI") -> None:
        """Add the pages of this mode."""

    def add_to_page(self, demo: gr.Blocks) -> None:
        """Show on the page who is signed in."""

    def know_page(self, config: object) -> None:
        """Learn what the page shows from the start."""

    def name_of(self, connection: HTTPConnection) -> str:
        """Give Gradio the name of whom the gate let in."""
        return current_user(connection).name

    async def close(self) -> None:
        """Let go of connections."""

    async def identify(self, connection: HTTPConnection) -> User | None:
        """Tell who asks, or None for somebody unknown. A key that is wrong is not made good by anything else."""
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.program(key.strip())
        return await self.visitor(connection)

    def program(self, key: str) -> User | None:
        """Find the program that a key belongs to."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        for name, known in self.settings.api_keys.items():
            if hmac.compare_digest(digest, known):
                return User(id=f"key:{name}", name=name, source="key")
        return None

    async def visitor(self, connection: HTTPConnection) -> User | None:  # noqa: ARG002
        """Tell who uses the browser."""
        return GUEST

    def challenge(self, connection: HTTPConnection, user: User | None) -> Response:
        """Answer somebody who may not go on: a person is led to the login page, a program is told what it needs."""
        if self.login_path and user is None and wants_page(connection) and connection.scope["method"] == "GET":
            return RedirectResponse(f"{self.base}{self.login_path}?next={quote(connection.url.path)}", 303)
        detail = "Sign in, or send a key: Authorization: Bearer ..." if user is None else "Keys do not open pages."
        return JSONResponse({"detail": detail}, 401 if user is None else 403, {"www-authenticate": "Bearer"})

    async def owns(self, user: User, scope: "Scope", body: bytes = b"") -> bool:  # noqa: ARG002
        """Tell whether what a request names may be used by this user. Guests cannot be told apart."""
        return True

    def watch(self, scope: "Scope", send: "Send") -> "Send":  # noqa: ARG002
        """Note what an answer hands to its user."""
        return send


def build_access(settings: Settings) -> Access:
    """Build mode `none`."""
    return Access(settings)


def new_key(name: str) -> tuple[str, dict[str, str]]:
    """Make a key and the value of `api_keys` that lets it in."""
    key = secrets.token_urlsafe(32)
    return key, {name: hashlib.sha256(key.encode()).hexdigest()}


def main(arguments: list[str]) -> None:
    """Make a key: it is printed once and stored nowhere."""
    if len(arguments) != 1 or not re.fullmatch(r"[\w.-]+", arguments[0]):
        raise SystemExit("Give one name of letters, digits, dots and hyphens: python -m utils.identity nightly-report")
    key, setting = new_key(arguments[0])
    sys.stdout.write(f"The program sends: Authorization: Bearer {key}\n")
    sys.stdout.write(f"The app needs: APP_API_KEYS='{json.dumps(setting)}'\n")


if __name__ == "__main__":  # pragma: no cover (the tests call `main`)
    main(sys.argv[1:])
