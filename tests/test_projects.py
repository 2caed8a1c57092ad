"""Promises 2 and 3: a project installs, is green at birth, fully covered, and runs at once."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT, Answers, combinations, copier, feature_sets, name_of, run, thorough

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
ABOUT_ACCESS = ["tests/test_gate.py", "tests/test_members.py", "tests/test_events.py"]


TELLING = {
    "blocks-local-none",
    "chat-local-none-openai",
    "streaming-local-none-embedded",
    "interface-ray-none",
    f"interface-local-password-{'+'.join(feature_sets()[-1])}",
}
"""Every app, signing in, the most of targets, and all features: what every run of the CI tries."""


OTHER_PYTHONS = {"3.12": "blocks-local-none", "3.13": "interface-ray-none"}
"""What a project accepts beside the Python of this repository, and the project that is tried with it."""


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


def assert_green(project: Path, own: dict[str, str]) -> None:
    """Run all tests of a project, as its README says; every line of it must run in them."""
    result = run("uv", "run", "pytest", "-q", "--cov", "--cov-fail-under=100", cwd=project, **own)
    assert re.search(r"\d+ passed", result.stdout)
    # A browser test that did not run proves nothing.
    assert "no browser found" not in result.stdout
    assert "skipped" not in result.stdout.splitlines()[-1] or "IPv6" in result.stdout, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("version", [pytest.param(one, marks=pytest.mark.xdist_group(one)) for one in OTHER_PYTHONS])
def test_a_project_is_green_on_every_python_that_it_accepts(version: str, tmp_path: Path) -> None:
    [answers] = [each for each in FULL if name_of(each) == OTHER_PYTHONS[version]]
    project, own = install(answers, tmp_path / "venv", tmp_path, UV_PYTHON=interpreter(version))
    assert f"Python {version}." in run("uv", "run", "python", "-V", cwd=project, **own).stdout
    assert_green(project, own)


def test_every_python_that_a_project_accepts_is_tried() -> None:
    text = (ROOT / "template" / "pyproject.toml.jinja").read_text(encoding="utf-8")
    accepted = SpecifierSet(text.partition('requires-python = "')[2].partition('"')[0])
    # The tests of this repository run with the first.
    assert {f"3.{minor}" for minor in range(30) if f"3.{minor}" in accepted} == {"3.11", *OTHER_PYTHONS}


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
