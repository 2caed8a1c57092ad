"""Make the tag and the release page of every version that has none: `python -m scripts.publish`, on a push to `main`.

`tests/history/releases.toml` says which commit a version is. So the tags appear wherever this repository is pushed, and
a copy of the template follows released versions and not every commit. It needs `gh`, signed in, for the pages.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.history import ROOT, git, releases, sections
from scripts.release import tag


def missing(cwd: Path = ROOT) -> dict[str, str]:
    """Give the versions, and their commits, of which the origin has no tag."""
    listed = git("ls-remote", "--tags", "origin", cwd=cwd).splitlines()
    there = {line.rpartition("refs/tags/")[2].removesuffix("^{}") for line in listed}
    return {version: sha for version, sha in releases(cwd).items() if version not in there}


def publish(version: str, sha: str, cwd: Path = ROOT) -> None:
    """Push the tag of a version.

    Raises:
        SystemExit: if a tag of that name is here for another commit.

    """
    if version not in git("tag", cwd=cwd).split():
        tag(version, sha, cwd)
    if git("rev-parse", f"{version}^{{commit}}", cwd=cwd).strip() != sha:
        raise SystemExit(f"refused: the tag {version} is not the commit that releases.toml names, {sha}")
    git("push", "origin", f"refs/tags/{version}", cwd=cwd)


def page(version: str, cwd: Path = ROOT) -> bool:
    """Make the release page of a version, with its section of the changelog; tell whether it had none."""
    if subprocess.run(["gh", "release", "view", version], cwd=cwd, capture_output=True, check=False).returncode == 0:  # noqa: S603, S607
        return False
    text = sections(git("show", f"{version}:CHANGELOG.md", cwd=cwd))[version]
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes.md"
        notes.write_text(text, encoding="utf-8")
        command = ["gh", "release", "create", version, "--verify-tag", "--title", version, "--notes-file", str(notes)]
        subprocess.run(command, cwd=cwd, check=True)  # noqa: S603 (fixed arguments)
    return True


def main(cwd: Path = ROOT) -> None:
    """Publish what is missing."""
    if shutil.which("gh") is None:
        raise SystemExit("refused: the release pages need gh, https://cli.github.com")
    for version, sha in missing(cwd).items():
        publish(version, sha, cwd)
        sys.stdout.write(f"{version}: the tag is pushed\n")
    for version in releases(cwd):
        if page(version, cwd):
            sys.stdout.write(f"{version}: the release page is made\n")


if __name__ == "__main__":
    main()
