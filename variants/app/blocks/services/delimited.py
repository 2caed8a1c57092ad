"""Reading of CSV files, whatever program wrote them. Every cell is text here, exactly as it stands in the file."""

import contextvars
import csv
import io
import re
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Self, cast

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from services.checks import Limits, column_names, one_of
from services.errors import InputError

arrow = cast("Any", pa)  # It says nothing of types.

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
DELIMITERS = {",": "comma", "\t": "tab", "|": "bar", ";": "semicolon"}
"""The later one wins where two fit: a comma stands within many a field, a semicolon within few."""
SAMPLE_SIZE = 64 * 1024
"""Characters that are looked at to find encoding and delimiter."""
BLOCK = 1 << 20
"""Bytes that are parsed at once."""
LONGEST = 2**31 - 1

BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
LINE_END = re.compile(r"\r\n|\r|\n")
SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n])"?[ \t]*(?:\r\n|\r|\n)', re.IGNORECASE)
"""Written by Excel's users for Excel: it says how the rows below are separated, and is no row itself."""

Report = Callable[[float], object]
"""Told how much of the work is done, from 0 to 1."""

csv.field_size_limit(LONGEST)  # Of all readers in this process; otherwise a cell ends at 131,072 characters.


@dataclass(frozen=True)
class Delimited:
    """What stands in a CSV file."""

    frame: pd.DataFrame
    """Text alone; missing where a cell is empty."""
    header: list[str]
    """The names of the columns as the file has them, empty and equal ones too."""
    encoding: str
    delimiter: str
    hint: str = ""
    """What somebody should look at."""


def read_delimited(raw: bytes, encoding: str, header_row: int, limits: Limits, report: Report) -> Delimited:
    """Read a CSV file.

    Args:
        raw: The file.
        encoding: A key of `ENCODINGS`, or `DETECT`.
        header_row: The line that the header begins in, counted from 1. Blank ones before the header are skipped.
        limits: How large the table may be; looked at before the rows are parsed.
        report: Told about the progress.

    Raises:
        InputError: if the file is empty, no text broken or too large; the text says what to do.

    """
    limits.allow_lines(raw)
    text, encoding = decode(raw, encoding)
    start, delimiter = find_start(text, header_row)
    delimiter = delimiter or find_delimiter(text, start)
    lines = Lines(text, start)
    refuse_open_quote(text, start, delimiter)
    header = next((row for row in csv.reader(lines, delimiter=delimiter) if not is_blank(row)), list[str]())
    limits.allow(max(text.count("\n"), text.count("\r")), len(header))
    names = column_names(header)
    # In one column a blank line is a missing cell, but for those at the end. Spaces are a cell, a tab is between two.
    body = text[lines.position :].rstrip("\r\n")
    if not (body if len(header) == 1 else body.strip() or delimiter in body):
        raise InputError("The file has a header but no rows.")
    frame = parse(body, names, delimiter, lines.number, report)
    while len(header) > 1 and not header[-1].strip() and frame.iloc[:, -1].isna().all():
        header, frame = header[:-1], frame.iloc[:, :-1]  # Every row ended with a delimiter.
    hint = hint_at_header(Lines(text, start)) if len(header) == 1 else ""
    return Delimited(frame, header, encoding, delimiter, hint)


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
        text = raw.decode(ENCODINGS[encoding])
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
        raise InputError("This is not a text file. Save the table as CSV or XLSX first, then upload that.")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return FALLBACK
    return "UTF-8"


def find_start(text: str, header_row: int) -> tuple[int, str]:
    """Find where the header begins, and the delimiter where a line in front says it.

    Raises:
        InputError: if there are fewer lines.

    """
    said = SEPARATOR_LINE.match(text)
    start, delimiter = (said.end(), said[1]) if said else (0, "")
    if not delimiter.isascii():
        raise InputError(f"The file is separated by {delimiter!r}, which cannot be read. Save it with a comma.")
    lines = Lines(text, 0)
    for _ in range(header_row - 1):
        if next(lines, None) is None:
            raise InputError(f"The file has {lines.number} lines, so there is no header in line {header_row}.")
    return max(start, lines.position), delimiter


def find_delimiter(text: str, start: int) -> str:
    """Choose the delimiter that splits header and rows into most fields, and of several the most evenly."""
    lines = list(islice((line for line in Lines(text, start) if line.strip()), 50))

    def fields(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)] or [0]
        # The header bounds it: in `1,5;2,5` the comma would win without.
        return min(counts[0], statistics.median_low(counts)), counts.count(counts[0])

    found = {delimiter: fields(delimiter) for delimiter in DELIMITERS}
    fitting = [delimiter for delimiter, count in found.items() if count == max(found.values())]
    if found[fitting[-1]][0] > 1:
        return fitting[-1]
    # One column as far as was looked: further down, a comma of a cell may stand in a file that has semicolons.
    return next((delimiter for delimiter in fitting if splits_nothing(text, start, delimiter)), fitting[0])


def splits_nothing(text: str, start: int, delimiter: str) -> bool:
    """Tell whether every row is one field."""
    if text.find(delimiter, start) < 0:
        return True
    return all(len(row) <= 1 for row in csv.reader(Lines(text, start), delimiter=delimiter))


def hint_at_header(text: Iterator[str]) -> str:
    """Say where a title may have been taken for the header, since the lines below have several fields."""
    lines = list(islice((line for line in text if line.strip()), 50))
    for delimiter, name in DELIMITERS.items():
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        if statistics.median_low(counts) > 1:
            return (
                f"lines below the header have several fields separated by {name}: if it is further down, say so above"
            )
    return ""


class Lines:
    """The lines of a text with their ends, whichever they are, and where the next one begins."""

    def __init__(self, text: str, position: int, number: int = 0) -> None:
        """Begin at a position; `number` lines are before it."""
        self.text, self.position, self.number = text, position, number

    def __iter__(self) -> Iterator[str]:
        """Give itself."""
        return self

    def __next__(self) -> str:
        """Give the next line."""
        start = self.position
        if start >= len(self.text):
            raise StopIteration
        end = LINE_END.search(self.text, start)
        self.position = end.end() if end else len(self.text)
        self.number += 1
        return self.text[start : self.position]


def is_blank(row: list[str]) -> bool:
    """Tell whether a line held nothing."""
    return len(row) <= 1 and not "".join(row).strip()


def refuse_open_quote(text: str, start: int, delimiter: str) -> None:
    """Refuse a file with a quote that is never closed, which would make one cell of all the rest.

    Raises:
        InputError: if there is one.

    """
    if text.count('"', start) % 2 == 0:
        return
    mark = ["\0end"]
    last = deque(csv.reader(chain(Lines(text, start), ["\n", *mark]), delimiter=delimiter), maxlen=1)
    if last[0] != mark:
        raise InputError("The file is broken: a quote is never closed. Correct it and upload it again.")


def parse(body: str, names: list[str], delimiter: str, before: int, report: Report) -> pd.DataFrame:
    """Read the rows.

    By Arrow, which reads text faster than pandas reads numbers, and holds it without an object for each cell. It wants
    rows of one length; others are mended first.

    Raises:
        InputError: if a row has more fields than the header.

    """
    end = re.escape(delimiter)
    spaced = bool(re.search(rf'{end} +"(?!["\r\n{end}]|\Z)', body[:SAMPLE_SIZE]))  # 1, "a, b"
    if not spaced:
        try:
            return parse_even(body, names, delimiter, report, BLOCK)
        except arrow.ArrowInvalid:  # Rows of other lengths, or one that is longer than a block.
            pass
    even = evened(body, len(names), delimiter, before, spaced=spaced)
    try:
        return parse_even(even, names, delimiter, report, len(even) * 4 + 1)
    except arrow.ArrowInvalid as error:
        raise InputError(f"The file is broken: {error}. Correct it and upload it again.") from None


def evened(body: str, width: int, delimiter: str, before: int, *, spaced: bool) -> str:
    """Write all rows with as many fields as the header has.

    Args:
        body: The rows.
        width: Fields of the header.
        delimiter: What is between fields.
        before: Lines of the file before the first row.
        spaced: Whether a space follows the delimiter, so that quotes stand behind it: `1, "a, b"`.

    Raises:
        InputError: if one has more that are filled.

    """
    lines, even = Lines(body, 0, before), io.StringIO(newline="")
    # Both characters, so that a cell that holds one of them is quoted.
    writer = csv.writer(even, delimiter=delimiter, lineterminator="\r\n")
    for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced):
        if width > 1 and is_blank(row):
            continue
        if "".join(row[width:]).strip():
            raise InputError(
                f"The file is broken: line {lines.number} has {len(row)} fields and the header has {width}. "
                "Correct it, or say under Reading options in which line the header is."
            )
        writer.writerow([*row[:width], *[""] * (width - len(row))])
    return even.getvalue()


def parse_even(body: str, names: list[str], delimiter: str, report: Report, block: int) -> pd.DataFrame:
    """Let Arrow read rows of one length, as text.

    Raises:
        pyarrow.ArrowInvalid: if they are not of one length, or longer than a block.

    """
    options = cast("Any", arrow_csv)
    table = options.read_csv(
        ReportingBytes(body.encode(), report),
        options.ReadOptions(column_names=names, block_size=block),
        options.ParseOptions(delimiter=delimiter, newlines_in_values='"' in body, ignore_empty_lines=len(names) > 1),
        options.ConvertOptions(
            column_types=dict.fromkeys(names, arrow.string()),
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,
        ),
    )
    return table.combine_chunks().to_pandas()


class ReportingBytes(io.BytesIO):
    """Bytes that tell how much of them was read."""

    def __init__(self, data: bytes, report: Report) -> None:
        """Wrap `data`."""
        super().__init__(data)
        self.length = len(data)
        self.report = report
        # Arrow reads in a thread of its own, where Gradio would not know whose progress it is.
        self.context = contextvars.copy_context()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on."""
        self.context.run(self.report, self.tell() / self.length)
        return super().read(size)

    def __enter__(self) -> Self:
        """Stay open."""
        return self
