"""Templates, each looked at once a run: which versions it has, and how far behind a project is."""

from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from fleet import copying
from fleet.errors import FleetError
from fleet.git import git, resolve
from fleet.projects import Project, Repository


@dataclass(frozen=True)
class Behind:
    """How far a project is behind its template."""

    count: int
    unit: str
    newest: str

    def __str__(self) -> str:
        """Say it as a table shows it."""
        if not self.count:
            return "0"
        unit = self.unit if self.count > 1 else self.unit.removesuffix("s")
        return f"{self.count} {unit} (newest {self.newest})"


@dataclass(frozen=True)
class Template:
    """A template's history, without its files."""

    name: str
    path: Path
    releases: dict[str, Version]
    """Versions by tag, pre-releases left out, the newest last. Empty for a template without tags."""

    @property
    def newest(self) -> str:
        """The version that an update goes to: the newest release, or the last commit where there are no tags."""
        return next(reversed(self.releases), None) or git(self.path, "rev-parse", "--short", "HEAD").strip()

    def commit(self, version: str) -> str:
        """Give the commit of a version.

        Raises:
            FleetError: if the template has no such version.

        """
        found = resolve(self.path, version)
        if found is None:
            raise FleetError(f"template {self.name} has no version {version}")
        return found

    def behind(self, project: Project) -> Behind:
        """Count the releases after a project's own, or the commits where the template has no tags."""
        here = self.commit(project.commit)
        if not self.releases:
            count = int(git(self.path, "rev-list", "--count", f"{here}..HEAD"))
            return Behind(count, "commits", self.newest)
        has = {tag for tag in git(self.path, "tag", "--merged", here).split() if tag in self.releases}
        last = max((self.releases[tag] for tag in has), default=None)
        newer = [tag for tag, version in self.releases.items() if tag not in has and (last is None or version > last)]
        return Behind(len(newer), "releases", self.newest)


@dataclass(frozen=True)
class Step:
    """A project, and where it is to go."""

    project: Project
    template: Template
    version: str


class Templates:
    """All templates of a run. Each is fetched once, and one that cannot be reached is waited for once."""

    def __init__(self, scratch: Path) -> None:
        """Keep clones below a folder."""
        self.folder = scratch / "templates"
        self.known: dict[str, Template | FleetError] = {}

    def of(self, project: Project, repository: Repository) -> Template:
        """Give the template of a project.

        Raises:
            FleetError: if it cannot be reached.

        """
        address = copying.address(project.template, repository.path)
        if address not in self.known:
            try:
                self.known[address] = self.clone(address)
            except FleetError as error:
                self.known[address] = FleetError(f"template {project.template} is unreachable: {error}")
        found = self.known[address]
        if isinstance(found, FleetError):
            raise FleetError(*found.args)
        return found

    def clone(self, address: str) -> Template:
        """Fetch a template's history."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / str(len(self.known))
        # `--shared` copies nothing of a template on this machine; of a distant one, its versions are enough.
        how = "--shared" if Path(address).exists() else "--filter=blob:none"
        git(self.folder, "clone", "--quiet", "--bare", how, "--", address, path)
        return Template(Path(address).name.removesuffix(".git"), path, releases(path))


def releases(path: Path) -> dict[str, Version]:
    """Give the tags that are versions, in order."""
    found: dict[str, Version] = {}
    for tag in git(path, "tag", "--list").split():
        try:
            version = Version(tag)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            found[tag] = version
    return dict(sorted(found.items(), key=lambda item: item[1]))
