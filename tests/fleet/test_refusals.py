"""What may not be updated, and why, in one line; and each guard taken away."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import run
from tests.fleet.checkouts import (
    GREEN,
    Fleet,
    commit,
    look,
    make_template,
    release,
    results,
    without,
)


def dirty(checkout: Path) -> None:
    (checkout / "text.txt").write_text("not committed\n", encoding="utf-8")


def untracked(checkout: Path) -> None:
    (checkout / "new.txt").write_text("not committed\n", encoding="utf-8")


def staged(checkout: Path) -> None:
    dirty(checkout)
    run("git", "add", "-A", cwd=checkout)


def conflicting(checkout: Path) -> None:
    dirty(checkout)
    commit(checkout)


def branch_with_work(checkout: Path) -> None:
    run("git", "checkout", "-q", "-b", "template-update", cwd=checkout)
    commit(checkout, "Somebody's work")
    run("git", "checkout", "-q", "main", cwd=checkout)


def branch_checked_out(checkout: Path) -> None:
    run("git", "worktree", "add", "-q", "-b", "template-update", checkout.parent.parent / "elsewhere", cwd=checkout)


def no_author(_checkout: Path) -> None:
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("[init]\ndefaultBranch = main\n", encoding="utf-8")


def nothing(_checkout: Path) -> None:
    pass


REFUSED: dict[str, tuple[Callable[[Path], None], list[str], str]] = {
    "changed": (dirty, [], "has changes that are not committed; commit or stash them first"),
    "untracked": (untracked, [], "has changes that are not committed"),
    "staged": (staged, [], "has changes that are not committed"),
    "branch": (branch_with_work, [], "branch template-update exists; merge it, delete it, or pass --branch"),
    "checked-out": (branch_checked_out, [], "branch template-update is checked out"),
    "current-branch": (nothing, ["--branch", "main"], "branch main is checked out"),
    "bad-branch": (nothing, ["--branch", "a..b"], "'a..b' is no name for a branch"),
    "no-author": (no_author, [], "git has no author: git config --global user.name ..."),
    "no-version": (nothing, ["--to", "v7"], "template a template has no version v7"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_may_not_be_updated_is_refused_in_one_line_and_stays(
    case: str, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, arguments, reason = REFUSED[case]
    checkout = fleet.add("app")
    spoil(checkout)
    before = look(checkout)
    assert fleet.update("--check", GREEN, *arguments) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("app: ")]
    assert reason in line
    assert look(checkout) == before
    assert not fleet.state.exists()


def test_what_cannot_be_read_is_no_part_of_a_wave(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    (fleet.folder / "aaa").mkdir(parents=True)
    fleet.add("app")
    assert fleet.update() == 1
    out, err = capsys.readouterr()
    assert "aaa: not a git repository\n" in err
    assert "No --check" in err
    assert out.splitlines()[1].split() == ["app", "canary", "updated", "a", "template", "v1.0.0", "->", "v3.0.0"]


@pytest.mark.slow
def test_a_branch_that_somebody_makes_during_the_check_is_theirs(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = fleet.add("app")
    branch_with_work(checkout)
    run("git", "branch", "-m", "template-update", "side", cwd=checkout)
    assert fleet.update("--check", f"git -C '{checkout}' branch template-update side") == 1
    assert "red: branch template-update exists" in capsys.readouterr().err
    same = run("git", "rev-parse", "side", "template-update", cwd=checkout).stdout.split()
    assert same[0] == same[1]


def tasked(fleet: Fleet, tmp_path: Path) -> tuple[Path, Path]:
    """Give a project whose template now wants to run something, and what that would leave."""
    template, ran = make_template(tmp_path / "template", ("v1.0.0",)), tmp_path / "ran"
    checkout = fleet.add("app", "v1.0.0", template)
    text = (template / "copier.yml").read_text(encoding="utf-8")
    (template / "copier.yml").write_text(f"{text}_tasks: ['touch {ran}']\n", encoding="utf-8")
    release(template, "v2.0.0", "newer\n")
    return checkout, ran


def test_a_template_that_asks_for_trust_is_red_even_where_the_user_trusts_it(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout, ran = tasked(fleet, tmp_path)
    (tmp_path / "settings.yml").write_text(f"trust: ['{tmp_path}/']\n", encoding="utf-8")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    before = look(checkout)
    assert fleet.update() == 1
    assert "red: the template asks for trust (tasks), which fleet never gives\n" in capsys.readouterr().err
    assert fleet.report() == 1
    assert "cannot update" in capsys.readouterr().out
    assert look(checkout) == before
    assert not ran.exists()


GUARDS: dict[str, tuple[str, str, str, Callable[[Path], None], list[str]]] = {
    "dirty": ("update.py", "if repository.is_dirty:", "if False:", dirty, []),
    "branch": ("update.py", "        branches.refuse_foreign(", "        print(", branch_with_work, []),
    "conflicts": (
        "update.py",
        "            if conflicts:",
        "            if False:",
        conflicting,
        [],
    ),
    "check": ("commands.py", "    if code:", "    if False:", nothing, ["--check", "false"]),
    "trust": ("copying.py", "unsafe=False", "unsafe=True", nothing, []),
}


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS)
def test_without_its_guard_a_repository_would_not_be_left_alone(guard: str, fleet: Fleet, tmp_path: Path) -> None:
    file, code, instead, spoil, arguments = GUARDS[guard]
    checkout = tasked(fleet, tmp_path)[0] if guard == "trust" else fleet.add("app")
    spoil(checkout)
    before = look(checkout)
    weak = without(code, file, instead, tmp_path / "weak")
    run(sys.executable, "-m", "fleet", *fleet.command(*arguments), cwd=weak, check=False)
    assert look(checkout) != before


def test_what_is_up_to_date_is_left_alone_dirty_or_not(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = fleet.add("app", "v3.0.0")
    dirty(checkout)
    before = look(checkout)
    assert fleet.update() == 0
    assert results(capsys) == {"app": "canary current"}
    assert look(checkout) == before
