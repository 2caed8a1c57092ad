"""Promise 3: a fresh project runs at once, and shows a change of its services without a restart by hand."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import render, run

PATIENCE = 120
"""Seconds after which a test gives up. No assertion depends on how fast something is."""


@contextmanager
def started(project: Path, *command: str, port: int = 0, **variables: str) -> Iterator[str]:
    """Start a project with this environment and wait until it answers."""
    with socket.create_server(("127.0.0.1", port)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        list(command),
        cwd=project,
        env=os.environ | {"APP_PORT": str(port)} | variables,
        start_new_session=True,
    )
    try:
        wait_for(url, process)
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the app is there; it must not exit before."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        assert process.poll() is None, "the app has exited"
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            continue
    pytest.fail("the app does not come up")


@pytest.mark.slow
def test_hot_reload_shows_a_changed_service(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface"})
    service = project / "services" / "model.py"
    page = project / "app.py"
    page.write_text(
        page.read_text(encoding="utf-8").replace("title=settings.title", 'title=getattr(model, "TITLE", "before")'),
        encoding="utf-8",
    )
    with started(project, sys.executable, "app.py", "--reload", APP_MODEL_WORKERS="0") as url:
        assert title(url) == "before"
        service.write_text(service.read_text(encoding="utf-8") + '\nTITLE = "after"\n', encoding="utf-8")
        give_up = time.monotonic() + PATIENCE
        while title(url) != "after":
            assert time.monotonic() < give_up


def title(url: str) -> str:
    """Read the title, also while the server starts anew."""
    try:
        return str(httpx.get(f"{url}/config", timeout=30).json()["title"])
    except httpx.HTTPError:
        return ""


@pytest.mark.slow
def test_gradio_s_own_command_serves_the_app_too(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface"})
    with started(project, str(Path(sys.executable).parent / "gradio"), "app.py", APP_MODEL_WORKERS="0") as url:
        assert httpx.get(url).status_code == 200
        assert httpx.get(f"{url}/monitoring").status_code == 404


@pytest.mark.slow
def test_a_busy_port_is_one_clear_line(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface"})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run(sys.executable, "app.py", cwd=project, check=False, APP_PORT=port)
    assert result.returncode == 1
    assert re.fullmatch(rf"Cannot listen on 127\.0\.0\.1:{port} .* set APP_PORT or APP_HOST\.\n", result.stdout)
