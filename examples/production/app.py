"""The user interface: explore a table step by step. Read from the top: the page, its parts, its events."""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
import html
from dataclasses import dataclass
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.events import Dependency

import handlers
from server import application, running
from server.queueing import Slots, light_slots, queue_options, slots
from services import model, tables
from services.columns import READINGS
from services.delimited import DETECT, ENCODINGS
from utils.settings import Settings, get_settings
from utils.theme import build_theme

WELCOME = "Upload a table, or look around with the sample. Nothing leaves this server."
EMPTY = """
### Your table will be here

* **Plot** draws any two columns as lines, bars or points.
* **Table** shows the rows, each cell as the file has it.
* **Statistics** tell for each column what it holds.
* **History** has every step, and each can be undone.
"""
FORMULAS = "Cells that a spreadsheet would run as formulas get a ' in front. All others come out as they went in."
# Lets the browser save a file as soon as it was written.
SAVE = "(file) => Object.assign(document.createElement('a'), {href: file.url, download: file.orig_name}).click()"


def build_demo(settings: Settings) -> gr.Blocks:
    """Build the page and wire its events."""
    ttl = settings.file_ttl
    with gr.Blocks(title=settings.title, analytics_enabled=False, delete_cache=(ttl, ttl)) as demo:
        wire(demo, settings, Page(settings))
    demo.queue(**queue_options(settings))
    return demo


# PARTS OF THE PAGE


@dataclass(frozen=True)
class Loading:
    """Where a table comes from."""

    file: gr.File
    sheet: gr.Dropdown
    sample: gr.Button
    options: list[gr.Dropdown | gr.Number]
    """How a file is read: encoding, line of the header, decimal sign."""
    again: gr.Button


def build_loading() -> Loading:
    """Build the part that is there from the start."""
    file = gr.File(label="CSV, Excel or Parquet file", file_types=list(tables.ENDINGS), height=170)
    # A program names a sheet before the page knows any, or leaves it out.
    sheet = gr.Dropdown([], value="", label="Sheet", allow_custom_value=True, visible=False)
    sample = gr.Button("Use the sample table", variant="primary")
    with gr.Accordion("Reading options", open=False):
        options = [
            gr.Dropdown([DETECT, *ENCODINGS], label="Encoding"),
            gr.Number(1, label="Header in line", minimum=1, precision=0),
            gr.Dropdown([DETECT, *tables.DECIMALS], label="Decimal sign"),
        ]
        again = gr.Button("Read again", size="sm")
    return Loading(file, sheet, sample, options, again)


@dataclass(frozen=True)
class Steps:
    """What can be done to a table."""

    area: gr.Column
    columns: gr.Dropdown
    choose: gr.Button
    column: gr.Dropdown
    comparison: gr.Dropdown
    value: gr.Textbox
    filter: gr.Button
    text: gr.Dropdown
    kind: gr.Dropdown
    read: gr.Button
    undo: gr.Button
    download: gr.Button
    file: gr.DownloadButton


def build_steps() -> Steps:
    """Build the part that appears when a table was loaded."""
    with gr.Column(visible=False) as area:
        with gr.Accordion("Columns", open=False):
            columns = gr.Dropdown([], multiselect=True, label="Columns to keep")
            choose = gr.Button("Keep these", size="sm")
        with gr.Accordion("Filter"):
            with gr.Row():
                column = gr.Dropdown([], value=None, label="Column", min_width=110)
                comparison = gr.Dropdown(list(model.COMPARISONS), label="Comparison", min_width=110)
            value = gr.Textbox(label="Value", max_lines=1, max_length=200)
            add = gr.Button("Add filter", size="sm")
        with gr.Accordion("Read a column differently", open=False):
            with gr.Row():
                text = gr.Dropdown([], value=None, label="Column to read", min_width=110)
                kind = gr.Dropdown(list(READINGS), label="As", min_width=110)
            read = gr.Button("Read so", size="sm")
        with gr.Row():
            undo = gr.Button("Undo", min_width=100)
            download = gr.Button("Download", variant="primary", min_width=100)
        gr.Markdown(FORMULAS, elem_classes="hint")
    # Outside the column: when that is shown again, Gradio shows what is hidden in it as well.
    file = gr.DownloadButton(visible="hidden")
    return Steps(area, columns, choose, column, comparison, value, add, text, kind, read, undo, download, file)


@dataclass(frozen=True)
class Results:
    """What there is to see."""

    empty: gr.Column
    area: gr.Column
    rows: gr.Radio
    table: gr.Dataframe
    chart: gr.Radio
    axes: list[gr.Dropdown]
    """Horizontal, vertical, colour."""
    plots: list[gr.LinePlot | gr.BarPlot | gr.ScatterPlot]
    hint: gr.Markdown
    tab: gr.Tab
    statistics: gr.Dataframe
    history: gr.Dataframe


def build_results() -> Results:
    """Build the tabs that appear when a table was loaded, and what tells of them before."""
    with gr.Column(elem_classes="empty") as empty:
        gr.Markdown(EMPTY)
    with gr.Column(visible=False, elem_classes="results") as area, gr.Tabs():
        with gr.Tab("Plot"):
            with gr.Row():
                chart = gr.Radio(list(model.CHARTS), value="line", label="Chart", scale=2, min_width=300)
                labels = ("Horizontal axis", "Vertical axis", "Colour")
                axes = [gr.Dropdown([], value=None, label=label, min_width=130) for label in labels]
            hint = gr.Markdown(visible=False)
            plots = [
                plot(x="x", y="y", height=440, visible=True if kind == "line" else handlers.HIDDEN)
                for kind, plot in handlers.PLOTS.items()
            ]
        with gr.Tab("Table"):
            table = gr.Dataframe(label="First rows", interactive=False)
            rows = gr.Radio(list(handlers.ROWS), value=handlers.ROWS[0], label="Rows to show")
        with gr.Tab("Statistics") as tab:
            statistics = gr.Dataframe(label="One row for each column", interactive=False)
        with gr.Tab("History"):
            history = gr.Dataframe(headers=["step"], label="Steps so far", interactive=False)
    return Results(empty, area, rows, table, chart, axes, plots, hint, tab, statistics, history)


class Page:
    """Everything that events read and write."""

    def __init__(self, settings: Settings) -> None:
        """Lay the page out: loading and steps on the left, results on the right."""
        self.state = gr.State(model.Exploration(), time_to_live=settings.session_ttl)
        # The key and the secret are fixed, so that preferences outlive a restart of the server. The secret protects
        # nothing: every browser gets it. Keep nothing confidential here.
        self.preferences = gr.BrowserState(handlers.PREFERENCES, storage_key="explorer", secret="explorer")  # noqa: S106
        gr.Markdown(f"<h1>{html.escape(settings.title)}</h1>")
        # On a phone, assets/style.css puts the results before the controls as soon as there are some.
        with gr.Row(elem_classes="explorer"):
            with gr.Column(scale=1, min_width=300, elem_classes="controls"):
                self.loading = build_loading()
                self.steps = build_steps()
            with gr.Column(scale=3, min_width=300):
                self.note = gr.Markdown(WELCOME)
                self.results = build_results()
        results = self.results
        self.areas = [self.steps.area, results.area, results.empty, self.loading.sample]
        self.shown = [self.note, results.table, results.history]
        self.plot_inputs = [self.state, results.chart, *results.axes]
        self.plot_outputs = [*results.plots, results.hint]
        self.remembered = [results.chart, results.rows]


# EVENTS


Wired = tuple[list[Dependency], list[Dependency]]
"""Events that load a table, events that work on it."""


def wire(demo: gr.Blocks, settings: Settings, page: Page) -> None:
    """Connect the parts."""
    explorer = handlers.Explorer(settings)
    loads, steps = wire_steps(explorer, settings, page)
    wire_results(explorer, settings, page)
    for load in loads:
        load.success(handlers.reveal, None, page.areas, **link(settings))
    for step in [*loads, *steps]:
        follow(step, explorer, settings, page)
    demo.load(handlers.recall, page.preferences, page.remembered, **link(settings))
    demo.unload(explorer.leave)


def wire_steps(explorer: handlers.Explorer, settings: Settings, page: Page) -> Wired:
    """Name the steps. Each is a public event, so that a program can take it as well."""
    state, loading, steps, axes = page.state, page.loading, page.steps, page.results.axes
    heavy, light = model_slots(settings), light_slots(settings)
    opened = [state, page.note, loading.sheet, steps.columns, steps.column, steps.text, *axes]
    given = loading.file.upload(handlers.first_sheet, None, loading.sheet, **link(settings))
    reading: dict[str, Any] = {
        "fn": explorer.load_csv,
        "inputs": [loading.file, *loading.options, loading.sheet],
        "outputs": opened,
        "validator": handlers.check_upload,
        "show_progress_on": page.note,
        **heavy,
    }
    again = gr.on([loading.again.click, loading.sheet.input], **reading, api_name="load_csv")
    load = given.success(**reading, api_visibility="private")
    load.failure(handlers.forget_upload, None, loading.file, **link(settings))
    sample = loading.sample.click(explorer.load_sample, None, opened, api_name="load_sample", **light)
    choose = steps.choose.click(
        explorer.choose_columns,
        [state, steps.columns],
        [state, *axes],
        validator=handlers.check_columns,
        api_name="choose_columns",
        **light,
    )
    narrow = gr.on(
        [steps.filter.click, steps.value.submit],
        explorer.filter_rows,
        [state, steps.column, steps.comparison, steps.value],
        state,
        validator=handlers.check_filter,
        api_name="filter_rows",
        **heavy,
    )
    read = steps.read.click(
        explorer.read_column,
        [state, steps.text, steps.kind],
        [state, *axes],
        validator=handlers.check_reading,
        api_name="read_column",
        **heavy,
    )
    undo = steps.undo.click(explorer.undo_step, state, [state, *axes], api_name="undo_step", **light)
    steps.download.click(explorer.download, state, steps.file, api_name="download", **heavy).success(
        None, steps.file, js=SAVE, api_visibility="private"
    )
    return [load, again, sample], [choose, narrow, read, undo]


def wire_results(explorer: handlers.Explorer, settings: Settings, page: Page) -> None:
    """Compute what is looked at, and remember how."""
    results, heavy = page.results, model_slots(settings)
    controls = [results.chart.input, *(axis.input for axis in results.axes)]
    gr.on(controls, explorer.plot, page.plot_inputs, page.plot_outputs, api_name="plot", **heavy)
    # Mostly there already, as a link of the last step: the cache gives it at once.
    results.tab.select(
        explorer.summarise, page.state, results.statistics, show_progress="hidden", api_name="summarise", **heavy
    )
    for control in page.remembered:
        control.input(handlers.remember, page.remembered, page.preferences, **link(settings))
    results.rows.input(explorer.show, [page.state, results.rows], page.shown, **link(settings))


def follow(step: Dependency, explorer: handlers.Explorer, settings: Settings, page: Page) -> None:
    """Let the page follow a step that succeeded."""
    heavy = link(settings) | model_slots(settings)
    show = step.success(explorer.show, [page.state, page.results.rows], page.shown, **link(settings))
    show.success(explorer.plot, page.plot_inputs, page.plot_outputs, **heavy)
    show.success(explorer.summarise, page.state, page.results.statistics, **heavy)


def link(settings: Settings) -> dict[str, Any]:
    """Give the options of an event that only follows another one, or only serves the page."""
    return {**light_slots(settings), "api_visibility": "private", "show_progress": "hidden"}


def model_slots(settings: Settings) -> Slots:
    """Limit what takes a while where a table is large, over all events that do it."""
    return slots("model", settings.model_concurrency)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application that any ASGI server can run: `uvicorn app:create_app --factory`.

    Tests bring settings of their own. Hooks for styles, routes and start-up are arguments of `application.create_app`.
    """
    page = build_demo(settings) if settings else demo
    settings = settings or get_settings()
    return application.create_app(page, settings, theme=build_theme(settings))


demo = build_demo(get_settings())

if __name__ == "__main__":
    running.serve(create_app(), get_settings())
