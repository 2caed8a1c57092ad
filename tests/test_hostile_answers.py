"""Whatever is typed as a name is refused with a reason, or reaches every file intact."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from io import StringIO
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, render

NASTY = [
    'a "quote" b',
    "it's",
    "both ' and \"",
    "back\\slash \\n \\",
    "new\nline",
    "tab\there",
    "{{ 7 * 7 }}{% raw %}{# c #}",
    "${HOME} $(id) `id` ; rm -rf / && exit",
    "😀 emoji 🇪🇺",
    "שלום עולם",
    "\u202eevil\u202c",
    "",
    "   ",
    "x" * 300,
    "../../etc/passwd",
    "名前",
    "é",
    "null",
    "true",
    "123",
    "1.0",
    "- item",
    "key: value # comment",
    "<script>alert(1)</script>",
    "# heading *bold* [link](http://x) `code`",
    "nul\x00",
    "del\x7f",
    "nel\x85",
    "sep\u2028",
    "bom\ufeff",
    "gradio",
    "Scikit Learn",
    "%s %(x)s {0}",
    "'''",
    '"""',
]
HOW_TO_FIX = re.compile(r"Give the app a name|Use at most 60|Use one line of visible characters")


def refused_or_intact(template: Path, folder: Path, name: str) -> None:
    """Render with the name and read it back from every format."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        project = render(template, folder, {"project_name": name, "app_type": "interface"})
    except ValueError as error:
        assert HOW_TO_FIX.search(str(error)), error  # noqa: PT017 (a refusal is one of two right outcomes)
        assert not folder.exists()
        return
    toml = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert toml["description"] == name
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", toml["name"])
    assert toml["name"] not in {re.split(r"[<>=\[]", dependency)[0] for dependency in toml["dependencies"]}
    assert yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))["project_name"] == name
    tree = ast.parse((project / "server" / "settings.py").read_text(encoding="utf-8"))
    [title] = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "title"
    ]
    assert ast.literal_eval(title) == name  # type: ignore[arg-type]
    example_file = (project / ".env.example").read_text(encoding="utf-8").replace("# APP_TITLE", "APP_TITLE")
    assert dotenv_values(stream=StringIO(example_file))["APP_TITLE"] == name
    heading = (project / "README.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert re.sub(r"\\([^\w\s]|_)", r"\1", heading) == name
    for path in project.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.usefixtures("without_git")
def test_known_troublemakers(template: Path, tmp_path: Path, name: str) -> None:
    refused_or_intact(template, tmp_path / "app", name)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=70))
@example(name="\\" * 60)
@example(name='"' * 60)
@pytest.mark.usefixtures("without_git")
def test_drawn_names(template: Path, tmp_path: Path, name: str) -> None:
    refused_or_intact(template, tmp_path / "app", name)


@pytest.mark.parametrize("name", [name for name in NASTY if name.strip() and len(name) < 60 and name.isprintable()])
@pytest.mark.usefixtures("without_git")
def test_no_name_makes_the_project_ill_formatted(template: Path, tmp_path: Path, name: str) -> None:
    project = render(template, tmp_path / "app", {"project_name": name})
    ruff = Path(sys.executable).parent / "ruff"
    for command in (["format", "--check"], ["check"]):
        subprocess.run([ruff, *command, "--no-cache", "-q", project], check=True)


@pytest.mark.usefixtures("without_git")
def test_without_quoting_a_quote_would_break_the_project(template: Path, tmp_path: Path) -> None:
    broken = tmp_path / "template"
    shutil.copytree(template, broken)
    path = broken / "extensions" / "quoting.jinja"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{{ text | to_json(ensure_ascii=false) }}", '"{{ text }}"'), encoding="utf-8")
    with pytest.raises(tomllib.TOMLDecodeError):
        refused_or_intact(broken, tmp_path / "app", 'a "quote" b')


def test_no_project_is_called_like_a_package_that_it_needs() -> None:
    # uv refuses a project that depends on its own name.
    lists = [path.read_text(encoding="utf-8") for path in (ROOT / "variants").rglob("*dependencies.txt")]
    lists += [path.read_text(encoding="utf-8") for path in (ROOT / "variants").rglob("groups.txt")]
    lists.append((ROOT / "template" / "pyproject.toml.jinja").read_text(encoding="utf-8").partition("\n[tool.")[0])
    needed = {name.lower() for text in lists for name in re.findall(r'^\s*"([\w.-]+)', text, re.MULTILINE)}
    assert {"gradio", "ray", "pytest"} <= needed
    names = (ROOT / "extensions" / "names.jinja").read_text(encoding="utf-8")
    assert not needed - set(re.findall(r"'([a-z0-9-]+)'", names))
