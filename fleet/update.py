"""One repository: either updated and green, or untouched."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet import branches, commands, trial
from fleet.errors import FleetError
from fleet.git import git
from fleet.projects import Project, Repository, file_of, parse
from fleet.state import Done, State
from fleet.templates import Step, Template, Templates

SHOWN = 5
"""Files in conflict that a line names."""


@dataclass(frozen=True)
class Order:
    """What is asked for all repositories."""

    version: str = ""
    """The version to go to; empty for each template's newest."""
    data: Mapping[str, str] | None = None
    prepare: str = ""
    check: str = ""
    branch: str = "template-update"
    push: bool = False


@dataclass(frozen=True)
class Task:
    """What is to be done in one repository."""

    repository: Repository
    steps: tuple[Step, ...]
    """One for each of its projects that has somewhere to go."""
    before: Done | None

    @property
    def is_needed(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.steps)

    @property
    def versions(self) -> dict[str, str]:
        """The commits to go to, by answers file."""
        return {one.project.answers_file: one.template.commit(one.version) for one in self.steps}

    def request(self, order: Order) -> dict[str, Any]:
        """Say what is asked for, to compare it with what was done."""
        return {"versions": self.versions, "data": dict(order.data or {})}

    def is_done(self, order: Order) -> bool:
        """Tell whether an earlier run did this and its branch is still there, grown or not."""
        if self.before is None or self.before.request != self.request(order) or self.before.branch != order.branch:
            return False
        now = branches.commit_of(self.repository, order.branch)
        return now is not None and branches.contains(self.repository.path, now, self.before.commit)


def plan(repository: Repository, templates: Templates, order: Order, state: State) -> Task:
    """Find out what is to be done, and whether it may be.

    Raises:
        FleetError: if it may not; nothing has been touched.

    """
    found = [step(project, templates.of(project, repository), order) for project in repository.projects]
    before = state.done.get(repository.location)
    task = Task(repository, tuple(one for one in found if one), before)
    if task.is_needed and not task.is_done(order):
        if repository.is_dirty:
            raise FleetError("has changes that are not committed; commit or stash them first")
        if repository.is_address and not order.push:
            raise FleetError("is an address, where an update only stays with --push")
        branches.refuse_foreign(repository, order.branch, before.commits if before else ())
        branches.author(repository)
    return task


def step(project: Project, template: Template, order: Order) -> Step | None:
    """Find out where a project is to go; one that is ahead of the newest release stays, as Copier goes only forward."""
    if order.version:
        moves = template.commit(order.version) != template.commit(project.commit)
        return Step(project, template, order.version) if moves or order.data else None
    if template.behind(project).count:
        return Step(project, template, template.newest)
    return Step(project, template, project.commit) if order.data else None


def carry_out(task: Task, order: Order, state: State) -> str:
    """Update a clone, prepare, commit, check; only what is green reaches the repository.

    Returns:
        A line about what happened.

    Raises:
        FleetError: if something is red; nothing is left of it.

    """
    repository = task.repository
    with trial.clone_of(repository) as clone:
        for one in task.steps:
            conflicts = trial.update(clone, repository, one, order.data or {})
            if conflicts:
                more = f" and {len(conflicts) - SHOWN} more" if len(conflicts) > SHOWN else ""
                raise FleetError(f"{len(conflicts)} in conflict: {', '.join(conflicts[:SHOWN])}{more}")
            commit(clone, repository, "One of several templates")
        if order.prepare:
            commands.run(order.prepare, clone, state.log(repository.name))
        summary = "; ".join(change(clone, one) for one in task.steps)
        git(clone, "reset", "--quiet", "--soft", repository.head)
        if not commit(clone, repository, f"Update {summary}"):
            return "current"
        if order.check:
            commands.run(order.check, clone, state.log(repository.name))
        made, now = git(clone, "rev-parse", "HEAD").strip(), branches.commit_of(repository, order.branch)
        ours = {made, *(task.before.commits if task.before else ())}
        branches.refuse_foreign(repository, order.branch, ours)  # a check takes long enough for somebody to make one
        state.add(repository.location, Done(order.branch, made, task.request(order), summary, now or ""))
        branches.publish(repository, clone, order.branch, ours, push=order.push)
    return f"updated {summary}"


def commit(clone: Path, repository: Repository, message: str) -> bool:
    """Commit everything, if there is anything, as the author whom the repository's configuration names."""
    git(clone, "add", "--all")
    if not git(clone, "status", "--porcelain"):
        return False
    who = [part for key, value in branches.author(repository).items() for part in ("-c", f"{key}={value}")]
    git(clone, *who, "commit", "--quiet", "--no-verify", "--message", message)
    return True


def change(clone: Path, step: Step) -> str:
    """Say from where to where a project went."""
    name, before = step.project.answers_file, step.project.commit
    return f"{step.template.name} {before} -> {parse(name, file_of(clone, 'HEAD', name)).commit}"
