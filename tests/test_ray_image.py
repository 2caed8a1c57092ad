"""The image of Ray's nodes, built and run: without root, on a read-only root, and closed to strangers."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.engine import Engine
from scripts.nginx import free_port
from tests.conftest import render, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("image")]

IMAGE = "localhost/nodes-under-test"
PATIENCE = 300
"""Seconds that Ray may take to start."""


@pytest.fixture(scope="module")
def container(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, str, str]]:
    """Build the image, run it as compose.ray.yaml says, and give the engine, the container's name and its address."""
    folder = tmp_path_factory.mktemp("nodes")
    engine, port = Engine(folder), free_port()
    project = render(template, folder / "app", {"app_type": "streaming", "deploy_target": "ray"})
    config = project / "serve_config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("port: 8000", f"port: {port}"), encoding="utf-8")
    (project / ".env").write_text("APP_TITLE=must not get into the image\n", encoding="utf-8")
    run("uv", "lock", "--quiet", cwd=project)
    engine.build(project, IMAGE, "deploy/ray/Dockerfile")
    options = ["--read-only", "--tmpfs=/tmp:size=1g,mode=1777", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    options += ["--read-only-tmpfs=false", "--shm-size=1g", "--network=host", "--env=APP_MODEL_KEY=secret"]
    name = engine("run", "--detach", *options, IMAGE).splitlines()[-1]
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline, engine("logs", name)
            assert engine("inspect", "-f", "{{.State.Running}}", name).strip() == "true", engine("logs", name)
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                continue
        yield engine, name, f"http://127.0.0.1:{port}/v1/chat/completions"
    finally:
        engine("rm", "--force", name)


def test_the_model_answers_from_its_image_to_those_with_the_key(container: tuple[Engine, str, str]) -> None:
    _, _, url = container
    question = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    assert httpx.post(url, json=question, timeout=PATIENCE).status_code == 401
    answer = httpx.post(url, json=question, headers={"authorization": "Bearer secret"}, timeout=PATIENCE)
    assert answer.json()["choices"][0]["message"]["content"] == "I am the embedded"


def test_nodes_run_with_no_rights_and_without_the_page_s_secrets(container: tuple[Engine, str, str]) -> None:
    engine, name, _ = container
    status = dict(line.split(":\t", 1) for line in engine("exec", name, "cat", "/proc/1/status").splitlines())
    assert status["Uid"].split() == ["1000"] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    inside = engine("exec", name, "find", "/app", "-maxdepth", "1").split()
    assert "/app/serve_app.py" in inside
    assert "/app/.env" not in inside
    # What the operator of KubeRay calls.
    engine("exec", name, "sh", "-c", "command -v ray wget bash")
