"""The user interface: explore a CSV file step by step. Read from the top: the page, its parts, its events."""

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
from utils.settings import Settings, get_settings

WELCOME = "Upload a table, or look around with the sample. Nothing leaves this server."
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
    encoding: gr.Dropdown
    sample: gr.Button


def build_loading() -> Loading:
    """Build the part that is there from the start."""
    file = gr.File(label="CSV file", file_types=[".csv", ".tsv", ".txt"], height=140)
    sample = gr.Button("Use the sample table", variant="primary")
    with gr.Accordion("Reading options", open=False):
        encoding = gr.Dropdown([tables.DETECT, *tables.ENCODINGS], label="Encoding")
    return Loading(file, encoding, sample)


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
    undo: gr.Button
    download: gr.Button
    file: gr.DownloadButton


def build_steps() -> Steps:
    """Build the part that appears when a table was loaded."""
    with gr.Column(visible=False) as area:
        with gr.Accordion("Columns"):
            columns = gr.Dropdown([], multiselect=True, label="Columns to keep")
            choose = gr.Button("Keep these", size="sm")
        with gr.Accordion("Filter"):
            with gr.Row():
                column = gr.Dropdown([], value=None, label="Column", min_width=110)
                comparison = gr.Dropdown(list(model.COMPARISONS), label="Comparison", min_width=110)
            value = gr.Textbox(label="Value", max_lines=1, max_length=200)
            add = gr.Button("Add filter", size="sm")
        with gr.Row():
            undo = gr.Button("Undo", min_width=100)
            download = gr.Button("Download", variant="primary", min_width=100)
    # Outside the column: when that is shown again, Gradio shows what is hidden in it as well.
    file = gr.DownloadButton(visible="hidden")
    return Steps(area, columns, choose, column, comparison, value, add, undo, download, file)


@dataclass(frozen=True)
class Results:
    """What there is to see."""

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
    """Build the tabs that appear when a table was loaded."""
    with gr.Column(visible=False) as area, gr.Tabs():
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
    return Results(area, rows, table, chart, axes, plots, hint, tab, statistics, history)


class Page:
    """Everything that events read and write."""

    def __init__(self, settings: Settings) -> None:
        """Lay the page out: loading and steps on the left, results on the right."""
        self.state = gr.State(model.Exploration(), time_to_live=settings.session_ttl)
        # The key and the secret are fixed, so that preferences outlive a restart of the server. The secret protects
        # nothing: every browser gets it. Keep nothing confidential here.
        self.preferences = gr.BrowserState(handlers.PREFERENCES, storage_key="explorer", secret="explorer")  # noqa: S106
        gr.Markdown(f"<h1>{html.escape(settings.title)}</h1>")
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                self.loading = build_loading()
                self.steps = build_steps()
            with gr.Column(scale=3, min_width=300):
                self.note = gr.Markdown(WELCOME)
                self.results = build_results()
        results = self.results
        self.areas = [self.steps.area, results.area]
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
    opened = [state, page.note, steps.columns, steps.column, *axes]
    load = loading.file.upload(
        explorer.load_csv,
        [loading.file, loading.encoding],
        opened,
        validator=handlers.check_upload,
        show_progress_on=page.note,
        api_name="load_csv",
        **heavy,
    )
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
    undo = steps.undo.click(explorer.undo_step, state, [state, *axes], api_name="undo_step", **light)
    steps.download.click(explorer.download, state, steps.file, api_name="download", **heavy).success(
        None, steps.file, js=SAVE, api_visibility="private"
    )
    return [load, sample], [choose, narrow, undo]


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
    return application.create_app(page, settings)


demo = build_demo(get_settings())

if __name__ == "__main__":
    running.serve(create_app(), get_settings())
