"""Each guard of a project is held by a test: without the guard, that test fails. `tests/guards/` lists them."""

from pathlib import Path

import pytest

from scripts.mutate import GUARDS, answers_for, digest, main, seen_before, survives
from tests.conftest import render, thorough

SEEN = seen_before()
WEEKLY = {"bounds", "data", "hurts", "hurts_members", "life", "mcp", "models", "pages", "pictures", "pwa", "streaming"}
"""Of these, `.ci/run` takes none away; `.ci/run --all` does, and `scripts.mutate` where they change."""
CASES = [
    pytest.param(mode, name, marks=thorough(is_one=mode in WEEKLY))
    for mode, guards in GUARDS.items()
    for name in guards
]


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


def test_nothing_was_seen_that_is_no_guard() -> None:
    assert {*SEEN} <= {f"{mode}/{name}" for mode, guards in GUARDS.items() for name in guards}


def test_a_name_that_is_no_file_of_guards_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["hous"])
    assert "no such file in tests/guards: hous; there are bounds, " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "name"), CASES)
def test_without_its_guard_the_test_fails(
    mode: str, name: str, intact: dict[str, Path], tmp_path: Path, *, every_guard: bool
) -> None:
    guard = GUARDS[mode][name]
    if not every_guard and SEEN.get(f"{mode}/{name}") == digest(guard, intact[mode]):
        pytest.skip("seen red with these very files; --every-guard tries it again")
    assert not survives(guard, intact[mode], tmp_path / "app")


@pytest.mark.slow
def test_a_guard_that_no_test_misses_is_a_survivor(intact: dict[str, Path], tmp_path: Path) -> None:
    guard = {**next(iter(GUARDS["house"].values()))}
    assert "not in" in survives({**guard, "code": "not there"}, intact["house"], tmp_path / "gone")
    harmless = {**guard, "instead": guard["code"]}
    assert survives(harmless, intact["house"], tmp_path / "same").startswith("the tests ended with 0:")
