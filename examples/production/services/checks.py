"""Checks of names and values, as plain functions: a program can send anything."""

import re
from collections.abc import Sequence
from pathlib import Path

from services.errors import InputError

MAX_TEXT = 200
"""Longest value that a filter compares with, in characters."""
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


def table_name(path: Path) -> str:
    """Make a name that is safe to show and to save from the name of an uploaded file."""
    return re.sub(r"[^\w -]+", "-", path.stem).strip("- ")[:MAX_NAME] or "table"


def column_names(header: Sequence[str], limit: int) -> list[str]:
    """Give every column a name of its own.

    An empty name becomes `column 3`; of two equal names the second becomes `name (2)`.

    Raises:
        InputError: if there are more than `limit` columns.

    """
    if len(header) > limit:
        raise InputError(f"The table has {len(header):,} columns; at most {limit:,} can be shown.")
    names: list[str] = []
    for position, raw in enumerate(header, start=1):
        name = " ".join(raw.split())[:MAX_NAME] or f"column {position}"
        number, unique = 1, name
        while unique in names:
            number += 1
            unique = f"{name} ({number})"
        names.append(unique)
    return names
