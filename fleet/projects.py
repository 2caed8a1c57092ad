"""What a repository says about itself, read from its last commit. Nothing in it is run."""

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, cast

import yaml

from fleet.errors import FleetError, one_line, without_password
from fleet.git import git
from fleet.sources import Source

ANSWERS = (".copier-answers*.yml", ".copier-answers*.yaml")


@dataclass(frozen=True)
class Project:
    """One answers file: what a template made of a repository."""

    answers_file: str
    template: str
    """The template's path or address, as the answers file has it."""
    commit: str
    """The template's version, as the answers file has it."""
    answers: dict[str, Any]


@dataclass(frozen=True)
class Repository:
    """One repository that can be read."""

    name: str
    location: str
    """The path, or the address without its password; a state file knows the repository by it."""
    path: Path
    is_address: bool
    head: str
    """The commit that is checked out."""
    branch: str
    """The branch that is checked out, or empty."""
    is_dirty: bool
    projects: tuple[Project, ...]

    @property
    def state(self) -> str:
        """Say in a word or two what is checked out."""
        return f"{'dirty' if self.is_dirty else 'clean'} ({self.branch or 'no branch'})"


def read(source: Source, scratch: Path) -> Repository:
    """Look at one repository; what is an address is cloned first.

    Raises:
        FleetError: if it is not a repository that a template made.

    """
    path = fetched(source, scratch) if source.is_address else Path(source.location)
    if not path.is_dir():
        raise FleetError("no such folder")
    if not (path / ".git").exists():
        raise FleetError("not a git repository")
    head, branch, is_dirty = status(path)
    names = git(path, "ls-tree", "--name-only", "-z", head).split("\0")
    found = sorted(name for name in names if any(fnmatch(name, pattern) for pattern in ANSWERS))
    if not found:
        raise FleetError("no answers file (.copier-answers.yml) in the last commit: not made by Copier")
    projects = tuple(parse(name, file_of(path, head, name)) for name in found)
    key = without_password(source.location)
    return Repository(source.name, key, path, source.is_address, head, branch, is_dirty, projects)


def fetched(source: Source, scratch: Path) -> Path:
    """Clone an address."""
    path = scratch / "clones" / hashlib.sha256(source.location.encode()).hexdigest()[:16]
    path.parent.mkdir(exist_ok=True)
    try:
        git(scratch, "clone", "--quiet", "--", source.location, path)
    except FleetError as error:
        raise FleetError(f"unreachable: {error}") from error
    return path


def status(path: Path) -> tuple[str, str, bool]:
    """Give the commit, the branch, and whether anything is not committed."""
    lines = git(path, "status", "--porcelain=v2", "--branch").splitlines()
    facts = dict(line.removeprefix("# ").split(" ", 1) for line in lines if line.startswith("# "))
    head, branch = facts["branch.oid"], facts["branch.head"]
    if head == "(initial)":
        raise FleetError("has no commit yet")
    return head, "" if branch == "(detached)" else branch, any(not line.startswith("# ") for line in lines)


def file_of(path: Path, commit: str, name: str) -> str:
    """Read a file from a commit."""
    return git(path, "cat-file", "blob", f"{commit}:{name}")


def parse(name: str, text: str) -> Project:
    """Read an answers file."""
    try:
        data: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FleetError(f"{name} is broken: {one_line(error)}") from error
    if not isinstance(data, dict):
        raise FleetError(f"{name} is broken: it holds no answers")
    answers = cast("dict[str, Any]", data)
    for key in ("_src_path", "_commit"):
        if not answers.get(key):
            raise FleetError(f"{name} is broken: {key} is missing, so no template can be found")
    return Project(name, str(answers["_src_path"]), str(answers["_commit"]), answers)
