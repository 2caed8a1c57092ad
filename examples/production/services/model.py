"""What is computed from a table. Replace this file first: steps, statistics and chart data are made here.

Plain Python over pandas without Gradio, so that it can be tested, reused and moved on its own. No function changes the
frame that it is given: several visitors may share it.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pandas.api import types

from services.checks import chosen, clean_text, one_of
from services.columns import POINT, read_as, written
from services.errors import InputError

COMPARISONS = ("is", "is not", "contains", "is at least", "is at most", "is empty")
CHARTS = {"line": " (mean)", "bar": " (sum)", "scatter": ""}
"""Kinds of charts, and what becomes of rows with the same horizontal value and colour."""
MAX_STEPS = 50
MAX_POINTS = 2000
"""Points of a chart that a browser draws without delay."""
MAX_BARS = 50
MAX_COLOURS = 12
EXACT = 2**53
"""Whole numbers up to here are exact in a browser, which knows floats alone."""

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "is": operator.eq,
    "is not": operator.ne,
    "is at least": operator.ge,
    "is at most": operator.le,
}


@dataclass(frozen=True)
class Filter:
    """Keep the rows whose value compares well."""

    column: str
    comparison: str
    value: str = ""

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.column} {self.comparison} {self.value}".strip()


@dataclass(frozen=True)
class Columns:
    """Keep some columns; all others stay usable in filters."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in words."""
        return f"columns {', '.join(self.names)}"


@dataclass(frozen=True)
class Reading:
    """Take the text of a column for something else than it was plainly."""

    column: str
    kind: str
    """One of `columns.READINGS`."""
    decimal: str = POINT

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.column} read as {self.kind}"


Step = Filter | Columns | Reading


@dataclass(frozen=True)
class Exploration:
    """What one visitor did to a table, step by step. Never changed: every step makes a new one."""

    table_id: str = ""
    """Tells one loaded table from the next; empty as long as none is loaded."""
    name: str = ""
    steps: tuple[Step, ...] = ()

    def add(self, step: Step) -> "Exploration":
        """Give the exploration with one more step.

        Raises:
            InputError: if there are too many.

        """
        if len(self.steps) >= MAX_STEPS:
            raise InputError(f"There are {MAX_STEPS} steps already. Undo some first.")
        return replace(self, steps=(*self.steps, step))

    def undo(self) -> "Exploration":
        """Give the exploration without its last step.

        Raises:
            InputError: if there is none.

        """
        if not self.steps:
            raise InputError("There is no step to undo.")
        return replace(self, steps=self.steps[:-1])


def apply(frame: pd.DataFrame, exploration: Exploration, text: pd.DataFrame | None = None) -> pd.DataFrame:
    """Take all steps: every filter and reading, then the columns that were chosen last.

    Args:
        frame: The table.
        exploration: The steps.
        text: The same rows and columns as the file has them, which a reading needs; left out, the frame is text.

    Raises:
        InputError: if a step does not fit the table.

    """
    names = list(frame.columns)
    for step in exploration.steps:
        if isinstance(step, Columns):
            names = [one_of(name, list(frame.columns), "column") for name in step.names]
        elif isinstance(step, Reading):
            column = one_of(chosen(step.column, "a column"), list(frame.columns), "column")
            words = (frame if text is None else text)[column].loc[frame.index]
            frame = frame.assign(**{column: read_as(words, step.kind, step.decimal)})
        else:
            frame = frame[matches(frame, step)]
    if not names:
        raise InputError("Choose at least one column.")
    return frame[names]


def matches(frame: pd.DataFrame, wanted: Filter) -> "pd.Series[bool]":
    """Tell for each row whether it passes a filter.

    Numbers and dates are compared as such, everything else as text, of which `contains` ignores the case.

    Raises:
        InputError: if there is no such column or comparison, or the value is none for that column.

    """
    column = frame[one_of(chosen(wanted.column, "a column"), list(frame.columns), "column")]
    comparison = one_of(chosen(wanted.comparison, "a comparison"), COMPARISONS, "comparison")
    value = clean_text(wanted.value)
    if comparison == "is empty":
        return column.isna()
    if not value:
        raise InputError("Enter a value to compare with.")
    if comparison == "contains":
        return column.astype("str").str.contains(value, case=False, regex=False, na=False) & column.notna()
    return _OPERATORS[comparison](*comparable(column, value))


def comparable(column: "pd.Series[Any]", value: str) -> tuple["pd.Series[Any]", object]:
    """Bring a column and a value to the same type.

    Raises:
        InputError: if the column holds numbers or dates and the value is none.

    """
    kind = kind_of(column)
    try:
        if kind == "number":
            # An integer stays one: a float would take ids of 18 digits for each other.
            return column, int(value) if types.is_integer_dtype(column) and is_whole(value) else float(value)
        if kind == "date":
            return column, pd.Timestamp(value)
    except ValueError:
        raise InputError(f"The column {column.name!r} holds {kind}s, and {value!r} is none.") from None
    return column.astype("str"), value


def is_whole(value: str) -> bool:
    """Tell whether a value is an integer of 64 bits."""
    return value.removeprefix("-").isdecimal() and abs(int(value)) < 2**63


def kind_of(column: "pd.Series[Any]") -> str:
    """Say what a column holds: number, date, yes/no or text."""
    if types.is_bool_dtype(column):
        return "yes/no"
    if types.is_numeric_dtype(column):
        return "number"
    return "date" if types.is_datetime64_any_dtype(column) else "text"


def numeric_columns(frame: pd.DataFrame) -> list[str]:
    """Name the columns that can be drawn."""
    return [str(name) for name in frame.columns if kind_of(frame[name]) == "number"]


def summarise(frame: pd.DataFrame) -> pd.DataFrame:
    """Describe each column in one row, as text for people."""
    rows: list[dict[str, str]] = []
    for name in frame.columns:
        column = frame[name]
        filled, kind = column.dropna(), kind_of(column)
        ordered = kind in {"number", "date"} and len(filled) > 0
        row = {"column": str(name), "holds": kind}
        row |= {"filled": f"{len(filled):,}", "different": f"{filled.nunique():,}"}
        row |= {measure: as_text(getattr(filled, measure)()) if ordered else "" for measure in ("min", "mean", "max")}
        row["most common"] = as_text(filled.mode().iloc[0]) if len(filled) else ""
        rows.append(row)
    return pd.DataFrame(rows)


def first_rows(frame: pd.DataFrame, text: pd.DataFrame, count: int) -> pd.DataFrame:
    """Give the first rows as a page shows them: each cell as the file has it.

    Args:
        frame: The table.
        text: The same rows and columns as the file has them.
        count: Rows to give.

    Returns:
        Text, and numbers where a browser shows them as they are written, so that it sorts them as numbers.

    """
    rows, words = frame.head(count), text.head(count)
    shown = {name: rows[name] if is_shown_alike(rows[name], words[name]) else words[name] for name in rows.columns}
    # Of Python's own types: what pandas has for a gap is no JSON.
    cells = {name: column.astype("object").where(column.notna(), None) for name, column in shown.items()}
    return pd.DataFrame(cells, columns=rows.columns)


def is_shown_alike(numbers: "pd.Series[Any]", text: "pd.Series[Any]") -> bool:
    """Tell whether a browser shows numbers as the file has them. Not `1.50`, nor ids of 18 digits."""
    filled = numbers.dropna()
    is_exact = kind_of(numbers) == "number" and bool((filled.abs() < EXACT).all())
    return is_exact and filled.map(written).tolist() == text.dropna().tolist()


def as_text(value: object) -> str:
    """Write a value short enough for a table."""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")
    if isinstance(value, float):
        return f"{value:,.6g}"
    return str(value)[:60]


def chart_data(frame: pd.DataFrame, chart: str, x: str, y: str, colour: str | None = None) -> pd.DataFrame:
    """Prepare what a chart draws.

    A line shows the mean of `y` for each `x`, a bar the sum, a scatter plot the rows. More points than a browser draws
    at once are thinned out evenly.

    Returns:
        Columns `x`, `y` and, where asked for, `colour`. The names are fixed because chart libraries give dots and
        brackets in a name a meaning.

    Raises:
        InputError: if the choice cannot be drawn; the text says what to choose.

    """
    one_of(chart, list(CHARTS), "chart")
    for name in filter(None, (x, y, colour)):
        one_of(name, list(frame.columns), "column")
    if kind_of(frame[y]) != "number":
        raise InputError(f"The column {y!r} holds no numbers. Choose another one for the vertical axis.")
    data = pd.DataFrame({"x": frame[x], "y": frame[y]})
    is_long = types.is_integer_dtype(frame[x]) and bool((frame[x].abs() > EXACT).any())
    if is_long or kind_of(frame[x]) not in {"number", "date"}:
        data["x"] = data["x"].astype("str")
    if colour:
        data["colour"] = frame[colour].astype("str")
        if (different := data["colour"].nunique()) > MAX_COLOURS:
            raise InputError(f"{colour!r} has {different:,} different values; at most {MAX_COLOURS} get a colour.")
    data = data.dropna()
    whole = {name: "int64" for name in ("x", "y") if types.is_integer_dtype(data[name])}
    data = data.astype(whole)  # Which has no gaps any more, and is what plots know.
    if chart != "scatter":
        groups = data.groupby([name for name in data.columns if name != "y"], as_index=False)
        data = groups.mean() if chart == "line" else groups.sum()
    if chart == "bar" and (different := data["x"].nunique()) > MAX_BARS:
        raise InputError(f"{x!r} has {different:,} different values; at most {MAX_BARS} fit as bars.")
    return data.iloc[:: -(-len(data) // MAX_POINTS) or 1]


@dataclass(frozen=True)
class Axes:
    """Columns for a chart; None where nothing fits."""

    x: str | None
    y: str | None
    colour: str | None


def guess_axes(frame: pd.DataFrame) -> Axes:
    """Guess what is likely wanted: a date or else the first column, the first other number, a text of few values."""
    names = [str(name) for name in frame.columns]
    x = next((name for name in names if kind_of(frame[name]) == "date"), names[0])
    y = next((name for name in numeric_columns(frame) if name != x), None)
    texts = (name for name in names if name != x and kind_of(frame[name]) == "text")
    return Axes(x, y, next((name for name in texts if frame[name].nunique() <= MAX_COLOURS), None))
