"""A version is a commit, a section of the changelog and a tag; a script checks what every version has to hold."""

import itertools
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from scripts.history import NEXT, RELEASES, ROOT, TRUST, commit, git, is_complete, numbers, releases, sections
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
    assert git("status", "--porcelain", cwd=clone).split() == ["M", RELEASES.as_posix()]


def test_without_the_option_nothing_is_tagged_and_the_command_is_said(clone: Path) -> None:
    code, said = cut(clone)
    assert code == 0
    assert f"git tag {NEW} " in said
    assert NEW not in git("tag", cwd=clone).split()


REFUSALS = {
    "dirty": "commit or stash",
    "lower": "is not higher than",
    "no section": "CHANGELOG.md has no section",
    "empty section": "CHANGELOG.md has no section",
    "other version": "pyproject.toml says",
    "trust": "copier.yml has _tasks",
    "no version": "is not a version",
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
    assert version not in git("tag", cwd=clone).split()


@pytest.mark.slow
def test_examples_that_are_not_fresh_are_refused(clone: Path) -> None:
    replace(clone / "examples" / "prototype" / "README.md", "^## Run it$", "## Run")
    commit(clone, "Stale")
    command = [sys.executable, "-m", "scripts.release", NEW, "--tests", GREEN]
    done = run(*command, cwd=clone, check=False)
    assert done.returncode == 1
    assert "the examples are not fresh" in done.stdout
