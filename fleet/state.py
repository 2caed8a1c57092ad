"""What a run has done so far, kept in a file, so that the next one goes on where it stopped."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from fleet.errors import UsageError

FORMAT = 1


@dataclass
class Done:
    """One repository, and what was asked for. Noted just before its branch is made: the branch says whether it was."""

    branch: str
    commit: str
    request: dict[str, Any]
    """Versions by answers file, and changed answers: asked again, there is nothing to do."""
    summary: str
    replaces: str = ""
    """The commit of an earlier run that the branch was at."""

    @property
    def commits(self) -> set[str]:
        """Where the branch may be without being somebody's work."""
        return {self.commit, self.replaces}


@dataclass
class State:
    """All of them, by path or address."""

    path: Path
    done: dict[str, Done] = field(default_factory=dict[str, Done])

    @classmethod
    def load(cls, path: Path) -> "State":
        """Read the file, if there is one.

        Raises:
            UsageError: if it is something else.

        """
        if not path.exists():
            return cls(path)
        try:
            data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if data["format"] != FORMAT:
                raise UsageError(f"{path}: written by another version of fleet; move it away or pass --state")
            return cls(path, {key: Done(**cast("dict[str, Any]", value)) for key, value in data["done"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}: no state of a fleet run; move it away or pass --state") from error

    def add(self, location: str, done: Done) -> None:
        """Note one repository. The file is replaced in one step: it is whole whenever the run ends."""
        self.done[location] = done
        text = json.dumps({"format": FORMAT, "done": {key: asdict(one) for key, one in self.done.items()}}, indent=2)
        beside = self.path.with_name(self.path.name + ".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)

    def log(self, name: str) -> Path:
        """Give the place for what a failed command printed."""
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
        return self.path.with_name(f"{self.path.stem}-{safe}.log")
