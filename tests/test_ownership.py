"""Who owns a file is told by its folder: what is kept stays green whatever is yours, and yours is held to little."""

import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, choices, files, render, run, thorough
from tests.test_first_start import started

PAGE = """\
import server  # noqa: F401
import gradio as gr
from server import application, running
from server.settings import ServerSettings, read_settings
from services.model import {function}

settings = read_settings(ServerSettings)
demo = gr.Interface({function}, {inputs}, {outputs}, api_name="{function}")
if __name__ == "__main__":
    running.serve(application.create_app(demo, settings), settings)
"""
OTHERS = {
    "image": (
        PAGE.format(function="describe", inputs='gr.Image(type="pil")', outputs="gr.JSON()"),
        'def describe(image):\n    return {"width": image.width, "height": image.height}\n',
    ),
    "audio": (
        PAGE.format(function="speak", inputs="gr.Textbox()", outputs="gr.Audio()"),
        "import numpy as np\n\n\ndef speak(text):\n    return 8000, np.zeros(len(text) * 800, np.int16)\n",
    ),
}
"""Pages of another kind than any that the template has, each with the service behind it."""
DENOISE = ROOT / "tests" / "foreign" / "denoise.py"
PLANTED = {"`os` imported but unused", "mutable data structures", "bare `except`", "Undefined name `device`"}
SEEN_TWICE = '"device" is not defined'
CASES = [
    pytest.param(app, mode, list(OTHERS)[number % 2], marks=thorough(is_one=number % 20 != 1))
    for number, (app, mode) in enumerate((app, mode) for app in choices("app_type") for mode in choices("auth_mode"))
]


def replaced(project: Path, kind: str) -> Path:
    """Take away all of the app that the project came with, and put another page in its place."""
    page, service = OTHERS[kind]
    for path in [project / "services", *(project / "tests").iterdir()]:
        if path.is_dir() and path.name != "server":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    (project / "services").mkdir()
    (project / "services" / "model.py").write_text(service, encoding="utf-8")
    (project / "app.py").write_text(page, encoding="utf-8")
    return project


def kept_tests(project: Path) -> None:
    """Run the tests that the template keeps."""
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/server", cwd=project)
    assert re.search(r"\d+ passed", result.stdout)
    assert "no browser found" not in result.stdout


def test_the_pages_are_short_and_of_another_kind() -> None:
    for page, service in OTHERS.values():
        assert len(page.splitlines()) <= 10
        assert len(service.splitlines()) <= 10


@pytest.mark.parametrize("kind", OTHERS)
def test_a_page_of_another_kind_is_served_by_what_is_kept(kind: str, template: Path, tmp_path: Path) -> None:
    project = replaced(render(template, tmp_path / "app", {"app_type": "chat"}), kind)
    with started(project, sys.executable, "app.py") as url:
        assert httpx.get(url).status_code == 200
        assert httpx.get(f"{url}/monitoring").status_code == 404
    ruff = Path(sys.executable).parent / "ruff"
    run(ruff, "check", "--no-cache", "server", "tests", cwd=project)


@pytest.mark.slow
@pytest.mark.xdist_group("ownership")
def test_the_kept_tests_are_green_over_a_page_of_another_kind(template: Path, tmp_path: Path) -> None:
    kept_tests(replaced(render(template, tmp_path / "app", {"app_type": "blocks"}), "image"))


@pytest.mark.slow
@pytest.mark.parametrize(("app_type", "auth_mode", "kind"), CASES)
def test_the_kept_tests_are_green_over_any_page_in_every_auth_mode(
    app_type: str, auth_mode: str, kind: str, template: Path, tmp_path: Path
) -> None:
    kept_tests(replaced(render(template, tmp_path / "app", {"app_type": app_type, "auth_mode": auth_mode}), kind))


@pytest.mark.usefixtures("without_git")
def test_what_is_kept_is_the_same_in_every_app(template: Path, tmp_path: Path) -> None:
    def kept(app_type: str, start_from: str) -> dict[str, bytes]:
        project = render(
            template, tmp_path / f"{app_type}-{start_from}", {"app_type": app_type, "start_from": start_from}
        )
        found = {path.relative_to(project).as_posix(): path.read_bytes() for path in files(project)}
        return {name: text for name, text in found.items() if name.startswith(("server/", "tests/server/"))}

    first, *rest = (kept(app, start) for app in choices("app_type") for start in choices("start_from"))
    assert len(first) > 20
    for other in rest:
        assert other.keys() == first.keys()
        # One setting has a default of its own: what Gradio's image editor and plots need.
        assert {name for name in first if other[name] != first[name]} <= {"server/settings.py"}


def test_terse_code_of_yours_is_held_to_real_defects(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface"})
    assert 60 <= len(DENOISE.read_text(encoding="utf-8").splitlines()) <= 80
    shutil.copy(DENOISE, project / "services")
    tools = Path(sys.executable).parent
    run(tools / "ruff", "format", "--check", "--no-cache", ".", cwd=project)
    checked = run(tools / "ruff", "check", "--no-cache", "--output-format", "concise", ".", cwd=project, check=False)
    typed = run(tools / "basedpyright", "--pythonpath", sys.executable, cwd=project, check=False)
    linted = re.findall(r"^\S+:\d+:\d+: (.+)$", checked.stdout, re.MULTILINE)
    problems = re.findall(r"^ +\S+:\d+:\d+ - (?:error|warning): (.+)$", typed.stdout, re.MULTILINE)
    assert len(linted) + len(problems) <= 5
    for line in linted:
        assert any(defect in line for defect in PLANTED), line
    for line in problems:
        assert SEEN_TWICE in line
    assert all(any(defect in line for line in linted) for defect in PLANTED)
