"""Promises 2 and 3: a project installs, is green at birth, fully covered, and runs at once."""

import re
from pathlib import Path
from typing import Any

import pytest

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


def install(answers: Answers, environment: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """Make a project as a person would, with the environment that it asks for."""
    data = [f"--data={key}={value}" for key, value in answers.items()]
    copier("copy", "--defaults", *data, ROOT, "app", "--vcs-ref", "HEAD", cwd=folder)
    own = {"UV_PROJECT_ENVIRONMENT": str(environment), "VIRTUAL_ENV": ""}
    run("uv", "sync", "--quiet", cwd=folder / "app", **own)
    return folder / "app", own


@pytest.mark.slow
@pytest.mark.parametrize(("answers"), in_groups(FULL))
def test_a_project_is_green_at_birth(answers: Answers, environment: Path, tmp_path: Path) -> None:
    project, own = install(answers, environment, tmp_path)
    result = run("uv", "run", "pytest", "-q", "--cov", "--cov-fail-under=100", cwd=project, **own)
    assert re.search(r"\d+ passed", result.stdout)
    # A browser test that did not run proves nothing.
    assert "no browser found" not in result.stdout
    assert "skipped" not in result.stdout.splitlines()[-1] or "IPv6" in result.stdout, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("answers", in_groups(PAIRS))
def test_every_app_holds_what_its_auth_mode_promises(answers: Answers, environment: Path, tmp_path: Path) -> None:
    project, own = install(answers, environment, tmp_path)
    result = run("uv", "run", "pytest", "-q", *ABOUT_ACCESS, cwd=project, **own)
    assert re.search(r"\d+ passed", result.stdout)
