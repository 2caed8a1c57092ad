"""Each guard of a project is held by a test: without the guard, that test fails. `tests/guards/` lists them."""

import shutil
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

from tests.conftest import ROOT, Answers, choices, render, run, thorough

FILES = sorted((ROOT / "tests" / "guards").glob("*.toml"))
GUARDS = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in FILES}
"""By auth mode, feature, `house` or `ray`, and name."""
IN_FEATURES: Answers = {"auth_mode": "password"}
OTHERS: dict[str, Answers] = {
    "house": {},
    "speed": {},
    "ray": {"deploy_target": "ray"},
    "models": {"app_type": "chat", "model": "openai"},
}
PATIENCE = 100
"""Seconds that a test may take without its guard."""
HUNG = 124
"""What `timeout` ends with."""
CASES = [
    pytest.param(mode, name, marks=thorough(is_one=mode in {"mcp", "pwa"}))
    for mode, guards in GUARDS.items()
    for name in guards
]


def answers_for(mode: str) -> Answers:
    """Give the answers of the project whose guards are taken away one by one."""
    if mode in choices("auth_mode"):
        return {"app_type": "interface", "auth_mode": mode}
    # A feature is taken where people sign in: there it has most to hold.
    return {"app_type": "interface"} | OTHERS.get(mode, IN_FEATURES | {"features": [mode]})


@pytest.fixture(scope="module")
def intact(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render the projects whose guards are taken away one by one."""
    base = tmp_path_factory.mktemp("guards")
    return {mode: render(template, base / mode, answers_for(mode)) for mode in GUARDS}


@pytest.mark.usefixtures("without_git")
def test_every_guard_is_where_its_file_says(template: Path, tmp_path: Path) -> None:
    for mode, guards in GUARDS.items():
        project = render(template, tmp_path / mode, answers_for(mode))
        for name, guard in guards.items():
            assert guard["code"] in (project / guard["file"]).read_text(encoding="utf-8"), (mode, name)
            assert guard["name"] in (project / guard["test"]).read_text(encoding="utf-8"), (mode, name)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "name"), CASES)
def test_without_its_guard_the_test_fails(mode: str, name: str, intact: dict[str, Path], tmp_path: Path) -> None:
    guard = GUARDS[mode][name]
    project = tmp_path / "app"
    shutil.copytree(intact[mode], project)
    path = project / guard["file"]
    text = path.read_text(encoding="utf-8")
    assert guard["code"] in text, f"the guard {name!r} is not in {guard['file']} any more"
    path.write_text(text.replace(guard["code"], guard["instead"]), encoding="utf-8")
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", guard["test"], "-k", guard["name"]]
    # A process that hangs says where, and has a second try: on a machine that is busy one in some thousand does.
    patient = ["timeout", "--signal=ABRT", "--kill-after=10", str(PATIENCE), *tests]
    for _ in range(2):
        result = run(*patient, cwd=project, check=False, PYTHONFAULTHANDLER="1", PYTHONUNBUFFERED="1")
        if result.returncode != HUNG:
            break
        warnings.warn(f"without {name!r} the tests hung:\n{result.stdout[-6000:]}", stacklevel=1)
    assert result.returncode == 1, f"without {name!r} the tests end with {result.returncode}:\n{result.stdout[-3000:]}"
