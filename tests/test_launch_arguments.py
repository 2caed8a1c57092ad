"""Promise 10: whatever plain Gradio takes at its launch has a place here, and README says which."""

import ast
import inspect
import re
import sys
from pathlib import Path

import gradio as gr
import pytest
import yaml

from tests.conftest import ROOT, render, run
from tests.test_hooks import section

TITLE = "From `launch()` to here"
IN_PROCESS = """
import server
import gradio as gr
from server import application
from server.settings import ServerSettings
from starlette.testclient import TestClient

settings = ServerSettings(_env_file=None)
with gr.Blocks() as demo:
    gr.Textbox()
demo.max_threads, demo.state_session_capacity = 7, 11
with TestClient(application.create_app(demo, settings), "http://localhost"):
    print(demo.limiter.total_tokens, demo.app.state_holder.capacity)
"""


def rows(readme: str) -> dict[str, str]:
    """Give what README says about each argument."""
    found: dict[str, str] = {}
    for names, place in re.findall(r"^\| (`.+?`) \| (.+) \|$", section(readme, TITLE), re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            assert name not in found, f"{name} has two places"
            found[name] = place
    return found


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(template, tmp_path_factory.mktemp("launch") / "app", {"deploy_target": "docker"})


@pytest.fixture(scope="module")
def places(project: Path) -> dict[str, str]:
    return rows((project / "README.md").read_text(encoding="utf-8"))


def test_every_argument_has_one_place_and_no_place_is_for_nothing(places: dict[str, str]) -> None:
    known = {
        name
        for function in (gr.Blocks.launch, gr.mount_gradio_app)
        for name in inspect.signature(function).parameters
        if name != "self" and not name.startswith("_")
    }
    assert set(places) == known


def test_settings_that_are_named_exist(places: dict[str, str], project: Path) -> None:
    example = (project / ".env.example").read_text(encoding="utf-8")
    named = {name for place in places.values() for name in re.findall(r"APP_\w+", place)}
    assert len(named) >= 10
    for name in named:
        assert f"{name}=" in example, name


def class_fields(path: Path, name: str) -> set[str]:
    """Name the fields of a class without importing it."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    [found] = [node for node in nodes if isinstance(node, ast.ClassDef) and node.name == name]
    return {ast.unparse(node.target) for node in found.body if isinstance(node, ast.AnnAssign)}


def test_what_belongs_to_the_page_is_in_the_class_for_it(places: dict[str, str], project: Path) -> None:
    said = {name for name, place in places.items() if "page=Page(" in place}
    assert said == class_fields(project / "server" / "page.py", "Page")


def test_hooks_and_answers_that_are_named_exist(places: dict[str, str], project: Path) -> None:
    tree = ast.parse((project / "server" / "application.py").read_text(encoding="utf-8"))
    [hooks] = [node.args for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "create_app"]
    said = {name for place in places.values() for name in re.findall(r"`(\w+)=`", place)}
    assert said <= {argument.arg for argument in hooks.kwonlyargs}
    questions = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    for answer in {name for place in places.values() for name in re.findall(r"the answer `(\w+)`", place)}:
        assert answer in questions


def test_what_is_set_on_the_page_itself_is_followed(project: Path) -> None:
    assert run(sys.executable, "-c", IN_PROCESS, cwd=project).stdout.split()[-2:] == ["7", "11"]
