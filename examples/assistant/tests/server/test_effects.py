"""Settings have an effect: a program is started as `app.py` is, with one of them, and looked at from outside."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from server.settings import PROJECT_DIR
from tests.server.access import headers
from tests.server.fixtures import environment

SECONDS = 60
"""How long a test waits for what must come; reached only when it fails."""
WITHOUT_GRACE = 15
"""Seconds; with the grace of the default it would take longer."""
HALF = b"POST /gradio_api/reset HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy what is kept, with the tiny app in the place of `app.py`, so that nobody's `.env` is touched."""
    for folder in ("server", "tests/server"):
        shutil.copytree(PROJECT_DIR / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_DIR / "tests" / "server" / "tiny.py", tmp_path / "app.py")
    for path in PROJECT_DIR.glob("policy.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


@contextmanager
def served(project: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Start the program; give it, where it is, and what it has written until then."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
    given = environment() | {"APP_PORT": "0", "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(project)} | variables
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=project, env=kept | given, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    written = ""
    try:
        for line in process.stderr:
            written += line
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield process, found[0], written
                break
        else:
            pytest.fail(f"it did not start:\n{written}")
    finally:
        process.kill()
        process.wait(SECONDS)
        process.stderr.close()


def title_of(url: str) -> str:
    """Give the name of the page."""
    return httpx.get(f"{url}/config", headers=headers(), timeout=SECONDS).json()["title"]


def test_a_line_in_the_env_file_counts(project: Path) -> None:
    (project / ".env").write_text("APP_TITLE=From the file\n", encoding="utf-8")
    with served(project) as (_, url, _):
        assert title_of(url) == "From the file"
    with served(project, APP_TITLE="From the environment") as (_, url, _):
        assert title_of(url) == "From the environment"


def test_a_file_among_the_secrets_counts(project: Path) -> None:
    (project / "secrets").mkdir()
    (project / "secrets" / "APP_TITLE").write_text("From a secret", encoding="utf-8")
    with served(project) as (_, url, _):
        assert title_of(url) == "From a secret"


def test_the_theme_is_the_one_that_is_named(project: Path) -> None:
    found: set[str] = set()
    for theme in ("soft", "monochrome"):
        with served(project, APP_THEME=theme) as (_, url, _):
            found.add(httpx.get(f"{url}/theme.css", headers=headers(), timeout=SECONDS).text)
    assert len(found) == 2


def test_behind_a_proxy_the_page_knows_its_path(project: Path) -> None:
    with served(project, APP_ROOT_PATH="/demo") as (_, url, written):
        assert f"{url}/demo" in written
        assert httpx.get(f"{url}/config", headers=headers(), timeout=SECONDS).json()["root"] == f"{url}/demo"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for processes")
def test_without_grace_a_stop_waits_for_nobody(project: Path) -> None:
    with served(project, APP_SHUTDOWN_GRACE="0") as (process, url, _):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), SECONDS) as visitor:
            sent = "".join(f"{name}: {value}\r\n" for name, value in headers().items())
            visitor.sendall(HALF + sent.encode() + b"\r\n{")
            assert any(httpx.get(f"{url}/readyz", timeout=SECONDS).status_code == 200 for _ in range(200))
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHOUT_GRACE) == 0
        assert process.stderr is not None
        assert "stopping, 1 answers cut" in process.stderr.read()


def test_the_most_that_one_request_may_hold(project: Path) -> None:
    with served(project, APP_MAX_REQUEST_KB="1") as (_, url, _):
        answer = httpx.post(
            f"{url}/gradio_api/queue/join", json={"data": ["x" * 2000]}, headers=headers(), timeout=SECONDS
        )
    assert answer.status_code == 413
