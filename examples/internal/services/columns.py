"""What the cells of a column are, told by their text: numbers, dates or text. The text itself is kept beside it.

Only what is plainly a number is one. `01234`, `+49 30 1234`, `1E10` and `NA` are as likely codes, telephone numbers and
words, so they stay text until somebody says otherwise; and no cell is missing but an empty one.
"""

from collections.abc import Iterable
from typing import Any, cast

import pandas as pd
import pyarrow as pa

from services.checks import one_of
from services.errors import InputError

arrow = cast("Any", pa)  # It says nothing of types.

READINGS = ("text", "number", "date")
POINT, COMMA = "point", "comma"
SAMPLE = 200
"""Cells that are looked at before all of a column are."""

WHOLE = r"(?:-?(?:0|[1-9]\d{0,17}))"
"""Fits into 64 bits. What is longer is an id, which a float would round."""
NUMBERS = {
    # An exponent has a sign where a program wrote it: 1e-05. Without one it may be a code: 1E10.
    POINT: r"(?:-?(?:0|[1-9]\d{0,17}|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?(?:[eE][+-]\d+)?)",
    COMMA: r"(?:-?(?:0|[1-9]\d{0,17}|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d+)?)",
}
"""Numbers as they are written with either decimal sign; the other one may stand between thousands."""
ISO_DATE = r"(?:\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?)"
DATE_FORMATS = ("ISO8601", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")
"""Tried in this order for a column that somebody says holds dates."""


def read_columns(text: pd.DataFrame, decimal: str | None, usual: str | None) -> tuple[pd.DataFrame, str]:
    """Give the columns the types that their text has.

    Args:
        text: Text alone; missing where a cell is empty.
        decimal: The decimal sign, where somebody says so: `POINT` or `COMMA`.
        usual: The one that such a file mostly has. It decides about `1,234` where no other column does.

    Returns:
        A frame with the same rows and columns, and the decimal sign.

    """
    signs = {name: decimal_signs(text[name]) for name in text.columns}
    told = {next(iter(found)) for found in signs.values() if len(found) == 1}
    sign = decimal or (told.pop() if len(told) == 1 else usual)
    typed: dict[str, Any] = {}
    for name, found in signs.items():
        if len(found) == 1 and decimal is None:
            typed[name] = to_numbers(text[name], *found)
        elif found and (sign in found or is_all(text[name], WHOLE)):
            typed[name] = to_numbers(text[name], sign if sign in found else POINT)
        else:
            typed[name] = to_dates(text[name])
    return pd.DataFrame(typed, index=text.index, columns=text.columns), sign or POINT


def decimal_signs(column: "pd.Series[Any]") -> set[str]:
    """Give the decimal signs with which all cells are numbers: none for text, both for whole numbers and `1,234`."""
    if is_all(column, WHOLE):
        return {POINT, COMMA}
    return {sign for sign, pattern in NUMBERS.items() if is_all(column, pattern)}


def is_all(column: "pd.Series[Any]", pattern: str) -> bool:
    """Tell whether there are cells, and all that are filled fit. Spaces around them do not matter."""
    head = column.head(SAMPLE).dropna()
    if not len(head):
        head = column.dropna().head(SAMPLE)
    fits = len(head) > 0 and bool(head.str.strip().str.fullmatch(pattern).all())
    return fits and bool(trimmed(column).str.fullmatch(pattern, na=True).all())


def trimmed(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Take spaces away where the first cells have some: `1, 2`."""
    head = column.dropna().head(SAMPLE)
    return column.str.strip() if bool((head != head.str.strip()).any()) else column


def plain(column: "pd.Series[Any]", sign: str) -> "pd.Series[Any]":
    """Write numbers with a point and without thousands."""
    if sign == POINT:
        has_thousands = column.str.contains(",", regex=False, na=False).any()
        return trimmed(column).str.replace(",", "", regex=False) if has_thousands else trimmed(column)
    return trimmed(column).str.replace(".", "", regex=False).str.replace(",", ".", regex=False)


def to_numbers(column: "pd.Series[Any]", sign: str) -> "pd.Series[Any]":
    """Turn text that is all numbers into integers, also where some are missing, or floats."""
    written = plain(column, sign)
    # Looked at first: a conversion that fails takes longer than all others together.
    if is_all(written, WHOLE):
        return narrowed(written.astype("Int64"))
    return written.astype("Float64").astype("float64")


def narrowed(whole: "pd.Series[Any]") -> "pd.Series[Any]":
    """Give integers the plain type of NumPy where none is missing; only Pandas' own knows gaps."""
    return whole if whole.hasnans else whole.astype("int64")


def to_dates(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Turn a column of nothing but ISO 8601 dates into dates, and leave any other as it is."""
    if not is_all(column, ISO_DATE):
        return column
    try:  # By Arrow, in a tenth of the time of pandas.
        dates = arrow.array(trimmed(column)).cast(arrow.timestamp("us"))
    except arrow.ArrowInvalid:  # 2024-02-30
        return column
    return dates.to_pandas().set_axis(column.index)


def read_as(column: "pd.Series[Any]", kind: str, sign: str = POINT) -> "pd.Series[Any]":
    """Read text as somebody says it is meant. A cell that is none is missing then, and stays what it is in a download.

    Args:
        column: Text.
        kind: One of `READINGS`.
        sign: The decimal sign of numbers.

    Raises:
        InputError: if there is no such kind, or no cell is one.

    """
    if one_of(kind, READINGS, "kind of column") == "text":
        return column
    found = lenient_numbers(column, sign) if kind == "number" else lenient_dates(column)
    if not found.notna().any():
        raise InputError(f"No cell of {column.name!r} is a {kind}.")
    return found


def lenient_numbers(column: "pd.Series[Any]", sign: str) -> "pd.Series[Any]":
    """Read what can be taken for a number."""
    written = plain(column, sign).str.strip()
    if is_all(written.str.replace(r"^\+?0*(\d)", r"\1", regex=True), WHOLE):
        return narrowed(written.str.replace("+", "", regex=False).astype("Int64"))
    numbers = pd.to_numeric(written, errors="coerce").astype("float64")
    return numbers.where(numbers.abs() != float("inf"))


def lenient_dates(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Read what can be taken for a date, in the first form that fits all cells, and otherwise cell by cell."""
    for form in DATE_FORMATS:
        dates = pd.to_datetime(column.str.strip(), format=form, errors="coerce")
        if dates.notna().sum() == column.notna().sum():
            return dates
    return pd.to_datetime(column.str.strip(), format="mixed", errors="coerce", utc=True).dt.tz_localize(None)


def of_values(values: Iterable[object]) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """Give a column of a workbook its type, by the types of its cells.

    Returns:
        The typed column, and its text.

    """
    cells = [None if value == "" else value for value in values]
    kinds = {type(cell).__name__ for cell in cells if cell is not None}
    text = pd.Series([None if cell is None else written(cell) for cell in cells], dtype="str")
    if kinds == {"bool"} and None not in cells:
        return pd.Series(cells, dtype="bool"), text
    if kinds == {"int"} and is_all(text, WHOLE):
        return narrowed(pd.Series(cells, dtype="Int64")), text
    if kinds and kinds <= {"int", "float"}:
        return pd.Series(cells, dtype="float64"), text
    if kinds and kinds <= {"datetime", "date"}:
        return pd.to_datetime(text, format="ISO8601"), text
    return text, text


def written(value: object) -> str:
    """Write a value as a CSV file has it: dates in the form of ISO 8601, whole numbers without a point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 (exact in a float)
        return str(int(value))
    return str(value).removesuffix(" 00:00:00")
