"""What each repository is at: version, distance, policy, expected conflicts, state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet import policy, trial
from fleet.errors import FleetError
from fleet.policy import Verdict
from fleet.projects import Project, Repository, read
from fleet.sources import Source
from fleet.templates import Behind, Step, Templates

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One project of a repository."""

    repository: str
    answers_file: str
    template: str
    version: str
    behind: Behind
    policy: Verdict
    conflicts: list[str] | None
    """Files in which an update would conflict; None if that was not tried."""
    state: str
    refusal: str = ""
    """Why an update is not possible."""


@dataclass
class Report:
    """All rows, and what is wrong with the others."""

    rows: list[Row] = field(default_factory=list[Row])
    problems: dict[str, str] = field(default_factory=dict[str, str])


def look(sources: Sequence[Source], scratch: Path, tell: Tell, *, with_conflicts: bool) -> Report:
    """Look at every repository; one that cannot be read costs one line."""
    report, templates = Report(), Templates(scratch)
    for number, source in enumerate(sources, 1):
        tell(f"[{number}/{len(sources)}] {source.name}")
        try:
            repository = read(source, scratch)
            for project in repository.projects:
                found = row(repository, project, templates, with_conflicts=with_conflicts)
                report.rows.append(found)
                if found.refusal:
                    report.problems[source.name] = found.refusal
        except (FleetError, OSError) as error:
            report.problems[source.name] = str(error)
    return report


def row(repository: Repository, project: Project, templates: Templates, *, with_conflicts: bool) -> Row:
    """Look at one project."""
    template = templates.of(project, repository)
    behind = template.behind(project)
    conflicts: list[str] | None = [] if with_conflicts else None
    refusal = ""
    if with_conflicts and behind.count:
        try:
            with trial.clone_of(repository) as clone:
                conflicts = trial.update(clone, repository, Step(project, template, template.newest), {})
        except FleetError as error:
            conflicts, refusal = None, str(error)
    return Row(
        repository=repository.name,
        answers_file=project.answers_file,
        template=template.name,
        version=project.commit,
        behind=behind,
        policy=policy.judge(repository, project),
        conflicts=conflicts,
        state=repository.state,
        refusal=refusal,
    )
