"""A project's image, built and run: without root, on a read-only root, and stopped with an answer under way."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.engine import BASE, Engine
from scripts.nginx import free_port
from tests.conftest import render, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("image")]

IMAGE = "localhost/app-under-test"
SLOW = {"APP_EMBEDDED_DELAY": "0.1"}
"""Seconds between two tokens, so that an answer is under way for a while."""
LARGEST = 350
"""MB over the base image."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Give podman, with base images."""
    return Engine(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def image(engine: Engine, template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the image of a project."""
    answers = {"app_type": "streaming", "deploy_target": "docker"}
    project = render(template, tmp_path_factory.mktemp("image") / "app", answers)
    (project / ".env").write_text("APP_TITLE=must not get into the image\n", encoding="utf-8")
    run("uv", "lock", "--quiet", cwd=project)
    engine.build(project, IMAGE)
    return IMAGE


@pytest.fixture
def container(engine: Engine, image: str) -> Iterator[tuple[str, str]]:
    """Run the image as its documentation says, and give the container's name and its address."""
    port = free_port()
    variables = SLOW | {"APP_PORT": str(port), "APP_METRICS_PORT": "0"}
    settings = [f"--env={name}={value}" for name, value in variables.items()]
    hardened = ["--read-only", "--tmpfs=/tmp:size=256m,mode=1777", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    hardened.append("--read-only-tmpfs=false")  # podman would add other writable folders
    name = engine("run", "--detach", "--network=host", *hardened, *settings, image).splitlines()[-1]
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert engine("inspect", "-f", "{{.State.Running}}", name).strip() == "true", engine("logs", name)
            try:
                if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                continue
        yield name, url
    finally:
        engine("rm", "--force", name)


def test_without_a_lock_the_build_says_what_to_do(engine: Engine, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "streaming", "deploy_target": "docker"})
    with pytest.raises(RuntimeError, match=r"uv\.lock is missing\. Run 'uv lock'"):
        engine.build(project, "localhost/never")


def test_the_image_is_small_and_holds_no_secrets(engine: Engine, image: str) -> None:
    assert engine.size(image) - engine.size(BASE) <= LARGEST
    inside = engine("run", "--rm", "--network=host", "--entrypoint=find", image, "/app", "-maxdepth", "1").split()
    assert "/app/app.py" in inside
    for name in (".env", "tests", "deploy", "docs", "Dockerfile", "compose.yaml", "README.md"):
        assert f"/app/{name}" not in inside


def test_it_runs_with_no_rights_and_one_writable_folder(engine: Engine, container: tuple[str, str]) -> None:
    name, _ = container
    status = dict(line.split(":\t", 1) for line in engine("exec", name, "cat", "/proc/1/status").splitlines())
    assert status["Uid"].split() == ["1000"] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert engine("exec", name, "cat", "/proc/1/cmdline").split("\0")[:2] == ["python", "app.py"]
    writable = (
        "import os; print([p for p in ('/', '/app', '/home', '/var/tmp', '/etc', '/tmp') if os.access(p, os.W_OK)])"
    )
    assert engine("exec", name, "python", "-c", writable).strip() == "['/tmp']"
    assert engine("healthcheck", "run", name, check=False).strip() in {"", "healthy"}


def test_it_takes_files_and_its_logs_are_json(engine: Engine, container: tuple[str, str]) -> None:
    name, url = container
    large = b"x" * 3_000_000
    path = httpx.post(f"{url}/gradio_api/upload", files={"files": ("large.csv", large)}).json()[0]
    assert path.startswith("/tmp/uploads/")
    assert httpx.get(f"{url}/gradio_api/file={path}").content == large
    lines = [json.loads(line) for line in engine("logs", name).splitlines()]
    posted = [line for line in lines if line.get("method") == "POST"]
    assert {"logger": "app.access", "status": 200}.items() <= posted[-1].items()


def test_a_stop_loses_no_answer(engine: Engine, container: tuple[str, str]) -> None:
    name, url = container
    with httpx.Client(base_url=url, timeout=60) as visitor:
        joined = visitor.post("/gradio_api/call/stream", json={"data": ["Count these words, please.", 30, None]}).json()
        with visitor.stream("GET", f"/gradio_api/call/stream/{joined['event_id']}") as answer:
            lines = answer.iter_lines()
            assert "generating" in next(lines)
            engine("kill", "--signal=TERM", name)
            rest = list(lines)
    assert "event: complete" in rest
    assert "30 of at most 30 tokens" in rest[rest.index("event: complete") + 1]
    assert engine("wait", name).strip() == "0"
    assert "stopping, 0 answers cut" in engine("logs", name)
