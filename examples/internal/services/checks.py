"""Checks of names and values, as plain functions: a program can send anything."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.errors import InputError

MAX_TEXT = 200
"""Longest value that a filter compares with, in characters."""
MAX_LINE = 10_000
"""Last line that is looked at for a header."""
MAX_NAME = 80
"""Longest name of a table or a column, in characters."""


def chosen(value: str | None, what: str) -> str:
    """Give what was chosen in a drop-down, which is None as long as nothing is.

    Raises:
        InputError: if nothing was chosen.

    """
    if not value:
        raise InputError(f"Choose {what} first.")
    return value


def one_of(value: str, choices: Sequence[str], what: str) -> str:
    """Hold a choice against what there is: a program can send anything.

    Raises:
        InputError: if there is no such choice.

    """
    if value not in choices:
        raise InputError(f"There is no {what} {value[:MAX_NAME]!r}.")
    return value


def clean_text(text: str | None) -> str:
    """Trim a value that a filter compares with.

    Raises:
        InputError: if it is too long.

    """
    text = (text or "").strip()
    if len(text) > MAX_TEXT:
        raise InputError(f"The value is longer than {MAX_TEXT} characters.")
    return text


def line_number(value: float | None) -> int:
    """Give the number of a line, counted from 1.

    Raises:
        InputError: if it is none.

    """
    if value is None or not 1 <= value <= MAX_LINE:
        raise InputError(f"Give the line of the header as a number from 1 to {MAX_LINE:,}.")
    return int(value)


def table_name(path: Path) -> str:
    """Make a name that is safe to show and to save from the name of an uploaded file."""
    return re.sub(r"[^\w -]+", "-", path.stem).strip("- ")[:MAX_NAME] or "table"


@dataclass(frozen=True)
class Limits:
    """How large a table may be."""

    columns: int = 200
    cells: int = 5_000_000
    line: int = 4_000_000
    """Bytes."""

    def allow_lines(self, raw: bytes) -> None:
        """Let a text pass that a program may have written as a table, before anything takes it apart.

        It takes many times the memory of a file to read it. This looks at stretches of `line` bytes, so a line is
        refused for certain when it has twice as many.

        Raises:
            InputError: if a stretch has no end of a line.

        """
        for start in range(0, len(raw) - self.line, self.line):
            end = start + self.line
            if raw.find(b"\n", start, end) < 0 and raw.find(b"\r", start, end) < 0:
                raise InputError(f"The file has a line of more than {self.line:,} bytes. Is this a table?")

    def allow(self, rows: int, columns: int) -> None:
        """Let a table pass, by the number of its rows and columns.

        Raises:
            InputError: if it is larger.

        """
        if columns > self.columns:
            raise InputError(f"The table has {columns:,} columns; at most {self.columns:,} can be shown.")
        if rows * columns > self.cells:
            raise InputError(f"The table has about {rows * columns:,} cells; at most {self.cells:,} can be read.")


def column_names(header: Sequence[str]) -> list[str]:
    """Give every column a name of its own.

    An empty name becomes `column 3`; of two equal names the second becomes `name (2)`. Everything else, markup too, is
    the name as it is.
    """
    names: list[str] = []
    for position, raw in enumerate(header, start=1):
        name = " ".join(raw.split())[:MAX_NAME] or f"column {position}"
        number, unique = 1, name
        while unique in names:
            number += 1
            unique = f"{name} ({number})"
        names.append(unique)
    return names


def literal(text: str) -> str:
    """Write text so that Markdown shows it as it is, whatever it holds."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~$>])", r"\\\1", html.escape(text, quote=False).replace("&gt;", ">"))
