"""Run a project's own nginx configuration on this machine, for tests and benchmarks."""

import getpass
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

TEMPLATE = Path("deploy", "nginx", "nginx.conf.template")
DEFAULTS = {"APP_ROOT_PATH": "", "APP_MAX_UPLOAD_MB": "64", "FRONT_PROXY": "127.0.0.1"}
"""As in `compose.yaml`."""


def configuration(project: Path, folder: Path, apps: Sequence[str], port: int, **variables: str) -> str:
    """Fill the template in as the image of nginx does, and put in addresses and folders of this machine.

    Raises:
        ValueError: if something is left to fill in.

    """
    text = (project / TEMPLATE).read_text(encoding="utf-8")
    for name, value in (DEFAULTS | variables).items():
        text = text.replace("${" + name + "}", value)
    server = re.search(r"server app:7860( .*);", text)
    if server is None or "${" in text:
        raise ValueError("the template has other names than DEFAULTS, or another server")
    servers = "\n    ".join(f"server {urlsplit(app).netloc}{server[1]};" for app in apps)
    text = text.replace(server[0], servers).replace("listen 8080;", f"listen 127.0.0.1:{port};")
    return text.replace("/tmp/", f"{folder}/").replace("/etc/nginx/templates", str(folder))  # noqa: S108


@contextmanager
def nginx(text: str, folder: Path, port: int, before: Sequence[str | Path] = ()) -> Iterator[str]:
    """Start nginx, by the command `before` if there is one, and wait until it listens.

    Raises:
        RuntimeError: with its own words if it does not start.

    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError("install nginx, of Debian: apt-get install nginx-light")
    (folder / "nginx.conf").write_text(f"user {getpass.getuser()};\n{text}", encoding="utf-8")
    log = (folder / "error.log").open("w")
    arguments = ["-p", folder, "-c", folder / "nginx.conf", "-g", "daemon off;"]
    process = subprocess.Popen([*before, program, *arguments], stderr=log)  # noqa: S603 (our own configuration)
    try:
        while True:
            if process.poll() is not None:
                raise RuntimeError((folder / "error.log").read_text(encoding="utf-8"))
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                continue
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def free_port() -> int:
    """Find a port that nothing uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def in_front(project: Path, folder: Path, *apps: str, **variables: str) -> Iterator[str]:
    """Start nginx as a project configures it in front of running apps, and give its address."""
    port = free_port()
    with nginx(configuration(project, folder, apps, port, **variables), folder, port) as url:
        yield url + variables.get("APP_ROOT_PATH", "")
