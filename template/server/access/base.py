"""Who gets past the gate, in mode `none`: everybody is a guest, and a program with a key has its name.

The other auth modes override what they do differently.
"""

import hashlib
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.access.identity import GUEST, User, current_user, wants_page
from server.asked import header
from server.settings import ServerSettings

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI
    from starlette.types import Scope, Send

SHA256 = re.compile(r"[0-9a-f]{64}")


class Access:
    """Who gets past the gate. This is mode `none`: visitors are guests, and a program with a key has its name.

    The other modes override what they do differently; `build_access` of their module is what the server calls.
    """

    known_only = False
    """Whether a visitor must be known."""
    public: frozenset[str] = frozenset()
    """What leads to becoming known, as `GET /login`: method and exact path."""
    login_path = ""

    def __init__(self, settings: ServerSettings) -> None:
        """Read the keys.

        Raises:
            SystemExit: one line that says what is wrong and how to make a good value.

        """
        self.settings = settings
        self.base = urlsplit(settings.root_path).path.rstrip("/")
        for name, digest in settings.api_keys.items():
            if not SHA256.fullmatch(digest):
                help_ = f"Make one: uv run python -m server.access.keys {name}"
                raise SystemExit(f"APP_API_KEYS: {name!r} is no hash of a key. {help_}")

    def add_routes(self, app: "FastAPI") -> None:
        """Add the pages of this mode."""

    def add_to_page(self, demo: "gr.Blocks") -> None:
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
        scheme, _, key = header(connection.scope, b"authorization").partition(" ")
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


def build_access(settings: ServerSettings) -> Access:
    """Build mode `none`."""
    return Access(settings)
