"""Which repositories are meant: folders of checkouts, checkouts, and lists of both."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import UsageError, without_password

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.+|[\w.-]+@[\w.-]+:.+", re.IGNORECASE)
COMMENT = re.compile(r"(^|\s)#.*")


@dataclass(frozen=True)
class Source:
    """One repository that somebody named, not looked at yet."""

    name: str
    """As tables show it: the last part of the path or address, or all of it where that is not unique."""
    location: str
    """An absolute path or an address that git can clone."""
    is_address: bool


def find(arguments: Sequence[str]) -> list[Source]:
    """Give every repository once, in the order in which they were named.

    Raises:
        UsageError: if an argument names nothing.

    """
    locations = dict.fromkeys(location for argument in arguments for location in expand(argument))
    short = {location: Path(location.rstrip("/")).name.removesuffix(".git") for location in locations}
    shared = {name for name, count in Counter(short.values()).items() if count > 1}
    return [
        Source(without_password(location) if name in shared else name, location, bool(ADDRESS.fullmatch(location)))
        for location, name in short.items()
    ]


def expand(argument: str) -> Iterable[str]:
    """Give the locations behind one argument."""
    if ADDRESS.fullmatch(argument):
        return [argument]
    path = Path(argument).expanduser()
    if path.is_file():
        return listed(path)
    if not path.is_dir():
        raise UsageError(f"{argument}: no such folder, list or address")
    if (path / ".git").exists():
        return [str(path.resolve())]
    folders = [child for child in sorted(path.iterdir()) if child.is_dir() and not child.name.startswith(".")]
    if not any((child / ".git").exists() for child in folders):
        raise UsageError(f"{argument}: holds no checkout; name a checkout, a folder of checkouts or a list of them")
    return [str(child.resolve()) for child in folders]


def listed(path: Path) -> Iterable[str]:
    """Read a list: one path or address a line, paths as seen from the list, comments after a `#`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as a list of repositories") from error
    lines = [line for line in (COMMENT.sub("", line).strip() for line in text.splitlines()) if line]
    if not lines:
        raise UsageError(f"{path}: lists no repository")
    return [
        line if ADDRESS.fullmatch(line) else str((path.parent / Path(line).expanduser()).resolve()) for line in lines
    ]
