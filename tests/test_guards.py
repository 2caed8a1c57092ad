"""Each guard of a project is held by a test: without the guard, that test fails. `tests/guards/` lists them."""

import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT, Answers, choices, render, run, thorough

FILES = sorted((ROOT / "tests" / "guards").glob("*.toml"))
GUARDS = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in FILES}
"""By auth mode, feature, or `ray`, and name."""
IN_FEATURES: Answers = {"auth_mode": "password"}
CASES = [
    pytest.param(mode, name, marks=thorough(is_one=mode in {"mcp", "pwa"}))
    for mode, guards in GUARDS.items()
    for name in guards
]


@pytest.fixture(scope="module")
def intact(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render the projects whose guards are taken away one by one."""
    base = tmp_path_factory.mktemp("guards")
    modes = choices("auth_mode")
    # A feature is taken where people sign in: there it has most to hold.
    chosen = {name: {"auth_mode": name} if name in modes else IN_FEATURES | {"features": [name]} for name in GUARDS}
    chosen["ray"] = {"deploy_target": "ray"}
    return {name: render(template, base / name, {"app_type": "interface"} | chosen[name]) for name in GUARDS}


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
    # Without a guard a test may also wait for ever, which is no success either.
    result = run("timeout", "100", *tests, cwd=project, check=False)
    assert result.returncode in {1, 124}, f"without {name!r} the tests still say:\n{result.stdout[-3000:]}"
