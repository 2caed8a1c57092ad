"""Promises 2 and 3: a project installs, is green at birth, fully covered, and runs at once."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, Answers, combinations, copier, name_of, run


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of one environment, which each project makes exactly its own."""
    return tmp_path_factory.mktemp("environment") / "venv"


@pytest.mark.slow
@pytest.mark.xdist_group("projects")  # they share one environment
@pytest.mark.parametrize("answers", combinations(), ids=name_of)
def test_a_project_is_green_at_birth(answers: Answers, environment: Path, tmp_path: Path) -> None:
    data = [f"--data={key}={value}" for key, value in answers.items()]
    copier("copy", "--defaults", *data, ROOT, "app", "--vcs-ref", "HEAD", cwd=tmp_path)
    project = tmp_path / "app"
    own = {"UV_PROJECT_ENVIRONMENT": str(environment), "VIRTUAL_ENV": ""}
    run("uv", "sync", "--quiet", cwd=project, **own)
    result = run("uv", "run", "pytest", "-q", "--cov", "--cov-fail-under=100", cwd=project, **own)
    assert re.search(r"\d+ passed", result.stdout)
    # A browser test that did not run proves nothing.
    assert "no browser found" not in result.stdout
    assert "skipped" not in result.stdout.splitlines()[-1] or "IPv6" in result.stdout, result.stdout
