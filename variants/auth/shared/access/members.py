"""What belongs to whom: a session, an event or a file of one user is closed to every other."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from server.access.base import Access
from server.access.identity import User
from server.access.store import Store
from server.asked import Kind, asked
from server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send

FOR_STRANGERS = frozenset({"GET /theme.css", "GET /favicon.ico", "GET /robots.txt", "GET /gradio_api/app_id"})
"""The last lets a page whose sign-in ended while it was cut off come back, which leads to the sign-in."""
NOT_READABLE = (ValueError, RecursionError, OSError, MultiPartException)
"""No JSON, no form or no path, which Gradio would not take either."""
CHANGE = 3
"""Parts of a change in a stream: what to do, where, and the new value."""
IDS = ("session_hash", "event_id", "upload_id")


class Members(Access):
    """Base of the modes in which visitors are known.

    Sessions and events belong to whoever names them first: their ids are random, and only their owner knows them. A
    file belongs to whoever uploaded it or got it in an answer; those of the page itself, such as examples, to all.
    """

    known_only = True
    public = FOR_STRANGERS

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        """Keep what is known in `store`."""
        super().__init__(settings)
        self.store = store
        self.folder = settings.upload_dir.resolve()
        self.page_files: frozenset[Path] = frozenset()

    def know_page(self, config: object) -> None:
        """Let everyone have the files that the page shows from the start."""
        self.page_files = frozenset(self.kept(files_in(config)))

    async def owns(self, user: User, scope: "Scope", body: bytes = b"") -> bool:
        """Tell whether every session, event and file that a request names may be used by this user."""
        try:
            wanted = asked(scope)
            ids, files = await in_body(scope, body) if body else (wanted.ids, wanted.files)
            kept = set(self.kept(files)) - self.page_files
        except NOT_READABLE:
            return False
        for name in ids:
            if await self.store.claim(f"id:{name}", user.owner, self.settings.sign_in_ttl) != user.owner:
                return False
        names = [f"file:{user.owner}:{path}" for path in kept] + [f"link:{user.owner}:{link}" for link in wanted.links]
        return all([await self.store.has(name) for name in names])

    def kept(self, files: Iterable[str]) -> Iterator[Path]:
        """Give those files that lie among uploads and results. Gradio refuses all others by itself."""
        for name in files:
            path = Path(name).resolve()
            if path.is_relative_to(self.folder):
                yield path

    def watch(self, scope: "Scope", send: "Send") -> "Send":
        """Note the event and the files that an answer hands to its user, before they reach the user."""
        user, wanted = scope["state"].get("user"), asked(scope)
        if user is None:
            return send
        if scope["method"] == "POST" and wanted.kind is Kind.START:
            note = self.note_event
        elif wanted.kind is Kind.LINK:
            note = self.note_link
        elif wanted.gives_files:
            note = self.note_files
        else:
            return send

        async def noting(message: "Message") -> None:
            if body := message.get("body", b""):
                await note(user, body)
            await send(message)

        return noting

    async def note_event(self, user: User, body: bytes) -> None:
        """Keep whose event this is."""
        if b'"event_id"' in body:
            await self.store.claim(f"id:{json.loads(body)['event_id']}", user.owner, self.settings.sign_in_ttl)

    async def note_link(self, user: User, body: bytes) -> None:
        """Keep who made this link; others may have made the same one, of a page that looks the same."""
        if body.startswith(b'"'):
            await self.store.put(f"link:{user.owner}:{json.loads(body)}", self.settings.file_ttl)

    async def note_files(self, user: User, body: bytes) -> None:
        """Keep whose files these are. Gradio sends each message of a stream in one piece."""
        if b'"path"' in body or body.startswith(b"["):
            lines = [line.removeprefix(b"data: ") for line in body.splitlines()]
            values = [json.loads(line) for line in lines if line[:1] in {b"{", b"["}]
            uploads = [name for name in values[0] if isinstance(name, str)] if body.startswith(b"[") else []
            for path in self.kept({*uploads, *files_in(values)}):
                await self.store.put(f"file:{user.owner}:{path}", self.settings.file_ttl)


async def in_body(scope: "Scope", body: bytes) -> tuple[set[str], set[str]]:
    """Give the ids and the files that a body names.

    Raises:
        ValueError: if it is neither a form nor JSON.

    """
    if Headers(scope=scope).get("content-type", "").startswith("multipart/"):

        async def receive() -> "Message":
            return {"type": "http.request", "body": body}

        plain = {name: value for name, value in scope.items() if name != "app"}  # with it, errors become answers
        async with Request(plain, receive).form() as form:
            return {value for name in IDS for value in form.getlist(name) if isinstance(value, str)}, set()
    value: Any = json.loads(body)
    found = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return {str(found[name]) for name in IDS if found.get(name)}, set(files_in(cast("object", value)))


def files_in(value: object) -> Iterator[str]:
    """Find the paths of Gradio's file objects in a value, however deep, and where a stream sends what has changed."""
    rest: list[Any] = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            fields = cast("dict[str, Any]", item)
            rest += fields.values()
            if isinstance(path := fields.get("path"), str):
                yield path
        elif isinstance(item, list):
            entries = cast("list[Any]", item)
            rest += entries
            if len(entries) == CHANGE and isinstance(entries[1], list) and entries[1][-1:] == ["path"]:
                yield str(entries[2])
