"""What a visitor chooses from, buttons, and parts that nobody sees."""

import gradio as gr

from ..kit import asset, listen, media, page


@page()
def checkbox():
    with gr.Blocks() as demo:
        given, shown = gr.Checkbox(label="Given", info="Yes or no"), gr.Textbox(label="Shown")
        given.input(lambda value: str(value), given, shown, api_name="read")
        listen(given)
    return demo


@checkbox.act
def _(visitor):
    visitor.page.get_by_label("Given").check()
    visitor.sees("Shown=True")
    visitor.hears("Checkbox.change", "Checkbox.input", "Checkbox.select")


@page()
def checkbox_group():
    with gr.Blocks() as demo:
        given = gr.CheckboxGroup([("One", 1), ("Two", 2)], value=[2], label="Given", show_select_all=True)
        shown = gr.JSON(label="Shown")
        given.input(lambda value: sorted(value), given, shown, api_name="read")
        listen(given)
    return demo


@checkbox_group.act
def _(visitor):
    visitor.page.get_by_label("One").check()
    visitor.hears("CheckboxGroup.change", "CheckboxGroup.input", "CheckboxGroup.select")


@page()
def radio():
    with gr.Blocks() as demo:
        given, shown = gr.Radio(["red", "green"], label="Given"), gr.Textbox(label="Shown")

        def told(event: gr.SelectData):
            return f"{event.index} {event.value}"

        given.select(told, None, shown, api_visibility="undocumented")
        given.change(lambda value: value, given, gr.Textbox(label="Again"), api_name="again")
        listen(given)
    return demo


@radio.act
def _(visitor):
    visitor.page.get_by_label("green").check()
    visitor.sees("Again=green", "Shown=1 green")
    visitor.hears("Radio.change", "Radio.input", "Radio.select")


@page()
def dropdown():
    with gr.Blocks() as demo:
        given = gr.Dropdown(["red", "green", "blue"], label="Given", value=None, filterable=True)
        shown = gr.Textbox(label="Shown")
        given.input(lambda value: f"chose {value}", given, shown, api_name="chose")
        listen(given)
    return demo


@dropdown.act
def _(visitor):
    visitor.page.get_by_label("Given").click()
    visitor.page.get_by_label("Given").press_sequentially("gr")
    visitor.page.get_by_role("option", name="green").click()
    visitor.sees("Shown=chose green")
    visitor.hears("Dropdown.focus", "Dropdown.key_up", "Dropdown.input", "Dropdown.select", "Dropdown.change")


@page()
def dropdown_of_many():
    with gr.Blocks() as demo:
        given = gr.Dropdown([("Red", 1), ("Green", 2)], value=[1], multiselect=True, max_choices=2, label="Given",
                            allow_custom_value=True)
        shown = gr.JSON(label="Shown")
        gr.Button("Read").click(lambda value: value, given, shown, api_name="read")
        gr.Button("Other choices").click(lambda: gr.Dropdown(["x", "y"], value=["y"]), None, given, api_name="others")
    return demo


@dropdown_of_many.act
def _(visitor):
    visitor.click("Read")
    visitor.click("Other choices")
    visitor.sees("y")
    visitor.click("Read")
    visitor.sees('"y"')


@page()
def button():
    with gr.Blocks() as demo:
        go = gr.Button("Go", variant="primary", icon=asset("picture.png"))
        gr.Button("Link", link="https://www.example.com", link_target="_blank")
        gr.Button("Hidden", visible=False)
        go.click(lambda: gr.Button("Gone", interactive=False), None, go, api_visibility="undocumented")
        listen(go)
    return demo


@button.act
def _(visitor):
    visitor.click("Go")
    visitor.sees("Gone")
    visitor.hears("Button.click", "Button.change")


@page()
def clear_button():
    with gr.Blocks() as demo:
        name, size = gr.Textbox("Ada", label="Name"), gr.Slider(0, 9, 4, label="Size")
        picture = gr.Image(media("picture.png"), label="Picture")
        clear = gr.ClearButton([name, size], value="Clear all")
        clear.add(picture)
        listen(clear)
    return demo


@clear_button.act
def _(visitor):
    visitor.click("Clear all")
    visitor.hears("ClearButton.click")
    visitor.sees("Name=\n")


@page()
def duplicate_button():
    with gr.Blocks() as demo:
        listen(gr.DuplicateButton("Copy this Space"))
    return demo


@page()
def login_button():
    from gradio import oauth

    # Stands in for the Hub, which plain Gradio asks at start who the developer is.
    oauth.get_token = lambda: "hf_token"
    oauth.whoami = lambda **_: {"type": "user", "name": "dev", "fullname": "Dev", "avatarUrl": "", "isPro": False,
                                "auth": {"accessToken": {"role": "read"}}}
    with gr.Blocks() as demo:
        listen(gr.LoginButton())
    return demo


@login_button.act
def _(visitor):
    visitor.page.goto(f"{visitor.url}/login/huggingface")  # where the button leads


@page()
def deep_link_button():
    with gr.Blocks() as demo:
        gr.Textbox("Ada", label="Name")
        link = gr.DeepLinkButton()
        listen(link)
    return demo


@deep_link_button.act
def _(visitor):
    visitor.click("Share via Link")
    visitor.hears("DeepLinkButton.click")


@page()
def timer():
    with gr.Blocks() as demo:
        clock, ticks = gr.Timer(0.2), gr.Number(0, label="Ticks")
        clock.tick(lambda ticks: min(ticks + 1, 3), ticks, ticks, api_visibility="undocumented")
        ticks.change(lambda ticks: gr.Timer(active=ticks < 3), ticks, clock, api_visibility="undocumented")
        listen(clock)
    return demo


@timer.act
def _(visitor):
    visitor.sees("Ticks=3")
    visitor.hears("Timer.tick")


@page()
def state():
    with gr.Blocks() as demo:
        kept = gr.State([], time_to_live=60, delete_callback=print)
        name, count = gr.Textbox(label="Name"), gr.Number(label="Count")
        name.submit(lambda kept, name: [*kept, name], [kept, name], kept, api_name="keep")
        kept.change(len, kept, count, api_visibility="undocumented")
        listen(kept)
    return demo


@state.act
def _(visitor):
    for name in ("Ada", "Bo"):
        visitor.fill("Name", name)
        visitor.press("Name", "Enter")
        visitor.sees("Count=" + str(("Ada", "Bo").index(name) + 1))
    visitor.hears("State.change")


@page()
def browser_state():
    with gr.Blocks() as demo:
        kept = gr.BrowserState("nobody", storage_key="conformance", secret="of-the-page")
        name, shown = gr.Textbox(label="Name"), gr.Textbox(label="Kept")
        name.submit(lambda name: name, name, kept, api_visibility="undocumented")
        gr.on([demo.load, kept.change], lambda kept: kept, kept, shown, api_visibility="undocumented")
        listen(kept)
    return demo


@browser_state.act
def _(visitor):
    visitor.sees("Kept=nobody")
    visitor.fill("Name", "Ada")
    visitor.press("Name", "Enter")
    visitor.sees("Kept=Ada")
    visitor.page.reload()
    visitor.arrives()
    visitor.seen.console.clear()  # a page that goes away in the middle of a stream may say so, or not
    visitor.sees("Kept=Ada")


@page()
def dataset():
    with gr.Blocks() as demo:
        picture, name = gr.Image(render=False, label="Picture"), gr.Textbox(render=False, label="Name")
        rows = gr.Dataset(components=[picture, name], samples=[[asset("picture.png"), "Ada"], [asset("other.png"), "Bo"]],
                          label="Rows", headers=["P", "N"], samples_per_page=1)
        picture.render(), name.render()
        rows.click(lambda row: row, rows, [picture, name], api_visibility="undocumented")
        listen(rows)
    return demo


@dataset.act
def _(visitor):
    visitor.page.get_by_text("Ada", exact=True).click()
    visitor.sees("Name=Ada")
    visitor.hears("Dataset.click", "Dataset.select")


@page()
def navbar():
    with gr.Blocks() as demo:
        bar = gr.Navbar([("Elsewhere", "https://www.example.com")], main_page_name="First")
        gr.Markdown("This is the first page")
        listen(bar)
    with demo.route("Second", "/second"):
        shout, shown = gr.Textbox(label="Word"), gr.Textbox(label="Shown")
        shout.submit(str.upper, shout, shown, api_name="shout")
    return demo


@navbar.act
def _(visitor):
    visitor.page.get_by_role("link", name="Second").click()
    visitor.arrives()
    visitor.fill("Word", "loud")
    visitor.press("Word", "Enter")
    visitor.sees("Shown=LOUD")


@page()
def custom_buttons():
    with gr.Blocks() as demo:
        more = gr.Button("More", size="sm")
        text = gr.Textbox("a", label="Text", buttons=["copy", more])
        more.click(lambda text: text + "a", text, text, api_name="more")
    return demo


@custom_buttons.act
def _(visitor):
    visitor.click("More")
    visitor.sees("Text=aa")
