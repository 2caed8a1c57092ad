"""The events of the page, in process, through the gate and the queue."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd
import pytest

import handlers
from app import build_demo
from handlers import HIDDEN, PREFERENCES
from server import application
from server.settings import PROJECT_DIR
from services import model, tables
from tests.conftest import MakeApp, MakeSettings
from tests.server.client import AppTest, EventError

PUBLIC_EVENTS = {
    "load_csv",
    "load_sample",
    "choose_columns",
    "filter_rows",
    "read_column",
    "undo_step",
    "plot",
    "summarise",
    "download",
}
"""What programs may call. A new event of yours is private until it is named here and in `app.py`."""

AS_IT_IS = ("Detect", 1, "Detect", "")
"""Encoding, line of the header, decimal sign and sheet, where nobody says anything."""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Write a small table."""
    path = tmp_path / "people.csv"
    path.write_text("name,age,town\nAda,36,Oslo\nBo,20,Rome\nCy,44,Oslo\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def running(make_settings: MakeSettings) -> Iterator[AppTest]:
    """Start the app once: every test brings its own visitor."""
    settings = make_settings()
    with AppTest(application.create_app(build_demo(settings), settings)) as test:
        yield test


@pytest.fixture
def visitor(running: AppTest) -> AppTest:
    """Visit the page."""
    return running.another()


@pytest.fixture
def explorer(visitor: AppTest, people: Path) -> AppTest:
    """Visit the page and load the table."""
    visitor.call("load_csv", visitor.upload(people), *AS_IT_IS)
    return visitor


def downloaded(test: AppTest, dtype: str | None = None) -> pd.DataFrame:
    """Download the table as it is now."""
    [file] = test.call("download")
    answer = test.http.get(f"/gradio_api/file={file['path']}")
    assert answer.is_success
    return pd.read_csv(io.StringIO(answer.text), dtype=dtype)


def choices(update: dict[str, Any]) -> list[str]:
    """Read the choices that an event gave a drop-down."""
    return [label for label, _ in update["choices"]]


# THE FLOW


def test_a_table_is_explored_step_by_step(explorer: AppTest) -> None:
    explorer.call("filter_rows", "town", "is", "Oslo")
    _, x, y, colour = explorer.call("choose_columns", ["name", "age"])
    assert (choices(x), choices(y), choices(colour)) == (["name", "age"], ["age"], ["name", "age"])

    [statistics] = explorer.call("summarise")
    assert [row[0] for row in statistics["data"]] == ["name", "age"]
    *plots, hint = explorer.call("plot", "bar", "name", "age", None)
    assert [plot["visible"] for plot in plots] == [HIDDEN, True, HIDDEN]
    assert plots[1]["value"]["data"] == [["Ada", 36], ["Cy", 44]]
    assert hint["visible"] is False
    assert downloaded(explorer).to_dict("list") == {"name": ["Ada", "Cy"], "age": [36, 44]}

    explorer.call("undo_step")
    explorer.call("undo_step")
    assert len(downloaded(explorer)) == 3


def test_loading_offers_the_columns(visitor: AppTest, people: Path) -> None:
    _, note, sheet, columns, column, text, x, y, colour = visitor.call("load_csv", visitor.upload(people), *AS_IT_IS)
    assert "UTF-8" in note
    assert "text: name, town · number: age" in note
    assert sheet["visible"] is False
    assert choices(columns) == columns["value"] == choices(column) == choices(text) == ["name", "age", "town"]
    assert (x["value"], y["value"], colour["value"]) == ("name", "age", "town")


def test_a_column_is_read_as_somebody_says_and_comes_out_as_it_went_in(visitor: AppTest, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code,n\n01234,1\n1E10,2\n", encoding="utf-8")
    visitor.call("load_csv", visitor.upload(path), *AS_IT_IS)
    _, _, y, _ = visitor.call("read_column", "code", "number")
    assert choices(y) == ["code", "n"]
    visitor.call("filter_rows", "code", "is at least", "1235")
    assert downloaded(visitor, "str").to_dict("list") == {"code": ["1E10"], "n": ["2"]}


def test_the_sheets_of_a_workbook_are_offered(visitor: AppTest, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"a": [1]}).to_excel(book, sheet_name="One", index=False)
        pd.DataFrame({"b": ["=1+1", "+49 30"]}).to_excel(book, sheet_name="Two", index=False)
    file = visitor.upload(path)
    _, note, sheet, columns, *_ = visitor.call("load_csv", file, *AS_IT_IS)
    assert (choices(sheet), sheet["value"], sheet["visible"]) == (["One", "Two"], "One", True)
    assert (columns["value"], "sheet One" in note) == (["a"], True)
    _, _, sheet, columns, *_ = visitor.call("load_csv", file, *AS_IT_IS[:3], "Two")
    assert (sheet["value"], columns["value"]) == ("Two", ["b"])
    with pytest.raises(EventError, match="no sheet 'Three'"):
        visitor.call("load_csv", file, *AS_IT_IS[:3], "Three")


def test_a_formula_is_harmless_in_a_download(visitor: AppTest, tmp_path: Path) -> None:
    path = tmp_path / "formulas.csv"
    path.write_text("=A1,n\n=1+1,1\n+49 30,2\n", encoding="utf-8")
    visitor.call("load_csv", visitor.upload(path), *AS_IT_IS)
    assert downloaded(visitor, "str").to_dict("list") == {"'=A1": ["'=1+1", "+49 30"], "n": ["1", "2"]}


def test_the_sample_is_there_before_any_upload(visitor: AppTest) -> None:
    visitor.call("load_sample")
    assert len(downloaded(visitor)) == 108


def test_a_chart_without_axes_says_what_to_choose(explorer: AppTest) -> None:
    *plots, hint = explorer.call("plot", "line", None, None, None)
    assert [plot["visible"] for plot in plots] == [HIDDEN] * 3
    assert hint["visible"]
    assert "Choose a horizontal" in hint["value"]


def test_statistics_are_computed_once_for_each_table_and_steps(
    explorer: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    original = model.summarise
    monkeypatch.setattr(model, "summarise", lambda frame: (calls.append(len(frame)), original(frame))[1])
    explorer.call("summarise")
    explorer.call("summarise")
    explorer.call("filter_rows", "age", "is at least", "30")
    explorer.call("summarise")
    assert calls == [3, 2]


def test_nobody_changes_what_the_cache_gives_to_others(make_settings: MakeSettings) -> None:
    explorer, request = handlers.Explorer(make_settings()), gr.Request(session_hash="one")
    explorer.held.put("one", handlers.Workspace("id", tables.sample_table(), Path()), 0)
    state = model.Exploration("id")
    first = explorer.summarise(state, request)
    first.iloc[:, 0] = "changed"
    assert "changed" not in set(explorer.summarise(state, request).iloc[:, 0])


def test_a_visitor_who_waits_for_a_table_sees_how_far_it_is(
    make_settings: MakeSettings, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    settings = make_settings()
    explorer, request = handlers.Explorer(settings), gr.Request(session_hash="one")
    monkeypatch.setattr(explorer, "open", lambda *_: [])
    explorer.load_csv(str(people), *AS_IT_IS, request, lambda share, **_: told.append(share))
    assert told[0] == 0
    assert told[-1] == 1
    loads = [fn for fn in build_demo(settings).fns.values() if fn.name == "load_csv"]
    assert len(loads) == 2  # at an upload, and read again
    for load in loads:
        assert load.tracks_progress
        assert [type(part) for part in load.show_progress_on or []] == [gr.Markdown]


# CHAINS


def test_only_what_succeeded_is_followed_and_a_failed_upload_is_forgotten(make_settings: MakeSettings) -> None:
    links = [fn for fn in build_demo(make_settings()).fns.values() if fn.trigger_after is not None]
    assert {fn.name for fn in links if fn.trigger_only_on_failure} == {"forget_upload"}
    assert {fn.name for fn in links if not fn.trigger_only_on_success} == {"forget_upload"}
    assert {"load_csv", "reveal", "show", "plot", "summarise"} < {fn.name for fn in links}


# MESSAGES


@pytest.mark.parametrize(
    ("event", "inputs", "message"),
    [
        ("load_csv", [None, *AS_IT_IS], "Upload a table first"),
        ("load_csv", [None, "Detect", 20_000, "Detect", ""], "a number from 1 to 10,000"),
        ("read_column", [None, "text"], "Choose a column first"),
        ("read_column", ["name", "number"], "No cell of 'name' is a number"),
        ("choose_columns", [[]], "Choose at least one column"),
        ("filter_rows", [None, "is", "1"], "Choose a column first"),
        ("filter_rows", ["age", None, "1"], "Choose a comparison first"),
        ("filter_rows", ["age", "is", "1" * 201], "longer than 200"),
        ("filter_rows", ["age", "is", "old"], "holds numbers, and 'old' is none"),
        ("filter_rows", ["size", "is", "1"], "not in the list of choices"),
        ("undo_step", [], "no step to undo"),
        ("plot", ["bar", "name", "name", None], "not in the list of choices"),
    ],
)
def test_what_the_user_can_put_right_is_said(explorer: AppTest, event: str, inputs: list[Any], message: str) -> None:
    with pytest.raises(EventError, match=message):
        explorer.call(event, *inputs)


def test_a_refused_step_is_not_kept(explorer: AppTest) -> None:
    with pytest.raises(EventError):
        explorer.call("filter_rows", "age", "is", "old")
    assert len(downloaded(explorer)) == 3


@pytest.mark.parametrize("event", ["undo_step", "summarise", "download"])
def test_without_a_table_the_first_step_is_named(visitor: AppTest, event: str) -> None:
    with pytest.raises(EventError, match=r"Load a table first|no step to undo"):
        visitor.call(event)


def test_a_broken_file_gives_one_message_with_an_id(visitor: AppTest, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    with pytest.raises(EventError, match=r"The file is broken: line 3 has 3 fields .* \(id [0-9a-f]{8}\)"):
        visitor.call("load_csv", visitor.upload(path), *AS_IT_IS)


def test_an_unexpected_error_shows_an_id_and_nothing_else(
    explorer: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: pd.DataFrame) -> pd.DataFrame:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(model, "summarise", fail)
    with pytest.raises(EventError) as shown:
        explorer.call("summarise")
    assert "hunter2" not in str(shown.value)
    [error_id] = re.findall(r"report the id ([0-9a-f]{8})", str(shown.value))
    [record] = [record for record in caplog.records if getattr(record, "error_id", "") == error_id]
    assert "hunter2" in str(record.exc_text)


# LIMITS


def test_only_the_listed_events_are_public(make_settings: MakeSettings) -> None:
    events = build_demo(make_settings()).fns.values()
    assert {fn.api_name for fn in events if fn.api_visibility == "public"} == PUBLIC_EVENTS


def test_every_handler_is_behind_the_error_boundary_and_has_a_limit(make_settings: MakeSettings) -> None:
    events = [fn for fn in build_demo(make_settings()).fns.values() if fn.fn is not None]
    assert [fn.name for fn in events if not getattr(fn.fn, "is_guarded", False)] == []
    unloading = {"leave"}  # Not queued.
    assert {fn.name for fn in events if fn.concurrency_id not in {"model", "light"}} == unloading


def test_a_private_event_cannot_be_called_by_name(visitor: AppTest) -> None:
    with pytest.raises(EventError, match="no event 'show'"):
        visitor.call("show", 10)


@pytest.fixture
def small(make_app: MakeApp) -> Iterator[AppTest]:
    """Visit an app with narrow limits."""
    with AppTest(make_app(max_upload_mb=1, max_columns=3, max_cells=50)) as test:
        yield test


@pytest.mark.parametrize("size", [1_500_000, 2_500_000])
def test_an_upload_over_the_limit_is_refused_with_the_limit(small: AppTest, tmp_path: Path, size: int) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"x" * size)
    with pytest.raises(EventError, match=r"(?i)maximum allowed size|larger than the limit"):
        small.upload(path)


def test_a_table_over_the_limits_is_refused(small: AppTest, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for text, message in (("a,b,c,d\n1,2,3,4\n", "at most 3"), ("a\n" + "1\n" * 60, "at most 50")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(EventError, match=message):
            small.call("load_csv", small.upload(path), *AS_IT_IS)


@pytest.mark.parametrize("path", ["/etc/passwd", str(PROJECT_DIR / "pyproject.toml"), str(PROJECT_DIR / "app.py")])
def test_a_file_of_the_server_is_no_upload(visitor: AppTest, path: str) -> None:
    with pytest.raises(EventError) as shown:
        visitor.call("load_csv", {"path": path, "meta": {"_type": "gradio.FileData"}}, *AS_IT_IS)
    assert "root:" not in str(shown.value)


# SESSIONS


def test_two_visitors_do_not_see_each_other(explorer: AppTest) -> None:
    other = explorer.another()
    with pytest.raises(EventError, match="Load a table first"):
        other.call("download")
    other.call("load_sample")
    other.call("filter_rows", "city", "is", "Oslo")
    assert len(downloaded(explorer)) == 3
    assert len(downloaded(other)) == 36


def test_a_caller_without_a_session_shares_nothing(running: AppTest) -> None:
    callers = [running.another(), running.another()]
    for caller in callers:
        caller.session = None
    callers[0].call("load_sample")
    with pytest.raises(EventError, match="Load a table first"):
        callers[1].call("download")
    with pytest.raises(EventError, match="Load a table first"):
        callers[0].call("download")


def test_a_table_that_was_let_go_has_to_be_uploaded_again(make_app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text("note\n" + ("x" * 99 + "\n") * 9000, encoding="utf-8")
    with AppTest(make_app(tables_mb=1)) as first:
        first.call("load_csv", first.upload(path), *AS_IT_IS)
        second = first.another()
        second.call("load_csv", second.upload(path), *AS_IT_IS)
        with pytest.raises(EventError, match=r"no longer held.*upload it again"):
            first.call("summarise")
        assert len(downloaded(second)) == 9000


def test_what_is_kept_of_a_visitor_has_an_end(make_settings: MakeSettings) -> None:
    settings = make_settings(session_ttl=5)
    kept = [block for block in build_demo(settings).blocks.values() if isinstance(block, gr.State)]
    assert [state.time_to_live for state in kept] == [5]
    assert handlers.Explorer(settings).held.ttl == 5


def test_leaving_lets_go_of_the_table_and_its_downloads(make_settings: MakeSettings, tmp_path: Path) -> None:
    explorer = handlers.Explorer(make_settings(upload_dir=tmp_path))
    request = gr.Request(session_hash="one")
    table = tables.sample_table()
    assert handlers.first_sheet() == ""
    explorer.held.put("one", handlers.Workspace("id", table, tmp_path / "downloads"), table.size)
    state = model.Exploration("id")
    file = Path(explorer.download(state, request))
    assert file.exists()
    explorer.leave(request)
    assert not file.parent.exists()
    assert len(explorer.held) == 0
    with pytest.raises(gr.Error, match="no longer held"):
        explorer.summarise(state, request)


# PREFERENCES


@pytest.mark.parametrize("kept", [None, "x", {}, {"chart": "pie", "rows": -1}, {"chart": [1], "rows": {}}])
def test_strange_preferences_are_replaced_by_the_defaults(kept: object) -> None:
    assert handlers.recall(kept) == list(PREFERENCES.values())


def test_preferences_can_be_read_after_a_restart(make_settings: MakeSettings) -> None:
    pages = [build_demo(make_settings()) for _ in range(2)]
    kept = [block for page in pages for block in page.blocks.values() if isinstance(block, gr.BrowserState)]
    assert [(each.storage_key, each.secret) for each in kept] == [("explorer", "explorer")] * 2


def test_preferences_are_restored() -> None:
    assert handlers.recall(handlers.remember("bar", 100)) == ["bar", 100]


def test_a_failed_upload_is_taken_out_of_the_field() -> None:
    assert handlers.forget_upload() is None
