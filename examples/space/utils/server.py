"""Serving: FastAPI, Gradio mounted at its root, uvicorn. `python app.py` and production take the same path."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from html import escape
from types import FrameType
from typing import Any, cast
from urllib.parse import urlsplit

import anyio.to_thread
import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from gradio import themes
from starlette.types import Message, Receive

from utils import oidc as auth_mode
from utils.gate import MB, Gate
from utils.identity import StoreDownError, cannot_check
from utils.logs import RequestLog, set_up_logs
from utils.metrics import add_metrics, metrics_port
from utils.settings import PROJECT_DIR, Settings

log = logging.getLogger("app.server")

HOP_SECONDS = 1.0
"""A client asks for its answer in a second request. A stopping server waits that long for one to come."""
ONE_SIGNAL_SECONDS = 1.0
"""Signals that come closer together count as one."""
CLOSE_SECONDS = 5
"""Time for connections to close once every answer is out."""
MOST_HEAD = 64_000
"""Bytes of the head of a request that is still coming in."""


class Work:
    """Counts the requests under way, so that a stopping server knows when the last answer is out."""

    def __init__(self, demo: gr.Blocks) -> None:
        """Start with nothing under way."""
        self.demo = demo
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

    def until_released(self, receive: Receive) -> Receive:
        """Let a tab's standing connection end as if the visitor had left when the server is about to close."""

        async def receive_or_leave() -> Message:
            leave = asyncio.ensure_future(self.release_tabs.wait())
            hear = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({leave, hear}, return_when=asyncio.FIRST_COMPLETED)
                return hear.result() if hear.done() else {"type": "http.disconnect"}
            finally:
                leave.cancel()
                hear.cancel()

        return receive_or_leave

    def continues_chain(self, body: bytes) -> bool:
        """Tell whether an event follows another (`.then`, `.success`): its user waits for an answer already."""
        try:
            function = self.demo.fns[json.loads(body)["fn_index"]]
        except (ValueError, KeyError, TypeError):
            return False
        return function.trigger_after is not None


def security_headers(settings: Settings) -> dict[str, str]:
    """Headers for every answer. The policy admits this site only; Gradio's page needs inline scripts and styles."""
    ancestors = " ".join(settings.frame_ancestors) or "'none'"
    scripts = "'self' 'unsafe-inline' 'unsafe-eval'" if settings.allow_eval else "'self' 'unsafe-inline'"
    policy = (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob: data:; font-src 'self' data:; connect-src 'self'; "
        f"worker-src 'self' blob:; frame-ancestors {ancestors}; base-uri 'self'; form-action 'self'; object-src 'none'"
    )
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    return headers if settings.frame_ancestors else headers | {"x-frame-options": "DENY"}


def create_app(
    demo: gr.Blocks,
    settings: Settings,
    *,
    warm_up: Callable[[], object] | None = None,
    close: Callable[[], object] | None = None,
    extra_paths: Iterable[str] = (),
) -> FastAPI:
    """Build the whole application around a Gradio app.

    Args:
        demo: The Gradio app, with its queue set.
        settings: The settings.
        warm_up: Called once in a thread at start; `/readyz` says no until it has returned.
        close: Called once when the server has stopped.
        extra_paths: Exact paths of routes that you add to the returned application; the gate closes all others.

    """
    access = auth_mode.build_access(settings)
    work = Work(demo)
    ready = {"warm": warm_up is None}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as tasks:

            async def prepare() -> None:
                await anyio.to_thread.run_sync(cast("Callable[[], object]", warm_up))
                ready["warm"] = True

            if warm_up is not None:
                tasks.start_soon(prepare)
            yield
        if close is not None:
            close()
        await access.close()

    app = FastAPI(title=settings.title, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.work, app.state.demo, app.state.access = work, demo, access
    head: list[str] = []
    extra_paths = [*extra_paths, *add_metrics(app, settings)]

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        state = "stopping" if work.stopping else "ready" if ready["warm"] else "starting"
        return JSONResponse({"status": state}, 200 if state == "ready" else 503)

    access.add_routes(app)
    app.add_exception_handler(StoreDownError, cannot_check)
    access.add_to_page(demo)
    head += [add_logo(demo, settings)] if settings.logo else []

    # The last one added is the outermost. Gradio answers cross-site requests by itself unless its parent has this
    # middleware, also with nothing allowed.
    app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["GET", "POST"])
    app.add_middleware(
        Gate,
        settings=settings,
        work=work,
        access=access,
        headers=security_headers(settings),
        extra_paths=extra_paths,
    )
    app.add_middleware(RequestLog)

    cast("Any", gr.mount_gradio_app)(
        app,
        demo,
        path="",
        root_path=settings.root_path or None,
        theme=theme(settings.theme),
        head="".join(head),
        footer_links=["api", "settings"],
        show_error=False,
        max_file_size=settings.max_upload_mb * MB,
        blocked_paths=[str(PROJECT_DIR)],
        enable_monitoring=False,
        run_history=False,
        ssr_mode=False,
        auth_dependency=access.name_of if access.known_only else None,
        mcp_server=False,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )
    # Only `launch()` sets it; without it Gradio does not hold inputs and outputs against its list of allowed files.
    demo.has_launched = True
    # An argument of mounting too, but for `/` alone, and the app is mounted at "".
    demo.favicon_path = str(PROJECT_DIR / settings.logo) if settings.logo else None
    # Gradio runs validators on `demo.app`. Mounting leaves that at an app of its own, where every session is new:
    # validators would see neither State nor the choices that an event gave a drop-down.
    demo.app = cast("Any", app.routes[-1]).app
    access.know_page(demo.config)
    return app


def add_logo(demo: gr.Blocks, settings: Settings) -> str:
    """Put the logo on top of the page, and give the HTML that puts it in the tab.

    It comes from the address of the tab's icon, which the gate has open in every auth mode.
    """
    if not (PROJECT_DIR / settings.logo).is_file():
        raise SystemExit(f"APP_LOGO: there is no file {settings.logo}. Give a path seen from the project, or nothing.")
    source = escape(urlsplit(settings.root_path).path.rstrip("/") + "/favicon.ico")
    with demo:
        image = f'<img src="{source}" alt="" style="height: 2.5rem">'
        gr.Markdown(image, elem_id="logo", container=False, sanitize_html=False)
    demo.children.insert(0, demo.children.pop())
    return f'<link rel="icon" href="{source}">'


def theme(name: str) -> gr.Theme:
    """Find a theme of Gradio by its lower-case name."""
    classes = [value for value in vars(themes).values() if isinstance(value, type) and issubclass(value, gr.Theme)]
    found = {value.__name__.lower(): value for value in classes}
    if name not in found:
        raise SystemExit(f"APP_THEME: there is no theme {name!r}. Choose one of: {', '.join(sorted(found))}.")
    return found[name]()


class Server(uvicorn.Server):
    """Stops without losing an answer.

    At the first signal it refuses new work, lets answers under way come to their end, and only then closes. Open tabs
    hold a connection each that would keep uvicorn waiting for its whole time-out; they are released when the last
    answer is out. A second signal, later than a second after the first, stops at once.
    """

    def __init__(self, config: uvicorn.Config, work: Work, grace: float) -> None:
        """Stop when `work` is done, or after `grace` seconds."""
        super().__init__(config)
        self.work = work
        self.grace = grace
        self.deadline = self.idle_since = self.first_signal = 0.0
        self.seen = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's signature)
        """Start to drain; uvicorn calls this as a signal handler."""
        now = time.monotonic()
        if self.work.stopping:
            # Process managers often send the same signal twice, to the group and through a parent.
            if now - self.first_signal > ONE_SIGNAL_SECONDS:
                self.should_exit = self.force_exit = True
            return
        self.first_signal = self.idle_since = now
        self.deadline = now + self.grace
        self.work.stopping = True

    async def on_tick(self, counter: int) -> bool:
        """Look every tenth of a second whether the server may close."""
        if self.work.stopping and not self.should_exit and self.is_drained(time.monotonic()):
            log.info("stopping, %s answers cut", self.work.open)
            self.work.release_tabs.set()
            self.should_exit = True
        return await super().on_tick(counter)

    def is_drained(self, now: float) -> bool:
        """Tell whether nothing has been under way for as long as a client may take to come back."""
        if self.work.open or self.work.finished != self.seen:
            self.idle_since, self.seen = now, self.work.finished
        return now - self.idle_since >= HOP_SECONDS or now >= self.deadline


def bind(settings: Settings) -> socket.socket:
    """Take the port before anything else starts.

    Raises:
        SystemExit: one line that says what to change. A busy port is never moved silently.

    """
    host, port = settings.host.strip("[]"), settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small messages at once (TCP_NODELAY) only where the protocol is given; without it each waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = f"Cannot listen on {host}:{port} ({error.strerror}). Stop what uses it, or set APP_PORT or APP_HOST."
        raise SystemExit(reason) from None
    return listener


def build_server(app: FastAPI, settings: Settings) -> Server:
    """Put the application behind uvicorn, with the stop that loses nothing."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # The gate decides whom to believe.
        http="h11",  # A faster one, where it is installed, would keep a head of any length in memory.
        h11_max_incomplete_event_size=MOST_HEAD,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    return Server(config, app.state.work, settings.shutdown_grace)


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until a signal comes. With `--reload` on the command line, restart at every change of a Python file."""
    if "--reload" in sys.argv[1:]:
        raise SystemExit(subprocess.call(reload_command(settings)))  # noqa: S603
    set_up_logs(settings)
    with bind(settings) as listener, metrics_port(app, settings):
        url = f"http://{settings.host}:{listener.getsockname()[1]}{settings.root_path}"
        log.info("%s is at %s", settings.title, url)
        if settings.open_browser:
            threading.Timer(1, webbrowser.open, [url]).start()
        build_server(app, settings).run(sockets=[listener])


def reload_command(settings: Settings) -> list[str]:
    """Give the command that serves `app.py` and starts anew when a file changes."""
    command = [sys.executable, "-m", "uvicorn", "app:create_app", "--factory", "--reload", "--no-access-log"]
    address = ["--host", settings.host, "--port", str(settings.port)]
    # Open tabs would hold back the restart.
    return [*command, *address, "--reload-dir", str(PROJECT_DIR), "--timeout-graceful-shutdown", "1"]
