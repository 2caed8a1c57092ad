"""Where components stand."""

import gradio as gr

from ..kit import listen, media, page


@page()
def rows_and_columns():
    with gr.Blocks(fill_height=True, fill_width=True) as demo:
        with gr.Row(equal_height=True):
            with gr.Column(scale=2, variant="panel"), gr.Group():
                gr.Textbox("left", label="Left")
                gr.Number(1, label="Under it")
            with gr.Column(visible=False) as hidden:
                gr.Markdown("Now you see me")
        gr.Button("Show").click(lambda: gr.Column(visible=True), None, hidden, api_visibility="undocumented")
    return demo


@rows_and_columns.act
def _(visitor):
    visitor.click("Show")
    visitor.sees("Now you see me")


@page()
def accordion():
    with gr.Blocks() as demo:
        with gr.Accordion("More", open=False) as more:
            gr.Markdown("Inside")
        listen(more)
    return demo


@accordion.act
def _(visitor):
    visitor.page.get_by_text("More", exact=True).first.click()
    visitor.sees("Inside")
    visitor.hears("Accordion.expand")
    visitor.page.get_by_text("More", exact=True).first.click()
    visitor.hears("Accordion.collapse")


@page()
def sidebar():
    with gr.Blocks() as demo:
        with gr.Sidebar(label="Side", open=True, position="right", width=200) as side:
            gr.Markdown("On the side")
        listen(side)
    return demo


@sidebar.act
def _(visitor):
    visitor.page.locator(".toggle-button").first.click()
    visitor.hears("Sidebar.collapse")
    visitor.page.locator(".toggle-button").first.click()
    visitor.hears("Sidebar.expand")


@page()
def tabs():
    with gr.Blocks() as demo:
        with gr.Tabs(selected="one") as both:
            with gr.Tab("One", id="one"):
                gr.Markdown("First tab")
            with gr.TabItem("Two", id="two") as second:
                gr.Markdown("Second tab")
                gr.LinePlot()
        back = gr.Button("Back")
        back.click(lambda: gr.Tabs(selected="one"), None, both, api_visibility="undocumented")
        listen(both, second)
    return demo


@tabs.act
def _(visitor):
    visitor.page.get_by_role("tab", name="Two").click()
    visitor.sees("Second tab")
    visitor.hears("Tabs.change", "Tabs.select", "Tab.select")
    visitor.click("Back")
    visitor.sees("First tab")


@page()
def walkthrough():
    with gr.Blocks() as demo:
        with gr.Walkthrough(selected=1) as way:
            with gr.Step("One", id=1):
                on = gr.Button("On")
            with gr.Step("Two", id=2) as second:
                gr.Markdown("The second step")
        on.click(lambda: gr.Walkthrough(selected=2), None, way, api_visibility="undocumented")
        listen(way, second)
    return demo


@walkthrough.act
def _(visitor):
    visitor.click("On")
    visitor.sees("The second step")
    visitor.hears("Walkthrough.change", "Step.select")


@page()
def draggable():
    with gr.Blocks() as demo, gr.Draggable(orientation="row"):
        gr.Textbox("first", label="A")
        gr.Textbox("second", label="B")
    return demo


@page()
def tabbed_interface():
    upper = gr.Interface(str.upper, "text", "text", api_name="upper", flagging_mode="never")
    lower = gr.Interface(str.lower, "text", "text", api_name="lower", flagging_mode="never")
    return gr.TabbedInterface([upper, lower], ["Up", "Down"], title="Both ways")


@tabbed_interface.act
def _(visitor):
    visitor.page.get_by_role("tab", name="Down").click()
    visitor.page.locator("textarea:visible").first.fill("LOUD")
    visitor.page.locator("button:visible", has_text="Submit").click()
    visitor.sees("loud")


@page()
def interface_with_everything():
    return gr.Interface(
        lambda name, many: (f"Hello {name}" * int(many), many + 1),
        [gr.Textbox(label="Name"), gr.Slider(1, 3, 1, step=1, label="Many")],
        [gr.Textbox(label="Hello"), gr.Number(label="Next")],
        title="Greet",
        description="It *greets*",
        article="The end",
        examples=[["Ada", 1], ["Bo", 2]],
        example_labels=["once", "twice"],
        flagging_mode="manual",
        flagging_options=["wrong", "rude"],
        flagging_dir=media("flagged"),
        additional_inputs=None,
    )


@interface_with_everything.act
def _(visitor):
    visitor.page.get_by_text("twice", exact=True).click()
    visitor.sees("Name=Bo")
    visitor.click("Submit")
    visitor.sees("Hello=Hello BoHello Bo")
    visitor.click("Flag as wrong") if visitor.has("Flag as wrong") else visitor.click("wrong")


@page()
def live_interface():
    return gr.Interface(lambda x, y: x + y, [gr.Number(1, label="x"), gr.Number(2, label="y")], gr.Number(label="Sum"),
                        live=True, clear_btn="Empty", api_name="add", flagging_mode="never")


@live_interface.act
def _(visitor):
    visitor.fill("x", "40")
    visitor.sees("Sum=42")


@page()
def interface_that_streams():
    def count(to):
        for number in range(int(to)):
            yield f"up to {number}"

    return gr.Interface(count, gr.Number(4, label="To"), gr.Textbox(label="Count"), api_name="count",
                        flagging_mode="auto", flagging_dir=media("flagged-too"))


@interface_that_streams.act
def _(visitor):
    visitor.click("Submit")
    visitor.sees("Count=up to 3")


@page()
def workflow_canvas():
    with gr.Blocks() as demo:
        canvas = gr.WorkflowCanvas(value='{"nodes": [], "edges": []}', server_functions=[])
        listen(canvas)
    return demo
