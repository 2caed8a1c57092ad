"""Reading of Excel workbooks and Parquet files, whose cells have types already."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import openpyxl
import pandas as pd
import pyarrow as pa
from pandas.api import types
from pyarrow import parquet

from services.checks import Limits, column_names
from services.columns import narrowed, of_values, written
from services.errors import InputError

arrow = cast("Any", pa)  # It says nothing of types.

UNFOLDED_MB = 1000
"""What a file may grow to when it is unpacked; a small one can be made that fills any memory."""


@dataclass(frozen=True)
class Sheet:
    """Cells with types."""

    frame: pd.DataFrame
    text: pd.DataFrame
    """The same cells as a CSV file would have them."""
    header: list[str]
    source: str
    """Where the cells stand, for people."""
    sheets: list[str] = field(default_factory=list[str])


def read_sheet(path: Path, name: str, header_row: int, limits: Limits) -> Sheet:
    """Read one sheet of a workbook. A formula counts as the value that it had when the file was saved.

    Args:
        path: An `.xlsx` file.
        name: The sheet; the first one if empty.
        header_row: The row that the header stands in, counted from 1. Blank ones before the header are skipped.
        limits: How large the table may be.

    Raises:
        InputError: if the file is no workbook, has no such sheet or is too large.

    """
    try:
        with zipfile.ZipFile(path) as parts:
            refuse_huge(sum(part.file_size for part in parts.infolist()))
        # By its worksheets and read only: rows come one after the other, and charts are no tables.
        book = cast("Any", openpyxl).load_workbook(path, read_only=True, data_only=True)
        sheets: dict[str, Any] = {sheet.title: sheet for sheet in book.worksheets}
    except InputError:
        raise
    except Exception:  # noqa: BLE001 (whatever a library says about broken bytes)
        raise InputError("This is no workbook that can be read. Save it as XLSX or CSV, then upload that.") from None
    if name and name not in sheets:
        raise InputError(f"There is no sheet {name[:80]!r}.")
    name = name or next(iter(sheets), "")
    rows = read_rows(sheets[name], header_row, limits) if sheets else []
    book.close()
    if len(rows) < 2:  # noqa: PLR2004 (header and a row)
        raise InputError(f"The sheet {name!r} has no rows below a header. Choose another sheet or header line.")
    width = max(last_filled(row) for row in rows)
    header = ["" if cell is None else str(cell) for cell in pad(rows[0], width)]
    columns = [of_values(values) for values in zip(*(pad(row, width) for row in rows[1:]), strict=True)]
    names = column_names(header)
    frame = pd.DataFrame({name: typed for name, (typed, _) in zip(names, columns, strict=True)})
    text = pd.DataFrame({name: text for name, (_, text) in zip(names, columns, strict=True)})
    return Sheet(frame, text, header, f"sheet {name}", list(sheets))


def read_rows(sheet: Any, header_row: int, limits: Limits) -> list[list[Any]]:  # noqa: ANN401
    """Read the rows from the header on, without blank ones at either end.

    Raises:
        InputError: if there are too many cells.

    """
    sheet.reset_dimensions()  # Programs write wrong ones.
    rows: list[list[Any]] = []
    cells = end = 0
    for row in sheet.iter_rows(min_row=header_row, values_only=True):
        filled = last_filled(row)
        if not (filled or rows):
            continue
        cells += filled
        limits.allow(1, filled)
        limits.allow(cells, 1)
        rows.append(list(row[:filled]))
        end = len(rows) if filled else end
    return rows[:end]


def last_filled(row: Any) -> int:  # noqa: ANN401
    """Count the cells up to the last one that holds something."""
    return max((place for place, cell in enumerate(row, start=1) if cell not in {None, ""}), default=0)


def pad(row: list[Any], width: int) -> list[Any]:
    """Make a row as long as the longest."""
    return [*row, *[None] * (width - len(row))]


def read_parquet(path: Path, limits: Limits) -> Sheet:
    """Read a Parquet file. Times with a zone become UTC; nested values become text.

    Raises:
        InputError: if the file is broken or too large.

    """
    try:
        file = cast("Any", parquet).ParquetFile(path)
        limits.allow(file.metadata.num_rows, len(file.schema_arrow))
        refuse_huge(sum(file.metadata.row_group(each).total_byte_size for each in range(file.num_row_groups)))
        cells = file.read()
    except (arrow.ArrowException, OSError):
        raise InputError("The file cannot be read as Parquet. Write it again, then upload that.") from None
    if not cells.num_rows or not cells.num_columns:
        raise InputError("The file has no rows.")
    header = [str(name) for name in cells.column_names]
    names = column_names(header)
    columns = {name: of_arrow(column) for name, column in zip(names, cells.columns, strict=True)}
    frame = pd.DataFrame({name: typed for name, (typed, _) in columns.items()})
    return Sheet(frame, pd.DataFrame({name: text for name, (_, text) in columns.items()}), header, "Parquet")


WHOLE = {getattr(pa, f"{sign}int{bits}")(): pd.Int64Dtype() for sign in ("", "u") for bits in (8, 16, 32)}
NULLABLE = WHOLE | {arrow.int64(): pd.Int64Dtype()}
"""Integers that stay integers where some are missing."""


def of_arrow(column: Any) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:  # noqa: ANN401
    """Give a column its type in pandas, and its text."""
    if column.type == arrow.uint64() or arrow.types.is_decimal(column.type):
        column = column.cast(arrow.string())  # Neither fits into the numbers of pandas.
    values: pd.Series[Any] = column.to_pandas(types_mapper=NULLABLE.get, date_as_object=False)
    if types.is_datetime64_any_dtype(values):
        # A zone would keep a column from being compared with a plain date.
        values = values if values.dt.tz is None else values.dt.tz_convert("UTC").dt.tz_localize(None)
    text = values.map(written, na_action="ignore").astype("str")
    if types.is_integer_dtype(values):
        return narrowed(values), text
    is_typed = types.is_numeric_dtype(values) or types.is_datetime64_any_dtype(values)
    return (values if is_typed else text), text


def refuse_huge(size: int) -> None:
    """Refuse a file that is small and unfolds to more than memory holds.

    Args:
        size: Bytes once it is unpacked.

    Raises:
        InputError: if that is too much.

    """
    if size > UNFOLDED_MB * 1_000_000:
        raise InputError(f"The file unfolds to {size // 1_000_000:,} MB; at most {UNFOLDED_MB:,} can be read.")
