"""`fleet update` leaves each repository updated and green, or untouched."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.plain_text import PlainTextOutput

from fleet import waves
from fleet.cli import main
from tests.conftest import ROOT, run
from tests.fleets import (
    Fleet,
    branch_file,
    branches,
    commit,
    isolate,
    look,
    make_template,
    release,
    results,
    script,
    without,
)
from tests.test_prompts import ENTER, Screen

GREEN = "grep -q two text.txt"
"""Only the updated project has that word."""
PATIENCE = 60
"""Seconds to wait for what another process does."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Make the template once."""
    base = tmp_path_factory.mktemp("fleet")
    with pytest.MonkeyPatch.context() as patch:
        isolate(base / "made", patch)
        template = make_template(base / "template")
    (base / "cache").mkdir()
    return Fleet(base, template, base / "cache")


@pytest.fixture
def fleet(shared: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Give an empty fleet."""
    isolate(tmp_path, monkeypatch)
    return Fleet(tmp_path, shared.template, shared.cache)


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
    assert log == f"Ada <ada@example.com> {head} Update template v1.0.0 -> v3.0.0\n"
    assert "[1/1] wave canary: app ... updated template v1.0.0 -> v3.0.0\n" in capsys.readouterr().err
    assert not fleet.left_behind()


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
    "no-version": (nothing, ["--to", "v7"], "template template has no version v7"),
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
    assert out.splitlines()[1].split() == ["app", "canary", "updated", "template", "v1.0.0", "->", "v3.0.0"]


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


@pytest.mark.slow
def test_what_prepares_is_committed_and_what_a_check_leaves_is_not(fleet: Fleet) -> None:
    checkout = fleet.add("app")
    assert fleet.update("--prepare", "echo locked > uv.lock", "--check", "test -f uv.lock && touch litter") == 0
    assert branch_file(checkout, "uv.lock") == "locked\n"
    assert "litter" not in run("git", "ls-tree", "--name-only", "template-update", cwd=checkout).stdout


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
        "app4": "canary done before: template v2.0.0 -> v3.0.0",
        "app1": "50% done before: template v2.0.0 -> v3.0.0",
        "app2": "50% updated template v2.0.0 -> v3.0.0",
        "app3": "rest updated template v2.0.0 -> v3.0.0",
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


def test_what_is_up_to_date_is_left_alone_dirty_or_not(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = fleet.add("app", "v3.0.0")
    dirty(checkout)
    before = look(checkout)
    assert fleet.update() == 0
    assert results(capsys) == {"app": "canary current"}
    assert look(checkout) == before


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
def test_several_templates_of_a_repository_are_one_commit(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = fleet.add("both", "v2.0.0")
    second = checkout / ".copier-answers.second.yml"
    text = (checkout / ".copier-answers.yml").read_text(encoding="utf-8")
    second.write_text(text.replace("color: red", "color: blue"), encoding="utf-8")
    (checkout / "color.txt").write_text("ours\n", encoding="utf-8")
    commit(checkout)
    assert fleet.update() == 0
    assert "template v2.0.0 -> v3.0.0; template v2.0.0 -> v3.0.0" in results(capsys)["both"]
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
        ("see or do?", "\x1b[B" + ENTER),
        ("Folder of checkouts", str(fleet.folder) + ENTER),
        ("Which version?", ENTER),
        ("Which command checks", "\x7f" * 20 + "true" + ENTER),
        ("Wave canary: 1 to update. Start?", "y"),
        ("Wave 10%: 1 to update. Start?", "n"),
    ]
    with create_pipe_input() as pipe:
        screen = Screen(keys, pipe.send_text)
        with create_app_session(input=pipe, output=PlainTextOutput(screen)):
            assert main([], terminal=True) == 0
    assert not screen.keys
    assert "Stopped before wave 10%." in capsys.readouterr().err
    assert branches(checkout) == ["main"]
    assert branches(fleet.folder / "app1") == ["main", "template-update"]
    assert fleet.state.exists()


@pytest.mark.slow
def test_a_project_of_this_template_is_updated_and_its_own_tests_are_the_check(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "template"
    run("git", "clone", "-q", "--no-local", ROOT, template, cwd=tmp_path)
    run("git", "tag", "-f", "v9.0.0", cwd=template)
    settings = template / "template" / "utils" / "preprocess.py.jinja"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n# A newer version.\n", encoding="utf-8")
    commit(template, "Newer")
    run("git", "tag", "v9.1.0", cwd=template)
    checkout = fleet.add("app", "v9.0.0", template)
    fleet.edit("app", "README.md", "Ours.\n")
    assert fleet.update("--check", f"'{sys.executable}' -m pytest -q -p no:cacheprovider tests/test_services.py") == 0
    assert "template v9.0.0 -> v9.1.0" in results(capsys)["app"]
    assert "A newer version." in branch_file(checkout, "utils/preprocess.py")
    assert branch_file(checkout, "README.md") == "Ours.\n"


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


@pytest.mark.slow
def test_without_its_guard_a_red_wave_would_not_stop_the_next(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add("app1")
    fleet.edit("app1")
    second = fleet.add("app2")
    weak = without("            if red:", "rollout.py", "            if False:", tmp_path / "weak")
    run(sys.executable, "-m", "fleet", *fleet.command(), cwd=weak, check=False)
    assert branches(second) == ["main", "template-update"]
