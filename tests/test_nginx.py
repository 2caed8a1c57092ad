"""A project's own nginx configuration in front of real processes: paths, https, streams, uploads, replicas."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect, sync_playwright
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from scripts.nginx import configuration, free_port, in_front, nginx
from scripts.screenshots import BROWSERS
from tests.conftest import ROOT, render, run
from tests.test_first_start import started

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nginx")]

TRUST = {"APP_TRUSTED_PROXIES": '["127.0.0.1"]'}
PASSWORD = secrets.token_urlsafe(16)
SESSIONS, BROWSER_SESSIONS = 200, 4
WITHOUT_AFFINITY = 16
"""Sessions are enough to find out: one goes right by chance in one of thousands of cases."""
PIECES = '''
"""Writes a piece, waits until it may go on, writes another."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from services.embedded import EmbeddedModel


class Waiting(EmbeddedModel):
    async def stream(self, *_: Any) -> AsyncGenerator[str]:
        yield "one"
        while not Path({go!r}).exists():
            await asyncio.sleep(0.01)
        yield " two"


def load_model(_delay: float) -> Waiting:
    return Waiting("")
'''


@pytest.fixture(scope="module")
def streaming(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a project that streams."""
    answers = {"app_type": "streaming", "deploy_target": "docker"}
    return render(template, tmp_path_factory.mktemp("streaming") / "app", answers)


@contextmanager
def behind_nginx(project: Path, folder: Path, settings: dict[str, str], **variables: str) -> Iterator[tuple[str, str]]:
    """Start an app and nginx in front of it, and give both addresses."""
    folder.chmod(0o755)
    root = {"APP_ROOT_PATH": path} if (path := variables.get("APP_ROOT_PATH")) else {}
    with (
        started(project, sys.executable, "app.py", **TRUST, **settings, **root) as app,
        in_front(project, folder, app, **variables) as front,
    ):
        yield front, app


@contextmanager
def browser_page(url: str) -> Iterator[Page]:
    """Open a page; afterwards, nothing may have gone wrong in it."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("response", lambda answer: problems.append(f"404 {answer.url}") if answer.status == 404 else None)
        page.goto(url)
        yield page
        # The file that describes an installed app is asked for at the root of the domain, wherever the page is.
        assert not [problem for problem in problems if "/manifest.json" not in problem]
        browser.close()


def test_the_app_works_under_a_path(streaming: Path, tmp_path: Path) -> None:
    with behind_nginx(streaming, tmp_path, {}, APP_ROOT_PATH="/demo") as (front, _):
        assert httpx.get(f"{front}/config").json()["root"] == front
        assert httpx.get(front).headers["location"] == "/demo/"
        assert httpx.get(f"{front}/healthz").json() == {"status": "ok"}
        assert httpx.get(f"{front}/../config").status_code == 404
        assert Client(front, verbose=False).predict("How many words are here?", 64, api_name="/stream")
        with browser_page(f"{front}/") as page:
            page.get_by_role("textbox").first.fill("How many words are here?")
            page.get_by_role("button", name="Run", exact=True).click()
            expect(page.get_by_text("answers in this session: 1")).to_be_visible(timeout=20_000)


def test_a_proxy_in_front_says_https_and_nobody_else_does(streaming: Path, tmp_path: Path) -> None:
    says = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    settings = {"APP_ALLOWED_HOSTS": '["app.example.com", "127.0.0.1"]'}
    with behind_nginx(streaming, tmp_path, settings) as (front, app):
        believed = httpx.get(f"{front}/config", headers=says | {"Host": "app.example.com"})
        assert believed.json()["root"] == "https://app.example.com"
        assert "max-age" in believed.headers["strict-transport-security"]
        assert httpx.get(f"{front}/config").json()["root"] == front
        assert httpx.get(f"{front}/config", headers={"Host": "evil.example"}).status_code == 400
        folder = tmp_path / "other"
        folder.mkdir()
        with in_front(streaming, folder, app, FRONT_PROXY="192.0.2.1") as stranger:
            assert httpx.get(f"{stranger}/config", headers=says).json()["root"] == stranger


def test_a_stream_arrives_piece_by_piece(streaming: Path, tmp_path: Path) -> None:
    project, go = tmp_path / "app", tmp_path / "go"
    shutil.copytree(streaming, project)
    (project / "services" / "model.py").write_text(PIECES.format(go=str(go)), encoding="utf-8")
    with behind_nginx(project, tmp_path, {}) as (front, _), httpx.Client(base_url=front, timeout=60) as visitor:
        joined = visitor.post("/gradio_api/call/stream", json={"data": ["Write.", 10, None]}).json()
        with visitor.stream("GET", f"/gradio_api/call/stream/{joined['event_id']}") as answer:
            # nginx keeps this to itself unless it is told to hand it on to a proxy in front.
            assert answer.headers["x-accel-buffering"] == "no"
            lines = answer.iter_lines()
            first = next(line for line in lines if "one" in line)
            assert "two" not in first
            go.touch()  # only now does the model go on
            assert any("two" in line for line in lines)


def test_nginx_lets_answers_under_way_come_to_their_end(streaming: Path, tmp_path: Path) -> None:
    # Compose stops nginx before the app, by this signal.
    project, go = tmp_path / "app", tmp_path / "go"
    shutil.copytree(streaming, project)
    (project / "services" / "model.py").write_text(PIECES.format(go=str(go)), encoding="utf-8")
    with behind_nginx(project, tmp_path, {}) as (front, _), httpx.Client(base_url=front, timeout=60) as visitor:
        joined = visitor.post("/gradio_api/call/stream", json={"data": ["Write.", 10, None]}).json()
        with visitor.stream("GET", f"/gradio_api/call/stream/{joined['event_id']}") as answer:
            # nginx keeps this to itself unless it is told to hand it on to a proxy in front.
            assert answer.headers["x-accel-buffering"] == "no"
            lines = answer.iter_lines()
            assert any("one" in line for line in lines)
            os.kill(int((tmp_path / "nginx.pid").read_text()), signal.SIGQUIT)
            while is_open(front):
                pass
            go.touch()
            assert any("two" in line for line in lines)


def is_open(url: str) -> bool:
    """Tell whether anybody listens."""
    try:
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 80)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_file_over_the_limit_gives_the_message_of_the_app(streaming: Path, tmp_path: Path) -> None:
    with behind_nginx(streaming, tmp_path, {"APP_MAX_UPLOAD_MB": "1"}, APP_MAX_UPLOAD_MB="1") as urls:
        messages = {"1.5": "exceeded maximum allowed size of 1000000 bytes", "5": "larger than the limit of 2 MB"}
        for size, message in messages.items():
            large = {"files": ("large.csv", b"x" * int(float(size) * 1_000_000))}
            front, direct = [httpx.post(f"{url}/gradio_api/upload", files=large, timeout=60) for url in urls]
            assert message in front.text
            assert (front.status_code, front.text) == (413, direct.text)
        small = {"files": ("a name with spaces, ü and 100%.csv", b"x" * 900_000)}
        path = httpx.post(f"{urls[0]}/gradio_api/upload", files=small, timeout=60).json()[0]
        assert len(httpx.get(f"{urls[0]}/gradio_api/file={quote(path)}").content) == 900_000
        # Far beyond, nginx itself refuses, so that nobody can fill the line.
        huge = httpx.post(f"{urls[0]}/gradio_api/upload", files={"files": ("huge.csv", bytes(12_000_000))}, timeout=60)
        assert huge.status_code == 413
        assert "nginx" in huge.text


# REPLICAS


@pytest.fixture(scope="module")
def replicas(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """Start two processes of one app that share a real Redis."""
    folder = tmp_path_factory.mktemp("replicas")
    answers = {"app_type": "blocks", "deploy_target": "docker", "auth_mode": "password"}
    project = render(template, folder / "app", answers)
    hashed = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),)).hash(PASSWORD)
    with ExitStack() as stack, redis(folder) as store:
        settings = TRUST | {
            "APP_ACCOUNTS": json.dumps({"ada": hashed}),
            "APP_SESSION_SECRET": secrets.token_urlsafe(32),
            "APP_STORE_URL": store,
            "APP_LOGIN_LIMIT": "1000000 per hour",
            "APP_LOGIN_LIMIT_ADDRESS": "1000000 per hour",
        }
        command = [sys.executable, "app.py"]
        yield (
            project,
            [
                stack.enter_context(started(project, *command, APP_UPLOAD_DIR=str(folder / name), **settings))
                for name in ("one", "two")
            ],
        )


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Start a Redis that keeps nothing."""
    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--logfile", "redis.log"]
    process = subprocess.Popen([shutil.which("redis-server") or "redis-server", *arguments])
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(20)


def sessions(url: str, count: int) -> list[str]:
    """Let many visitors take three steps each, and tell how it went."""
    command = [sys.executable, "-m", "tests.sessions", url, str(count), PASSWORD]
    found = run(*command, cwd=ROOT).stdout.splitlines()
    assert len(found) == count
    return found


def test_with_affinity_every_session_is_right(replicas: tuple[Path, list[str]], tmp_path: Path) -> None:
    project, apps = replicas
    tmp_path.chmod(0o755)
    with in_front(project, tmp_path, *apps) as front:
        found = sessions(front, SESSIONS)
        assert found.count("right") == SESSIONS, [word for word in found if word != "right"]
        for number in range(BROWSER_SESSIONS):
            explore(front, tmp_path / f"{number}.csv", number)


def explore(url: str, table: Path, number: int) -> None:
    """Be a visitor with a browser: sign in, upload, filter, download."""
    table.write_text("name,age\n" + f"kept,{number}\n" * (number + 1) + "gone,99\n", encoding="utf-8")
    with browser_page(url) as page:
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.locator("input[type=file]").set_input_files(table)
        expect(page.get_by_text(f"{number + 2} of {number + 2} rows")).to_be_visible(timeout=20_000)
        page.get_by_label("Column", exact=True).click()
        page.get_by_role("option", name="name", exact=True).click()
        page.get_by_label("Value", exact=True).fill("kept")
        page.get_by_role("button", name="Add filter").click()
        expect(page.get_by_text(f"{number + 1} of {number + 2} rows")).to_be_visible(timeout=20_000)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert download.value.path().read_text(encoding="utf-8").count("kept") == number + 1


def test_without_affinity_sessions_go_wrong(replicas: tuple[Path, list[str]], tmp_path: Path) -> None:
    project, apps = replicas
    tmp_path.chmod(0o755)
    broken = tmp_path / "app"
    shutil.copytree(project, broken)
    path = broken / "deploy" / "nginx" / "nginx.conf.template"
    text = path.read_text(encoding="utf-8")
    assert "hash $affinity;" in text
    path.write_text(text.replace("hash $affinity;", ""), encoding="utf-8")
    with in_front(broken, tmp_path, *apps) as front:
        found = sessions(front, WITHOUT_AFFINITY)
    assert found.count("right") < WITHOUT_AFFINITY


def test_a_sign_in_holds_on_every_replica_and_ends_on_all(replicas: tuple[Path, list[str]]) -> None:
    first, second = (httpx.Client(base_url=url) for url in replicas[1])
    with first, second:
        assert second.get("/config").status_code == 401
        assert first.post("/login", data={"username": "ada", "password": PASSWORD}).status_code == 200
        second.cookies.update(first.cookies)
        assert second.get("/config").status_code == 200
        first.post("/logout")
        second.cookies.update(first.cookies)
        assert second.get("/config").status_code == 401


class Named(BaseHTTPRequestHandler):
    """Answers with the address that was asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(self.connection.getsockname()[0]).encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(("how", "right"), [("hash $affinity;", True), ("hash $affinity consistent;", False)])
def test_replicas_behind_one_name_are_kept_apart(how: str, right: bool, streaming: Path, tmp_path: Path) -> None:  # noqa: FBT001
    """In compose all replicas have the name `app`, so nginx sees one name with several addresses."""
    tmp_path.chmod(0o755)
    addresses = ["127.0.0.1", "127.0.0.2"]
    hosts = tmp_path / "hosts"
    hosts.write_text("".join(f"{address} app\n" for address in addresses), encoding="utf-8")
    with_hosts = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
    with HTTPServer((addresses[0], 0), Named) as one, HTTPServer((addresses[1], one.server_port), Named) as two:
        for server in (one, two):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        port = free_port()
        text = configuration(streaming, tmp_path, [f"http://app:{one.server_port}"], port)
        assert "hash $affinity;" in text
        with nginx(text.replace("hash $affinity;", how), tmp_path, port, with_hosts) as front:
            seen = [
                {httpx.get(front, headers={"Cookie": f"replica={visitor}"}).text for _ in range(4)}
                for visitor in range(16)
            ]
        one.shutdown()
        two.shutdown()
    assert all(len(replicas) == 1 for replicas in seen) == right
    assert set().union(*seen) == set(addresses)


def test_visitors_spread_over_replicas_and_stay(replicas: tuple[Path, list[str]], tmp_path: Path) -> None:
    project, apps = replicas
    tmp_path.chmod(0o755)
    folders: set[str] = set()
    with in_front(project, tmp_path, *apps) as front:
        for _ in range(16):
            with httpx.Client(base_url=front) as visitor:
                visitor.post("/login", data={"username": "ada", "password": PASSWORD})
                uploads = [
                    visitor.post("/gradio_api/upload", files={"files": ("a.csv", b"a\n")}).json()[0] for _ in range(3)
                ]
                kept = {str(Path(path).parents[1]) for path in uploads}
                assert len(kept) == 1
                folders |= kept
    assert {Path(folder).name for folder in folders} == {"one", "two"}
