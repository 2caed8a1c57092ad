"""Who goes first: the canary, then a part, then the rest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from fleet.errors import UsageError

DEFAULT = "canary,10%,rest"
PART = re.compile(r"(\d{1,3})%")
T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    """How many repositories a wave takes."""

    name: str
    percent: int | None = None
    count: int | None = None

    def of(self, total: int) -> int:
        """Count them, parts rounded up."""
        if self.count is not None:
            return self.count
        return total if self.percent is None else -(-total * self.percent // 100)


def parse(text: str) -> list[Size]:
    """Read a plan such as `canary,10%,rest`.

    Raises:
        UsageError: if a part of it is none.

    """
    return [size(part.strip()) for part in text.split(",")]


def size(part: str) -> Size:
    """Read one wave."""
    match = PART.fullmatch(part)
    if part == "canary":
        return Size(part, count=1)
    if part == "rest":
        return Size(part)
    if match and 1 <= int(match[1]) <= 100:  # noqa: PLR2004 (percent)
        return Size(part, percent=int(match[1]))
    if part.isdecimal() and int(part):
        return Size(part, count=int(part))
    raise UsageError(f"--waves: {part!r} is none; use canary, a part such as 10%, a number, or rest")


def split(items: Sequence[T], plan: Sequence[Size]) -> list[tuple[str, list[T]]]:
    """Deal repositories out, in their order; what no wave takes is left out."""
    waves: list[tuple[str, list[T]]] = []
    start = 0
    for wave in plan:
        end = min(len(items), start + wave.of(len(items)))
        waves.append((wave.name, list(items[start:end])))
        start = end
    return [(name, members) for name, members in waves if members]
