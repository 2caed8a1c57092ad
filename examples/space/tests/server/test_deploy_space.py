"""The Space gets what was tested: files, versions, and settings that follow from being one."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy import space
from server.settings import PROJECT_DIR, ServerSettings
from tests.server.client import browse
from tests.server.fixtures import MakeApp, MakeSettings, environment

HOST = "me-app.hf.space"
PROXY = ("10.16.3.80", 5)
"""From where a Space is reached."""
STAYS = shutil.ignore_patterns(".*", "__pycache__", "dist")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the project, with a lock and with what must stay at home."""
    copy = shutil.copytree(PROJECT_DIR, tmp_path_factory.mktemp("project") / "app", ignore=STAYS)
    if not (copy / "uv.lock").exists():
        space.uv("lock", cwd=copy)
    for name in (".env", "secrets/APP_KEY", "services/.env", "services/__pycache__/model.pyc", "notes.txt"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text("s3cret", encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def folder(project: Path) -> Path:
    return space.assemble(project, project / "dist" / "space")


def changed(project: Path, tmp_path: Path, name: str, old: str, new: str) -> Path:
    """Copy the project and change one file."""
    copy = shutil.copytree(project, tmp_path / "app", ignore=STAYS)
    text = (copy / name).read_text(encoding="utf-8")
    assert old in text
    (copy / name).write_text(text.replace(old, new), encoding="utf-8")
    return copy


def facts(folder: Path) -> dict[str, Any]:
    return space.front_matter((folder / "README.md").read_text(encoding="utf-8"))


def test_only_what_the_app_needs_goes_to_the_space(folder: Path) -> None:
    parts = {path.relative_to(folder).parts[0] for path in folder.rglob("*")}
    modules = {path.name for path in PROJECT_DIR.glob("*.py")}
    assert parts == {"README.md", "requirements.txt", "assets", "server", "services", "utils", *modules}
    assert "s3cret" not in "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())


def test_more_goes_along_if_pyproject_names_it(project: Path, tmp_path: Path) -> None:
    table = '[tool.space]\nadd = ["data/*.txt"]\n\n[tool.uv]'
    copy = changed(project, tmp_path, "pyproject.toml", "[tool.uv]", table)
    (copy / "data").mkdir()
    (copy / "data" / "words.txt").write_text("one", encoding="utf-8")
    assert (space.assemble(copy, tmp_path / "out") / "data" / "words.txt").read_text(encoding="utf-8") == "one"


def test_the_app_starts_from_these_files_alone(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-B", "-c", "import app; print(app.demo.title)"],
        cwd=folder,
        env=os.environ | environment() | {"SPACE_HOST": HOST, "SPACE_ID": "me/app", "SYSTEM": "spaces"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_lock_requirements_sdk_and_python_agree(project: Path, folder: Path) -> None:
    lock = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))
    locked = {(package["name"], package["version"]) for package in lock["package"]}
    python = facts(folder)["python_version"]
    pins = space.pins((folder / "requirements.txt").read_text(encoding="utf-8"), python)
    assert set(pins.items()) <= locked
    assert pins["gradio"] == facts(folder)["sdk_version"]
    assert {"authlib", "mcp"} <= set(pins), "depend on gradio[mcp,oauth]: a Space installs these extras"
    assert space.SpecifierSet(lock["requires-python"]).contains(python)
    for workflow in (PROJECT_DIR / ".github" / "workflows").glob("*.yml"):
        assert f'python-version: "{python}"' in workflow.read_text(encoding="utf-8")


def test_a_space_can_install_it_together_with_its_own_packages(folder: Path) -> None:
    found = space.resolve(folder)
    for name in ("spaces", "websockets", "mcp"):
        assert f"\n{name}==" in found


def test_versions_that_a_space_cannot_install_are_found_before_it_tries(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "space")
    text = (copy / "requirements.txt").read_text(encoding="utf-8")
    apart = text.replace(f"pydantic=={space.pins(text, '3.12')['pydantic']}", "pydantic>=2.13")
    (copy / "requirements.txt").write_text(apart, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"(?s)No solution found.*gradio\[mcp\]"):
        space.resolve(copy)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("README.md", "---\n", ""), "begin with front matter"),
        (("README.md", 'python_version: "', 'python_version: "2.'), "give python_version in quotes, within >=3.11"),
        (("README.md", "python_version", "python"), "it is None"),
        (("pyproject.toml", '  "pydantic-settings>=2.12",\n', ""), "uv export: .*lock"),
    ],
)
def test_what_does_not_fit_together_is_not_assembled(
    project: Path, tmp_path: Path, change: tuple[str, str, str], says: str
) -> None:
    with pytest.raises(SystemExit, match=says):
        space.assemble(changed(project, tmp_path, *change), tmp_path / "out")


def test_the_command_says_where_the_folder_is(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(space, "PROJECT_DIR", project)
    monkeypatch.setattr(space, "TARGET", project / "dist" / "other")
    space.main()
    assert f"{project / 'dist' / 'other'} is ready" in capsys.readouterr().out


def test_the_front_matter_is_what_a_space_understands(folder: Path) -> None:
    schema = json.loads((PROJECT_DIR / "tests" / "space.schema.json").read_text(encoding="utf-8"))
    for place in (PROJECT_DIR, folder):
        jsonschema.validate(facts(place), schema)
    wrong = {"sdk_version": 6.31, "python_version": 3.1, "colorTo": "black", "short_description": "x" * 61, "more": ""}
    for key, value in wrong.items():
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(facts(folder) | {key: value}, schema)


def test_a_space_is_open_to_its_proxy_and_to_nobody_else_s_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_HOST", f"{HOST}, app.example.com")
    known = ServerSettings(_env_file=None)
    assert (known.host, known.port, known.public, known.log_format) == ("0.0.0.0", 7860, True, "json")
    assert {HOST, "app.example.com"} <= set(known.allowed_hosts)
    assert known.frame_ancestors == ["https://huggingface.co"]
    monkeypatch.setenv("APP_FRAME_ANCESTORS", "[]")
    monkeypatch.setenv("APP_LOG_FORMAT", "text")
    known = ServerSettings(_env_file=None)
    assert (known.frame_ancestors, known.log_format) == ([], "text")


@pytest.mark.parametrize("elsewhere", [{}, {"SPACE_HOST": ""}])
def test_elsewhere_the_app_stays_closed(make_settings: MakeSettings, elsewhere: dict[str, str]) -> None:
    known = make_settings(**elsewhere)
    assert (known.host, known.public, known.log_format) == ("127.0.0.1", False, "text")
    assert (known.frame_ancestors, known.trusted_proxies, HOST in known.allowed_hosts) == ([], [], False)


def test_the_page_of_the_hub_may_show_it_in_a_frame_and_nobody_else(make_app: MakeApp) -> None:
    app = make_app(SPACE_HOST=HOST)
    forwarded = {"x-forwarded-proto": "https"}
    with browse(app, base_url=f"http://{HOST}", client=PROXY) as client:
        page = client.get("/healthz", headers=forwarded)
        assert "frame-ancestors https://huggingface.co;" in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers
        assert "strict-transport-security" in page.headers
        assert client.get("/", headers={"host": "evil.example"}).status_code == 400
        assert client.get("/", headers={"x-forwarded-host": "evil.example"}).status_code == 400
    with browse(app, base_url=f"http://{HOST}", client=("203.0.113.9", 5)) as client:
        assert "strict-transport-security" not in client.get("/healthz", headers=forwarded).headers
    assert app.state.demo.ssr_mode is False
