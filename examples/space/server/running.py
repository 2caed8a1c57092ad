"""Running: the port, uvicorn with a stop that loses no answer, and hot reload."""

import gc
import logging
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from types import FrameType

import uvicorn
from fastapi import FastAPI

from server import checkup
from server.logs import set_up_logs
from server.metrics import metrics_port
from server.protocol import bounded
from server.settings import PROJECT_DIR, ServerSettings
from server.work import Work

log = logging.getLogger("app.server")

HOP_SECONDS = 1.0
"""A client asks for its answer in a second request. A stopping server waits that long for one to come."""
ONE_SIGNAL_SECONDS = 1.0
"""Signals that come closer together count as one."""
CLOSE_SECONDS = 5
"""Time for connections to close once every answer is out."""


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


def bind(settings: ServerSettings) -> socket.socket:
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


def build_server(app: FastAPI, settings: ServerSettings) -> Server:
    """Put the application behind uvicorn, with the stop that loses nothing."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # The gate decides whom to believe.
        http=bounded(settings),
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    return Server(config, app.state.work, settings.shutdown_grace)


def serve(app: FastAPI, settings: ServerSettings) -> None:
    """Serve until a signal comes.

    With `--check` on the command line, only say what on the page will not work, and exit with 1 if there is anything.
    With `--reload`, restart at every change of a Python file.
    """
    if "--check" in sys.argv[1:]:
        raise SystemExit(checkup.check(app.state.life.findings))
    if "--reload" in sys.argv[1:]:
        raise SystemExit(subprocess.call(reload_command(settings)))  # noqa: S603
    set_up_logs(settings)
    app.state.life.on_ready.append(settle_memory)
    with bind(settings) as listener, metrics_port(app, settings):
        url = f"http://{settings.host}:{listener.getsockname()[1]}{settings.root_path}"
        log.info("%s is at %s", settings.title, url)
        if settings.open_browser:
            threading.Timer(1, webbrowser.open, [url]).start()
        build_server(app, settings).run(sockets=[listener])


def settle_memory() -> None:
    """Take what is there for good out of what the garbage collector looks through at every event."""
    gc.collect()
    gc.freeze()


def reload_command(settings: ServerSettings) -> list[str]:
    """Give the command that serves `app.py` and starts anew when a file changes."""
    command = [sys.executable, "-m", "uvicorn", "app:create_app", "--factory", "--reload", "--no-access-log"]
    address = ["--host", settings.host, "--port", str(settings.port)]
    # Open tabs would hold back the restart.
    return [*command, *address, "--reload-dir", str(PROJECT_DIR), "--timeout-graceful-shutdown", "1"]
