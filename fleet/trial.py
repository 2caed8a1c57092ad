"""An update tried in a clone of its own, so that no file of a checkout is ever half-written."""

import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fleet import copying
from fleet.git import git
from fleet.projects import Repository
from fleet.templates import Step

MARKER = "<<<<<<< before updating"


@contextmanager
def clone_of(repository: Repository) -> Generator[Path]:
    """Give a clone that shares the repository's objects, at the same commit, and take it away afterwards.

    A linked worktree would do too, but a process that is killed would leave it registered in the repository.
    """
    folder = Path(tempfile.mkdtemp(prefix="project-"))
    try:
        git(folder, "clone", "--quiet", "--shared", "--no-checkout", "--", repository.path, folder)
        git(folder, "checkout", "--quiet", "--detach", repository.head)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def update(folder: Path, repository: Repository, step: Step, data: Mapping[str, str]) -> list[str]:
    """Update one project of a clone and give the files that are in conflict.

    Raises:
        FleetError: if Copier refuses or fails.

    """
    copying.update(folder, step.project.answers_file, step.version, data, seen_from=repository.path)
    return conflicts(folder)


def conflicts(folder: Path) -> list[str]:
    """Find what Copier does not report: files that git holds unmerged, and any that got markers or rejected parts."""
    unmerged = {line.split("\t", 1)[1] for line in parts(git(folder, "ls-files", "--unmerged", "-z"))}
    changed = parts(git(folder, "diff", "--name-only", "-z", "HEAD"))
    added = parts(git(folder, "ls-files", "--others", "--exclude-standard", "-z"))
    rejected = {name for name in added if name.endswith(".rej")}
    return sorted(unmerged | rejected | {name for name in changed + added if is_marked(folder / name)})


def is_marked(path: Path) -> bool:
    """Tell whether a file has markers of an update."""
    if path.is_symlink() or not path.is_file():
        return False
    return any(line.startswith(MARKER) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())


def parts(text: str) -> list[str]:
    """Split what git separates by NUL."""
    return [part for part in text.split("\0") if part]
