"""Promises 2 and 3: a project installs, is green at birth, fully covered, and runs at once."""

import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT, Answers, choices, combinations, copier, feature_sets, name_of, render, run, thorough

LOCAL = [answers for answers in combinations() if answers["deploy_target"] == "local"]
ELSEWHERE = [answers for answers in combinations() if answers not in LOCAL and answers["app_type"] == "interface"]
FULL = [answers for answers in LOCAL if answers["auth_mode"] == "none" or answers["app_type"] == "interface"]
FULL += [answers for answers in ELSEWHERE if answers["auth_mode"] == "none"]
FULL += [
    {"app_type": app, "deploy_target": "local", "auth_mode": mode, "features": feature_sets()[-1]}
    for app, mode in (("blocks", "none"), ("interface", "password"))
]
BEHIND_RAY = [answers for answers in combinations() if answers["deploy_target"] == "ray" and answers not in ELSEWHERE]
FULL += [each for each in BEHIND_RAY if each["auth_mode"] == "none" and each.get("model") != "openai"]
"""Every app and model with nobody signed in, one app in every auth mode, one for every other place to run but all four
behind Ray, where each reaches its model in its own way, and two with all features."""
PAIRS = [answers for answers in LOCAL if answers not in FULL and answers.get("model") != "openai"]
"""Every other pair of an app and an auth mode: what concerns who may do what."""
ABOUT_ACCESS = ["tests/server/test_gate.py", "tests/server/test_members.py", "tests/test_events.py"]


TELLING = {
    "blocks-local-none",
    "chat-local-none-openai",
    "interface-local-password-rate_limit+mcp+pwa",
}
"""Three of four apps, and signing in with all features: what every run of the CI tries; weekly all are."""


OTHER_PYTHONS = {"3.12": "blocks-local-none", "3.13": "interface-ray-none", "3.14": "blocks-local-none"}
"""What a project accepts beside the Python of this repository, and the project that is tried with it."""
TOO_OLD = "3.10"


def in_groups(cases: list[Answers]) -> list[Any]:
    """Spread projects over two workers; those of a group share an environment."""
    return [
        pytest.param(
            answers,
            id=name_of(answers),
            marks=[
                pytest.mark.xdist_group(f"projects{number % 2}"),
                *thorough(is_one=name_of(answers) not in TELLING),
            ],
        )
        for number, answers in enumerate(sorted(cases, key=lambda each: name_of(each) not in TELLING))
    ]


def test_the_telling_projects_exist() -> None:
    assert {name_of(answers) for answers in FULL} >= TELLING


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of one environment, which each project makes exactly its own."""
    return tmp_path_factory.mktemp("environment") / "venv"


def install(answers: Answers, environment: Path, folder: Path, **variables: str) -> tuple[Path, dict[str, str]]:
    """Make a project as a person would, with the environment that it asks for."""
    data = [f"--data={key}={value}" for key, value in answers.items()]
    copier("copy", "--defaults", *data, ROOT, "app", "--vcs-ref", "HEAD", cwd=folder)
    own = {"UV_PROJECT_ENVIRONMENT": str(environment), "VIRTUAL_ENV": ""} | variables
    run("uv", "sync", "--quiet", cwd=folder / "app", **own)
    return folder / "app", own


@pytest.mark.slow
@pytest.mark.parametrize(("answers"), in_groups(FULL))
def test_a_project_is_green_at_birth(answers: Answers, environment: Path, tmp_path: Path) -> None:
    project, own = install(answers, environment, tmp_path)
    assert_green(project, own)


def assert_green(project: Path, own: dict[str, str], *options: str) -> None:
    """Run all tests of a project, as its README says; every line of it must run in them."""
    result = run("uv", "run", "pytest", "-q", *(options or ("--cov", "--cov-fail-under=100")), cwd=project, **own)
    assert re.search(r"\d+ passed", result.stdout)
    # A browser test that did not run proves nothing.
    assert "no browser found" not in result.stdout
    assert "skipped" not in result.stdout.splitlines()[-1] or "IPv6" in result.stdout, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "version",
    # The first one of them lies between two that every run of the CI tries.
    [
        pytest.param(one, marks=[pytest.mark.xdist_group(one), *thorough(is_one=one == min(OTHER_PYTHONS))])
        for one in OTHER_PYTHONS
    ],
)
def test_a_project_is_green_on_every_python_that_it_accepts(version: str, tmp_path: Path) -> None:
    [answers] = [each for each in FULL if name_of(each) == OTHER_PYTHONS[version]]
    project, own = install(answers, tmp_path / "venv", tmp_path, UV_PYTHON=interpreter(version))
    assert f"Python {version}." in run("uv", "run", "python", "-V", cwd=project, **own).stdout
    # Which lines run is the same on each, and counting them takes time.
    assert_green(project, own, "--no-cov")


def test_every_python_that_a_project_accepts_is_tried() -> None:
    for name in ("pyproject.toml", "template/pyproject.toml.jinja"):
        text = (ROOT / name).read_text(encoding="utf-8")
        accepted = SpecifierSet(text.partition('requires-python = "')[2].partition('"')[0])
        # The tests of this repository run with the first. What comes after the last is welcome, and not tried yet.
        newest = max(int(version.partition(".")[2]) for version in OTHER_PYTHONS)
        tried = {f"3.{minor}" for minor in range(newest + 1) if f"3.{minor}" in accepted}
        assert tried == {"3.11", *OTHER_PYTHONS}
        assert TOO_OLD not in accepted


@pytest.mark.usefixtures("without_git")
def test_the_ci_tries_the_newest_python(template: Path, tmp_path: Path) -> None:
    newest = list(OTHER_PYTHONS)[-1]
    for name in ("ci.yml", "newest.yml"):
        text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
        assert newest in yaml.safe_load(text)["jobs"]["run"]["strategy"]["matrix"]["python"]
    github = render(template, tmp_path / "github", {}) / ".github" / "workflows" / "test.yml"
    found = yaml.safe_load(github.read_text(encoding="utf-8"))["jobs"]["test"]["strategy"]["matrix"]["python"]
    gitlab = render(template, tmp_path / "gitlab", {"ci_provider": "gitlab"}) / ".gitlab-ci.yml"
    [matrix] = yaml.safe_load(gitlab.read_text(encoding="utf-8"))["test"]["parallel"]["matrix"]
    assert found == matrix["PYTHON"] == ["3.12", newest]
    alone = render(template, tmp_path / "alone", {"python_version": newest}) / ".github" / "workflows" / "test.yml"
    assert f'python: ["{newest}"]' in alone.read_text(encoding="utf-8")


@pytest.mark.parametrize("app_type", choices("app_type"))
@pytest.mark.parametrize("start_from", choices("start_from"))
def test_an_older_python_is_told_in_one_line_which_one_is_needed(
    app_type: str, start_from: str, template: Path, tmp_path: Path
) -> None:
    project = render(template, tmp_path / "app", {"app_type": app_type, "start_from": start_from})
    # It has none of the packages, and compiles the whole file before its first line runs.
    result = run(interpreter(TOO_OLD), "app.py", cwd=project, check=False)
    assert result.returncode == 1
    [line] = result.stdout.splitlines()
    assert line.startswith(f"Python 3.11 or newer is needed; this is {TOO_OLD}.")


@pytest.mark.slow
def test_pip_of_an_older_python_says_it_too(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {})
    run(interpreter(TOO_OLD), "-m", "venv", "old", cwd=tmp_path)
    done = run(tmp_path / "old" / "bin" / "pip", "install", "--no-deps", ".", cwd=project, check=False)
    assert done.returncode == 1
    assert re.search(rf"requires a different Python: {TOO_OLD}\.\d+ not in '>=3\.11'", done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("target", choices("deploy_target"))
def test_pip_alone_installs_a_project(target: str, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"deploy_target": target, "auth_mode": "huggingface"})
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    pip = tmp_path / "venv" / "bin" / "pip"
    # What it needs is downloaded elsewhere; that the project itself can be built is the point here.
    done = run(pip, "install", "--no-deps", ".", cwd=project)
    assert "Successfully installed my-gradio-app-0.1.0" in done.stdout
    installed = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    shown = "import importlib.metadata as m; print(*m.requires('my-gradio-app'), sep='\\n')"
    needed = run(tmp_path / "venv" / "bin" / "python", "-c", shown, cwd=tmp_path).stdout.splitlines()
    assert [Requirement(each).name for each in needed] == [Requirement(each).name for each in installed]
    # Nothing of it lies beside what is installed: it runs from its folder.
    assert not list((tmp_path / "venv").glob("lib/*/site-packages/services"))


def interpreter(version: str) -> str:
    """Find a Python of this machine; uv would look no further than the path."""
    if shutil.which("pyenv"):
        for path in Path(run("pyenv", "root", cwd=ROOT).stdout.strip()).glob(f"versions/{version}.*/bin/python"):
            return str(path)
    found = shutil.which(f"python{version}")
    if found is None:
        pytest.skip(f"no Python {version} on this machine")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("answers", in_groups(PAIRS))
def test_every_app_holds_what_its_auth_mode_promises(answers: Answers, environment: Path, tmp_path: Path) -> None:
    project, own = install(answers, environment, tmp_path)
    result = run("uv", "run", "pytest", "-q", *ABOUT_ACCESS, cwd=project, **own)
    assert re.search(r"\d+ passed", result.stdout)
