"""The only module that writes to a repository: one branch, in one step, or nothing."""

from collections.abc import Collection
from pathlib import Path

from fleet.errors import FleetError
from fleet.git import git, resolve
from fleet.projects import Repository


def commit_of(repository: Repository, branch: str) -> str | None:
    """Give the commit that a branch is at, if there is one. In the clone of an address, branches are origin's."""
    where = "refs/remotes/origin" if repository.is_address else "refs/heads"
    return resolve(repository.path, f"{where}/{branch}")


def refuse_foreign(repository: Repository, branch: str, ours: Collection[str]) -> None:
    """Refuse a branch that holds somebody's work.

    Args:
        repository: where the branch would be.
        branch: its name.
        ours: the commits that an earlier run may have left it at.

    Raises:
        FleetError: if the branch is checked out, or has commits that are neither merged nor ours.

    """
    try:
        git(repository.path, "check-ref-format", f"refs/heads/{branch}")
    except FleetError as error:
        raise FleetError(f"{branch!r} is no name for a branch") from error
    if f"branch refs/heads/{branch}\n" in git(repository.path, "worktree", "list", "--porcelain"):
        raise FleetError(f"branch {branch} is checked out; check out another one, or pass --branch")
    found = commit_of(repository, branch)
    if found is not None and found not in ours and not contains(repository.path, repository.head, found):
        raise FleetError(f"branch {branch} exists; merge it, delete it, or pass --branch")


def contains(path: Path, commit: str, other: str) -> bool:
    """Tell whether a commit has another one in its history."""
    try:
        git(path, "merge-base", "--is-ancestor", other, commit)
    except FleetError:
        return False
    return True


def author(repository: Repository) -> dict[str, str]:
    """Give the repository's author, as git's configuration has it.

    Raises:
        FleetError: if there is none.

    """
    found: dict[str, str] = {}
    for key in ("user.name", "user.email"):
        try:
            found[key] = git(repository.path, "config", key).strip()
        except FleetError as error:
            raise FleetError(f"git has no author: git config --global {key} ...") from error
    return found


def publish(repository: Repository, clone: Path, branch: str, ours: Collection[str], *, push: bool) -> None:
    """Bring a clone's last commit into the repository as a branch, and push it before if that is wanted.

    Args:
        repository: where the branch goes.
        clone: a clone whose last commit is the update.
        branch: the branch's name.
        ours: the commits that an earlier run may have left it at, here or at origin.
        push: whether origin gets the branch as well.

    Raises:
        FleetError: if a branch appeared meanwhile, or origin refuses. Then nothing has changed.

    """
    path, before, name = repository.path, commit_of(repository, branch), f"refs/heads/{branch}"
    commit = git(clone, "rev-parse", "HEAD").strip()
    git(path, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--", clone, commit)
    if push:
        try:
            at_origin = git(path, "ls-remote", "origin", name).partition("\t")[0]
            lease = [f"--force-with-lease={name}:{at_origin}"] if at_origin in ours else []
            git(path, "push", "--quiet", *lease, "origin", f"{commit}:{name}")
        except FleetError as error:
            raise FleetError(f"push: {error}") from error
    if not repository.is_address:
        git(path, "update-ref", "-m", "fleet update", name, commit, before or "")
