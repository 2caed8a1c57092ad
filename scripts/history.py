"""The released versions of this template, and a copy of the repository in which they are tags."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASES = Path("tests", "history", "releases.toml")
NEXT = "99.0.0"
"""The tag of today's files in a copy: higher than any release, so that `copier update` goes there."""
TRUST = re.compile(r"^_(tasks|migrations|jinja_extensions|external_data)\b", re.MULTILINE)
"""Keys of `copier.yml` that make Copier ask for `--trust`. A version that once had them breaks later updates."""
SECTION = re.compile(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d{2}-\d{2})\)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ADA = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false", "-c", "gc.auto=0")


def git(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """Run git and give what it prints.

    Raises:
        subprocess.CalledProcessError: if it fails.

    """
    command = ["git", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)  # noqa: S603 (fixed arguments)
    return done.stdout


def commit(folder: Path, message: str) -> None:
    """Keep everything in git, in the name of nobody in particular."""
    if not (folder / ".git").exists():
        git("init", "-q", "-b", "main", cwd=folder)
    git("add", "-A", cwd=folder)
    git(*ADA, "commit", "-q", "--allow-empty", "-m", message, cwd=folder)


def releases(root: Path = ROOT) -> dict[str, str]:
    """Read which commit each version is, the oldest first."""
    return dict(tomllib.loads((root / RELEASES).read_text(encoding="utf-8"))["releases"])


def numbers(version: str) -> tuple[int, ...]:
    """Give the three numbers of a version, which order it.

    Raises:
        ValueError: if it is anything else.

    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(version)
    return tuple(map(int, version.split(".")))


def sections(changelog: str) -> dict[str, str]:
    """Give the text of each version's section, by version, the newest first."""
    return {found[1]: found[3].strip() for found in SECTION.finditer(changelog)}


def is_complete(root: Path = ROOT) -> bool:
    """Tell whether every released commit is here; a shallow clone has only the last ones."""
    try:
        for sha in releases(root).values():
            git("cat-file", "-e", f"{sha}^{{commit}}", cwd=root)
    except subprocess.CalledProcessError:
        return False
    return True


def tagged_copy(folder: Path, root: Path = ROOT) -> Path:
    """Clone the repository, tag the releases, and tag the files of today, committed or not, as the next version."""
    git("clone", "-q", "--no-local", root, folder, cwd=folder.parent)
    for version, sha in releases(root).items():
        git("tag", "--force", version, sha, cwd=folder)
    today = set(git("ls-files", "-z", "-co", "--exclude-standard", cwd=root).split("\0")) - {""}
    for name in set(git("ls-files", "-z", cwd=folder).split("\0")) - today - {""}:
        (folder / name).unlink()
    for name in today:
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    commit(folder, "Today")
    git("tag", NEXT, cwd=folder)
    return folder


def preset_names(version: str, root: Path = ROOT) -> list[str]:
    """Name the presets that a version had; in a clone without history, those of today."""
    if not is_complete(root):
        return sorted(path.stem for path in (root / "presets").glob("*.yml"))
    names = git("ls-tree", "--name-only", f"{releases(root)[version]}:presets", cwd=root).split()
    return sorted(Path(name).stem for name in names)


def presets(repository: Path, ref: str) -> dict[str, str]:
    """Give the presets that a version had: their text by name."""
    names = git("ls-tree", "--name-only", f"{ref}:presets", cwd=repository).split()
    return {Path(name).stem: git("show", f"{ref}:presets/{name}", cwd=repository) for name in names}
