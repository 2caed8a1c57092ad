"""Who gets past the gate, in mode `none`: everybody is a guest, and a program with a key has its name.

The other auth modes override what they do differently.
"""

import hashlib
import hmac
import json
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.access.identity import GUEST, User, current_user, wants_page
from server.asked import Kind, asked, header
from server.bodies import event_in, files_in, files_of
from server.refusals import report_refusal
from server.settings import ServerSettings

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI
    from starlette.types import Message, Scope, Send

SHA256 = re.compile(r"[0-9a-f]{64}")
NO_PATH = (ValueError, OSError)
"""What names no file, which Gradio would not take either."""


class Belongings:
    """What belongs to programs, in this process. What is nobody's here is shared by the guests."""

    def __init__(self, ttl: float) -> None:
        """Forget each thing `ttl` seconds after somebody got it."""
        self.ttl = ttl
        self.owners: dict[str, set[str]] = {}
        self.ends: deque[tuple[float, str]] = deque()

    def of(self, thing: str) -> set[str]:
        """Give the owners of a thing: of two programs that upload the same file, both."""
        while self.ends and self.ends[0][0] < time.monotonic():
            self.owners.pop(self.ends.popleft()[1], None)
        return self.owners.get(thing, set())

    def give(self, thing: str, owner: str) -> None:
        """Make somebody an owner."""
        if thing not in self.owners:
            self.ends.append((time.monotonic() + self.ttl, thing))
        self.owners.setdefault(thing, set()).add(owner)


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
        self.folder = settings.upload_dir.resolve()
        self.page_files: frozenset[Path] = frozenset()
        self.belongings = Belongings(settings.file_ttl)
        for name, digest in settings.api_keys.items():
            if not SHA256.fullmatch(digest):
                help_ = f"Make one: uv run python -m server.access.keys {name}"
                raise SystemExit(f"APP_API_KEYS: {name!r} is no hash of a key. {help_}")

    def add_routes(self, app: "FastAPI") -> None:
        """Add the pages of this mode."""

    def add_to_page(self, demo: "gr.Blocks") -> None:
        """Show on the page who is signed in."""

    def know_page(self, config: object) -> None:
        """Let everyone have the files that the page shows from the start."""
        self.page_files = frozenset(self.kept(files_in(config)))

    def name_of(self, connection: HTTPConnection) -> str:
        """Give Gradio the name of whom the gate let in."""
        return current_user(connection).name

    async def close(self) -> None:
        """Let go of connections."""

    async def identify(self, connection: HTTPConnection) -> User | None:
        """Tell who asks, or None for somebody unknown. A key that is wrong is not made good by anything else."""
        scheme, _, key = header(connection.scope, b"authorization").partition(" ")
        if scheme.lower() == "bearer":
            user = self.program(key.strip())
            if user is None:
                report_refusal(connection.scope, "sign-in", "this key is not in APP_API_KEYS")
            return user
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

    async def owns(
        self,
        user: User,
        ids: Iterable[str],
        files: Iterable[str],
        links: Iterable[str] = (),  # noqa: ARG002 (here whoever has a link may open it)
    ) -> bool:
        """Tell whether the sessions, events, files and links that a request names may be used by this user.

        Guests cannot be told apart, but programs can: what a program names or gets first is closed to all others.
        """
        if not self.settings.api_keys:
            return True
        try:
            named = things(ids, self.of_users(files))
        except NO_PATH:
            return False
        owned = [self.belongings.of(thing) for thing in named]
        if any(owners and user.owner not in owners for owners in owned):
            return False
        await self.give(user, ids, ())
        return True

    async def give(
        self,
        user: User,
        ids: Iterable[str],
        files: Iterable[str],
        links: Iterable[str] = (),  # noqa: ARG002
    ) -> None:
        """Make a program the owner of things. What guests have is for all of them."""
        if user.source == "key":
            for thing in things(ids, self.of_users(files)):
                self.belongings.give(thing, user.owner)

    def of_users(self, files: Iterable[str]) -> Iterator[Path]:
        """Give those files that somebody sent or got. Those of the page are for all.

        Raises:
            ValueError, OSError: if one is no path.

        """
        return (path for path in self.kept(files) if path not in self.page_files)

    def kept(self, files: Iterable[str]) -> Iterator[Path]:
        """Give those files that lie among uploads and results. Gradio refuses all others by itself."""
        for name in files:
            path = Path(name).resolve()
            if path.is_relative_to(self.folder):
                yield path

    def watch(self, scope: "Scope", send: "Send") -> "Send":
        """Note the event and the files that an answer hands to its user, before they reach the user."""
        user, wanted = scope["state"].get("user"), asked(scope)
        starts, links = scope["method"] == "POST" and wanted.kind is Kind.START, wanted.kind is Kind.LINK
        gives = starts or links or wanted.gives_files
        if user is None or not gives or not (self.known_only or user.source == "key"):
            return send

        async def noting(message: "Message") -> None:
            if body := message.get("body", b""):
                ids = {event_in(body)} - {""} if starts else ()
                made = [str(json.loads(body))] if links and body.startswith(b'"') else ()
                await self.give(user, ids, () if starts or links else files_of(body), made)
            await send(message)

        return noting


def things(ids: Iterable[str], files: Iterable[Path]) -> list[str]:
    """Name ids and files in a way in which they cannot be taken for each other."""
    return [*(f"id:{name}" for name in ids), *(f"file:{path}" for path in files)]


def build_access(settings: ServerSettings) -> Access:
    """Build mode `none`."""
    return Access(settings)
