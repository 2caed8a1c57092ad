"""Reading of tables, whatever program wrote them, and what is read as what."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from services import model, tables, workbooks
from services.checks import Limits
from services.columns import read_as
from services.errors import InputError
from services.tables import Options, Table, read_table

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file that a user could upload."""

    def file(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Save a workbook with these sheets."""

    def save(**sheets: list[list[object]]) -> Path:
        book = openpyxl.Workbook()
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.remove(book.worksheets[0])
        book.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return save


def kinds(table: Table) -> list[str]:
    """Say what each column was read as."""
    return [model.kind_of(table.frame[name]) for name in table.frame]


def written(table: Table) -> list[list[Any]]:
    """Give header and rows as they would be downloaded; None where a cell is empty."""
    cells = table.as_written(table.frame).astype("object")
    return [table.header, *cells.where(cells.notna(), None).to_numpy().tolist()]


# CSV


@pytest.mark.parametrize(
    ("content", "columns", "first"),
    [
        ("a,b\n1,x\n2,y\n", ["a", "b"], [1, "x"]),
        ("a;b\n1,5;2,5\n", ["a", "b"], [1.5, 2.5]),
        ("a;b\n1.5;x, y, z\n", ["a", "b"], [1.5, "x, y, z"]),
        ("a\tb\r\n1\t2\r\n", ["a", "b"], [1, 2]),
        ("a|b\r1|2\r", ["a", "b"], [1, 2]),
        ("\n  \na, b\n1, 2\n", ["a", "b"], [1, 2]),
        ("only\n1\n", ["only"], [1]),
        ("only\n1,5\n2,5\n", ["only"], [1.5]),
        ('"a\nlong",b\n"x\ny",2\n', ["a long", "b"], ["x\ny", 2]),
        ("a,,a\n1,2,3\n", ["a", "column 2", "a (2)"], [1, 2, 3]),
        ("a,b,c\n1,2\n", ["a", "b", "c"], [1, 2]),
        ("a,b,\n1,2,\n3,4,\n", ["a", "b"], [1, 2]),
        ("a,b\n1,2,\n3,4\n", ["a", "b"], [1, 2]),
        ("a,b\n\n1,2\n \n", ["a", "b"], [1, 2]),
        ('a, b\n1, "x, y"\n2, "z"\n', ["a", "b"], [1, "x, y"]),
        ("sep=;\na;b\n1,5;2\n", ["a", "b"], [1.5, 2]),
        ('"sep=#"\r\na#b\r\n1#2\r\n', ["a", "b"], [1, 2]),
        (f"a,b\n{'x' * 200_000},1\n", ["a", "b"], ["x" * 200_000, 1]),
        (f"a,b\n{'x' * 3_000_000},1\n2,3\n", ["a", "b"], ["x" * 3_000_000, 1]),
        ("Größe\n1\n".encode("utf-8-sig"), ["Größe"], [1]),
        ("Größe\tb\n1\t2\n".encode("utf-16"), ["Größe", "b"], [1, 2]),
        ("Größe,€\n1,2\n".encode("cp1252"), ["Größe", "€"], [1, 2]),
    ],
)
def test_a_table_is_read_whatever_wrote_it(
    write: Write, content: str | bytes, columns: list[str], first: list[object]
) -> None:
    frame = read_table(write(content)).frame
    assert list(frame.columns) == columns
    assert frame.iloc[0].dropna().tolist() == first


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "", "3"], "number", [1, None, 3]),
        (["123456789012345678", "", "123456789012345679"], "number", [123456789012345678, None, 123456789012345679]),
        (["1.50", "2"], "number", [1.5, 2.0]),
        (["1e-05", "1.5e+20"], "number", [1e-05, 1.5e20]),
        (['"1,234.50"', '"1,234,567"'], "number", [1234.5, 1234567.0]),
        (['"1.234,50"', '"2,5"'], "number", [1234.5, 2.5]),
        (["01234", "5"], "text", ["01234", "5"]),
        (["+4930", "5"], "text", ["+4930", "5"]),
        (["1E10", "5"], "text", ["1E10", "5"]),
        (["NA", "5"], "text", ["NA", "5"]),
        (["None", "null"], "text", ["None", "null"]),
        (["12345678901234567890", "5"], "text", ["12345678901234567890", "5"]),
        (["2024-02-30", "2024-02-28"], "text", ["2024-02-30", "2024-02-28"]),
        (["2024-02-28", "", "2024-02-28T10:00"], "date", ["2024-02-28", None, "2024-02-28 10:00"]),
        (["", ""], "text", [None, None]),
        ([""] * 300 + ["7"], "number", [None] * 300 + [7]),
        (["1"] * 300 + ["NA"], "text", ["1"] * 300 + ["NA"]),
    ],
)
def test_only_what_is_plainly_a_number_or_a_date_is_one(
    write: Write, cells: list[str], kind: str, values: list[object]
) -> None:
    table = read_table(write("x,y\n" + "".join(f"{cell},z\n" for cell in cells)))
    assert kinds(table) == [kind, "text"]
    column = table.frame["x"]
    found = column.map(model.as_text, na_action="ignore") if kind == "date" else column
    assert found.astype("object").where(column.notna(), None).tolist() == values
    assert [row[0] for row in written(table)[1:]] == [cell.strip('"') or None for cell in cells]


def test_a_blank_line_in_a_single_column_is_a_missing_cell(write: Write) -> None:
    table = read_table(write("id\n123456789012345678\n\n123456789012345679\n\n"))
    assert written(table) == [["id"], ["123456789012345678"], [None], ["123456789012345679"]]
    assert str(table.frame["id"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("content", "decimal", "numbers"),
    [
        ('a,b\n"1,234",x\n', "Detect", [1234]),
        ("a\tb\n1,234\tx\n", "Detect", None),
        ("a\tb\n1,234\t2,5\n", "Detect", [1.234]),
        ("a\tb\n1,234\t2.5\n", "Detect", [1234]),
        ("a\tb\n1,234\tx\n", "comma: 1.234,5", [1.234]),
        ("a\tb\n1,234\tx\n", "point: 1,234.5", [1234]),
        ("a;b\n1.234;2,5\n", "Detect", [1234]),
        ("a;b\n1.234;2.5\n", "point: 1,234.5", [1.234]),
        ("a;b\n1.5;2.5\n", "comma: 1.234,5", None),
    ],
)
def test_the_decimal_sign_is_told_by_the_file_or_by_somebody(
    write: Write, content: str, decimal: str, numbers: list[float] | None
) -> None:
    frame = read_table(write(content), Options(decimal=decimal)).frame
    assert (frame["a"].tolist() if model.kind_of(frame["a"]) == "number" else None) == numbers


def test_lines_before_the_header_are_left_out_where_somebody_says_so(write: Write) -> None:
    path = write("Report 2024,\n\nname,age,town\nAda,36,Oslo\n")
    with pytest.raises(InputError, match=r"line 3 has 3 fields and the header has 2.*in which line the header is"):
        read_table(path)
    path = write("Report 2024\n\nname,age\nAda,36\n")
    assert read_table(path).note.endswith("several fields separated by comma: if it is further down, say so above")
    assert written(read_table(path, Options(header_row=2))) == [["name", "age"], ["Ada", "36"]]
    assert written(read_table(path, Options(header_row=3))) == [["name", "age"], ["Ada", "36"]]
    with pytest.raises(InputError, match="has 4 lines"):
        read_table(path, Options(header_row=9))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n1,2,3\n", "broken: line 3 has 3 fields and the header has 2"),
        ("a,b\n1,2,3\n", "broken: line 2 has 3 fields and the header has 2"),
        ('a,b\n1,"2\n3,4\n', "a quote is never closed"),
        ('"a' + "x" * 200_000, "a quote is never closed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not a text file"),
        (b"PK\x03\x04\x14", "no workbook that can be read"),
        (b"PAR1 and nothing else", "cannot be read as Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or locked Excel file"),
        (b"a,b\n1,\x81\n", "is not Windows-1252 .* text .byte 7 "),
        ("sep=§\na§b\n1§2\n", "separated by '§'"),
        (",".join("a" * 300), "300 columns; at most 200"),
    ],
)
def test_a_bad_file_is_refused_with_one_clear_message(write: Write, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_table(write(content))


def test_the_user_can_say_which_encoding_it_is(write: Write) -> None:
    path = write("Имя\nимя\n".encode("cp1251"))
    assert read_table(path, Options(encoding="Windows-1251 (Cyrillic)")).frame["Имя"].tolist() == ["имя"]
    with pytest.raises(InputError, match=r"is not UTF-8 text .byte 1 .* Choose another encoding"):
        read_table(path, Options(encoding="UTF-8"))
    with pytest.raises(InputError, match="no encoding 'EBCDIC'"):
        read_table(path, Options(encoding="EBCDIC"))
    with pytest.raises(InputError, match="no decimal sign 'dot'"):
        read_table(write("a\n1\n"), Options(decimal="dot"))


def test_a_table_with_too_many_cells_is_refused_before_it_is_parsed(write: Write) -> None:
    with pytest.raises(InputError, match="about 300 cells; at most 299"):
        read_table(write("a,b,c\n" + "1,2,3\n" * 99), limits=Limits(cells=299))


def test_a_line_without_end_is_refused_before_anything_takes_it_apart(write: Write) -> None:
    few = Limits(line=100)
    for content in ("a,b\n" + "1," * 200, "x" * 300, "a\n" + "1\n" * 100 + "y" * 300 + "\n2\n"):
        with pytest.raises(InputError, match="a line of more than 100 bytes"):
            read_table(write(content), limits=few)
    for content in ("a,b\n" + "1,2\n" * 500, "a,b\r" + "1,2\r" * 500, "a\n" + "1" * 90 + "\n2\n"):
        assert len(read_table(write(content), limits=few).frame) > 1


def test_50_megabytes_are_read_and_the_progress_is_told(write: Write) -> None:
    row = f"2024-05-06,Oslo,{'x' * 60},12.5\n"
    count = 50_000_000 // len(row) + 1
    shares: list[float] = []
    table = read_table(write("day,city,note,value\n" + row * count), report=shares.append)
    assert len(table.frame) == count
    assert shares == sorted(shares)
    assert len(shares) > 10
    assert shares[-1] <= 1
    assert 0 < table.size < 150_000_000  # No object for each cell.


def test_cells_of_many_lines_are_read_where_blocks_of_the_file_end(write: Write) -> None:
    rows = [[f"line\nline {number}", 'say ""hi""', str(number)] for number in range(60_000)]
    content = "text,word,n\n" + "".join(f'"{text}","{word}",{number}\n' for text, word, number in rows)
    table = read_table(write(content))
    assert len(table.frame) == len(rows)
    assert written(table)[-1] == ["line\nline 59999", 'say "hi"', "59999"]


# AS SOMEBODY SAYS


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["01234", "+5", None], "number", [1234, 5, None]),
        (["1E10", "NA"], "number", [1e10, None]),
        (["inf", "7"], "number", [None, 7.0]),
        (["31.12.2024", None], "date", ["2024-12-31", None]),
        (["12/31/2024", "01/02/2024"], "date", ["2024-12-31", "2024-01-02"]),
        (["2024-01-02", "soon"], "date", ["2024-01-02", None]),
        (["1", "2"], "text", ["1", "2"]),
    ],
)
def test_a_column_is_read_as_somebody_says(cells: list[str | None], kind: str, values: list[object]) -> None:
    found = read_as(pd.Series(cells, dtype="str", name="x"), kind)
    shown = found.map(model.as_text, na_action="ignore") if kind == "date" else found
    assert shown.astype("object").where(found.notna(), None).tolist() == values


# WORKBOOKS AND PARQUET


def test_a_workbook_keeps_what_its_cells_are(workbook: Callable[..., Path]) -> None:
    day = dt.datetime(2024, 1, 2)  # noqa: DTZ001 (a cell has no zone)
    header = ["id", "code", "share", "day", "yes", "mixed", "maybe"]
    rows = [
        [123456789012, "01234", 0.5, day, True, "x", True],
        [None, "NA", 2.0, day + dt.timedelta(hours=3), False, 7, None],
    ]
    table = read_table(workbook(One=[[], header, *rows, [None] * 7], Two=[["a"], [1]]))
    assert kinds(table) == ["number", "text", "number", "date", "yes/no", "text", "text"]
    assert written(table) == [
        header,
        ["123456789012", "01234", "0.5", "2024-01-02", "True", "x", "True"],
        [None, "NA", "2", "2024-01-02 03:00:00", "False", "7", None],
    ]
    assert str(table.frame["id"].dtype) == "Int64"
    assert table.sheets == ["One", "Two"]
    assert "sheet One" in table.note
    assert written(read_table(workbook(Two=[["a", None, "b"], [1, 2]]), Options(sheet="Two")))[0] == ["a", "", "b"]


def test_lines_before_the_header_of_a_sheet_are_left_out(workbook: Callable[..., Path]) -> None:
    path = workbook(One=[["Report"], [], ["a", "b"], [1, 2]])
    assert written(read_table(path, Options(header_row=2))) == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize(
    ("sheets", "options", "limits", "message"),
    [
        ({"One": [["a"]]}, Options(), Limits(), "'One' has no rows below a header"),
        ({"One": [["a"], [1]]}, Options(sheet="Two"), Limits(), "no sheet 'Two'"),
        ({"One": [["a", "b"], [1, 2]]}, Options(), Limits(columns=1), "2 columns; at most 1"),
        ({"One": [["a", "b"], [1, 2]]}, Options(), Limits(cells=3), "about 4 cells; at most 3"),
    ],
)
def test_a_sheet_that_cannot_be_used_is_refused(
    workbook: Callable[..., Path], sheets: dict[str, Any], options: Options, limits: Limits, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_table(workbook(**sheets), options, limits)


def test_a_file_that_unfolds_to_more_than_memory_is_refused(
    workbook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "UNFOLDED_MB", 0)
    with pytest.raises(InputError, match="unfolds to"):
        workbooks.refuse_huge(1)
    with pytest.raises(InputError, match="unfolds to"):
        read_table(workbook(One=[["a"], [1]]))


def test_parquet_keeps_what_its_columns_are(tmp_path: Path) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    cells = pa.table(
        {
            "id": pa.array([123456789012345678, None], pa.int64()),
            "small": pa.array([1, 2], pa.int8()),
            "large": pa.array([2**64 - 1, None], pa.uint64()),
            "price": pa.array([Decimal("1.50"), None]),
            "share": pa.array([0.1, None]),
            "yes": pa.array([True, False]),
            "maybe": pa.array([True, None]),
            "day": pa.array([dt.date(2024, 1, 2), None]),
            "at": pa.array([dt.datetime(2024, 1, 2, 3, tzinfo=zone), None]),
            "parts": pa.array([[1, 2], None]),
        }
    )
    parquet.write_table(cells, tmp_path / "cells.parquet")
    table = read_table(tmp_path / "cells.parquet")
    assert kinds(table) == ["number"] * 2 + ["text"] * 2 + ["number", "yes/no", "text", "date", "date", "text"]
    first, second = written(table)[1:]
    assert first[:6] == ["123456789012345678", "1", "18446744073709551615", "1.50", "0.1", "True"]
    assert first[6:] == ["True", "2024-01-02", "2024-01-02 01:00:00", "[1 2]"]
    assert second == [None, "2", None, None, None, "False", None, None, None, None]
    with pytest.raises(InputError, match="at most 1 can"):
        read_table(tmp_path / "cells.parquet", limits=Limits(columns=1))
    parquet.write_table(cells.slice(0, 0), tmp_path / "empty.parquet")
    with pytest.raises(InputError, match="no rows"):
        read_table(tmp_path / "empty.parquet")


# OUT AGAIN


@pytest.mark.parametrize(
    ("cell", "saved"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("\t=1", "'\t=1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+A1!B2", "'-2+A1!B2"),
        ("-5", "-5"),
        ("-0.02", "-0.02"),
        ("-1,234.56", "-1,234.56"),
        ("+49 (30) 12-34", "+49 (30) 12-34"),
        ("@ada", "@ada"),
        ("a=b", "a=b"),
    ],
)
def test_what_a_spreadsheet_would_run_is_text_in_a_download(
    write: Write, cell: str, saved: str, tmp_path: Path
) -> None:
    table = read_table(write(f'a,b\n"{cell}",x\n'))
    assert tables.write_csv(table, table.frame, tmp_path / "out.csv") == int(cell != saved)
    assert pd.read_csv(tmp_path / "out.csv", dtype="str")["a"].tolist() == [saved]


def test_the_note_says_how_each_column_was_read(write: Write) -> None:
    text = "<b>n</b>;since;" + ";".join(f"t{number}" for number in range(10)) + "\n1,5;2024-01-02;" + ";".join("x" * 10)
    note = read_table(write(text)).note
    assert note.startswith("read as UTF-8, separated by semicolon · number with a decimal comma: &lt;b\\>n&lt;/b\\>")
    assert " · date: since · text: t0, t1," in note
    assert note.endswith("t7 and 2 more")


def test_the_sample_is_made_once_and_has_something_to_draw() -> None:
    table = tables.sample_table()
    assert table is tables.sample_table()
    assert written(table)[1][:3] == ["2023-01-01", "Oslo", str(table.frame["temperature"].iloc[0]).removesuffix(".0")]
    assert model.guess_axes(table.frame) == model.Axes("month", "temperature", "city")
