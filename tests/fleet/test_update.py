"""`fleet update` leaves each repository updated and green, or untouched."""

import os
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, run
from tests.fleet.checkouts import (
    GREEN,
    Fleet,
    branch_file,
    branches,
    commit,
    look,
    make_template,
    results,
)


def test_a_green_update_is_one_commit_on_a_branch_and_the_checkout_stays(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = fleet.add("app")
    fleet.edit("app", "own.txt", "ours\n")
    before = look(checkout)
    head = run("git", "rev-parse", "HEAD", cwd=checkout).stdout.strip()
    assert fleet.update("--check", GREEN) == 0
    after = look(checkout)
    assert {key for key in after if after[key] != before.get(key)} == {"refs"}
    assert "two" in branch_file(checkout)
    assert "_commit: v3.0.0" in branch_file(checkout, ".copier-answers.yml")
    assert branch_file(checkout, "own.txt") == "ours\n"
    log = run("git", "log", "--format=%an <%ae> %P %s", f"{head}..template-update", cwd=checkout).stdout
    assert log == f"Ada <ada@example.com> {head} Update a template v1.0.0 -> v3.0.0\n"
    assert "[1/1] wave canary: app ... updated a template v1.0.0 -> v3.0.0\n" in capsys.readouterr().err
    assert not fleet.left_behind()


def test_rules_of_this_desk_that_ignore_a_file_lose_no_edit(fleet: Fleet) -> None:
    fleet.add("app")
    checkout = fleet.edit("app", "color.txt", "ours\n")
    rules, made = fleet.base / "rules", fleet.base / "new repositories" / "info"
    rules.write_text("color.txt\n", encoding="utf-8")
    made.mkdir(parents=True)
    (made / "exclude").write_text("color.txt\n", encoding="utf-8")
    config = Path(os.environ["GIT_CONFIG_GLOBAL"])
    added = f'[core]\nexcludesFile = "{rules}"\n[init]\ntemplateDir = "{made.parent}"\n'
    config.write_text(config.read_text(encoding="utf-8") + added, encoding="utf-8")
    assert fleet.update() == 0
    assert "_commit: v3.0.0" in branch_file(checkout, ".copier-answers.yml")
    assert branch_file(checkout, "color.txt") == "ours\n"


def test_a_conflict_is_red_named_and_leaves_nothing(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("app")
    checkout = fleet.edit("app")
    before = look(checkout)
    assert fleet.update() == 1
    assert "app ... red: 1 in conflict: text.txt\n" in capsys.readouterr().err
    assert look(checkout) == before
    assert not fleet.left_behind()


def test_a_failed_check_is_red_keeps_its_log_and_leaves_nothing(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = fleet.add("app")
    before = look(checkout)
    assert fleet.update("--check", "echo first; echo the reason >&2; exit 3") == 1
    log = fleet.base / "fleet-app.log"
    assert f"exited with 3: the reason (all of it: {log})" in capsys.readouterr().err
    assert log.read_text(encoding="utf-8") == "first\nthe reason\n"
    assert look(checkout) == before
    assert fleet.update("--check", GREEN) == 0
    assert not log.exists()


@pytest.mark.slow
def test_what_prepares_is_committed_and_what_a_check_leaves_is_not(fleet: Fleet) -> None:
    checkout = fleet.add("app")
    assert fleet.update("--prepare", "echo locked > uv.lock", "--check", "test -f uv.lock && touch litter") == 0
    assert branch_file(checkout, "uv.lock") == "locked\n"
    assert "litter" not in run("git", "ls-tree", "--name-only", "template-update", cwd=checkout).stdout


def test_a_project_ahead_of_the_newest_release_stays(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = make_template(tmp_path / "template", ("v1.0.0", ""))
    checkout = fleet.add("app", "HEAD", template)
    assert fleet.update() == 0
    assert results(capsys) == {"app": "canary current"}
    assert branches(checkout) == ["main"]


@pytest.mark.slow
def test_answers_can_be_changed_without_another_version(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = fleet.add("app", "v3.0.0")
    assert fleet.update("--data", "color=blue") == 0
    assert branch_file(checkout, "color.txt") == "blue\n"
    assert "template v3.0.0 -> v3.0.0" in results(capsys)["app"]


@pytest.mark.slow
def test_several_templates_of_a_repository_are_one_commit(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = fleet.add("both", "v2.0.0")
    second = checkout / ".copier-answers.second.yml"
    text = (checkout / ".copier-answers.yml").read_text(encoding="utf-8")
    second.write_text(text.replace("color: red", "color: blue"), encoding="utf-8")
    (checkout / "color.txt").write_text("ours\n", encoding="utf-8")
    commit(checkout)
    assert fleet.update() == 0
    assert "a template v2.0.0 -> v3.0.0; a template v2.0.0 -> v3.0.0" in results(capsys)["both"]
    for name in (".copier-answers.yml", second.name):
        assert "_commit: v3.0.0" in branch_file(checkout, name)
    assert run("git", "rev-list", "--count", "main..template-update", cwd=checkout).stdout == "1\n"


@pytest.mark.slow
def test_a_version_and_answers_can_be_named(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = fleet.add("app")
    assert fleet.update("--to", "v2.0.0", "--data", "color=blue", "--branch", "blue") == 0
    assert branch_file(checkout, "color.txt", "blue") == "blue\n"
    assert "_commit: v2.0.0" in branch_file(checkout, ".copier-answers.yml", "blue")
    assert fleet.update("--data", "color=green") == 1
    assert "Invalid choice" in capsys.readouterr().err
    assert fleet.update("--data", "colour=blue") == 1
    assert "red: the template has no question colour\n" in capsys.readouterr().err
    assert branches(checkout) == ["blue", "main"]


@pytest.mark.slow
def test_a_project_of_this_template_is_updated_and_its_own_tests_are_the_check(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "template"
    run("git", "clone", "-q", "--no-local", ROOT, template, cwd=tmp_path)
    run("git", "tag", "-f", "v9.0.0", cwd=template)
    advice = template / "template" / "AGENTS.md.jinja"
    advice.write_text(advice.read_text(encoding="utf-8") + "\nA newer version.\n", encoding="utf-8")
    commit(template, "Newer")
    run("git", "tag", "v9.1.0", cwd=template)
    checkout = fleet.add("app", "v9.0.0", template)
    fleet.edit("app", "README.md", "Ours.\n")
    assert fleet.update("--check", f"'{sys.executable}' -m pytest -q -p no:cacheprovider tests/test_services.py") == 0
    assert "template v9.0.0 -> v9.1.0" in results(capsys)["app"]
    assert "A newer version." in branch_file(checkout, "AGENTS.md")
    assert branch_file(checkout, "README.md") == "Ours.\n"
