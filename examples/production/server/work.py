"""The requests under way: how many, so that a stopping server knows when the last answer is out, and how large."""

import asyncio
import ctypes
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.to_thread
from fastapi import HTTPException
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from server import files, gradio_adapter, gradio_files
from server.access.identity import visitor_of
from server.asked import Kind, asked, header
from server.queueing import STARTING, Sessions
from server.refusals import MB, refused
from server.settings import ServerSettings

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("app.files")

FORM = "multipart/form-data"
LISTENS = frozenset({Kind.ANSWER, Kind.TAB})
SMALL = 64_000
"""Bytes that the server reads of a request before anybody asks for them."""
UPLOAD_OVERHEAD = MB  # for the multipart frame, so that Gradio's own message about a large file comes first


class Work:
    """Counts the requests under way."""

    def __init__(self, demo: "gr.Blocks", settings: ServerSettings) -> None:
        """Start with nothing under way."""
        self.demo, self.bounded = demo, Bounded(settings)
        self.open = self.finished = 0
        self.stopping = False
        self.release_tabs = asyncio.Event()

    def __enter__(self) -> None:
        """Begin one request."""
        self.open += 1

    def __exit__(self, *_: object) -> None:
        """End one request."""
        self.open -= 1
        self.finished += 1

    def until_released(self, receive: "Receive") -> "Receive":
        """Let a tab's standing connection end as if the visitor had left when the server is about to close."""

        async def receive_or_leave() -> "Message":
            leave = asyncio.ensure_future(self.release_tabs.wait())
            hear = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({leave, hear}, return_when=asyncio.FIRST_COMPLETED)
                return hear.result() if hear.done() else {"type": "http.disconnect"}
            finally:
                leave.cancel()
                hear.cancel()

        return receive_or_leave

    def continues_chain(self, fields: Mapping[str, Any]) -> bool:
        """Tell whether an event follows another (`.then`, `.success`): its user waits for an answer already."""
        try:
            return gradio_adapter.follows_another(self.demo, fields["fn_index"])
        except (KeyError, TypeError):
            return False


def most_of_body(scope: "Scope", settings: ServerSettings) -> int:
    """Give the bytes that the body of a request may have."""
    wanted = asked(scope)
    if wanted.kind is Kind.COMPONENT and not header(scope, b"content-type").startswith(FORM):
        return settings.max_component_kb * 1000
    return settings.max_upload_mb * MB + UPLOAD_OVERHEAD if wanted.takes_files else settings.max_request_kb * 1000


class Held:
    """The memory that one request takes while its body comes in."""

    def __init__(self, ledger: files.Ledger, scope: "Scope") -> None:
        """Take nothing yet."""
        self.ledger, self.scope, self.size = ledger, scope, 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give everything back."""
        if self.size:
            self.ledger.add(visitor_of(self.scope), -self.size)

    def grow(self, size: int, *, more: bool) -> Response | None:
        """Take so much in all, or say why not. What is small and came in one piece is not counted."""
        if size <= SMALL and not (more or self.size):
            return None
        refusal = no_memory(self.ledger, self.scope, size - self.size)
        if refusal is None:
            self.ledger.add(visitor_of(self.scope), size - self.size)
            self.size = size
        return refusal


def no_memory(ledger: files.Ledger, scope: "Scope", size: int) -> Response | None:
    """Say why so much more cannot be held in memory, or nothing."""
    if ledger.is_full_for(visitor_of(scope), size):
        return refused(scope, "Too much of yours is being taken in at once (APP_BUFFERED_MB_PER_VISITOR).", 429)
    if ledger.is_full(size):
        return refused(scope, "Too much is being taken in at once. Try again in a moment (APP_BUFFERED_MB).", 503)
    return None


Treatment = Callable[["Scope", "Receive", "Send"], Awaitable[None]]


class Bounds:
    """Stands behind the gate, which knows the visitor: what is sent and started here has an end."""

    def __init__(self, app: "ASGIApp", *, settings: ServerSettings, work: Work) -> None:
        """Stand in front of `app`."""
        self.app, self.settings, self.demo = app, settings, work.demo
        self.bounded = work.bounded
        self.editors = partial(gradio_adapter.pictures_of_editors, work.demo)
        self.media = gradio_files.decodes_media(work.demo)
        self.lookers = anyio.CapacityLimiter(settings.validators)
        self.treatments: dict[Kind, Treatment] = {
            Kind.UPLOAD: self.upload,
            Kind.COMPONENT: self.component,
            Kind.START: self.start,
            Kind.RUN: self.start,
            Kind.ANSWER: self.answer,
            Kind.TAB: self.answer,
        }

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one connection."""
        treatment = None
        if scope["type"] == "http":
            method = "GET" if asked(scope).kind in LISTENS else "POST"  # Nothing is sent by another one.
            treatment = self.treatments.get(asked(scope).kind) if scope["method"] == method else None
        await (treatment or self.app)(scope, receive, send)

    async def answer(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Let no session go that somebody listens to, or whose page is open."""
        wanted = asked(scope)
        with self.bounded.sessions.read(wanted.ids):
            await self.app(scope, receive, send)

    async def start(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Look at the pictures that stand in the inputs of an event."""

        async def look() -> "Message":
            message = await receive()  # The gate has read the body whole.
            if b"base64," in message.get("body", b""):
                await self.look(partial(files.look_at_data, message["body"], self.settings.max_pixels))
            return message

        STARTING.set(scope)
        await self.app(scope, look, send)

    async def look(self, at: Callable[[], None]) -> None:
        """Look at something in a thread, and not at too much at once.

        Raises:
            HTTPException: 413 if it is too much.

        """
        try:
            await anyio.to_thread.run_sync(at, limiter=self.lookers)
        except files.TooMuchError as error:
            raise HTTPException(413, str(error)) from None

    async def upload(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Take files if there is room, and name them to the visitor only if they are not too much."""
        stored, visitor = self.bounded.stored, visitor_of(scope)
        size = int(header(scope, b"content-length") or most_of_body(scope, self.settings))
        if problem := stored.problem(visitor, size):
            await refused(scope, problem, 507)(scope, receive, send)
            return
        gift, received, head = stored.expect(visitor, size), 0, dict[str, object]()
        names: list[str] = []

        async def count() -> "Message":
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        body = bytearray()

        async def look(message: "Message") -> None:
            nonlocal received
            if message["type"] == "http.response.start":
                head.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return  # pragma: no cover (Gradio answers an upload in one piece)
            try:
                if head["status"] == 200:  # noqa: PLR2004
                    names.extend(json.loads(body))
                    paths = [Path(name) for name in names]
                    await self.look(partial(files.look_at_uploads, paths, self.settings, media=self.media))
                elif head["status"] in range(400, 500):
                    received = 0  # Gradio has deleted what it refuses.
            except HTTPException as error:
                await refused(scope, error.detail, error.status_code)(scope, receive, send)
            else:
                await send(head)
                await send({"type": "http.response.body", "body": bytes(body)})

        try:
            await self.app(scope, count, look)
        finally:
            stored.settle(gift, received, names)

    async def component(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Look at what an image editor sends; for a session that does not exist, none begins."""
        message = await receive()  # The gate has read the body whole, and knows what stands in it.
        body, fields = message.get("body", b""), scope["state"]["body"].fields
        is_form = header(scope, b"content-type").startswith(FORM)
        try:
            if is_form:
                await self.look_at_form(scope, body)
            elif b"base64," in body:
                await self.look(partial(files.look_at_data, body, self.settings.max_pixels))
        except HTTPException as error:
            await refused(scope, error.detail, error.status_code)(scope, receive, send)
            return
        # The gate has counted what is large; small ones count when an editor has taken them.
        if is_form and (refusal := no_memory(self.bounded.memory, scope, 0)):
            await refusal(scope, receive, send)
            return
        session = str(fields.get("session_hash", ""))
        was_there = gradio_adapter.has_session(self.demo, session)
        replayed = [message]

        async def replay() -> "Message":
            return replayed.pop() if replayed else await receive()

        try:
            await self.app(scope, replay, send)
        finally:
            blob = str(fields.get("id", "")) if is_form else ""
            self.bounded.blobs.note(self.editors(), blob, visitor_of(scope), len(body))
            if not was_there and not self.bounded.sessions.is_read(session):
                gradio_adapter.drop_session(self.demo, session)

    async def look_at_form(self, scope: "Scope", body: bytes) -> None:
        """Look at the files of a form, which the gate has read.

        Raises:
            HTTPException: 413 if one of them is too much.

        """

        async def receive() -> "Message":
            return {"type": "http.request", "body": body}

        plain = {name: value for name, value in scope.items() if name != "app"}  # with it, errors become answers
        async with Request(plain, receive).form() as form:
            for _, value in form.multi_items():
                if isinstance(value, UploadFile):
                    await self.look(partial(look_at_picture, value, self.settings.max_pixels))


def look_at_picture(file: UploadFile, most: int) -> None:
    """Look at a file of a form; see `files.look_at_picture`."""
    files.look_at_picture(file.file, most)


class Bounded:
    """What is counted over all requests of an app, and given back in time."""

    def __init__(self, settings: ServerSettings) -> None:
        """Start with nothing."""
        self.memory = files.Ledger(settings.buffered_mb_per_visitor * MB, settings.buffered_mb * MB)
        self.sessions, self.stored = Sessions(settings), files.Stored(settings)
        self.blobs = files.Blobs(settings, self.memory)
        self.often = min(settings.file_ttl, files.OFTEN) / 2
        self.forget: Callable[[], object] = bool
        """Lets go of sessions whose time is over."""

    def apply(self, demo: "gr.Blocks", settings: ServerSettings) -> None:
        """Bound what is Gradio's; once the page is mounted."""
        gradio_adapter.bound("sessions", lambda: gradio_adapter.bound_sessions(demo, self.sessions))
        gradio_adapter.bound("sounds", lambda: gradio_files.bound_sounds(settings.max_media_seconds))
        self.forget = partial(gradio_adapter.forget_sessions, demo, self.sessions, settings.session_ttl)
        files.bound_pictures(settings.max_pixels)
        self.memory.reclaim = lambda: self.blobs.sweep(gradio_adapter.pictures_of_editors(demo))
        folder, texts = str(self.stored.folder), files.texts_in(gradio_adapter.config_of(demo))
        named = [text for text in texts if text.startswith(folder)]
        self.stored.keep([*gradio_adapter.files_of_page(demo), *named])

    async def sweep(self) -> None:
        """Delete what is old, as long as the app runs."""
        while True:
            self.memory.reclaim()
            self.stored.forget_old()
            gradio_adapter.bound("sessions in time", self.forget)
            try:
                await anyio.to_thread.run_sync(self.stored.sweep)
            except OSError as error:
                log.warning("the folder of uploads cannot be looked at: %s", error)
            await anyio.to_thread.run_sync(give_back)
            await anyio.sleep(self.often)


TRIM: Any = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def give_back() -> None:
    """Give memory that is free back to the system: glibc keeps much of what large requests needed for the next one."""
    if TRIM is not None:  # pragma: no branch (elsewhere the C library does so by itself)
        TRIM(0)
