"""A version is a commit, a section of the changelog and a tag; a script checks what every version has to hold."""

import itertools
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from scripts.history import NEXT, RELEASES, ROOT, TRUST, commit, git, is_complete, numbers, releases, sections
from scripts.publish import publish
from tests.conftest import run

GREEN, RED = "true", "false"
NEW = "98.0.0"


def read(history: Path, version: str, name: str) -> str:
    """Read a file of a version."""
    return git("show", f"{version}:{name}", cwd=history)


def test_every_version_has_a_commit_and_a_section_in_the_changelog() -> None:
    told, made = list(sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))), list(releases())
    current = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    # The commit of a version cannot name itself: its line comes with the next commit.
    assert set(made) <= set(told) <= {*made, current}
    assert made == sorted(made, key=numbers)
    assert told == sorted(told, key=numbers, reverse=True)
    assert len(set(releases().values())) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{40}", sha) for sha in releases().values())


@pytest.mark.parametrize("version", releases())
def test_the_commit_of_a_version_is_that_version(version: str, history: Path) -> None:
    assert git("merge-base", "--is-ancestor", version, "HEAD", cwd=history) == ""
    assert tomllib.loads(read(history, version, "pyproject.toml"))["project"]["version"] == version
    assert sections(read(history, version, "CHANGELOG.md"))[version]


@pytest.mark.parametrize("version", [*releases(), NEXT])
def test_no_version_asks_for_trust(version: str, history: Path) -> None:
    assert not TRUST.search(read(history, version, "copier.yml"))


def test_versions_follow_each_other(history: Path) -> None:
    tags = [*releases(), NEXT]
    for earlier, later in itertools.pairwise(tags):
        assert git("merge-base", "--is-ancestor", earlier, later, cwd=history) == ""


def test_a_clone_without_the_history_is_noticed(history: Path, tmp_path: Path) -> None:
    git("clone", "-q", "--depth", "1", f"file://{history}", tmp_path / "shallow", cwd=tmp_path)
    assert is_complete(history)
    assert not is_complete(tmp_path / "shallow")


# The release script.


@pytest.fixture
def clone(history: Path, tmp_path: Path) -> Path:
    """Give a clone in which a new version is ready: changelog written, version set, all committed."""
    folder = tmp_path / "clone"
    git("clone", "-q", history, folder, cwd=tmp_path)
    text = (folder / "CHANGELOG.md").read_text(encoding="utf-8")
    section = f"## {NEW} (2026-12-01)\n\n* Something new.\n\n## "
    (folder / "CHANGELOG.md").write_text(text.replace("## ", section, 1), encoding="utf-8")
    replace(folder / "pyproject.toml", r'^version = ".*"', f'version = "{NEW}"')
    commit(folder, "Ready")
    return folder


def replace(path: Path, pattern: str, new: str) -> None:
    """Change one place of a file."""
    text, count = re.subn(pattern, lambda _: new, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1
    path.write_text(text, encoding="utf-8")


def cut(clone: Path, version: str = NEW, *arguments: str, tests: str = GREEN) -> tuple[int, str]:
    """Run the release script with a quick command in the place of all tests, and with no look at the examples."""
    command = [sys.executable, "-m", "scripts.release", version, "--tests", tests, "--examples", GREEN, *arguments]
    done = run(*command, cwd=clone, check=False)
    return done.returncode, done.stdout


def test_a_version_gets_its_line_and_its_tag(clone: Path) -> None:
    head = git("rev-parse", "HEAD", cwd=clone).strip()
    code, said = cut(clone, NEW, "--tag")
    assert code == 0, said
    assert list(releases(clone).items())[-1] == (NEW, head)
    assert git("rev-parse", f"{NEW}^{{commit}}", cwd=clone).strip() == head
    assert git("cat-file", "-t", NEW, cwd=clone).strip() == "tag"
    assert git("status", "--porcelain", cwd=clone).split() == ["M", RELEASES.as_posix()]


def test_without_the_option_nothing_is_tagged_and_the_command_is_said(clone: Path) -> None:
    code, said = cut(clone)
    assert code == 0
    assert f"git tag --annotate --message 'Version {NEW}' {NEW} " in said
    assert NEW not in git("tag", cwd=clone).split()


def test_a_tag_waits_for_no_editor_and_no_key(clone: Path) -> None:
    for key, value in {"tag.gpgSign": "true", "core.editor": "sleep 1000", "gpg.program": "sleep"}.items():
        git("config", key, value, cwd=clone)
    code, said = cut(clone, NEW, "--tag")
    assert code == 0, said
    assert git("tag", "--list", "--format=%(contents)", NEW, cwd=clone).strip() == f"Version {NEW}"


def test_a_note_that_cannot_be_written_leaves_no_tag(clone: Path) -> None:
    # A folder of the name of the file beside it, and not rights: tests may run as root.
    (clone / RELEASES.with_suffix(".new")).mkdir()
    (clone / ".git" / "info" / "exclude").write_text("*.new\n", encoding="utf-8")
    code, said = cut(clone, NEW, "--tag")
    assert code == 1
    assert said.startswith("refused: tests/history/releases.toml cannot be written"), said
    assert NEW not in git("tag", cwd=clone).split()
    assert NEW not in releases(clone)


GH = """\
#!/bin/sh
# Takes the place of gh: it notes what it was asked for, keeps the notes, and knows the pages that it made.
case "$2" in
  view) grep -q "^create $3$" "$RECORD/asked" 2> /dev/null ;;
  *) echo "$2 $3" >> "$RECORD/asked"; cp "$8" "$RECORD/$3.md" ;;
esac
"""


def test_each_version_gets_its_tag_and_its_page_where_it_is_pushed_with_gh_recorded(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, record = tmp_path / "origin.git", tmp_path / "record"
    record.mkdir()
    (record / "gh").write_text(GH, encoding="utf-8")
    (record / "gh").chmod(0o755)
    monkeypatch.setenv("RECORD", str(record))
    monkeypatch.setenv("PATH", f"{record}:{os.environ['PATH']}")
    git("init", "-q", "--bare", origin, cwd=tmp_path)
    git("tag", "--delete", *git("tag", cwd=clone).split(), cwd=clone)
    git("remote", "set-url", "origin", origin, cwd=clone)
    git("push", "-q", "origin", "HEAD:main", cwd=clone)
    said = run(sys.executable, "-m", "scripts.publish", cwd=clone).stdout.splitlines()
    first = next(iter(releases()))
    assert said[0] == f"{first}: the tag is pushed"
    assert len(said) == 2 * len(releases())
    for version, sha in releases().items():
        assert git("rev-parse", f"{version}^{{commit}}", cwd=origin).strip() == sha
        assert git("cat-file", "-t", version, cwd=origin).strip() == "tag"
        assert (record / f"{version}.md").read_text(encoding="utf-8") in read(clone, version, "CHANGELOG.md")
    assert run(sys.executable, "-m", "scripts.publish", cwd=clone).stdout == ""


def test_a_tag_of_another_commit_is_refused(clone: Path, tmp_path: Path) -> None:
    version = next(iter(releases()))
    git("tag", "--force", version, "HEAD", cwd=clone)
    origin = tmp_path / "origin.git"
    git("init", "-q", "--bare", origin, cwd=tmp_path)
    git("remote", "set-url", "origin", origin, cwd=clone)
    with pytest.raises(SystemExit, match=f"the tag {version} is not the commit"):
        publish(version, releases()[version], clone)
    assert git("ls-remote", "--tags", origin, cwd=tmp_path) == ""


REFUSALS = {
    "dirty": "commit or stash",
    "lower": "is not higher than",
    "no section": "CHANGELOG.md has no section",
    "empty section": "CHANGELOG.md has no section",
    "other version": "pyproject.toml says",
    "trust": "copier.yml has _tasks",
    "no version": "is not a version",
    "tagged": "is there already",
    "red": "the tests fail",
}


def spoil(clone: Path, reason: str) -> tuple[str, str]:
    """Make one thing wrong; give the version to cut and the command in the place of the tests."""
    match reason:
        case "dirty":
            (clone / "new.txt").write_text("x", encoding="utf-8")
        case "lower":
            return "0.0.9", GREEN
        case "no section":
            replace(clone / "CHANGELOG.md", f"^## {NEW} .*$", "## Soon")
        case "empty section":
            replace(clone / "CHANGELOG.md", r"^\* Something new\.$", "")
        case "other version":
            replace(clone / "pyproject.toml", r'^version = ".*"', 'version = "97.0.0"')
        case "trust":
            with (clone / "copier.yml").open("a", encoding="utf-8") as file:
                file.write(yaml.safe_dump({"_tasks": ["true"]}))
        case "no version":
            return "next", GREEN
        case "tagged":
            git("tag", NEW, "HEAD~1", cwd=clone)
            return NEW, GREEN
        case _:
            return NEW, RED
    if reason != "dirty":
        commit(clone, "Spoilt")
    return NEW, GREEN


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_is_not_ready_is_refused_and_nothing_is_written(reason: str, clone: Path) -> None:
    version, tests = spoil(clone, reason)
    before = (clone / RELEASES).read_bytes()
    code, said = cut(clone, version, "--tag", tests=tests)
    assert code == 1
    assert REFUSALS[reason] in said
    assert "Traceback" not in said
    assert all(line.startswith("refused: ") for line in said.splitlines()), said
    assert (clone / RELEASES).read_bytes() == before
    assert reason == "tagged" or version not in git("tag", cwd=clone).split()


@pytest.mark.slow
def test_examples_that_are_not_fresh_are_refused(clone: Path) -> None:
    replace(clone / "examples" / "prototype" / "README.md", "^## Run it$", "## Run")
    commit(clone, "Stale")
    command = [sys.executable, "-m", "scripts.release", NEW, "--tests", GREEN]
    done = run(*command, cwd=clone, check=False)
    assert done.returncode == 1
    assert "the examples are not fresh" in done.stdout
