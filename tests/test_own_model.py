"""README's "Your own model in ten minutes", followed to the letter: afterwards all of a project's checks are green."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import Answers, choices, name_of, render, run
from tests.test_hooks import section

OWN = Path(__file__).parent / "own_model"
"""What somebody writes: for each app type the files of a model of their own, as they lie in a project."""
TITLE = "Your own model in ten minutes"
PACKAGES = {"interface": [], "chat": ["httpx>=0.28"]}
FIELDS = {
    "interface": "",
    "chat": """
    vendor_url: str = "https://models.example.com"
    vendor_key: SecretStr = SecretStr("")
""",
}
"""Settings that the model needs."""
LINES = {"interface": "", "chat": "\n# APP_VENDOR_URL=https://models.example.com\n# APP_VENDOR_KEY="}
PROJECTS = [
    {"app_type": app, "deploy_target": target, "model": model, "start_from": start}
    for start in choices("start_from")
    for app in choices("app_type")
    for target in ("local", "ray")
    for model in (choices("model") if app in {"chat", "streaming"} and target == "local" else ["embedded"])
]


class Guide:
    """What the README of a project tells somebody to do."""

    def __init__(self, project: Path) -> None:
        text = section((project / "README.md").read_text(encoding="utf-8"), TITLE)
        self.steps = re.findall(r"^\d\. (.*?)(?=^\d\. |^$)", text, re.MULTILINE | re.DOTALL)
        self.opened = [name for step in self.steps for name in re.findall(r"`([^`]+)`", step.split(": ")[0])]
        """Files to open, in their order."""
        commands = "".join(re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)).splitlines()
        self.delete = [line for line in commands if line.startswith("rm ")]
        self.checks = [line for line in commands if line not in self.delete]

    def out(self, file: str) -> list[str]:
        """Name what a step says to take out of a file."""
        [step] = [step for step in self.steps if f"`{file}`" in step.split(": ")[0]]
        told = step.split(": ", 1)[1]
        parts = re.findall(r"take out\b(.*?)(?:;|\.$)", told, re.DOTALL) + re.findall(r"in, (.*) out", told)
        return [name for part in parts for name in re.findall(r"`([\w-]+)`", part)]


@pytest.mark.parametrize("answers", PROJECTS, ids=name_of)
def test_the_files_that_are_named_are_there(answers: Answers, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", answers)
    guide, is_example = Guide(project), answers["start_from"] == "example"
    assert len(guide.opened) >= 5
    assert len(guide.delete) == int(is_example)
    deleted = [name for line in guide.delete for name in line.split()[1:]]
    for name in [*guide.opened, *deleted]:
        assert (project / name).is_file(), name
    settings = (project / "utils" / "settings.py").read_text(encoding="utf-8")
    assert bool(guide.out("utils/settings.py")) == is_example
    for name in guide.out("utils/settings.py"):
        assert f"    {name}:" in settings or name in {"model", "model_concurrency"}, name


def take_out(path: Path, pattern: str) -> None:
    """Take one place out of a file."""
    text, count = re.subn(pattern, "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert count == 1, f"{path.name}: {pattern}"
    path.write_text(text, encoding="utf-8")


def follow(project: Path, app: str) -> Guide:
    """Do what README says with a model of one's own."""
    guide = Guide(project)
    own = {path.relative_to(OWN / app).as_posix() for path in (OWN / app).rglob("*.py")}
    assert set(guide.opened) == own | {"utils/settings.py", ".env.example", "pyproject.toml"}
    for name in own:
        shutil.copy(OWN / app / name, project / name)
    settings, example = project / "utils" / "settings.py", project / ".env.example"
    for name in guide.out("utils/settings.py"):
        take_out(settings, rf'^    {name}: [^\n]*\n(?:    """.*?"""\n)?')
        take_out(example, rf"\n# APP_{name.upper()}=[^\n]*")
    text = settings.read_text(encoding="utf-8").replace("\n\n\n@cache", f"{FIELDS[app]}\n\n@cache")
    if "SecretStr" in text:
        text = text.replace("import Field\n", "import Field, SecretStr\n")
    settings.write_text(text, encoding="utf-8")
    example.write_text(example.read_text(encoding="utf-8") + LINES[app], encoding="utf-8")
    packages = project / "pyproject.toml"
    for name in guide.out("pyproject.toml"):
        take_out(packages, rf'^  "{name}[^\n]*\n')
    text = packages.read_text(encoding="utf-8")
    added = "".join(f'  "{name}",\n' for name in PACKAGES[app])
    packages.write_text(text.replace("dependencies = [\n", f"dependencies = [\n{added}", 1), encoding="utf-8")
    run("bash", "-c", "\n".join(guide.delete), cwd=project)
    return guide


def without_leftovers(project: Path, names: list[str]) -> bool:
    """Tell whether nothing imports what was taken out."""
    code = "".join(path.read_text(encoding="utf-8") for path in project.rglob("*.py"))
    return not any(re.search(rf"^\s*(?:import|from) {name}\b", code, re.MULTILINE) for name in names)


@pytest.mark.slow
@pytest.mark.xdist_group("own_model")
@pytest.mark.parametrize("app", PACKAGES)
def test_who_follows_the_readme_has_a_green_project(app: str, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": app})
    guide = follow(project, app)
    assert without_leftovers(project, ["loky", "sklearn"])
    page = run(sys.executable, "-c", "import app; print(app.demo.get_config_file())", cwd=project).stdout
    assert not re.search(r"services/|stand-in", page), "visitors read what is meant for developers"
    assert [check.split()[2] for check in guide.checks] == ["ruff", "ruff", "basedpyright", "pytest"]
    for check in guide.checks:
        tool, *arguments = check.removeprefix("uv run ").split()
        # That what is kept is green over any page is for `tests/test_ownership.py`: it takes minutes.
        extra = {"basedpyright": ["--pythonpath", sys.executable], "pytest": ["--ignore=tests/server"]}.get(tool, [])
        run(sys.executable, "-m", tool, *arguments, *extra, cwd=project)
