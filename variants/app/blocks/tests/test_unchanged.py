"""Promise: what is loaded and not changed comes out as it went in, to the character. Tried with random tables."""

import csv
import io
import random
from pathlib import Path

import pytest

from services.tables import Table, read_table, write_csv

TABLES = 150
"""Enough for every day; try 5,000 after a change of how tables are read."""
CELLS = (
    ["NA", "None", "null", "NaN", "nan", "-", "TRUE", "false", "inf", "N/A", "#N/A", "<NA>"],
    ["01234", "00", "+49 30 1234", "+4930", "1E10", "1e-05", "0x10", "1_000", "١٢"],
    ["123456789012345678", "123456789012345679", "12345678901234567890", "-9223372036854775808"],
    ["1", "2", "-3", "0", "10"],
    ["1.50", "2", "-0.0", "1.0", ".5", "5.", "1.10"],
    ["1,5", "1.234,50", "-2,00", "1,234", "1.234"],
    ["2024-01-02", "2024-1-2", "31.12.2024", "2024-02-30", "2024-01-02T03:04", "01/02/2024"],
    [" a", "a ", "  ", "a\nb", "a\r\nb", "a\rb", 'say "hi"', '"', 'a, "b"', "a;b\tc|d", "Größe", "猫", "\u2028", "'="],
)
NAMES = ["id", "id", "", "a.b[c]", "<b>bold</b>", "x", "y", "colour", "na,me", 'qu"ote', "two\nlines", "'"]


def random_table(chance: random.Random) -> tuple[list[str], list[list[str]]]:
    """Make up a header and rows: each column mostly of one kind, with gaps, and now and then of another."""
    kinds = [chance.choice(CELLS) for _ in range(chance.randint(1, 6))]
    gaps, most = chance.choice([0.15, 0.15, 0.9]), chance.choice([2, 30, 30, 80])
    rows = [
        [
            "" if chance.random() < gaps else chance.choice(chance.choice(CELLS) if chance.random() < 0.05 else kind)
            for kind in kinds
        ]
        for _ in range(chance.randint(1, most))
    ]
    # A last column without a name and without a cell is none: every row just ended with a delimiter.
    return [*(chance.choice(NAMES) for _ in kinds[1:]), "last"], rows


def as_csv(header: list[str], rows: list[list[str]], chance: random.Random) -> bytes:
    """Write a table as one of the programs that people have does."""
    text = io.StringIO(newline="")
    quoting = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(text, delimiter=chance.choice(",;\t|"), quoting=quoting, lineterminator="\r\n")
    writer.writerows([header, *rows])
    return text.getvalue().encode(chance.choice(["utf-8", "utf-8-sig", "utf-16"]))


def downloaded(table: Table, path: Path) -> list[list[str]]:
    """Download a table with no step taken, and read it as plainly as possible."""
    assert write_csv(table, table.frame, path) == 0
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("seed", range(TABLES))
def test_a_random_table_comes_out_as_it_went_in(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    header, rows = random_table(chance)
    path = tmp_path / "table.csv"
    path.write_bytes(as_csv(header, rows, chance))
    assert downloaded(read_table(path), tmp_path / "out.csv") == [header, *rows]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("last\r\n  \r\n", [["  "]]),
        ("last\n\u2028\n", [["\u2028"]]),
        ("a\tb\n\t\n", [["", ""]]),
        ("a\tb\n  \t \n\t\n", [["  ", " "], ["", ""]]),
    ],
)
def test_rows_of_nothing_but_spaces_and_gaps_are_rows(text: str, rows: list[list[str]], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    assert downloaded(read_table(path), tmp_path / "out.csv")[1:] == rows


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ("1,5", ["1,5"]),
        ('"1,5"', ["1,5"]),
        ("a;b", ["a;b"]),
        ('1,5\n"a;b"', ["1,5", "a;b"]),
        ('a\tb|c;d\n"1,5"', ["a\tb|c;d", "1,5"]),
        ('1,5\na\tb|c\n"x;y"', ["1,5", "a\tb|c", "x;y"]),
    ],
)
def test_a_delimiter_far_down_in_a_single_column_is_part_of_its_cell(
    cells: str, values: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("last\n" + "x\n" * 60 + cells + "\n", encoding="utf-8")
    assert [cell for [cell] in downloaded(read_table(path), tmp_path / "out.csv")[61:]] == values
