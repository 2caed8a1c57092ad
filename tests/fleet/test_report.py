"""`fleet report` says where every project stands, and costs one line for each that cannot be read."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.cli import main
from fleet.sources import find
from tests.conftest import ROOT, run
from tests.fleet.checkouts import Fleet, commit, look, make_template, rows, script, without
from tests.prompts import ENTER, typing


def test_a_report_says_version_distance_policy_conflicts_and_state(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.add("behind")
    fleet.add("clash")
    fleet.edit("clash")
    fleet.add("dirty", "v2.0.0")
    (fleet.folder / "dirty" / "own.txt").write_text("mine\n", encoding="utf-8")
    fleet.add("newest", "v3.0.0")
    run("git", "checkout", "-q", "-b", "work", cwd=fleet.folder / "newest")
    assert fleet.report() == 0
    assert rows(capsys.readouterr().out) == [
        ["repository", "version", "behind", "policy", "conflicts", "state"],
        ["behind", "v1.0.0", "2 releases (newest v3.0.0)", "none", "none", "clean (main)"],
        ["clash", "v1.0.0", "2 releases (newest v3.0.0)", "none", "1 file", "clean (main)"],
        ["dirty", "v2.0.0", "1 release (newest v3.0.0)", "none", "none", "dirty (main)"],
        ["newest", "v3.0.0", "0", "none", "none", "clean (work)"],
    ]
    assert not fleet.left_behind()


def test_a_report_changes_nothing_and_runs_nothing_of_a_checkout(fleet: Fleet, tmp_path: Path) -> None:
    checkout, ran = mined(fleet, tmp_path)
    before = look(checkout)
    assert fleet.report() == 0
    assert look(checkout) == before
    assert not ran.exists()


def mined(fleet: Fleet, tmp_path: Path) -> tuple[Path, Path]:
    """Give a checkout that would notice if its own programs ran."""
    checkout, ran = fleet.add("mined"), tmp_path / "ran"
    monitor = script(tmp_path / "monitor", f"touch {ran}")
    run("git", "config", "core.fsmonitor", monitor, cwd=checkout)
    return checkout, ran


def test_without_its_guard_a_report_would_run_a_checkouts_program(fleet: Fleet, tmp_path: Path) -> None:
    _, ran = mined(fleet, tmp_path)
    folder = without('"-c", "core.fsmonitor=false", ', "git.py", "", tmp_path / "weak")
    run(sys.executable, "-m", "fleet", "report", "--no-conflicts", fleet.folder, cwd=folder)
    assert ran.exists()


def test_conflicts_are_only_tried_when_wanted(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("clash")
    fleet.edit("clash")
    assert fleet.report("--no-conflicts", fleet.folder) == 0
    assert "not tried" in capsys.readouterr().out


def test_json_and_markdown_say_the_same(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("clash")
    fleet.edit("clash")
    (fleet.folder / "empty").mkdir()
    assert fleet.report("--format", "json", fleet.folder) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["problems"] == {"empty": "not a git repository"}
    (row,) = data["repositories"]
    assert row["repository"] == "clash"
    assert row["behind"] == {"count": 2, "unit": "releases", "newest": "v3.0.0"}
    assert row["conflicts"] == ["text.txt"]
    assert fleet.report("--no-conflicts", "--format", "markdown", fleet.folder) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| clash | v1.0.0 | 2 releases (newest v3.0.0) | none | not tried | clean (main) |"
    assert lines[-1] == "* empty: not a git repository"


def test_templates_are_mixed_and_some_have_no_tags(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    untagged = make_template(tmp_path / "untagged", tags=("",))
    fleet.add("one", "HEAD", untagged)
    commit(untagged, "Newer")
    fleet.add("two")
    assert fleet.report("--no-conflicts", "--format", "json", fleet.folder) == 0
    one, two = json.loads(capsys.readouterr().out)["repositories"]
    assert (one["template"], one["behind"]["count"], one["behind"]["unit"]) == ("untagged", 1, "commits")
    assert (two["template"], two["behind"]["count"], two["behind"]["unit"]) == ("a template", 2, "releases")
    assert fleet.report("--no-conflicts", fleet.folder) == 0
    assert "a template v1.0.0" in capsys.readouterr().out


def test_a_version_between_two_releases_counts_what_is_after_it(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = make_template(tmp_path / "template", ("v1.0.0", "", "v2.0.0"))
    fleet.add("between", "v2.0.0~1", template)
    assert fleet.report("--no-conflicts", "--format", "json", fleet.folder) == 0
    (row,) = json.loads(capsys.readouterr().out)["repositories"]
    assert row["version"].startswith("v1.0.0-1-g")
    assert row["behind"]["count"] == 1


def test_every_answers_file_is_a_row(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = fleet.add("both")
    shutil.copy(checkout / ".copier-answers.yml", checkout / ".copier-answers.other.yml")
    commit(checkout)
    assert fleet.report("--no-conflicts", fleet.folder) == 0
    assert [row[0] for row in rows(capsys.readouterr().out)] == [
        "repository",
        "both (.copier-answers.other.yml)",
        "both",
    ]


def unreachable(checkout: Path) -> None:
    rewrite(checkout, "_src_path: ", "_src_path: /nowhere/")


def rewrite(checkout: Path, old: str, new: str) -> None:
    path = checkout / ".copier-answers.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    commit(checkout)


def written(text: str) -> Callable[[Path], None]:
    def write(checkout: Path) -> None:
        (checkout / ".copier-answers.yml").write_text(text, encoding="utf-8")
        commit(checkout)

    return write


def answers_removed(checkout: Path) -> None:
    (checkout / ".copier-answers.yml").unlink()
    commit(checkout)


def without_a_commit(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    run("git", "init", "-q", cwd=checkout)


def broken_repository(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git" / "objects")


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no-git": (lambda checkout: shutil.rmtree(checkout / ".git"), "not a git repository"),
    "no-objects": (broken_repository, "not a git repository"),
    "no-commit": (without_a_commit, "has no commit yet"),
    "no-answers-file": (answers_removed, "no answers file (.copier-answers.yml) in the last commit"),
    "broken-yaml": (written("_commit: [\n"), ".copier-answers.yml is broken: while parsing"),
    "a-list": (written("- one\n"), ".copier-answers.yml is broken: it holds no answers"),
    "empty": (written(""), ".copier-answers.yml is broken: it holds no answers"),
    "no-template": (written("_commit: v1.0.0\n"), "_src_path is missing"),
    "no-version": (written("_src_path: /x\n"), "_commit is missing"),
    "unreachable": (unreachable, "is unreachable: not a git repository"),
    "distant": (
        lambda one: rewrite(one, "_src_path: ", "_src_path: https://ada:pass@127.0.0.1:1/x.git #"),
        "template https://127.0.0.1:1/x.git is unreachable: unable to access",
    ),
    "unknown-version": (lambda one: rewrite(one, "v1.0.0", "v9"), "template a template has no version v9"),
    "an-option": (lambda one: rewrite(one, "v1.0.0", "--all"), "has no version --all"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_costs_one_line_and_the_others_are_shown(
    case: str, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, reason = BAD[case]
    fleet.add("good", "v3.0.0")
    spoil(fleet.add("spoilt"))
    assert fleet.report() == 1
    out, err = capsys.readouterr()
    assert [row[0] for row in rows(out)] == ["repository", "good"]
    (line,) = [line for line in err.splitlines() if not line.startswith("[")]
    assert line.startswith("spoilt: ")
    assert reason in line


def test_a_list_names_paths_and_addresses_with_comments(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("by path", "v3.0.0")
    by_address = fleet.add("by-address", "v3.0.0")
    (fleet.base / "link").symlink_to(fleet.add("linked", "v3.0.0"))
    listed = fleet.base / "list.txt"
    address = by_address.as_uri()
    listed.write_text(
        f"# Ours\nmy repositories/by path  # first\n\n{address}\nlink\nmy repositories/linked\nmissing\nfile:///nowhere/x.git\n",
        encoding="utf-8",
    )
    assert fleet.report(listed) == 1
    out, err = capsys.readouterr()
    assert [row[0] for row in rows(out)] == ["repository", "by path", "by-address", "linked"]
    problems = [line for line in err.splitlines() if not line.startswith("[")]
    assert problems[0] == "missing: no such folder"
    assert problems[1].startswith("x: unreachable: ")
    assert len(problems) == 2
    assert not fleet.left_behind()


def test_no_password_of_an_address_is_shown(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("good", "v3.0.0")
    listed = fleet.base / "list"
    address = "https://ada:hidden@127.0.0.1:1"
    listed.write_text(f"my repositories/good\n{address}/one/app.git\n{address}/two/app.git\n", encoding="utf-8")
    assert fleet.report("--format", "markdown", listed) == 1
    out, err = capsys.readouterr()
    assert "https://127.0.0.1:1/two/app.git: unreachable" in out
    assert "hidden" not in out + err


def test_equal_names_are_told_apart(fleet: Fleet) -> None:
    fleet.add("app")
    other = fleet.base / "other" / "app"
    shutil.copytree(fleet.folder / "app", other)
    assert [source.name for source in find([str(fleet.folder), str(other)])] == [
        str(fleet.folder / "app"),
        str(other),
    ]
    assert len(find([str(other), str(other)])) == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "say what to do: fleet report SOURCE..., or fleet update SOURCE... --yes"),
        (["report"], "say which repositories: fleet report SOURCE..."),
        (["report", "nowhere"], "nowhere: no such folder, list or address"),
        (["report", "{base}"], "holds no checkout"),
        (["report", "{base}/empty"], "empty: lists no repository"),
        (["report", "{base}/binary"], "binary: cannot be read as a list of repositories"),
        (["update", "{folder}"], "pass --yes"),
        (["update", "{folder}", "--yes", "--waves", "canary,all"], "--waves: 'all' is none"),
        (["update", "{folder}", "--yes", "--waves", "0%"], "--waves: '0%' is none"),
        (["update", "{folder}", "--yes", "--canary", "z"], "--canary: no repository is called z"),
        (["update", "{folder}", "--yes", "--state", "{base}/binary"], "binary: no state of a fleet run"),
        (["update", "{folder}", "--yes", "--state", "{base}/old"], "old: written by another version of fleet"),
        (["update", "{folder}", "--yes", "--state", "{base}/no/x.json"], "no is no folder"),
    ],
)
def test_a_command_that_cannot_start_says_in_one_line_what_to_do(
    arguments: list[str], reason: str, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    before = look(fleet.add("app"))
    (fleet.base / "binary").write_bytes(b"\xff\xfe")
    (fleet.base / "empty").write_text("# nothing\n", encoding="utf-8")
    (fleet.base / "old").write_text('{"format": 0, "done": {}}', encoding="utf-8")
    typed = [argument.format(base=fleet.base, folder=fleet.folder) for argument in arguments]
    assert main(typed, terminal=False) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("fleet: ")
    assert reason in line
    assert not out
    assert look(fleet.folder / "app") == before


def test_a_wrong_option_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["update", ".", "--data", "color"], terminal=False)
    assert stopped.value.code == 2
    assert "'color' is not KEY=VALUE" in capsys.readouterr().err


def test_in_a_terminal_it_asks(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add("app")
    keys = [("see or do?", ENTER), ("Folder of checkouts", str(fleet.folder) + ENTER)]
    with typing(keys):
        assert main([], terminal=True) == 0
    assert "2 releases" in capsys.readouterr().out


def test_a_command_without_a_terminal_asks_nothing() -> None:
    result = run(sys.executable, "-m", "fleet", cwd=ROOT, check=False)
    assert result.returncode == 2
    assert result.stdout.startswith("fleet: say what to do")


@pytest.mark.slow
def test_the_command_is_installed_with_this_repository() -> None:
    result = run("uv", "run", "--frozen", "fleet", "--help", cwd=ROOT)
    assert "report" in result.stdout


@pytest.mark.slow
def test_the_command_is_strictly_typed(tmp_path: Path) -> None:
    settings = {"include": [str(ROOT / "fleet")], "extraPaths": [str(ROOT)], "typeCheckingMode": "strict"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    result = run("basedpyright", "-p", tmp_path, "--pythonpath", sys.executable, cwd=tmp_path)
    assert "0 errors" in result.stdout
