"""Fixtures. `make_app` is the way to an app with other settings."""

import json
import shutil
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from app import build_demo
from tests.access import SETTINGS
from tests.client import AppTest
from utils import server
from utils.settings import Settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")

MakeSettings = Callable[..., Settings]
MakeApp = Callable[..., FastAPI]
Serve = Callable[[FastAPI], AbstractContextManager[str]]


def queue_of(app: FastAPI) -> Any:  # noqa: ANN401
    """Give Gradio's queue; its length is the number of events that wait."""
    return app.state.demo._queue  # noqa: SLF001


def environment() -> dict[str, str]:
    """Give the environment in which `app.py` starts."""
    return {
        name if name.isupper() else f"APP_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in SETTINGS.items()
    }


@pytest.fixture(scope="session")
def make_settings() -> MakeSettings:
    """Make settings that do not depend on the `.env` of whoever runs the tests."""

    def make(**changes: Any) -> Settings:  # noqa: ANN401
        return Settings(_env_file=None, **(SETTINGS | changes))

    return make


@pytest.fixture(scope="session")
def make_app(make_settings: MakeSettings) -> MakeApp:
    """Make the whole application."""

    def make(**changes: Any) -> FastAPI:  # noqa: ANN401
        settings = make_settings(**changes)
        return server.create_app(build_demo(settings), settings)

    return make


@pytest.fixture
def app_test(make_app: MakeApp) -> Iterator[AppTest]:
    """Visit the app with its default settings."""
    with AppTest(make_app()) as test:
        yield test


@pytest.fixture(scope="session")
def serve(make_settings: MakeSettings) -> Serve:
    """Serve an application on a free port, for clients that need a real connection."""

    @contextmanager
    def run(app: FastAPI) -> Generator[str]:
        settings = make_settings(port=0, shutdown_grace=5)
        running = server.build_server(app, settings)
        with server.bind(settings) as listener:
            thread = threading.Thread(target=running.run, args=([listener],))
            thread.start()
            app.state.server = running
            app.state.stop = lambda: running.handle_exit(signal.SIGTERM, None) or thread
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                app.state.stop().join(20)

    return run


# Not for the session: while it is open, Playwright keeps an event loop running in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium. CI always has one."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser found: install Chromium, or put one of these on the path: {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
