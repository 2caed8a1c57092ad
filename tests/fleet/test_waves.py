"""`fleet update` goes in waves, stops at the first red one, and goes on from there."""

import sys
from pathlib import Path

import pytest

from fleet import waves
from fleet.cli import main
from tests.conftest import ROOT, run
from tests.fleet.checkouts import (
    Fleet,
    branches,
    commit,
    make_template,
    release,
    results,
    without,
)
from tests.prompts import BACKSPACE, DOWN, ENTER, typing


@pytest.mark.slow
def test_waves_stop_at_the_first_red_one_and_the_next_run_goes_on(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 5):
        fleet.add(f"app{number}", "v2.0.0")
    fleet.edit("app2", text="one\ntwo\nthree\n\n\n\nours\n")
    command = ["--waves", "canary,50%,rest", "--canary", "app4"]
    assert fleet.update(*command) == 1
    out, err = capsys.readouterr()
    assert [line.split(None, 2)[:2] for line in out.splitlines()[1:]] == [
        ["app4", "canary"],
        ["app1", "50%"],
        ["app2", "50%"],
        ["app3", "-"],
    ]
    assert "Stopped after wave 50%: 1 red, left as before." in err
    assert branches(fleet.folder / "app3") == ["main"]
    assert branches(fleet.folder / "app2") == ["main"]
    fleet.edit("app2", text="one\ntwo\nthree\n\n\n\nmore\n")
    assert fleet.update(*command) == 0
    assert results(capsys) == {
        "app4": "canary done before: a template v2.0.0 -> v3.0.0",
        "app1": "50% done before: a template v2.0.0 -> v3.0.0",
        "app2": "50% updated a template v2.0.0 -> v3.0.0",
        "app3": "rest updated a template v2.0.0 -> v3.0.0",
    }


@pytest.mark.parametrize(
    ("plan", "total", "sizes"),
    [
        ("canary,10%,rest", 100, [1, 10, 89]),
        ("canary,10%,rest", 12, [1, 2, 9]),
        ("canary,10%,rest", 1, [1]),
        ("5, 20%", 30, [5, 6]),
        ("rest", 3, [3]),
    ],
)
def test_waves_are_dealt_in_order_and_rounded_up(plan: str, total: int, sizes: list[int]) -> None:
    dealt = waves.split(range(total), waves.parse(plan))
    assert [len(members) for _, members in dealt] == sizes
    assert [number for _, members in dealt for number in members] == list(range(sum(sizes)))


@pytest.mark.slow
def test_a_branch_that_is_gone_is_made_again_and_one_that_grew_is_kept(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = fleet.add("app", "v2.0.0")
    assert fleet.update() == 0
    run("git", "checkout", "-q", "template-update", cwd=checkout)
    commit(checkout, "Somebody's work on top")
    run("git", "checkout", "-q", "main", cwd=checkout)
    capsys.readouterr()
    assert fleet.update() == 0
    assert "done before" in results(capsys)["app"]
    run("git", "branch", "-D", "template-update", cwd=checkout)
    assert fleet.update() == 0
    assert "updated" in results(capsys)["app"]


@pytest.mark.slow
def test_a_newer_version_replaces_the_branch_of_an_earlier_run(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = make_template(tmp_path / "template", ("v1.0.0", "v2.0.0"))
    checkout = fleet.add("app", "v1.0.0", template)
    assert fleet.update() == 0
    release(template, "v3.0.0", "newest\n")
    assert fleet.update() == 0
    assert "template v1.0.0 -> v3.0.0" in results(capsys)["app"]
    assert run("git", "rev-list", "--count", "main..template-update", cwd=checkout).stdout == "1\n"


@pytest.mark.slow
def test_two_runs_do_not_share_a_state_file(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("app")
    nested = f"'{sys.executable}' -m fleet update '{fleet.folder}' --yes --state '{fleet.state}'; test $? = 2"
    assert fleet.update("--check", f"cd '{ROOT}' && {nested}") == 0
    assert "updated" in capsys.readouterr().out


def test_in_a_terminal_every_wave_is_confirmed(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(fleet.base)
    fleet.add("app1", "v2.0.0")
    checkout = fleet.add("app2", "v2.0.0")
    keys = [
        ("see or do?", DOWN + ENTER),
        ("Folder of checkouts", str(fleet.folder) + ENTER),
        ("Which version?", ENTER),
        ("Which command checks", BACKSPACE * 20 + "true" + ENTER),
        ("Wave canary: 1 to update. Start?", "y"),
        ("Wave 10%: 1 to update. Start?", "n"),
    ]
    with typing(keys):
        assert main([], terminal=True) == 0
    assert "Stopped before wave 10%." in capsys.readouterr().err
    assert branches(checkout) == ["main"]
    assert branches(fleet.folder / "app1") == ["main", "template-update"]
    assert fleet.state.exists()


@pytest.mark.slow
def test_without_its_guard_a_red_wave_would_not_stop_the_next(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("app1")
    fleet.edit("app1")
    second = fleet.add("app2")
    weak = without("            if red:", "rollout.py", "            if False:", tmp_path / "weak")
    run(sys.executable, "-m", "fleet", *fleet.command(), cwd=weak, check=False)
    assert branches(second) == ["main", "template-update"]
