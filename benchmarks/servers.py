"""Rendered projects and running servers."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.request import urlopen

from copier import run_copy
from copier.errors import DirtyLocalWarning
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from benchmarks import ROOT

APPS = ROOT / "benchmarks" / "apps"
READY_SECONDS = 90
PASSWORD = secrets.token_urlsafe(16)
FORM = f"username=ada&password={PASSWORD}"
HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
"""As in `server/access/passwords.py` of a project."""
STOP_SECONDS = 15
MANY_SESSIONS = {"APP_NEW_SESSIONS": "1000000", "APP_NEW_SESSIONS_PER_VISITOR": "1000000"}
"""All the load comes from one address, which may open no more than ten sessions a second by itself."""


def render(folder: Path, **answers: str) -> Path:
    """Render a project of the template as it stands."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DirtyLocalWarning)
        run_copy(str(ROOT), folder, data=answers, defaults=True, vcs_ref="HEAD", quiet=True)
    return folder


def render_for_load(folder: Path, **answers: str) -> Path:
    """Render an interface project whose model is `work.py` and whose page is `project_app.py`."""
    project = render(folder, app_type="interface", **answers)
    shutil.copy(APPS / "work.py", project / "services" / "model.py")
    shutil.copy(APPS / "project_app.py", project / "bench_app.py")
    return project


@dataclass(frozen=True)
class Command:
    """How to start a server; `{port}` in an argument or a variable becomes its port."""

    arguments: Sequence[str]
    folder: Path
    variables: tuple[tuple[str, str], ...] = ()
    ready: str = "/"
    """The path that answers 200 once all of it has started."""


def naive(task: str) -> Command:
    """Serve a task as a first app would: one `gr.Interface`, all defaults."""
    return Command(["-m", "benchmarks.apps.naive", task], ROOT, (("GRADIO_SERVER_PORT", "{port}"),))


def generated(project: Path, *arguments: str, **settings: str) -> Command:
    """Serve a rendered project; `settings` are the environment variables that it documents."""
    given = {"APP_PORT": "{port}", **MANY_SESSIONS, **settings}
    return Command(arguments, project, tuple(given.items()), "/readyz")


def plain_sse() -> Command:
    """Serve the stream of tokens without Gradio."""
    return Command(["-m", "benchmarks.apps.plain_sse", "{port}"], ROOT)


def environment(**variables: str) -> dict[str, str]:
    """Give the environment of a measured process: compiled bytecode is used, and nothing leaks in from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("APP_", "GRADIO_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"GRADIO_ANALYTICS_ENABLED": "False"} | variables


def with_accounts(command: Command) -> Command:
    """Let `ada` sign in with `FORM`, as often as a benchmark needs."""
    accounts = json.dumps({"ada": HASHER.hash(PASSWORD)}).replace("{", "{{").replace("}", "}}")
    needed = {
        "APP_ACCOUNTS": accounts,
        "APP_SESSION_SECRET": secrets.token_urlsafe(32),
        "APP_LOGIN_LIMIT": "1000000 per hour",
        "APP_LOGIN_LIMIT_ADDRESS": "1000000 per hour",
    }
    return replace(command, variables=(*command.variables, *needed.items()))


def cookie(server: "Server") -> str:
    """Sign in, and give what the browser would send from now on."""
    with urlopen(f"{server.url}/login", FORM.encode()) as answer:  # noqa: S310 (our own address)
        return answer.headers["set-cookie"].partition(";")[0]


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self.process.pid

    def cpu_seconds(self) -> float:
        """Give the processor time that the process has used until now (Linux only)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(command: Command) -> Generator[Server]:
    """Start a server in a process of its own, wait until it is ready, stop it in the end."""
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "log").open("w+") as log:
        folders = {"GRADIO_TEMP_DIR": scratch} | ({"APP_UPLOAD_DIR": scratch} if command.folder != ROOT else {})
        variables = {name: value.format(port=port) for name, value in command.variables}
        arguments = [argument.format(port=port) for argument in command.arguments]
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=command.folder,
            env=environment(**folders, **variables),
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_ready(process, port, command.ready)
            yield Server(f"http://127.0.0.1:{port}", process)
        except BaseException:
            log.seek(0)
            print(*log.readlines()[-20:], sep="", file=sys.stderr)
            raise
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to stop, then make it."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    """Wait for the first 200.

    Raises:
        RuntimeError: if the process ends or takes too long.

    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:  # noqa: PLR2004
                return
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.02)
    raise RuntimeError(f"The server did not start: {process.args}")


def free_port() -> int:
    """Find a port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
