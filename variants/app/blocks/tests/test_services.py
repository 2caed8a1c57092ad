"""Reading tables, and what is computed from them, without Gradio."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from services import model, tables
from services.checks import MAX_NAME, MAX_TEXT, chosen, clean_text, column_names, table_name
from services.errors import InputError
from services.model import Columns, Exploration, Filter
from utils.preprocess import uploaded

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file that a user could upload."""

    def file(content: str | bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file


@pytest.fixture
def people() -> pd.DataFrame:
    """Give a small table with every kind of column and some gaps."""
    return pd.DataFrame(
        {
            "name": ["Ada", "Bo", None, "Cy"],
            "age": [36, 20, 51, 44],
            "member": [True, False, True, True],
            "since": pd.to_datetime(["2020-01-01", "2021-06-30", None, "2022-03-04"]),
            "a.b[c]": [0.5, -1.0, -2.0, None],
        }
    )


# READING


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
        ('"a\nlong",b\n"x\ny",2\n', ["a long", "b"], ["x\ny", 2]),
        ("a,,a\n1,2,3\n", ["a", "column 2", "a (2)"], [1, 2, 3]),
        ("a,b,c\n1,2\n", ["a", "b", "c"], [1, 2]),
        ("Größe\n1\n".encode("utf-8-sig"), ["Größe"], [1]),
        ("Größe\n1\n".encode("utf-16"), ["Größe"], [1]),
        ("Größe,€\n1,2\n".encode("cp1252"), ["Größe", "€"], [1, 2]),
    ],
)
def test_a_table_is_read_whatever_wrote_it(
    write: Write, content: str | bytes, columns: list[str], first: list[object]
) -> None:
    frame = tables.read_csv(write(content)).frame
    assert list(frame.columns) == columns
    assert frame.iloc[0].dropna().tolist() == first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n1,2,3\n", "broken: Expected 2 fields in line 3, saw 3"),
        ("a,b\n1,2,3\n", "header has 2 fields and the row below has 3"),
        ('a,b\n1,"2\n3,4\n', "broken: EOF inside string"),
        ('"a' + "x" * 200_000, "quote at its beginning"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not a text file"),
        (b"PK\x03\x04\x14", "not a text file"),
        (b"a,b\n1,\x81\n", "is not Windows-1252 .* text .byte 7 "),
        (",".join("a" * 300), "300 columns; at most 200"),
    ],
)
def test_a_bad_file_is_refused_with_one_clear_message(write: Write, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tables.read_csv(write(content))


def test_the_user_can_say_which_encoding_it_is(write: Write) -> None:
    path = write("Имя\nимя\n".encode("cp1251"))
    assert tables.read_csv(path, encoding="Windows-1251 (Cyrillic)").frame["Имя"].tolist() == ["имя"]
    with pytest.raises(InputError, match=r"is not UTF-8 text .byte 1 .* Choose another encoding"):
        tables.read_csv(path, encoding="UTF-8")
    with pytest.raises(InputError, match="no encoding 'EBCDIC'"):
        tables.read_csv(path, encoding="EBCDIC")


def test_a_line_without_end_is_refused_before_anything_takes_it_apart(write: Write) -> None:
    few = tables.Limits(line=100)
    for content in ("a,b\n" + "1," * 200, "x" * 300, "a\n" + "1\n" * 100 + "y" * 300 + "\n2\n"):
        with pytest.raises(InputError, match="a line of more than 100 bytes"):
            tables.read_csv(write(content), limits=few)
    for content in ("a,b\n" + "1,2\n" * 500, "a,b\r" + "1,2\r" * 500, "a\n" + "1" * 90 + "\n2\n"):
        assert len(tables.read_csv(write(content), limits=few).frame) > 1


def test_a_table_with_too_many_cells_is_refused_before_it_is_parsed(write: Write) -> None:
    with pytest.raises(InputError, match="about 300 cells; at most 299"):
        tables.read_csv(write("a,b,c\n" + "1,2,3\n" * 99), limits=tables.Limits(cells=299))


def test_50_megabytes_are_read_and_the_progress_is_told(write: Write) -> None:
    row = f"2024-05-06,Oslo,{'x' * 60},12.5\n"
    count = 50_000_000 // len(row) + 1
    shares: list[float] = []
    table = tables.read_csv(write("day,city,note,value\n" + row * count), report=shares.append)
    assert len(table.frame) == count
    assert shares == sorted(shares)
    assert len(shares) > 10
    assert shares[-1] <= 1
    assert table.size > 0


def test_columns_of_nothing_but_iso_dates_become_dates(write: Write) -> None:
    frame = tables.read_csv(write("a,b,c,d\n2024-01-02,2024-01-02,2,\n2024-01-02T03:04,soon,3,\n")).frame
    assert [model.kind_of(frame[name]) for name in frame] == ["date", "text", "number", "number"]


def test_the_sample_is_made_once_and_has_something_to_draw() -> None:
    table = tables.sample_table()
    assert table is tables.sample_table()
    assert model.guess_axes(table.frame) == model.Axes("month", "temperature", "city")


# CLEANING


def test_names_are_made_unique_and_short() -> None:
    assert column_names(["a", "a", "a (2)", " b\n c "], 9) == ["a", "a (2)", "a (2) (2)", "b c"]
    assert column_names(["x" * 500], 9) == ["x" * MAX_NAME]


@pytest.mark.parametrize(
    ("file", "name"),
    [("My table.csv", "My table"), ("../../etc/passwd", "passwd"), ("**[x](y)**.csv", "x-y"), ("....csv", "table")],
)
def test_the_name_of_a_file_is_safe_to_show(file: str, name: str) -> None:
    assert table_name(Path(file)) == name


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: uploaded(None), "Upload a CSV file first"),
        (lambda: chosen(None, "a column"), "Choose a column first"),
        (lambda: clean_text("x" * (MAX_TEXT + 1)), "longer than 200"),
    ],
)
def test_what_is_missing_is_said(check: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check()


# STEPS


@pytest.mark.parametrize(
    ("column", "comparison", "value", "ages"),
    [
        ("age", "is", "36", [36]),
        ("age", "is not", "36", [20, 51, 44]),
        ("age", "is at least", "44", [51, 44]),
        ("a.b[c]", "is at most", "-1.0", [20, 51]),
        ("name", "is", "Bo", [20]),
        ("name", "contains", "A", [36]),
        ("name", "is empty", "", [51]),
        ("age", "contains", "4", [44]),
        ("member", "is", "False", [20]),
        ("since", "is at least", "2021-01-01", [20, 44]),
    ],
)
def test_a_filter_keeps_what_compares_well(
    people: pd.DataFrame, column: str, comparison: str, value: str, ages: list[int]
) -> None:
    steps = Exploration().add(Filter(column, comparison, value))
    assert model.apply(people, steps)["age"].tolist() == ages


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Filter("", "is", "1"), "Choose a column"),
        (Filter("age", "", "1"), "Choose a comparison"),
        (Filter("size", "is", "1"), "no column 'size'"),
        (Filter("age", "is like", "1"), "no comparison 'is like'"),
        (Filter("age", "is", " "), "Enter a value"),
        (Filter("age", "is", "old"), "'age' holds numbers, and 'old' is none"),
        (Filter("since", "is", "long ago"), "'since' holds dates, and 'long ago' is none"),
        (Columns(("size",)), "no column 'size'"),
        (Columns(()), "at least one column"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(people: pd.DataFrame, step: Filter | Columns, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.apply(people, Exploration().add(step))


def test_steps_are_kept_in_order_and_undone(people: pd.DataFrame) -> None:
    before = Exploration("id", "people")
    after = before.add(Columns(("name",))).add(Filter("age", "is at least", "40"))
    assert [str(step) for step in after.steps] == ["columns name", "age is at least 40"]
    assert model.apply(people, after)["name"].tolist()[1:] == ["Cy"]
    assert after.undo().undo() == before
    with pytest.raises(InputError, match="no step"):
        before.undo()


def test_there_is_an_end_to_steps() -> None:
    full = Exploration(steps=(Columns(("a",)),) * model.MAX_STEPS)
    with pytest.raises(InputError, match="50 steps already"):
        full.add(Columns(("a",)))


# TABLE, STATISTICS AND CHARTS


def test_the_first_rows_show_dates_as_text(people: pd.DataFrame) -> None:
    rows = model.first_rows(people, 3)
    assert rows["since"].dropna().tolist() == ["2020-01-01", "2021-06-30"]
    assert model.kind_of(people["since"]) == "date"


def test_statistics_describe_every_kind_of_column(people: pd.DataFrame) -> None:
    rows = model.summarise(people.assign(nothing=None)).set_index("column")
    assert rows.loc["age"].tolist() == ["number", "4", "4", "20", "37.75", "51", "20"]
    assert rows.loc["since", ["holds", "min", "max"]].tolist() == ["date", "2020-01-01", "2022-03-04"]
    assert rows.loc["member", ["holds", "min", "most common"]].tolist() == ["yes/no", "", "True"]
    assert rows.loc["nothing", ["filled", "most common"]].tolist() == ["0", ""]


def test_lines_and_bars_bring_rows_together_and_a_scatter_plot_does_not() -> None:
    frame = pd.DataFrame({"x": ["b", "a", "a", None], "y": [1.0, 2.0, 4.0, 8.0], "who": ["m", "n", "n", "n"]})
    assert model.chart_data(frame, "line", "x", "y")["y"].tolist() == [3, 1]
    assert model.chart_data(frame, "bar", "x", "y", "who")["y"].tolist() == [6, 1]
    assert model.chart_data(frame, "scatter", "x", "y")["y"].tolist() == [1, 2, 4]


def test_a_chart_has_fixed_names_and_no_more_points_than_a_browser_draws() -> None:
    frame = pd.DataFrame({"a.b": range(10_000), "c": range(10_000)})
    data = model.chart_data(frame, "line", "a.b", "c")
    assert list(data.columns) == ["x", "y"]
    assert len(data) == model.MAX_POINTS
    assert model.chart_data(frame.head(0), "line", "a.b", "c").empty


@pytest.mark.parametrize(
    ("chart", "x", "y", "colour", "message"),
    [
        ("pie", "i", "i", None, "no chart 'pie'"),
        ("line", "j", "i", None, "no column 'j'"),
        ("line", "i", "t", None, "'t' holds no numbers"),
        ("line", "i", "i", "i", "'i' has 100 different values; at most 12 get a colour"),
        ("bar", "i", "i", None, "'i' has 100 different values; at most 50 fit as bars"),
    ],
)
def test_what_cannot_be_drawn_is_refused(chart: str, x: str, y: str, colour: str | None, message: str) -> None:
    frame = pd.DataFrame({"i": range(100), "t": "text"})
    with pytest.raises(InputError, match=message):
        model.chart_data(frame, chart, x, y, colour)


def test_axes_are_guessed_from_what_there_is() -> None:
    assert model.guess_axes(pd.DataFrame({"t": ["x"]})) == model.Axes("t", None, None)
    assert model.guess_axes(pd.DataFrame({"i": [1], "j": [2]})) == model.Axes("i", "j", None)
