"""Nothing that visitors send hurts anybody else: all of it at once, at a tenth of the size, against a project."""

import base64
import contextlib
import io
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.conftest import ROOT, render

SECONDS = 6
GUESTS = 4
"""Each at an address of its own of this machine."""
MEM_LIMIT = 3_000_000_000
"""Bytes that `compose.yaml` gives."""
SLOWEST = 0.25
"""Seconds at the 95th percentile."""
SLOWEST_BESIDE_TABLES = 0.5
"""The same, while two threads of the server read tables: what holds the interpreter there, holds up everybody."""
LIMITS = {
    "APP_FILE_TTL": "4",
    "APP_STORED_MB_PER_VISITOR": "6",
    "APP_HEAD_SECONDS": "3",
    "APP_BODY_SECONDS": "3",
    "APP_NEW_SESSIONS_PER_VISITOR": "60",
}
PATIENCE = 90
EDITOR = re.compile(r'"id":(\d+),"type":"imageeditor"')


def bomb() -> bytes:
    """Make a picture of 20 kB that unfolds to half a gigabyte."""
    raw = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(raw, "PNG")
    return raw.getvalue()


@contextlib.contextmanager
def served(project: Path, uploads: Path, program: str = "crowd_app.py") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the page of `crowd_app.py` as `app.py` is served, or that one."""
    shutil.copy(ROOT / "tests" / "crowd" / "crowd_app.py", project)
    variables = LIMITS | {"APP_PORT": "0", "APP_UPLOAD_DIR": str(uploads), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, program]
    log = (project / "log").open("w+", encoding="utf-8")
    process = subprocess.Popen(command, cwd=project, env=os.environ | variables, stderr=log, text=True)
    try:
        until = time.monotonic() + PATIENCE
        while not (found := re.search(r"http://[\d.]+:\d+", (project / "log").read_text(encoding="utf-8"))):
            assert process.poll() is None, (project / "log").read_text(encoding="utf-8")
            assert time.monotonic() < until, (project / "log").read_text(encoding="utf-8")
            time.sleep(0.1)
        yield process, found[0]
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def memory(process: "subprocess.Popen[str]") -> int:
    """Give the bytes that a process takes."""
    [line] = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8"))
    return int(line) * 1000


def on_disk(folder: Path) -> int:
    """Give the bytes that lie in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Guest:
    """Sends everything that is too much."""

    def __init__(self, url: str, number: int, editor: str) -> None:
        self.url, self.address, self.editor = httpx.URL(url), f"127.0.0.{number + 2}", editor
        transport = httpx.HTTPTransport(local_address=self.address)
        self.http = httpx.Client(base_url=url, transport=transport, timeout=PATIENCE)
        self.answers: Counter[int] = Counter()
        self.open: list[socket.socket] = []
        self.picture = bomb()

    def run(self, until: float) -> None:
        """Send it until the time is over."""
        kinds: list[Callable[[], None]] = [
            self.unfold,
            self.join,
            self.call,
            self.edit,
            self.fill,
            self.hold,
            self.idle,
        ]
        while time.monotonic() < until:
            for kind in kinds:
                with contextlib.suppress(httpx.TransportError, OSError):
                    kind()
        for end in self.open:
            end.close()

    def post(self, path: str, **options: object) -> None:
        """Send a request and note how it was answered."""
        self.answers[self.http.post(f"/gradio_api/{path}", **options).status_code] += 1  # type: ignore[arg-type]

    def unfold(self) -> None:
        self.post("upload", files={"files": ("a.png", self.picture)})
        address = "data:image/png;base64," + base64.b64encode(self.picture).decode()
        body = {"data": [{"path": None, "url": address, "meta": {"_type": "gradio.FileData"}}], "session_hash": "x"}
        self.post("call/size", json=body)

    def join(self) -> None:
        for _ in range(20):
            self.post("call/state", json={"data": [], "session_hash": uuid.uuid4().hex})

    def call(self) -> None:
        for _ in range(20):
            body = {
                "data": "x" * 1000,
                "component_id": int(self.editor),
                "fn_name": "none",
                "session_hash": uuid.uuid4().hex,
            }
            self.post("component_server", json=body)

    def edit(self) -> None:
        form = {"type": "composite", "index": "null", "id": uuid.uuid4().hex, "component_id": self.editor}
        form |= {"fn_name": "accept_blobs", "session_hash": "x"}
        for raw in (self.picture, random.randbytes(3_000_000)):
            self.post("component_server", data=form, files={"file": ("blob", raw)})

    def fill(self) -> None:
        self.post("upload", files={"files": (f"{uuid.uuid4().hex}.bin", random.randbytes(4_000_000))})

    def hold(self) -> None:
        for path in ("component_server", "queue/join", "upload"):
            self.connect(
                f"POST /gradio_api/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3000000\r\n"
                "content-type: multipart/form-data; boundary=b\r\n\r\n".encode()
                + bytes(500_000)
            )

    def idle(self) -> None:
        for _ in range(5):
            self.connect(b"GET / HTTP/1.1\r\nhost: ")

    def connect(self, sent: bytes) -> None:
        """Open a connection, send something, and leave it like that."""
        if len(self.open) >= 100:
            self.open.pop(0).close()
        end = socket.create_connection((self.url.host, self.url.port or 80), 5, (self.address, 0))
        self.open.append(end)
        end.sendall(sent)


@contextlib.contextmanager
def clocked(url: str, seen: list[float]) -> Iterator[None]:
    """Ask all the while whether the server lives, and note how long that takes.

    In a process of its own: beside the threads of the crowd it would measure how long it waits for them.
    """
    command = [sys.executable, str(ROOT / "tests" / "crowd" / "clock.py"), url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=PATIENCE)
    for line in printed.splitlines():
        status, seconds = line.split()
        assert status == "200"
        seen.append(float(seconds))


def stream(url: str, pieces: int) -> str:
    """Let an answer of so many pieces come."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as http:
        body = {"data": [pieces], "session_hash": uuid.uuid4().hex}
        event = http.post("/gradio_api/call/count", json=body).json()["event_id"]
        return http.get(f"/gradio_api/call/count/{event}").text


def is_back(now: Callable[[], int], before: int, slack: int) -> bool:
    """Wait until something is within a tenth of what it was."""
    give_up = time.monotonic() + PATIENCE
    while now() > before * 1.1 + slack:
        if time.monotonic() > give_up:
            return False
        time.sleep(0.2)
    return True


@dataclass
class Crowd:
    """What came of one."""

    peak: int
    """Bytes of memory at most."""
    slowest: float
    """Seconds that the server took to say that it lives, at the 95th percentile."""
    answer: str
    """What somebody else got meanwhile."""
    statuses: Counter[int]


def come(process: "subprocess.Popen[str]", url: str, editor: str) -> Crowd:
    """Let a crowd come, send everything that is too much, and go."""
    seen, peak, answers = list[float](), 0, list[str]()
    guests = [Guest(url, number, editor) for number in range(GUESTS)]
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=guest.run, args=(until,)) for guest in guests]
    threads.append(threading.Thread(target=lambda: answers.append(stream(url, 40))))
    with clocked(url, seen):
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            peak = max(peak, memory(process))
            time.sleep(0.05)
        for thread in threads:
            thread.join(PATIENCE)
    statuses = sum((guest.answers for guest in guests), Counter[int]())
    return Crowd(peak, statistics.quantiles(seen, n=20)[-1], answers[0], statuses)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and takes addresses of 127.0.0.0/8")
def test_a_crowd_hurts_nobody_else(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface"})
    uploads = tmp_path / "uploads"
    with served(project, uploads) as (process, url):
        config = httpx.get(f"{url}/config").text
        [editor] = EDITOR.findall(re.sub(r"\s", "", config))
        # What is measured against is a server that has worked: its threads are there, and what it imports late.
        come(process, url, editor)
        assert is_back(lambda: on_disk(uploads), 0, 100_000), f"{on_disk(uploads)} bytes stay on the disk"
        before, crowd = memory(process), come(process, url, editor)
        assert crowd.peak < MEM_LIMIT, crowd
        assert crowd.slowest < SLOWEST, crowd
        assert [json.loads(piece) for piece in re.findall(r"event: complete\ndata: (.*)", crowd.answer)] == [["39"]]
        assert {200, 413} <= set(crowd.statuses), crowd
        assert 500 not in crowd.statuses, crowd
        assert is_back(lambda: on_disk(uploads), 0, 100_000), f"{on_disk(uploads)} bytes stay on the disk"
        assert is_back(lambda: memory(process), before, 0), f"{memory(process)} bytes of {before} stay"
    assert "Traceback" not in (project / "log").read_text(encoding="utf-8")


def load(url: str, table: Path) -> str:
    """Upload a table and let it be read, as a visitor of `blocks` does."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as http, table.open("rb") as file:
        [path] = http.post("/gradio_api/upload", files={"files": (table.name, file)}).json()
        given = {"path": path, "meta": {"_type": "gradio.FileData"}}
        body = {"data": [given, "Detect", 1, "Detect", ""], "session_hash": uuid.uuid4().hex}
        event = http.post("/gradio_api/call/load_csv", json=body).json()["event_id"]
        return http.get(f"/gradio_api/call/load_csv/{event}").text


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_largest_tables_of_several_visitors_hurt_nobody_else(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = render(template, tmp_path / "app", {"app_type": "blocks"})
    for name in ("APP_FILE_TTL", "APP_STORED_MB_PER_VISITOR"):
        monkeypatch.setitem(LIMITS, name, "1000")
    even, uneven = tmp_path / "even.csv", tmp_path / "uneven.csv"
    even.write_text("a,b,c,d\n" + "".join(f"{row:015d},{row:015x},{row:015o},-{row:014d}\n" for row in range(900_000)))
    uneven.write_text("a,b,c,d,e\n" + "".join(f"{row:019d}x,{row:019x}x,{row:019o}x\n" for row in range(900_000)))
    with served(project, tmp_path / "uploads", "app.py") as (process, url):
        answers, seen, peak = list[str](), list[float](), 0
        tables = (even, uneven, even, uneven)
        threads = [threading.Thread(target=lambda each=each: answers.append(load(url, each))) for each in tables]
        with clocked(url, seen):
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                peak = max(peak, memory(process))
                time.sleep(0.05)
    slowest = statistics.quantiles(seen, n=20)[-1]
    assert ["event: complete" in answer for answer in answers] == [True] * len(tables), answers
    assert peak < MEM_LIMIT
    assert slowest < SLOWEST_BESIDE_TABLES, f"{slowest} s at the 95th percentile, {max(seen)} at most, {peak} bytes"
