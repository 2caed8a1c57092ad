"""What happens at each event: take values of components, call a service, give values back."""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import gradio as gr
import pandas as pd

from server.errors import boundary
from server.logs import model_time
from services import model, tables
from services.checks import Limits, chosen, clean_text, line_number
from services.delimited import DETECT
from services.errors import InputError
from services.model import Columns, Exploration, Filter, Reading
from utils.preprocess import uploaded, verdict
from utils.registry import SessionRegistry
from utils.settings import Settings

ROWS = (10, 25, 100)
PREFERENCES = {"chart": "line", "rows": ROWS[0]}
PLOTS = {"line": gr.LinePlot, "bar": gr.BarPlot, "scatter": gr.ScatterPlot}
HIDDEN = "hidden"
"""Not `False`: that takes a plot out of the page while it still watches its size, which ends in a script error."""
GONE = "This page's table is no longer held, because it was not used for a while. Please upload it again."

Updates = list[Any]
"""One value or property update for each output component."""


# VALIDATORS: run before the queue, in the order of the inputs. The services check again.


def check_upload(
    file: str | None, encoding: str | None, header_row: float | None, decimal: str | None, sheet: str | None
) -> list[dict[str, Any]]:
    """Refuse to read nothing."""
    return [
        verdict(uploaded, file),
        verdict(chosen, encoding, "an encoding"),
        verdict(line_number, header_row),
        verdict(chosen, decimal, "a decimal sign"),
        verdict(clean_text, sheet),
    ]


def check_columns(state: Exploration, columns: list[str] | None) -> list[dict[str, Any]]:
    """Refuse a table without columns."""
    return [verdict(bool, state), verdict(chosen, ",".join(columns or []), "at least one column")]


def check_filter(state: Exploration, column: str | None, comparison: str | None, value: str) -> list[dict[str, Any]]:
    """Refuse a filter without a column."""
    return [
        verdict(bool, state),
        verdict(chosen, column, "a column"),
        verdict(chosen, comparison, "a comparison"),
        verdict(clean_text, value),
    ]


def check_reading(state: Exploration, column: str | None, kind: str | None) -> list[dict[str, Any]]:
    """Refuse to read no column."""
    return [verdict(bool, state), verdict(chosen, column, "a column"), verdict(chosen, kind, "a kind")]


# EVENTS OF A VISITOR


@dataclass(frozen=True, eq=False)
class Workspace:
    """What the server holds for one session because it cannot be copied into `gr.State`."""

    table_id: str
    table: tables.Table
    folder: Path
    """For downloads. Its name cannot be guessed."""


class Computes(Protocol):
    """What takes a while where a table is large: `services.model`, here or elsewhere."""

    def summarise(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Describe each column in one row."""
        ...


class Explorer:
    """The handlers, and what they share: settings, and the tables of all sessions."""

    def __init__(self, settings: Settings, compute: Computes = model) -> None:
        """Start with no tables."""
        self.settings = settings
        self.compute = compute
        self.limits = Limits(settings.max_columns, settings.max_cells, settings.max_line_kb * 1000)
        self.held = SessionRegistry[Workspace](
            settings.session_ttl, settings.tables_mb * 1_000_000, on_drop=delete_downloads
        )

    @boundary
    def load_csv(  # noqa: PLR0913, PLR0917  (one for each component, so that the API has their names)
        self,
        file: str | None,
        encoding: str | None,
        header_row: float | None,
        decimal: str | None,
        sheet: str | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (Gradio fills it in because it is the default)
    ) -> Updates:
        """Read a CSV file, a workbook or a Parquet file and start to explore it."""

        def report(share: float) -> None:
            progress(share, desc="Reading the table")

        asked = tables.Options(encoding or DETECT, line_number(header_row), decimal or DETECT, clean_text(sheet))
        with model_time():
            table = tables.read_table(uploaded(file), asked, self.limits, report)
        return self.open(table, request, asked.sheet)

    @boundary
    def load_sample(self, request: gr.Request) -> Updates:
        """Start to explore the sample table."""
        return self.open(tables.sample_table(), request)

    @boundary
    def choose_columns(self, state: Exploration, columns: list[str] | None, request: gr.Request) -> Updates:
        """Keep some columns."""
        return self.take(state.add(Columns(tuple(columns or []))), request)

    @boundary
    def filter_rows(
        self, state: Exploration, column: str | None, comparison: str | None, value: str | None, request: gr.Request
    ) -> Exploration:
        """Keep the rows whose value compares well."""
        return self.take(state.add(Filter(column or "", comparison or "", value or "")), request)[0]

    @boundary
    def read_column(self, state: Exploration, column: str | None, kind: str | None, request: gr.Request) -> Updates:
        """Take the text of a column for numbers, dates or text."""
        decimal = self.workspace(state, request).table.decimal
        return self.take(state.add(Reading(column or "", kind or "", decimal)), request)

    @boundary
    def undo_step(self, state: Exploration, request: gr.Request) -> Updates:
        """Take the last step back."""
        return self.take(state.undo(), request)

    @boundary
    def show(self, state: Exploration, rows: int, request: gr.Request) -> Updates:
        """Show the size, the first rows and the steps."""
        table = self.workspace(state, request).table
        view = self.view(state, request)
        (rows_left, columns_left), (rows_all, columns_all) = view.shape, table.frame.shape
        size = f"{rows_left:,} of {rows_all:,} rows, {columns_left:,} of {columns_all:,} columns"
        note = f"**{table.name}** · {size} · {table.note}"
        history = [[f"Load {table.name}"], *([f"Keep {step}"] for step in state.steps)]
        first = view.head(rows)
        return [note, model.first_rows(first, table.as_written(first), rows), history]

    @boundary
    def summarise(self, state: Exploration, request: gr.Request) -> pd.DataFrame:
        """Describe each column."""
        # A copy, because every hit of the cache gives the same object.
        return statistics(state, self.workspace(state, request).table, self.compute).copy()

    @boundary
    def plot(  # noqa: PLR0913, PLR0917  (one for each component, so that the API has their names)
        self, state: Exploration, chart: str, x: str | None, y: str | None, colour: str | None, request: gr.Request
    ) -> Updates:
        """Draw a chart, or say what to choose."""
        view = self.view(state, request)
        if not (x and y):
            hint = gr.Markdown("Choose a horizontal and a vertical axis.", visible=True)
            return [*(plot(visible=HIDDEN) for plot in PLOTS.values()), hint]
        data = model.chart_data(view, chart, x, y, colour)
        titles = {"x_title": x, "y_title": f"{y}{model.CHARTS[chart]}", "color_title": colour}
        drawn = PLOTS[chart](data, color="colour" if colour else None, visible=True, **titles)
        plots = [drawn if kind == chart else plot(visible=HIDDEN) for kind, plot in PLOTS.items()]
        return [*plots, gr.Markdown(visible=False)]

    @boundary
    def download(self, state: Exploration, request: gr.Request) -> str:
        """Write what is left of the table after all steps as a CSV file."""
        workspace = self.workspace(state, request)
        path = workspace.folder / f"{workspace.table.name}.csv"
        path.parent.mkdir(exist_ok=True)
        if formulas := tables.write_csv(workspace.table, self.view(state, request), path):
            gr.Info(f"{formulas:,} cells would run as formulas in a spreadsheet. Each got a ' in front.")
        return str(path)

    @boundary
    def leave(self, request: gr.Request) -> None:
        """Let go of everything when the page is closed."""
        self.held.drop(str(request.session_hash))

    def open(self, table: tables.Table, request: gr.Request, sheet: str = "") -> Updates:
        """Hold a table for the session and offer its columns, and the other sheets where it has some."""
        workspace = Workspace(secrets.token_hex(8), table, self.settings.upload_dir / secrets.token_hex(16))
        self.held.put(str(request.session_hash), workspace, table.size)
        names = [str(name) for name in table.frame.columns]
        sheets = gr.Dropdown(table.sheets, value=sheet or next(iter(table.sheets), ""), visible=len(table.sheets) > 1)
        choices = [gr.Dropdown(names, value=names), *[gr.Dropdown(names, value=None)] * 2, *axes(table.frame)]
        return [Exploration(workspace.table_id, table.name), table.note, sheets, *choices]

    def take(self, state: Exploration, request: gr.Request) -> Updates:
        """Try the steps before they are kept, and offer the columns that are left."""
        return [state, *axes(self.view(state, request))]

    def view(self, state: Exploration, request: gr.Request) -> pd.DataFrame:
        """Give the session's table as it is after all steps."""
        table = self.workspace(state, request).table
        with model_time():
            return model.apply(table.frame, state, table.text)

    def workspace(self, state: Exploration, request: gr.Request) -> Workspace:
        """Find the session's table.

        Raises:
            InputError: if there is none (any more).

        """
        held = self.held.get(str(request.session_hash))
        if held is None and not state.table_id:
            raise InputError("Load a table first.")
        if held is None or held.table_id != state.table_id:
            raise InputError(GONE)
        return held


@gr.cache(key=lambda call: [call["state"].table_id, repr(call["state"].steps)], per_session=True)
def statistics(state: Exploration, table: tables.Table, compute: Computes) -> pd.DataFrame:
    """Summarise once for the same table and steps: this takes a second where a table is large."""
    with model_time():
        return compute.summarise(model.apply(table.frame, state, table.text))


def axes(frame: pd.DataFrame) -> Updates:
    """Offer the columns for a chart's horizontal axis, vertical axis and colour, and choose what is likely wanted."""
    guess = model.guess_axes(frame)
    names = [str(name) for name in frame.columns]
    return [
        gr.Dropdown(names, value=guess.x),
        gr.Dropdown(model.numeric_columns(frame), value=guess.y),
        gr.Dropdown(names, value=guess.colour),
    ]


def delete_downloads(workspace: Workspace) -> None:
    """Delete what a session could download."""
    shutil.rmtree(workspace.folder, ignore_errors=True)


@boundary
def reveal() -> Updates:
    """Show the parts of the page that need a table, in place of what tells of them; the next step is the download."""
    return [gr.Column(visible=True), gr.Column(visible=True), gr.Column(visible=False), gr.Button(variant="secondary")]


@boundary
def first_sheet() -> str:
    """Forget the sheet of the last workbook."""
    return ""


@boundary
def forget_upload() -> None:
    """Empty the upload field, so that the next try starts clean."""


# PREFERENCES


@boundary
def remember(chart: str, rows: int) -> dict[str, Any]:
    """Collect what the browser keeps."""
    return {"chart": chart, "rows": rows}


@boundary
def recall(preferences: object) -> Updates:
    """Restore what the browser kept. It may hold anything: it is the visitor's, and may be older than this version."""
    kept = preferences if isinstance(preferences, dict) else {}
    chart, rows = str(kept.get("chart")), kept.get("rows")
    return [chart if chart in PLOTS else PREFERENCES["chart"], rows if rows in ROWS else PREFERENCES["rows"]]
