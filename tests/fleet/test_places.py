"""Where templates and repositories may be: relative, distant, linked worktrees, addresses that are pushed to."""

import os
from pathlib import Path

import pytest

from tests.conftest import run
from tests.fleet.checkouts import (
    GREEN,
    Fleet,
    branch_file,
    branches,
    commit,
    results,
    script,
)


@pytest.mark.slow
def test_a_relative_template_is_looked_for_where_the_checkout_is(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = fleet.add("app")
    path = checkout / ".copier-answers.yml"
    relative = os.path.relpath(fleet.template, checkout)
    path.write_text(path.read_text(encoding="utf-8").replace(str(fleet.template), relative), encoding="utf-8")
    commit(checkout)
    assert fleet.update("--check", GREEN) == 0
    assert f"_src_path: {relative}" in branch_file(checkout, ".copier-answers.yml")
    assert "updated" in capsys.readouterr().out


@pytest.mark.slow
def test_a_distant_template_is_fetched_by_its_address(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPIER_CACHE_DIR", str(fleet.base / "mirrors"))
    checkout = fleet.add("app")
    path = checkout / ".copier-answers.yml"
    address = "git+" + fleet.template.as_uri()
    path.write_text(path.read_text(encoding="utf-8").replace(str(fleet.template), address), encoding="utf-8")
    commit(checkout)
    assert fleet.update("--check", GREEN) == 0
    assert f"_src_path: {address}" in branch_file(checkout, ".copier-answers.yml")
    assert len(list((fleet.base / "mirrors").iterdir())) == 1


@pytest.mark.slow
def test_a_linked_worktree_is_a_checkout_like_others(fleet: Fleet) -> None:
    checkout = fleet.add("app")
    linked = fleet.base / "linked" / "tree"
    run("git", "worktree", "add", "-q", "-b", "side", linked, cwd=checkout)
    (linked / "side.txt").write_text("side\n", encoding="utf-8")
    commit(linked, "Only on this side")
    assert fleet.update(source=linked.parent) == 0
    assert branch_file(checkout, "side.txt") == "side\n"


def with_origin(fleet: Fleet) -> tuple[Path, Path]:
    checkout, origin = fleet.add("app"), fleet.base / "origin.git"
    run("git", "clone", "-q", "--bare", checkout, origin, cwd=fleet.base)
    run("git", "remote", "add", "origin", origin, cwd=checkout)
    return checkout, origin


@pytest.mark.slow
def test_a_push_brings_the_branch_to_origin_or_nowhere(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout, origin = with_origin(fleet)
    hook = script(origin / "hooks" / "pre-receive", "echo not today; exit 1")
    assert fleet.update("--push") == 1
    assert "red: push: " in capsys.readouterr().err
    assert branches(checkout) == branches(origin) == ["main"]
    hook.unlink()
    assert fleet.update("--push") == 0
    assert branches(checkout) == branches(origin) == ["main", "template-update"]


@pytest.mark.slow
def test_an_address_is_updated_only_with_push(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    _, origin = with_origin(fleet)
    listed = fleet.base / "list"
    listed.write_text(origin.as_uri() + "\n", encoding="utf-8")
    assert fleet.update(source=listed) == 1
    assert "origin: is an address, where an update only stays with --push\n" in capsys.readouterr().err
    assert fleet.update("--push", source=listed) == 0
    assert "two" in branch_file(origin)
    capsys.readouterr()
    assert fleet.update("--push", source=listed) == 0
    assert "done before" in results(capsys)["origin"]
