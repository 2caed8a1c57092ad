"""Assemble the folder that a Space gets: `uv run python -m deploy.space` writes it to `dist/space`.

A Space knows neither uv nor its lock: it installs `requirements.txt`, together with packages of its own, and starts
`app.py` with the versions that the front matter of README.md names. So all of these are written from the lock.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PROJECT_DIR = Path(__file__).resolve().parent.parent
TARGET = PROJECT_DIR / "dist" / "space"
PARTS = ("*.py", "server", "services", "utils", "assets", "policy.json", "packages.txt", "pre-requirements.txt")
"""What goes along. Name what else the app reads in pyproject.toml: `[tool.space]`, `add = ["assets"]`."""
SPACE_ADDS = ("gradio[oauth,mcp]=={sdk_version}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces")
"""What a Space installs in the same call as `requirements.txt`."""
FRONT_MATTER = re.compile(r"\A---\n(?P<yaml>.*?)^---\n", re.DOTALL | re.MULTILINE)
EXPORT = ["--no-dev", "--no-emit-project", "--no-hashes", "--no-annotate", "--no-header"]


def assemble(project: Path, target: Path) -> Path:
    """Write everything that a Space needs, and nothing else, to an empty folder.

    Raises:
        SystemExit: if the lock is missing or older than pyproject.toml, or does not fit the front matter.

    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    config = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    for pattern in (*PARTS, *config.get("space", {}).get("add", [])):
        for path in sorted(project.glob(pattern)):
            copy(path, target / path.relative_to(project))
    requirements = uv("export", "--locked", *EXPORT, cwd=project)
    (target / "requirements.txt").write_text(requirements, encoding="utf-8")
    readme = (project / "README.md").read_text(encoding="utf-8")
    python = front_matter(readme).get("python_version")
    wanted = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))["requires-python"]
    if not isinstance(python, str) or not SpecifierSet(wanted).contains(python):
        raise SystemExit(f"README.md: give python_version in quotes, within {wanted}; it is {python!r}.")
    gradio = pins(requirements, python)["gradio"]
    (target / "README.md").write_text(with_sdk_version(readme, gradio), encoding="utf-8")
    return target


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder without what is hidden or compiled."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def front_matter(readme: str) -> dict[str, Any]:
    """Read what README.md tells the Space.

    Raises:
        SystemExit: if it begins without front matter.

    """
    found = FRONT_MATTER.match(readme)
    if not found:
        raise SystemExit("README.md: begin with front matter between two lines of three hyphens.")
    return cast("dict[str, Any]", yaml.safe_load(found["yaml"]))


def with_sdk_version(readme: str, version: str) -> str:
    """Give README.md with this version of Gradio in its front matter."""
    end = cast("re.Match[str]", FRONT_MATTER.match(readme)).end()
    head = re.sub(r"^sdk_version:.*$", f'sdk_version: "{version}"', readme[:end], flags=re.MULTILINE)
    return head + readme[end:]


def pins(requirements: str, python: str) -> dict[str, str]:
    """Read the versions that this Python gets on a Space, by package."""
    place = {"python_version": ".".join(python.split(".")[:2]), "python_full_version": python, "sys_platform": "linux"}
    found = map(Requirement, requirements.splitlines())
    here = [each for each in found if each.marker is None or each.marker.evaluate(cast("Any", place))]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in here}


def resolve(folder: Path) -> str:
    """Let the resolver try what a Space will install in one call, and give what it finds.

    Raises:
        SystemExit: if the packages of the app and those of a Space do not fit together.

    """
    facts = front_matter((folder / "README.md").read_text(encoding="utf-8"))
    added = [line.format(**facts) for line in SPACE_ADDS]
    python = ["--python-version", facts["python_version"], "--python-platform", "linux"]
    return uv("pip", "compile", "requirements.txt", "-", *python, cwd=folder, stdin="\n".join(added))


def uv(*arguments: str, cwd: Path, stdin: str = "") -> str:
    """Run uv and give what it writes.

    Raises:
        SystemExit: with what uv says, if it refuses.

    """
    command = ["uv", *arguments, "--quiet"]
    done = subprocess.run(  # noqa: S603 (no word of it comes from outside)
        command, cwd=cwd, input=stdin, capture_output=True, check=False, encoding="utf-8"
    )
    if done.returncode:
        raise SystemExit(f"uv {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def main() -> None:
    """Assemble, and try what the Space will install."""
    folder = assemble(PROJECT_DIR, TARGET)
    resolve(folder)
    sys.stdout.write(f"{folder} is ready: hf upload me/my-app {folder} . --type space --delete '*'\n")


if __name__ == "__main__":
    main()
