"""Tables: read from a file, whatever program wrote it, and written again as they came. Plain Python without Gradio.

A table has two faces. `frame` has numbers and dates where the text is plainly that, to compute with. `text` is what the
file says, cell by cell, to show and to download: reading `1.50` as a number and writing it again would give `1.5`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from services.checks import Limits, column_names, literal, one_of, table_name
from services.columns import COMMA, POINT, read_columns, written
from services.delimited import DELIMITERS, DETECT, read_delimited
from services.errors import InputError
from services.model import kind_of
from services.workbooks import Sheet, read_parquet, read_sheet

ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
DECIMALS = {"point: 1,234.5": POINT, "comma: 1.234,5": COMMA}
FORMULA = r"(?s)^\s*(?:=|[@+-].*(?:[A-Za-z]\(|[|!]))"
"""What a spreadsheet would run. Telephone numbers and `-5` are none."""
NAMED = 8
"""Columns of a kind that are named in the note of a table."""

Report = Callable[[float], object]
"""Told how much of the work is done, from 0 to 1."""


@dataclass(frozen=True)
class Options:
    """How a file is read, where that cannot be told from it."""

    encoding: str = DETECT
    """A key of `ENCODINGS`, or `DETECT`."""
    header_row: int = 1
    """The line that the header stands in, counted from 1."""
    decimal: str = DETECT
    """A key of `DECIMALS`, or `DETECT`."""
    sheet: str = ""
    """Of a workbook; the first one if empty."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table and where it comes from. The frames are shared: nobody may change them in place."""

    name: str
    frame: pd.DataFrame
    """Typed, to compute with."""
    text: pd.DataFrame
    """The same rows and columns as the file has them; missing where a cell is empty."""
    header: list[str]
    """Names of the columns as the file has them: empty and equal ones too."""
    note: str
    """How it was read, for people."""
    decimal: str = POINT
    sheets: list[str] = field(default_factory=list[str])
    """Names of all sheets, where the file is a workbook."""

    @property
    def size(self) -> int:
        """Memory in bytes. A column of text is the same in both frames."""
        typed = [name for name in self.frame.columns if kind_of(self.frame[name]) != "text"]
        return int(sum(part.memory_usage(deep=True).sum() for part in (self.text, self.frame[typed])))

    def as_written(self, view: pd.DataFrame) -> pd.DataFrame:
        """Give rows and columns of `frame` as the file has them."""
        return self.text.loc[view.index, list(view.columns)]


def read_table(
    path: Path, options: Options | None = None, limits: Limits | None = None, report: Report = bool
) -> Table:
    """Read a CSV file, a workbook of Excel or a Parquet file; its first bytes tell which it is.

    Args:
        path: The file.
        options: How it is read.
        limits: How large the table may be.
        report: Told about the progress.

    Raises:
        InputError: if the file is empty, no table, broken, or too large; the text says what to do.

    """
    options, limits = options or Options(), limits or Limits()
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        return from_sheet(path, read_sheet(path, options.sheet, options.header_row, limits))
    if start.startswith(b"PAR1"):
        return from_sheet(path, read_parquet(path, limits))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError("This is an old or locked Excel file. Save it as XLSX without a password, then upload that.")
    return from_text(path, options, limits, report)


def from_text(path: Path, options: Options, limits: Limits, report: Report) -> Table:
    """Read a CSV file."""
    found = read_delimited(path.read_bytes(), options.encoding, options.header_row, limits, report)
    decimal = None
    if options.decimal != DETECT:
        decimal = DECIMALS[one_of(options.decimal, list(DECIMALS), "decimal sign")]
    usual = POINT if found.delimiter in {",", "|"} else None
    frame, sign = read_columns(found.frame, decimal, usual)
    separated = DELIMITERS.get(found.delimiter, repr(found.delimiter))
    note = f"read as {found.encoding}, separated by {separated}{describe(frame, sign)}"
    note += f" · {found.hint}" if found.hint else ""
    return Table(table_name(path), frame, found.frame, found.header, note, sign)


def from_sheet(path: Path, sheet: Sheet) -> Table:
    """Give a table of cells that have types already."""
    note = f"read from {literal(sheet.source)}{describe(sheet.frame, POINT)}"
    return Table(table_name(path), sheet.frame, sheet.text, sheet.header, note, sheets=sheet.sheets)


def describe(frame: pd.DataFrame, sign: str) -> str:
    """Say which columns were read as what, in Markdown."""
    kinds = {str(name): kind_of(frame[name]) for name in frame.columns}
    said = ""
    for kind in dict.fromkeys(kinds.values()):
        names = [literal(name) for name, of in kinds.items() if of == kind]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        how = " with a decimal comma" if kind == "number" and sign == COMMA else ""
        said += f" · {kind}{how}: {', '.join(names[:NAMED])}{more}"
    return said


def write_csv(table: Table, view: pd.DataFrame, path: Path) -> int:
    """Write rows and columns of a table as a CSV file, each cell as it came.

    A cell that a spreadsheet would run as a formula gets a `'` in front, which makes it text there
    (https://owasp.org/www-community/attacks/CSV_Injection).

    Returns:
        The number of such cells.

    """
    names = dict(zip(map(str, table.frame.columns), table.header, strict=True))
    cells, count = table.as_written(view).copy(deep=False), 0
    for name in cells.columns:
        found = cells[name].str.contains(FORMULA, regex=True, na=False).astype("bool")
        if found.any():
            count += int(found.sum())
            cells[name] = cells[name].mask(found, "'" + cells[name])
    header = pd.Series([names[str(name)] for name in cells.columns], dtype="str")
    header = header.mask(header.str.contains(FORMULA, regex=True), "'" + header)
    # Both characters, so that a cell that holds one of them is quoted.
    cells.to_csv(path, index=False, header=header.tolist(), lineterminator="\r\n")
    return count


@cache
def sample_table() -> Table:
    """Make up three years of weather, so that there is something to look at before any upload."""
    months = pd.date_range("2023-01-01", periods=36, freq="MS")
    rows: list[dict[str, Any]] = []
    # Mean and yearly swing of the temperature in degrees Celsius, rain in millimetres a month.
    for city, mean, swing, rain in (("Oslo", 6.0, 11.5, 70), ("Lisbon", 17.5, 6.5, 60), ("Nairobi", 19.0, 1.8, 85)):
        for number, month in enumerate(months):
            wobble = math.sin(number * 2.399 + mean)
            season = -math.cos(2 * math.pi * (month.month - 1) / 12)
            temperature = round(mean + swing * season + wobble, 1)
            fall = round(max(0.0, rain * (1 - 0.5 * season) + 18 * wobble), 1)
            rows.append({"month": month, "city": city, "temperature": temperature, "rain": fall})
    frame = pd.DataFrame(rows)
    text = frame.map(written).astype("str")
    return Table("weather", frame, text, column_names(list(frame.columns)), "a made-up sample")
