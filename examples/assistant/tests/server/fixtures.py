"""Fixtures for every test of a project, kept up to date by the template. `tests/conftest.py` takes them over.

Tests of the plumbing use them with a tiny app of their own, so they stay green whatever `app.py` holds.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from server import application, running
from server.settings import PROJECT_DIR, ServerSettings
from tests.server.access import SETTINGS
from tests.server.client import AppTest
from tests.server.tiny import tiny_demo

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")

TINY = ("-P", str(PROJECT_DIR / "tests" / "server" / "tiny.py"))
"""What makes Python serve the tiny app, by its path: whatever else is called `tests` on this machine."""
IMPORTS = {"PYTHONPATH": str(PROJECT_DIR)}
"""What it needs beside `environment()`."""

MakeSettings = Callable[..., Any]
MakeApp = Callable[..., FastAPI]
Serve = Callable[..., AbstractContextManager[str]]


def environment() -> dict[str, str]:
    """Give the environment in which `app.py` starts."""
    return {
        name if name.isupper() else f"APP_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in SETTINGS.items()
    }


def settings_maker(kind: type[ServerSettings]) -> MakeSettings:
    """Make settings that do not depend on the `.env` of whoever runs the tests."""
    return lambda **changes: kind(_env_file=None, **(SETTINGS | changes))


@contextmanager
def started(*command: str, **variables: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Start a program of this project, such as `app.py`, and wait for the line that says where it is."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=PROJECT_DIR,
        env=os.environ | IMPORTS | {"APP_PORT": "0", "PYTHONUNBUFFERED": "1"} | environment() | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"http://[\d.]+:\d+", line):
                yield process, found[0]
                break
        else:
            pytest.fail(f"{' '.join(command)} did not start")
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture(scope="session")
def make_settings() -> MakeSettings:
    """Make settings of the server."""
    return settings_maker(ServerSettings)


@pytest.fixture(scope="session")
def make_app(make_settings: MakeSettings) -> MakeApp:
    """Make a whole application around the tiny page; `hooks` are arguments of `create_app`."""

    def make(hooks: dict[str, Any] | None = None, **changes: Any) -> FastAPI:  # noqa: ANN401
        settings = make_settings(**changes)
        return application.create_app(tiny_demo(settings), settings, **(hooks or {}))

    return make


@pytest.fixture
def app_test(make_app: MakeApp) -> Iterator[AppTest]:
    """Visit the app with its default settings."""
    with AppTest(make_app()) as test:
        yield test


@pytest.fixture(scope="session")
def serve(make_settings: MakeSettings) -> Serve:
    """Serve an application on a free port, for clients that need a real connection; `changes` are settings."""

    @contextmanager
    def run(app: FastAPI, **changes: Any) -> Generator[str]:  # noqa: ANN401
        settings = make_settings(**({"port": 0, "shutdown_grace": 5} | changes))
        served = running.build_server(app, settings)
        with running.bind(settings) as listener:
            thread = threading.Thread(target=served.run, args=([listener],))
            thread.start()
            app.state.server = served
            app.state.stop = lambda: served.handle_exit(signal.SIGTERM, None) or thread
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                app.state.stop().join(20)

    return run


@contextmanager
def chromium(*flags: str) -> Generator[Browser]:
    """Start the system's Chromium. CI always has one."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser found: install Chromium, or put one of these on the path: {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *flags])
        yield started
        started.close()


# Not for the session: while it is open, Playwright keeps an event loop running in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    with chromium() as started:
        yield started
