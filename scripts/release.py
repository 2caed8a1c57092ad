"""Cut a version: check it, note its commit, tag it. `uv run python -m scripts.release 0.2.0 --tag`."""

import argparse
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from scripts.history import RELEASES, ROOT, TRUST, git, numbers, releases, sections

TESTS = "bash .ci/run"
EXAMPLES = "python -m pytest -q tests/test_examples.py"


def problems(version: str) -> Iterator[str]:
    """Say what stands in the way of a version, all that can be told without running anything long."""
    try:
        highest = max(releases(), key=numbers)
        if numbers(version) <= numbers(highest):
            yield f"{version} is not higher than {highest}, which is out"
    except ValueError:
        yield f"{version} is not a version: use three numbers, for example 0.2.0"
    if version in git("tag").split():
        yield f"the tag {version} is there already: git tag -d {version}, if it was a try that nobody has seen"
    if git("status", "--porcelain").strip():
        yield "the checkout has changes: commit or stash them"
    if not sections(read("CHANGELOG.md")).get(version):
        yield f"CHANGELOG.md has no section with text under: ## {version} (YYYY-MM-DD)"
    said = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    if said != version:
        yield f"pyproject.toml says {said}: set its version to {version}, then run uv lock"
    if found := TRUST.search(read("copier.yml")):
        yield f"copier.yml has {found[0]}, which asks for trust and breaks every later update: migrate by a default"


def long_problems(tests: str, examples: str) -> Iterator[str]:
    """Say what only a run shows; the first that fails is enough."""
    if not passes(examples):
        yield "the examples are not fresh: uv run python -m scripts.examples"
    elif not passes(tests):
        yield f"the tests fail: {tests}"


def passes(command: str) -> bool:
    """Tell whether a command ends well; what it prints goes to the error output."""
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    return subprocess.run(words, cwd=ROOT, check=False, stdout=sys.stderr.fileno()).returncode == 0  # noqa: S603


def read(name: str) -> str:
    """Read a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def tag(version: str, sha: str, cwd: Path = ROOT) -> None:
    """Make an annotated tag. It waits for nobody: no editor opens, and no key for signatures is asked for.

    Raises:
        SystemExit: with git's reason.

    """
    unattended = ("-c", "tag.gpgSign=false", "-c", "core.editor=true", *author(cwd))
    try:
        git(*unattended, "tag", "--annotate", "--message", f"Version {version}", version, sha, cwd=cwd)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"refused: no tag was made: {str(error.stderr).strip()}") from None


def author(cwd: Path) -> tuple[str, ...]:
    """Give a name for the tag where git knows none, as on a machine that only builds."""
    try:
        git("var", "GIT_COMMITTER_IDENT", cwd=cwd)
    except subprocess.CalledProcessError:
        return ("-c", "user.name=copier-gradio", "-c", "user.email=copier-gradio@localhost")
    return ()


def note(version: str, sha: str) -> None:
    """Write the line of a version, whole or not at all."""
    path = ROOT / RELEASES
    text = f'{path.read_text(encoding="utf-8").rstrip()}\n"{version}" = "{sha}"\n'
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def main() -> None:
    """Read the command line, check, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="three numbers, for example 0.2.0")
    parser.add_argument("--tag", action="store_true", help="tag the commit too")
    parser.add_argument("--tests", default=TESTS, help=f"what has to be green (default: {TESTS})")
    parser.add_argument("--examples", default=EXAMPLES, help="what tells whether the examples are fresh")
    arguments = parser.parse_args()
    version: str = arguments.version
    found = list(problems(version)) or list(long_problems(arguments.tests, arguments.examples))
    if found:
        raise SystemExit("\n".join(f"refused: {problem}" for problem in found))
    sha = git("rev-parse", "HEAD").strip()
    if arguments.tag:
        tag(version, sha)
    try:
        note(version, sha)
    except OSError as error:
        if arguments.tag:
            git("tag", "-d", version)
        raise SystemExit(
            f"refused: {RELEASES.as_posix()} cannot be written ({error.strerror}); no tag is left"
        ) from None
    if not arguments.tag:
        sys.stdout.write(f"To tag it: git tag --annotate --message 'Version {version}' {version} {sha}\n")
    sys.stdout.write(f"Noted in {Path(RELEASES).as_posix()}; commit that line.\n")


if __name__ == "__main__":
    main()
