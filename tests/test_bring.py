"""`docs/bring.md`, followed to the letter: nothing is lost, all is green, and updates merge."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from scripts.history import commit, git
from tests.conftest import ROOT, copier, release, run
from tests.test_adopt import app_of_readme

MINE = "from app import shout\n\n\ndef test_shout(word):\n    assert shout(word) == 'A'\n"
REPOSITORIES = {
    "module_launch": {
        "README.md": "# Mine\n",
        "requirements.txt": "gradio==5.9.1\ncachetools>=5\n# for the page\ngradio_client\n",
        "tests/test_mine.py": "def test_mine():\n    assert sum([1, 2]) == 3\n",
        ".gitignore": "*.csv\n",
    },
    "under_main": {
        "README.md": "# Mine\n",
        "requirements.txt": "gradio[oauth]>=5\n",
        "tests/__init__.py": "",
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef word():\n    return 'a'\n",
        "tests/test_services.py": MINE,
        "pyproject.toml": "[project]\nname = 'mine'\n",
    },
    "own_fastapi": {"LICENSE": "mine\n"},
}
"""What somebody has beside an `app.py`, which is one of `tests/scripts_to_adopt/`."""


def commands() -> list[list[str]]:
    """Give what the page tells to type, one list a block."""
    text = (ROOT / "docs" / "bring.md").read_text(encoding="utf-8")
    return [block.splitlines() for block in re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def repository(folder: Path, script: str) -> Path:
    """Make the repository of somebody."""
    code = (ROOT / "tests" / "scripts_to_adopt" / f"{script}.py").read_text(encoding="utf-8")
    for name, text in (REPOSITORIES[script] | {"app.py": code}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    commit(folder, "mine")
    for name in ("name", "email"):
        git("config", f"user.{name}", "ada@example.com", cwd=folder)
    return folder


def type_in(line: str, project: Path) -> None:
    """Type a line, with the Copier and the Python of these tests and without installing anything."""
    line = line.replace("uvx copier", f"{shlex.quote(sys.executable)} -m copier")
    line = line.replace("uv run pytest", f"{shlex.quote(sys.executable)} -m pytest -q --ignore tests/server")
    run("bash", "-c", line, cwd=project, UV_NO_SYNC="1", TEMPLATE=str(project.parent / "template"))


def bring(project: Path, script: str) -> None:
    """Do what the page says."""
    first, second, last = commands()
    assert first[0] == "TEMPLATE=$PWD && cd ../my-app"
    for line in first[1:]:
        type_in(line, project)
    code = app_of_readme((project / "README.md").read_text(encoding="utf-8"))
    (project / "app.py").write_text(code, encoding="utf-8")
    for line in second:
        named = re.search(r"before/[\w.]+", line)
        if named is None or (project / named[0]).exists():
            type_in(line, project)
    for path in (project / "tests" / "mine").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("from app import", "from my_old_app import"), encoding="utf-8")
    assert last[0] == "uv run app.py"  # the tests start it
    for line in last[1:]:
        type_in(line, project)
    assert (project / "my_old_app.py").read_bytes() == (ROOT / f"tests/scripts_to_adopt/{script}.py").read_bytes()


def new_version(template: Path) -> None:
    """Change something in every kind of file that a person shares with the template."""
    for name, old, new in (
        ("template/README.md.jinja", "## Run it\n", "## Run it here\n"),
        ("template/.gitignore", ".venv/\n", ".venv/\nvenv/\n"),
        ("template/pyproject.toml.jinja", '"pytest>=9"', '"pytest>=9.0.1"'),
        ("template/server/page.py", '"""What belongs', '"""All that belongs'),
        ("variants/skeleton/shared/function/tests/test_services.py", "def test_", "def test_again_"),
    ):
        text = (template / name).read_text(encoding="utf-8")
        assert old in text, name
        (template / name).write_text(text.replace(old, new), encoding="utf-8")
    release(template, "1.1.0")


@pytest.mark.slow
@pytest.mark.parametrize("script", REPOSITORIES)
def test_who_follows_the_page_has_the_app_in_a_project(script: str, released: Path, tmp_path: Path) -> None:
    run("cp", "-r", released, tmp_path / "template", cwd=tmp_path)
    project = repository(tmp_path / "my-app", script)
    before = set(git("ls-files", cwd=project).split())
    bring(project, script)

    # Every file is in its old place or in `before/`, the tests in a folder of their own.
    places = {name: [name, f"before/{name}", name.replace("tests/", "tests/mine/")] for name in before}
    places["app.py"] = ["my_old_app.py"]
    for name, text in REPOSITORIES[script].items():
        found = [(project / place).read_text(encoding="utf-8") for place in places[name] if (project / place).exists()]
        assert text.replace("from app", "from my_old_app") in found, name
    packages = (project / "pyproject.toml").read_text(encoding="utf-8")
    assert '"gradio>=6.31,<7"' in packages
    if script == "module_launch":
        assert '"cachetools>=5"' in packages
        assert '"gradio-client' in packages
        assert "*.csv" in (project / ".gitignore").read_text(encoding="utf-8").splitlines()

    new_version(tmp_path / "template")
    copier("update", "--defaults", cwd=project)
    changed = git("status", "--porcelain", cwd=project).splitlines()
    names = {line[3:] for line in changed}
    assert {"README.md", ".gitignore", "pyproject.toml", "server/page.py", ".copier-answers.yml"} == names
    assert not any(line.startswith(("U", "AA", "DD")) for line in changed)
    for name in names:
        assert "<<<<<<<" not in (project / name).read_text(encoding="utf-8"), name


@pytest.mark.slow
def test_a_file_that_is_in_the_way_is_not_overwritten(released: Path, tmp_path: Path) -> None:
    run("cp", "-r", released, tmp_path / "template", cwd=tmp_path)
    project = repository(tmp_path / "my-app", "own_fastapi")
    (project / "assets").mkdir()
    (project / "assets" / "style.css").write_text("mine {}", encoding="utf-8")
    commit(project, "style")
    *lines, copy = commands()[0][1:]
    for line in lines:
        type_in(line, project)
    words = [part for part in shlex.split(copy) if not part.startswith("uvx")]
    result = copier(*words[1:-2], tmp_path / "template", ".", cwd=project, check=False)
    assert result.returncode == 1
    assert "Interactive session required" in result.stdout
    assert (project / "assets" / "style.css").read_text(encoding="utf-8") == "mine {}"
