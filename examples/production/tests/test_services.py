"""What is computed from a table, without Gradio."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from services import model, tables
from services.checks import MAX_NAME, MAX_TEXT, chosen, clean_text, column_names, line_number, literal, table_name
from services.errors import InputError
from services.model import Columns, Exploration, Filter, Reading
from utils.preprocess import uploaded


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


# CLEANING


def test_names_are_made_unique_and_short() -> None:
    assert column_names(["a", "a", "a (2)", " b\n c ", ""]) == ["a", "a (2)", "a (2) (2)", "b c", "column 5"]
    assert column_names(["x" * 500]) == ["x" * MAX_NAME]


def test_markup_in_a_name_is_written_so_that_it_is_shown() -> None:
    assert literal("<b>*a*</b> [x](y) `z` &amp;") == r"&lt;b\>\*a\*&lt;/b\> \[x\]\(y\) \`z\` &amp;amp;"


@pytest.mark.parametrize(
    ("file", "name"),
    [("My table.csv", "My table"), ("../../etc/passwd", "passwd"), ("**[x](y)**.csv", "x-y"), ("....csv", "table")],
)
def test_the_name_of_a_file_is_safe_to_show(file: str, name: str) -> None:
    assert table_name(Path(file)) == name


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: uploaded(None), "Upload a table first"),
        (lambda: chosen(None, "a column"), "Choose a column first"),
        (lambda: clean_text("x" * (MAX_TEXT + 1)), "longer than 200"),
        (lambda: line_number(None), "a number from 1"),
        (lambda: line_number(0), "a number from 1"),
        (lambda: line_number(float("inf")), "a number from 1"),
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
        (Reading("", "text"), "Choose a column"),
        (Reading("size", "text"), "no column 'size'"),
        (Reading("name", "colour"), "no kind of column 'colour'"),
        (Reading("name", "number"), "No cell of 'name' is a number"),
        (Reading("name", "date"), "No cell of 'name' is a date"),
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


def test_ids_are_not_taken_for_each_other() -> None:
    frame = pd.DataFrame({"id": pd.Series([123456789012345678, None, 123456789012345679], dtype="Int64")})
    kept = model.apply(frame, Exploration().add(Filter("id", "is", "123456789012345678")))
    assert kept["id"].tolist() == [123456789012345678]
    assert len(model.apply(frame, Exploration().add(Filter("id", "is at least", "9" * 30)))) == 0
    assert model.chart_data(frame.assign(n=1), "scatter", "id", "n")["x"].tolist() == [
        "123456789012345678",
        "123456789012345679",
    ]


def test_there_is_an_end_to_steps() -> None:
    full = Exploration(steps=(Columns(("a",)),) * model.MAX_STEPS)
    with pytest.raises(InputError, match="50 steps already"):
        full.add(Columns(("a",)))


# TABLE, STATISTICS AND CHARTS


def test_the_first_rows_are_shown_as_the_file_has_them() -> None:
    text = pd.DataFrame(
        {
            "plain": ["1", None, "2.5"],
            "price": ["1.50", "2.00", None],
            "id": ["123456789012345678", "1", None],
            "since": ["2020-01-01", None, "2021-06-30"],
        },
        dtype="str",
    )
    frame = tables.read_columns(text, None, None)[0]
    assert [model.kind_of(frame[name]) for name in frame] == ["number", "number", "number", "date"]
    rows = model.first_rows(frame, text, 3)
    assert rows["plain"].tolist() == [1, None, 2.5]
    assert rows["price"].tolist() == ["1.50", "2.00", None]
    assert rows["id"].tolist() == ["123456789012345678", "1", None]
    assert rows["since"].tolist() == ["2020-01-01", None, "2021-06-30"]


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
