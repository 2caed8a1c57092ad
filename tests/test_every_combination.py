"""Promise 2: every combination renders, parses, is formatted, lints and type-checks clean."""

import ast
import hashlib
import itertools
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import (
    ROOT,
    Answers,
    choices,
    combinations,
    files,
    name_of,
    render,
    run,
    skeletons,
    thorough,
    with_features,
)

STRICT = ROOT / "tests" / "strict.toml"
USUAL = ["E", "F", "I", "B", "UP"]
MAY_NOT = {
    "services": {"gradio", "server", "utils", "app", "handlers", "tests"},
    "server": {"services", "utils", "app", "handlers", "tests", "deploy"},
    "utils": {"app", "handlers", "tests"},
}
"""What the files of a folder must not import."""


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render all combinations."""
    base = tmp_path_factory.mktemp("projects")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # Copier asks git once for every file; without it this is several times faster.
        return {
            name_of(answers): render(template, base / name_of(answers), answers | {"project_name": NAME})
            for answers in [*combinations(), *with_features(), *skeletons()]
        }


NAME = 'Ünïcode "quoted" \\ name'


def distinct(projects: dict[str, Path], suffix: str) -> dict[str, Path]:
    """Give one path for each distinct content."""
    found: dict[str, Path] = {}
    for project in projects.values():
        for path in files(project):
            if path.suffix == suffix:
                key = f"{path.name}-{hashlib.sha256(path.read_bytes()).hexdigest()}"
                found.setdefault(key, path)
    assert found
    return found


def test_all_combinations_are_there(projects: dict[str, Path]) -> None:
    assert len(projects) >= 6
    for project in projects.values():
        assert (project / "app.py").is_file()


def test_every_file_parses(projects: dict[str, Path]) -> None:
    for path in distinct(projects, ".toml").values():
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        assert path.name == "ruff.toml" or found["project"]["description"] == NAME
    for path in distinct(projects, ".yml").values():
        assert yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in distinct(projects, ".py").values():
        ast.parse(path.read_text(encoding="utf-8"))


def test_no_file_shows_traces_of_rendering(projects: dict[str, Path]) -> None:
    for project in projects.values():
        for path in files(project):
            text = path.read_text(encoding="utf-8")
            assert text.endswith("\n") or not text, path
            assert not text.endswith("\n\n"), path
            assert not text.startswith("\n"), path
            assert "{%" not in text, path
            assert "{{" not in text or path.suffix == ".yml", path
            assert "\n\n\n\n" not in text, path


def test_every_project_is_formatted_and_lints_clean(projects: dict[str, Path]) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff
    # Each file is held against the settings of its own project.
    [folder] = {project.parent for project in projects.values()}
    run(ruff, "format", "--check", "--no-cache", ".", cwd=folder)
    run(ruff, "check", "--no-cache", ".", cwd=folder)
    # What is the user's has the usual rules there. What we put into it holds every rule.
    run(ruff, "check", "--no-cache", "--config", STRICT, ".", cwd=folder)


def test_lint_is_strict_where_it_is_kept_and_usual_where_it_is_yours(projects: dict[str, Path]) -> None:
    strict = tomllib.loads(STRICT.read_text(encoding="utf-8"))["lint"]
    found = {"ruff.toml": 0, "pyproject.toml": 0}
    for path in distinct(projects, ".toml").values():
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        found[path.name] += 1
        lint = settings["lint"] if path.name == "ruff.toml" else settings["tool"]["ruff"]["lint"]
        assert lint["select"] == (["ALL"] if path.name == "ruff.toml" else USUAL)
        ignored = [*lint.get("ignore", ()), *itertools.chain(*lint.get("per-file-ignores", {}).values())]
        assert len(ignored) <= 8
        if path.parent.name == "server" and path.parent.parent.name != "tests":
            assert set(lint["ignore"]) <= set(strict["ignore"])
    assert found["ruff.toml"] >= 2


def every_pair() -> list[Answers]:
    """Give few combinations in which every two answers to different questions meet."""
    targets, modes = choices("deploy_target"), choices("auth_mode")
    apps = list(dict.fromkeys((each["app_type"], each.get("model")) for each in combinations()))

    def is_kept(answers: Answers) -> bool:
        app = apps.index((answers["app_type"], answers.get("model")))
        return targets.index(answers["deploy_target"]) == (app + modes.index(answers["auth_mode"])) % len(targets)

    return list(filter(is_kept, combinations()))


def test_few_combinations_hold_every_pair() -> None:
    def pairs(several: list[Answers]) -> set[frozenset[tuple[str, str]]]:
        return {frozenset(pair) for answers in several for pair in itertools.combinations(answers.items(), 2)}

    assert pairs(every_pair()) == pairs(combinations())


def strictly_typed(project: Path) -> None:
    """Let pyright look at a project, and be strict also where a project leaves that to its owner."""
    pyright = shutil.which("basedpyright", path=str(Path(sys.executable).parent))
    assert pyright
    path = project / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    everywhere = text.replace('typeCheckingMode = "basic"', 'typeCheckingMode = "strict"')
    assert everywhere != text
    path.write_text(everywhere, encoding="utf-8")
    try:
        run(pyright, "--pythonpath", sys.executable, cwd=project)
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("answers", [*every_pair()[::7], with_features()[-1]], ids=name_of)
def test_server_services_and_utils_are_strictly_typed(answers: Answers, projects: dict[str, Path]) -> None:
    strictly_typed(projects[name_of(answers)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(answers, id=name_of(answers), marks=thorough(is_one=number % 3 != 0))
        for number, answers in enumerate([*every_pair(), *with_features()[::3], *skeletons()])
    ],
)
def test_every_pair_of_answers_is_strictly_typed(answers: Answers, template: Path, tmp_path: Path) -> None:
    strictly_typed(render(template, tmp_path / "app", answers))


def test_no_import_runs_up(projects: dict[str, Path]) -> None:
    for project in projects.values():
        for folder, closed in MAY_NOT.items():
            for path in (project / folder).rglob("*.py"):
                assert imports_of(path).isdisjoint(closed), path


def test_nothing_but_the_settings_reads_the_environment(projects: dict[str, Path]) -> None:
    for project in projects.values():
        inside = [path for folder in MAY_NOT for path in (project / folder).rglob("*.py")]
        for path in [*project.glob("*.py"), *inside]:
            if path.relative_to(project).as_posix() not in {"server/settings.py", "server/__init__.py"}:
                text = path.read_text(encoding="utf-8")
                assert "os.environ" not in text, path
                assert "getenv" not in text, path


def test_handlers_are_short_and_files_are_small(projects: dict[str, Path]) -> None:
    for path in distinct(projects, ".py").values():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                isinstance(mark, ast.Name) and mark.id == "boundary" for mark in node.decorator_list
            ):
                lines = node.end_lineno or 0
                assert lines - node.body[0].lineno < 15, f"{path}: {node.name}"


def imports_of(path: Path) -> set[str]:
    """Give the top-level packages that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
