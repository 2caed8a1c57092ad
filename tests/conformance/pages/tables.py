"""Tables and plots."""

import json

import gradio as gr
import pandas as pd
from gradio.components.plot import PlotData

from ..kit import listen, page

FRAME = pd.DataFrame({"day": [1, 2, 3, 4], "sold": [3, 1, 4, 2], "who": ["a", "b", "a", "b"]})


@page(ask={"/total": {}})
def dataframe():
    with gr.Blocks() as demo:
        table, total = gr.Dataframe(FRAME, label="Table", interactive=True), gr.Number(label="Total")
        gr.Button("Total").click(lambda frame: frame["sold"].astype(int).sum(), table, total, api_name="total")
        listen(table)
    return demo


@dataframe.act
def _(visitor):
    visitor.click("Total")
    visitor.sees("Total=10")


@page()
def styled_dataframe():
    with gr.Blocks() as demo:
        gr.Dataframe(FRAME.style.highlight_max(subset=["sold"], color="lightgreen"), label="Styled", pinned_columns=1)
        gr.Dataframe([["**bold**", "<b>tag</b>", True]], headers=["m", "h", "b"], datatype=["markdown", "html", "bool"],
                     label="Kinds", show_row_numbers=True, wrap=True, static_columns=[1])
    return demo


@page(ask={"/sum": {}})
def numpy():
    with gr.Blocks() as demo:
        table, total = gr.Numpy([[1, 2], [3, 4]], label="Table"), gr.Number(label="Sum")
        gr.Button("Add").click(lambda values: float(values.astype(float).sum()), table, total, api_name="sum")
        listen(table)
    return demo


@numpy.act
def _(visitor):
    visitor.click("Add")
    visitor.sees("Sum=10")


@page()
def matrix_and_list():
    with gr.Blocks() as demo:
        matrix, values = gr.Matrix([[1, 2], [3, 4]], label="Matrix"), gr.List(["a", "b"], label="List")
        shown = gr.JSON(label="Shown")
        gr.Button("Read").click(lambda *both: both, [matrix, values], shown, api_visibility="undocumented")
        listen(matrix, values)
    return demo


@matrix_and_list.act
def _(visitor):
    visitor.click("Read")
    visitor.hears()


@page()
def bar_plot():
    with gr.Blocks() as demo:
        plot = gr.BarPlot(FRAME, x="who", y="sold", y_aggregate="sum", title="Sold", label="Bars")
        gr.Button("More").click(lambda: pd.concat([FRAME, FRAME]), None, plot, api_visibility="undocumented")
        listen(plot)
    return demo


@bar_plot.act
def _(visitor):
    visitor.draws(1)
    visitor.click("More")
    visitor.hears("BarPlot.change")


@page()
def line_plot():
    with gr.Blocks() as demo:
        plot = gr.LinePlot(FRAME, x="day", y="sold", color="who", title="By day", tooltip="all")
        listen(plot)
    return demo


@line_plot.act
def _(visitor):
    visitor.draws(1)
    visitor.page.locator("canvas, svg.marks").first.dblclick()
    visitor.hears("LinePlot.double_click")


@page()
def scatter_plot():
    with gr.Blocks() as demo:
        plot = gr.ScatterPlot(FRAME, x="day", y="sold", x_lim=[0, 5], caption="Points", buttons=["fullscreen", "export"])
        listen(plot)
    return demo


@scatter_plot.act
def _(visitor):
    visitor.draws(1)


VEGA = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"values": [{"a": "A", "b": 28}, {"a": "B", "b": 55}]},
    "mark": "bar",
    "encoding": {"x": {"field": "a", "type": "nominal"}, "y": {"field": "b", "type": "quantitative"}},
}
PLOTLY = {"data": [{"type": "bar", "x": ["A", "B"], "y": [1, 2]}], "layout": {"title": {"text": "Two bars"}}}


@page()
def plot_of_altair():
    with gr.Blocks() as demo:
        plot = gr.Plot(PlotData(type="altair", plot=json.dumps(VEGA)), label="Bars")
        listen(plot)
    return demo


@plot_of_altair.act
def _(visitor):
    visitor.draws(1)


@page()
def plot_of_plotly():
    with gr.Blocks() as demo:
        plot = gr.Plot(label="Bars")
        made = PlotData(type="plotly", plot=json.dumps(PLOTLY))
        gr.Button("Draw").click(lambda: made, None, plot, api_visibility="undocumented")
        listen(plot)
    return demo


@plot_of_plotly.act
def _(visitor):
    visitor.click("Draw")
    visitor.sees("Two bars")
    visitor.hears("Plot.change")
