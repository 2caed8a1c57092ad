"""Run a project's model behind a real Ray of its own on this machine, for tests and benchmarks."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from scripts.nginx import free_port

STOP_SECONDS = 20
REPLICA = "ServeReplica:model:Model"


def configuration(project: Path, **model: Any) -> dict[str, Any]:  # noqa: ANN401
    """Read how a project is served, and change options of the deployment `Model`."""
    config = yaml.safe_load((project / "serve_config.yaml").read_text(encoding="utf-8"))
    [deployment] = [each for each in config["applications"][0]["deployments"] if each["name"] == "Model"]
    deployment |= model
    if "num_replicas" in model:
        del deployment["autoscaling_config"]
    return config


def install(project: Path, folder: Path) -> Path:
    """Add what a project and Ray need to the environment in `folder`, and give its Python."""
    own = os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder), "VIRTUAL_ENV": ""}
    command = ["uv", "sync", "--quiet", "--inexact", "--no-dev", "--group", "serve"]
    subprocess.run(command, cwd=project, env=own, check=True)  # noqa: S603 (our own project)
    return folder / "bin" / "python"


def environment(project: Path) -> dict[str, str]:
    """Read the variables of `serve.env`."""
    lines = (project / "serve.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True)
class Cluster:
    """A Ray that serves the model of a project."""

    url: str
    """What `APP_MODEL_URL` takes."""
    process: subprocess.Popen[bytes]

    def members(self, title: str = "") -> list[int]:
        """Find the processes of this Ray, and of no other, by their session and a part of their title."""
        found: list[int] = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                session = int((path / "stat").read_text().rpartition(")")[2].split()[3])
                words = (path / "cmdline").read_text()
            except (OSError, ValueError):  # It has ended meanwhile.
                continue
            if session == self.process.pid and title in words:
                found.append(int(path.name))
        return found

    def kill_replica(self, title: str = REPLICA) -> int:
        """Kill one replica of the model, as a machine that fails would."""
        victim = self.members(title)[0]
        os.kill(victim, signal.SIGKILL)
        return victim


@contextmanager
def served(
    project: Path,
    python: Path,
    folder: Path,
    config: dict[str, Any] | None = None,
    **variables: str,
) -> Iterator[Cluster]:
    """Start Ray as the README of a project says, wait until the model is there, and stop that Ray and no other.

    Args:
        project: The project, on whose `.env` nothing depends.
        python: The interpreter of an environment that has the group `serve`.
        folder: Where its configuration and its log go.
        config: What `configuration` gave, changed; the port is always another.
        variables: The environment of the model.

    Raises:
        RuntimeError: with the end of its log if it does not start.

    """
    port = free_port()
    config = config or configuration(project)
    config["http_options"]["port"] = port
    path = folder / "serve_config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    log = folder / "serve.log"
    # Compiled bytecode is used, and the token that Ray makes for itself stays out of the home folder.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 (our own project)
            [python.parent / "serve", "run", path],
            cwd=project,
            env=kept | environment(project) | {"HOME": str(folder)} | variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    cluster = Cluster(f"http://127.0.0.1:{port}/v1", process)
    try:
        for application in config["applications"]:
            wait_for(f"http://127.0.0.1:{port}{application['route_prefix'].rstrip('/')}/healthz", process, log)
        yield cluster
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            for member in cluster.members():
                with suppress(ProcessLookupError):  # It may have gone by itself.
                    os.kill(member, signal.SIGKILL)
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the first answer.

    Raises:
        RuntimeError: if the deployment fails or Ray ends.

    """
    while True:
        text = log.read_text(encoding="utf-8", errors="replace")
        if process.poll() is not None or "DEPLOY_FAILED" in text:
            raise RuntimeError(text[-3000:])
        try:
            with urlopen(url, timeout=10) as answer:  # noqa: S310 (our own address)
                answer.read()
                return
        except (URLError, OSError):
            continue
