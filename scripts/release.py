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


def note(version: str, sha: str) -> None:
    """Write the line of a version."""
    path = ROOT / RELEASES
    path.write_text(f'{path.read_text(encoding="utf-8").rstrip()}\n"{version}" = "{sha}"\n', encoding="utf-8")


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
    note(version, sha)
    if arguments.tag:
        git("tag", version, sha)
    else:
        sys.stdout.write(f"To tag it: git tag {version} {sha}\n")
    sys.stdout.write(f"Noted in {Path(RELEASES).as_posix()}; commit that line.\n")


if __name__ == "__main__":
    main()
