"""A Space, simulated: its front matter, what it installs, its start with the files that it gets, and the deployment."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import jsonschema
import pytest
import yaml
from gradio_client import Client, handle_file
from PIL import Image, ImageDraw

from tests.conftest import ROOT, Answers, choices, files, render, run
from tests.test_hostile_answers import NASTY

HOST = "me-my-app.hf.space"
ON_A_SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "me/my-app",
    "SPACE_HOST": HOST,
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_SERVER_PORT": "7860",
    "GRADIO_SSR_MODE": "true",
}
"""What a Space sets: https://huggingface.co/docs/hub/spaces-overview#helper-environment-variables."""
OAUTH = {"OAUTH_CLIENT_ID": "of-the-space", "OAUTH_CLIENT_SECRET": "s3cret"}
SCHEMA = json.loads((ROOT / "variants/deploy/spaces/tests/space.schema.json").read_text(encoding="utf-8"))


def front_matter(project: Path) -> dict[str, Any]:
    """Read what the README tells a Space."""
    _, head, _ = (project / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head)


@pytest.mark.parametrize("app_type", choices("app_type"))
@pytest.mark.parametrize("auth_mode", ["none", "password", "huggingface"])
@pytest.mark.usefixtures("without_git")
def test_a_space_understands_the_front_matter(template: Path, tmp_path: Path, app_type: str, auth_mode: str) -> None:
    answers = {"deploy_target": "spaces", "app_type": app_type, "auth_mode": auth_mode}
    head = front_matter(render(template, tmp_path / "app", answers))
    jsonschema.validate(head, SCHEMA)
    assert head.get("hf_oauth", False) is (auth_mode == "huggingface")


@pytest.mark.parametrize("name", [name for name in NASTY if name.strip() and len(name) < 60 and name.isprintable()])
@pytest.mark.usefixtures("without_git")
def test_any_name_is_a_title(template: Path, tmp_path: Path, name: str) -> None:
    head = front_matter(render(template, tmp_path / "app", {"deploy_target": "spaces", "project_name": name}))
    jsonschema.validate(head, SCHEMA)
    assert head["title"] == name


@pytest.mark.usefixtures("without_git")
def test_every_text_of_the_front_matter_is_quoted(template: Path, tmp_path: Path) -> None:
    answers = {"deploy_target": "spaces", "auth_mode": "huggingface"}
    head = (render(template, tmp_path / "app", answers) / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    for line in head.splitlines():
        assert re.fullmatch(r'#.*|\w+: (".*"|true|false)', line), line


@pytest.mark.usefixtures("without_git")
def test_only_a_project_for_spaces_has_anything_of_it(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {})
    assert (project / "README.md").read_text(encoding="utf-8").startswith("# ")
    assert not [path for path in files(project) if "space" in path.name]
    assert "SPACE_HOST" not in (project / "server" / "settings.py").read_text(encoding="utf-8")


def test_the_workflow_is_valid_pinned_and_harmless(template: Path, tmp_path: Path) -> None:
    path = render(template, tmp_path / "app", {"deploy_target": "spaces"}) / ".github/workflows/deploy-space.yml"
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    for action in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{action} is not pinned to a commit"
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path, cwd=ROOT)


def python_for(version: str) -> str:
    """Give the Python that a Space would run, or the one of these tests where the machine has no such."""
    name = f"python{version}"
    found = shutil.which(name)
    works = found and run(name, "-V", cwd=ROOT, check=False).returncode == 0
    return name if works else sys.executable


def make_space(template: Path, base: Path, answers: Answers) -> tuple[Path, Path]:
    """Give a folder with the files that a Space gets, and a Python with the packages that it installs, in one call."""
    project = render(template, base / "project", answers | {"deploy_target": "spaces"})
    run("uv", "lock", "--quiet", cwd=project)
    run(sys.executable, "-m", "deploy.space", cwd=project)
    folder = Path(shutil.move(project / "dist" / "space", base / "space"))
    shutil.rmtree(project)
    head = front_matter(folder)
    venv = base / "venv"
    run("uv", "venv", "--quiet", "--python", python_for(head["python_version"]), venv, cwd=base)
    added = [f"gradio[oauth,mcp]=={head['sdk_version']}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces"]
    python = venv / "bin" / "python"
    run("uv", "pip", "install", "--quiet", "--python", python, "-r", "requirements.txt", *added, cwd=folder)
    return folder, python


def is_free(port: int) -> bool:
    """Tell whether nothing listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
        return True


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Give what a Space sets, and nothing of the machine that runs the tests."""
    home = {name: str(folder.parent) for name in ("HOME", "TMPDIR")}
    return {"PATH": os.defpath, "UV_COMPILE_BYTECODE": "1"} | home | ON_A_SPACE | variables


@contextmanager
def booted(folder: Path, python: Path, **variables: str) -> Iterator[tuple[str, Path]]:
    """Start the app as a Space does, wait until it answers, and give its address and its log."""
    if not is_free(7860):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            variables["APP_PORT"] = str(probe.getsockname()[1])
    url = f"http://127.0.0.1:{variables.get('APP_PORT', 7860)}"
    log = folder.parent / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "app.py"], cwd=folder, env=environment(folder, **variables), stdout=output, stderr=output
        )
    try:
        while True:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            try:
                if httpx.get(f"{url}/readyz", timeout=30).status_code == 200:
                    break
            except httpx.HTTPError:
                continue
        yield url, log
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def refusal(folder: Path, python: Path, **variables: str) -> str:
    """Start the app where it must not come up, and give the line that it says."""
    done = subprocess.run(
        [python, "app.py"],
        cwd=folder,
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,  # where it is not refused, it serves
    )
    assert done.returncode == 1, done.stderr
    [line] = done.stderr.strip().splitlines()
    return line


def check_headers(url: str) -> None:
    """On its own name it may be shown by the page of the Hub; under any other it is not there."""
    page = httpx.get(url, headers={"host": HOST})
    assert "frame-ancestors https://huggingface.co;" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    assert httpx.get(url, headers={"host": "evil.example"}).status_code == 400
    # Also on addresses other than the usual one of this machine.
    assert httpx.get(url.replace("127.0.0.1", "127.0.0.2") + "/healthz").status_code == 200


@pytest.mark.slow
def test_a_space_starts_and_answers(template: Path, tmp_path: Path) -> None:
    folder, python = make_space(template, tmp_path, {"app_type": "blocks"})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Cannot listen on 0.0.0.0:{port}" in refusal(folder, python, APP_PORT=str(port))
    with booted(folder, python) as (url, log):
        check_headers(url)
        assert httpx.get(url, headers={"host": HOST}).status_code == 200
        config = httpx.get(f"{url}/config", headers={"host": HOST}).json()
        assert (config["space_id"], config.get("ssr_mode", False)) == ("me/my-app", False)
        client = Client(url, headers={"host": HOST}, verbose=False)
        assert client.predict(api_name="/load_sample")
        for line in log.read_text(encoding="utf-8").splitlines():
            assert json.loads(line)["level"] in {"info", "warning"}, line


@pytest.mark.slow
def test_a_space_with_sign_in_starts_once_it_has_its_names(template: Path, tmp_path: Path) -> None:
    folder, python = make_space(template, tmp_path, {"app_type": "interface", "auth_mode": "huggingface"})
    secret = {"APP_SESSION_SECRET": "only-for-tests-0123456789-abcdefghij"}
    for missing in OAUTH:
        line = refusal(folder, python, **secret, **OAUTH | {missing: ""})
        assert line.startswith(f"{missing}: missing. ")
        assert "hf_oauth: true" in line
    assert refusal(folder, python, **OAUTH).startswith("APP_SESSION_SECRET")
    made = run(python, "-c", "from server.access.keys import new_key; import json; print(json.dumps(new_key('robot')))",
               cwd=folder, **environment(folder), **secret, **OAUTH)  # fmt: skip
    key, known = json.loads(made.stdout)
    with booted(folder, python, **secret, **OAUTH, APP_API_KEYS=json.dumps(known)) as (url, _):
        check_headers(url)
        assert httpx.get(f"{url}/config", headers={"host": HOST}).status_code == 401
        page = httpx.get(url, headers={"host": HOST, "accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/")
        path = tmp_path / "one.png"
        picture = Image.new("L", (200, 200), "white")
        ImageDraw.Draw(picture).line([(100, 30), (100, 170)], fill="black", width=16)
        picture.save(path)
        client = Client(url, headers={"host": HOST, "authorization": f"Bearer {key}"}, verbose=False)
        drawing = {"background": handle_file(path), "layers": [], "composite": handle_file(path)}
        assert len(client.predict(drawing, api_name="/predict")["confidences"]) == 3


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as `hf` asks for: one Space with one old file."""

    asked: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    committed: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        is_tree = "/tree/" in self.path
        self.answer([{"type": "file", "path": "old.py", "oid": "0" * 40, "size": 1}] if is_tree else {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if "/commit/" in self.path:
            self.committed += map(json.loads, body.splitlines())
            self.answer({"commitOid": "0" * 40, "commitUrl": f"{self.address}/commit/{'0' * 40}", "success": True})
            return
        asked = json.loads(body)
        self.asked.append((self.path, asked))
        if "/preupload/" in self.path:
            modes = {"uploadMode": "regular", "shouldIgnore": False}
            self.answer({"files": [modes | {"path": file["path"]} for file in asked["files"]]})
        elif self.path == "/api/validate-yaml":
            jsonschema.validate(yaml.safe_load(asked["content"].split("---\n")[1]), SCHEMA)
            self.answer({})
        else:
            self.answer({"url": self.address})

    @property
    def address(self) -> str:
        """Where the Space is."""
        return f"http://127.0.0.1:{self.server.server_port}/spaces/me/my-app"

    def answer(self, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.slow
def test_the_workflow_uploads_the_folder_and_removes_what_is_old(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"deploy_target": "spaces"})
    run("uv", "lock", "--quiet", cwd=project)
    workflow = yaml.safe_load((project / ".github/workflows/deploy-space.yml").read_text(encoding="utf-8"))
    *_, assemble, upload = [step["run"] for step in workflow["jobs"]["deploy"]["steps"] if "run" in step]
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        for command in (assemble, upload):
            run("bash", "-e", "-c", command, cwd=project, HF_SPACE="me/my-app", HF_TOKEN="hf_test", GITHUB_SHA="abc",
                HF_ENDPOINT=f"http://127.0.0.1:{hub.server_port}", HF_HOME=str(tmp_path / "hf"), UV_NO_SYNC="1",
                UV_PROJECT_ENVIRONMENT=sys.prefix, VIRTUAL_ENV="")  # fmt: skip
        hub.shutdown()
    path, created = Hub.asked[0]
    assert (path, created["type"], created["visibility"]) == ("/api/repos/create", "space", "private")
    assert "/api/validate-yaml" in dict(Hub.asked)
    assert Hub.committed[0]["value"]["summary"] == "Deploy abc"
    kinds = {line["value"]["path"]: line for line in Hub.committed[1:]}
    assert kinds.pop("old.py")["key"] == "deletedFile"
    folder = project / "dist" / "space"
    sent = {name: base64.b64decode(line["value"]["content"]) for name, line in kinds.items()}
    assert sent == {path.relative_to(folder).as_posix(): path.read_bytes() for path in files(folder)}
