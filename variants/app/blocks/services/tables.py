"""Reading of CSV files, whatever program wrote them. Plain Python without Gradio."""

import csv
import io
import math
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from services.checks import column_names, one_of, table_name
from services.errors import InputError

DETECT = "Detect"
ENCODINGS = {
    "UTF-8": "utf-8-sig",
    "UTF-16": "utf-16",
    "Windows-1252 (Western Europe)": "cp1252",
    "Windows-1251 (Cyrillic)": "cp1251",
    "Shift JIS (Japanese)": "cp932",
    "GB18030 (Chinese)": "gb18030",
}
FALLBACK = "Windows-1252 (Western Europe)"
"""What spreadsheets of most Western systems write that do not write UTF-8."""
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SAMPLE_SIZE = 64 * 1024
"""Characters that are looked at to find delimiter and decimal sign."""

BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
DECIMAL_COMMA = re.compile(r"(?:^|;)-?\d+,\d+(?:;|$)", re.MULTILINE)
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?")

Report = Callable[[float], object]
"""Told how much of the work is done, from 0 to 1."""


@dataclass(frozen=True)
class Limits:
    """How large a table may be."""

    columns: int = 200
    cells: int = 5_000_000
    line: int = 1_000_000
    """Bytes."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table and where it comes from. The frame is shared: nobody may change it in place."""

    name: str
    frame: pd.DataFrame
    note: str
    """How it was read, for people."""

    @property
    def size(self) -> int:
        """Memory in bytes."""
        return int(self.frame.memory_usage(deep=True).sum())


def read_csv(path: Path, *, encoding: str = DETECT, limits: Limits | None = None, report: Report = bool) -> Table:
    """Read a CSV file.

    Args:
        path: The file.
        encoding: A key of `ENCODINGS`, or `DETECT`.
        limits: How large the table may be.
        report: Told about the progress.

    Raises:
        InputError: if the file is empty, no text, broken, or too large; the text says what to do.

    """
    limits = limits or Limits()
    raw = path.read_bytes()
    refuse_long_lines(raw, limits.line)
    text, encoding = decode(raw, encoding)
    sample = text[:SAMPLE_SIZE]
    delimiter = find_delimiter(sample)
    names = column_names(find_header(text, delimiter), limits.columns)
    if (cells := text.count("\n") * len(names)) > limits.cells:
        raise InputError(f"The table has about {cells:,} cells; at most {limits.cells:,} can be read.")
    decimal = "," if delimiter == ";" and DECIMAL_COMMA.search(sample) else "."
    frame = parse(ReportingText(text, report), names, delimiter, decimal)
    if frame.empty:
        raise InputError("The file has a header but no rows.")
    return Table(table_name(path), with_dates(frame), f"read as {encoding}, separated by {DELIMITERS[delimiter]}")


def refuse_long_lines(raw: bytes, limit: int) -> None:
    """Refuse what no program writes as a table, before anything takes it apart: that needs many times its memory.

    Looks at stretches of `limit` bytes, so a line is refused for certain when it has twice as many.

    Raises:
        InputError: if a stretch has no end of a line.

    """
    for start in range(0, len(raw) - limit, limit):
        if raw.find(b"\n", start, start + limit) < 0 and raw.find(b"\r", start, start + limit) < 0:
            raise InputError(f"The file has a line of more than {limit:,} bytes. Is this a table?")


def decode(raw: bytes, encoding: str = DETECT) -> tuple[str, str]:
    """Turn bytes into text.

    Returns:
        The text, and the key of `ENCODINGS` that fits.

    Raises:
        InputError: if the bytes are no text, or text in another encoding.

    """
    if encoding == DETECT:
        encoding = find_encoding(raw)
    one_of(encoding, list(ENCODINGS), "encoding")
    try:
        text = raw.decode(ENCODINGS[encoding]).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1:,}"
        raise InputError(
            f"The file is not {encoding} text ({place} does not fit). Choose another encoding under Reading options."
        ) from None
    if not text.strip():
        raise InputError("The file is empty.")
    return text, encoding


def find_encoding(raw: bytes) -> str:
    """Tell the encoding by the byte-order mark, and otherwise by what can be decoded.

    Raises:
        InputError: if the file is no text.

    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    if BINARY.search(raw[:SAMPLE_SIZE]):
        raise InputError("This is not a text file. Save the table as CSV first, then upload that.")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return FALLBACK
    return "UTF-8"


def find_delimiter(sample: str) -> str:
    """Choose the delimiter that splits header and rows into most fields."""
    lines = [line for line in sample.splitlines() if line.strip()][:50]

    def fields(delimiter: str) -> int:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        # The header bounds it: in `1,5;2,5` the comma would win without.
        return min(counts[0], statistics.median_low(counts))

    return max(DELIMITERS, key=fields)


def find_header(text: str, delimiter: str) -> list[str]:
    """Read the header, which may hold quoted line breaks.

    Raises:
        InputError: if the row below has more fields, of which pandas would drop the last ones without a word.

    """
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    rows = (row for row in reader if len(row) > 1 or "".join(row).strip())
    try:
        header, first = next(rows), next(rows, list[str]())
    except csv.Error:  # A field has grown beyond 131,072 characters.
        raise InputError("The file is broken: a quote at its beginning is never closed.") from None
    if len(first) > len(header):
        reason = f"its header has {len(header)} fields and the row below has {len(first)}"
        raise InputError(f"The file is broken: {reason}. Correct it and upload it again.")
    return header


class ReportingText(io.StringIO):
    """A text that tells how much of it was read."""

    def __init__(self, text: str, report: Report) -> None:
        """Wrap `text`."""
        super().__init__(text)
        self.length = len(text)
        self.report = report

    def read(self, size: int | None = -1, /) -> str:
        """Read on."""
        self.report(self.tell() / self.length)
        return super().read(size)


def parse(text: io.StringIO, names: list[str], delimiter: str, decimal: str) -> pd.DataFrame:
    """Let pandas read the rows.

    Raises:
        InputError: if a row has more fields than the header, or a quote is never closed.

    """
    try:
        return pd.read_csv(
            text,
            header=0,
            names=names,
            index_col=False,
            sep=delimiter,
            decimal=decimal,
            skipinitialspace=True,
            low_memory=False,  # Otherwise a column can hold numbers and text, by the part of the file.
        )
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise InputError(f"The file is broken: {reason}. Correct it and upload it again.") from None


def with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn the columns that hold nothing but ISO 8601 dates into dates."""
    for name in frame.columns:
        values = frame[name].dropna()
        if not len(values) or not ISO_DATE.fullmatch(str(values.iloc[0])):
            continue
        try:
            frame[name] = pd.to_datetime(frame[name], format="ISO8601")
        except ValueError:  # Something else further down: it stays text.
            continue
    return frame


@cache
def sample_table() -> Table:
    """Make up three years of weather, so that there is something to look at before any upload."""
    months = pd.date_range("2023-01-01", periods=36, freq="MS")
    rows: list[dict[str, object]] = []
    # Mean and yearly swing of the temperature in degrees Celsius, rain in millimetres a month.
    for city, mean, swing, rain in (("Oslo", 6.0, 11.5, 70), ("Lisbon", 17.5, 6.5, 60), ("Nairobi", 19.0, 1.8, 85)):
        for number, month in enumerate(months):
            wobble = math.sin(number * 2.399 + mean)
            season = -math.cos(2 * math.pi * (month.month - 1) / 12)
            temperature = round(mean + swing * season + wobble, 1)
            fall = round(max(0.0, rain * (1 - 0.5 * season) + 18 * wobble), 1)
            rows.append({"month": month, "city": city, "temperature": temperature, "rain": fall})
    return Table("weather", pd.DataFrame(rows), "a made-up sample")
