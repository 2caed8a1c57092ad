"""What README says about hooks runs as it stands there, in every auth mode."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Answers, choices, name_of, render, run

TESTS = Path(__file__).parent / "hooks"
EXAMPLES = {
    "Styles, theme, translations": "looks",
    "Routes": "routes",
    "Start and stop": "life",
    "Pictures and other files": "files",
    "Settings": "settings",
}
"""The headings below "Hooks", and the tests in `tests/hooks/` that drive the example of each."""
USUAL = {"app_type": "chat", "deploy_target": "local", "auth_mode": "password"}
APPS = dict(zip(choices("auth_mode"), ("blocks", "chat", "interface", "streaming", "blocks"), strict=True))
EVERY_MODE = [USUAL | {"app_type": app, "auth_mode": mode} for mode, app in APPS.items()]


def section(readme: str, title: str) -> str:
    """Give what stands below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    assert found, f"README has no {title!r}"
    return found[1]


def examples(readme: str) -> dict[str, dict[str, str]]:
    """Give the blocks of code below each heading of the hooks, by their language."""
    hooks = re.split(r"^### (.+)$", section(readme, "Hooks"), flags=re.MULTILINE)
    return {
        title: dict(re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        for title, text in zip(hooks[1::2], hooks[2::2], strict=True)
    }


def with_hook(app: str, example: str) -> str:
    """Put an example above `create_app`, and the argument of its last line into the call."""
    found = re.search(r"\n# create_app\(\.\.\., (.+)\)\n\Z", example)
    code = example[: found.start()].rstrip() if found else example.rstrip()
    app, count = re.subn(r"^def create_app\(", lambda match: f"{code}\n\n\n{match[0]}", app, flags=re.MULTILINE)
    assert count == 1
    if found:
        app, count = re.subn(
            r"^(    return application\.create_app\(.+)\)$", rf"\1, {found[1]})", app, flags=re.MULTILINE
        )
        assert count == 1
    return app


def add_setting(project: Path, example: str, line: str) -> None:
    """Put the fields of an example into the class that is there, and its line into `.env.example`."""
    path = project / "utils" / "settings.py"
    head, fields = example.split("class Settings(ServerSettings):\n")
    text = path.read_text(encoding="utf-8")
    if head.strip() not in text:
        text = text.replace("from server.settings", f"{head.strip()}\n\nfrom server.settings", 1)
    assert text.count("\n\n\n@cache") == 1
    path.write_text(text.replace("\n\n\n@cache", f"\n{fields.rstrip()}\n\n\n@cache"), encoding="utf-8")
    with (project / ".env.example").open("a", encoding="utf-8") as file:
        file.write(f"\n{line}")


def take_examples_over(project: Path) -> None:
    """Make an `app_NAME.py` with each example of README."""
    found = examples((project / "README.md").read_text(encoding="utf-8"))
    assert list(found) == list(EXAMPLES)
    app = (project / "app.py").read_text(encoding="utf-8")
    for title, name in EXAMPLES.items():
        if name == "settings":
            add_setting(project, found[title]["python"], found[title]["bash"])
        else:
            code = with_hook(app, found[title]["python"])
            (project / f"app_{name}.py").write_text(code, encoding="utf-8")
    (project / "assets").mkdir(exist_ok=True)
    Image.new("RGB", (8, 8), "navy").save(project / "assets" / "team.png")


def drive(template: Path, project: Path, answers: Answers) -> None:
    """Let the tests of every hook run in a project with its example."""
    render(template, project, answers)
    take_examples_over(project)
    (project / "tests" / "hooks").mkdir()
    for path in TESTS.glob("[a-z]*.py"):
        shutil.copy(path, project / "tests" / "hooks" / f"test_{path.name}")
    run("ruff", "check", "--extend-ignore", "E402,F811", *project.glob("app_*.py"), "utils", cwd=project)
    run(sys.executable, "-m", "pytest", "-q", "tests/hooks", "tests/test_settings.py", cwd=project)


def test_every_hook_has_its_tests() -> None:
    assert sorted(path.stem for path in TESTS.glob("[a-z]*.py")) == sorted(EXAMPLES.values())


def test_the_hooks_of_the_readme_run(template: Path, tmp_path: Path) -> None:
    drive(template, tmp_path / "app", USUAL)


@pytest.mark.slow
@pytest.mark.parametrize("answers", EVERY_MODE, ids=name_of)
def test_the_hooks_of_the_readme_run_in_every_auth_mode(answers: Answers, template: Path, tmp_path: Path) -> None:
    drive(template, tmp_path / "app", answers)
