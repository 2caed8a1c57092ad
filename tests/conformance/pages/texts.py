"""Texts, numbers and what is shown as text."""

import gradio as gr

from ..kit import listen, media, page


@page()
def textbox():
    with gr.Blocks(title="Names") as demo:
        name, hello = gr.Textbox(label="Name", stop_btn="Halt"), gr.Textbox(label="Hello")
        name.submit(lambda name: f"Hello {name}", name, hello, api_name="greet")
        listen(name)
    return demo


@textbox.act
def _(visitor):
    visitor.fill("Name", "Ada")
    visitor.press("Name", "Enter")
    visitor.sees("Hello Ada")
    visitor.hears("Textbox.focus", "Textbox.input", "Textbox.submit")
    visitor.click("Halt")
    visitor.hears("Textbox.blur", "Textbox.stop", "Textbox.change")


@page()
def text_area():
    with gr.Blocks() as demo:
        text = gr.TextArea("one two", label="Text", max_length=40, buttons=["copy"])
        count = gr.Number(label="Words", interactive=False)
        text.change(lambda text: len(text.split()), text, count, api_name="count")
        listen(text)
    return demo


@text_area.act
def _(visitor):
    visitor.fill("Text", "one two three")
    visitor.sees("Words=3")


@page()
def secret_text():
    return gr.Interface(
        lambda word, mail: f"{len(word)} {mail}",
        [gr.Textbox(label="Word", type="password"), gr.Textbox(label="Mail", type="email")],
        gr.Textbox(label="Length"),
        flagging_mode="never",
    )


@secret_text.act
def _(visitor):
    visitor.fill("Word", "abc")
    visitor.fill("Mail", "ada@example.com")
    visitor.click("Submit")
    visitor.sees("Length=3 ada@example.com")


@page()
def number():
    with gr.Blocks() as demo:
        given, double = gr.Number(1, label="Given", minimum=0, maximum=9), gr.Number(label="Double")
        given.submit(lambda value: 2 * value, given, double, api_name="double")
        listen(given)
    return demo


@number.act
def _(visitor):
    visitor.fill("Given", "4")
    visitor.press("Given", "Enter")
    visitor.sees("Double=8")
    visitor.hears("Number.focus", "Number.input", "Number.submit", "Number.change")


@page()
def slider():
    with gr.Blocks() as demo:
        given = gr.Slider(0, 10, 3, step=1, label="Given")
        half = gr.Number(label="Half")
        given.release(lambda value: value / 2, given, half, api_name="half")
        listen(given)
    return demo


@slider.act
def _(visitor):
    visitor.page.locator("input[type=range]").focus()
    visitor.page.keyboard.press("ArrowRight")
    visitor.hears("Slider.change", "Slider.input")
    visitor.page.locator("input[type=range]").click()
    visitor.hears("Slider.release")


@page()
def markdown():
    text = "# Head\n\n* $a^2$\n* `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint(1)\n```\n<b>bold</b>"
    with gr.Blocks() as demo:
        shown = gr.Markdown(text, label="Text", show_label=True, buttons=["copy"], latex_delimiters=[
            {"left": "$", "right": "$", "display": False}])
        gr.Button("Change").click(lambda: "## Changed\n\n![](data:image/gif;base64,R0lGODlhAQABAAAAACw=)", None, shown)
        listen(shown)
    return demo


@markdown.act
def _(visitor):
    visitor.click("Change")
    visitor.sees("Changed")
    visitor.hears("Markdown.change")


@page()
def code():
    with gr.Blocks() as demo:
        given = gr.Code("x = 1", language="python", label="Given", interactive=True)
        shown = gr.Code(language="json", label="Shown")
        gr.Button("Run").click(lambda text: f'{{"length": {len(text)}}}', given, shown, api_name="run")
        listen(given)
    return demo


@code.act
def _(visitor):
    visitor.page.locator(".cm-content").first.click()
    visitor.page.keyboard.type("0")
    visitor.click("Run")
    visitor.sees('"length"')
    visitor.hears("Code.focus", "Code.input", "Code.change", "Code.blur")


@page()
def json():
    with gr.Blocks() as demo:
        shown = gr.JSON({"a": [1, None, "x"]}, label="Shown")
        gr.Button("More").click(lambda: {"b": {"c": 2.5}}, None, shown, api_name="more")
        listen(shown)
    return demo


@json.act
def _(visitor):
    visitor.click("More")
    visitor.sees("2.5")
    visitor.hears("JSON.change")


@page()
def highlighted_text():
    with gr.Blocks() as demo:
        shown = gr.HighlightedText([("Ada", "name"), (" wrote", None)], show_legend=True, label="Shown")
        scores = gr.HighlightedText([("good", 0.9), (" bad", -0.8)], label="Scores")
        gr.Button("More").click(lambda: [("Bo", "name"), (" read", "verb")], None, shown, api_name="more")
        listen(shown, scores)
    return demo


@highlighted_text.act
def _(visitor):
    visitor.click("More")
    visitor.sees("Bo")
    visitor.hears("HighlightedText.change")
    visitor.page.get_by_text("Bo", exact=True).first.click()
    visitor.hears("HighlightedText.select")


@page()
def dialogue():
    with gr.Blocks() as demo:
        said = gr.Dialogue([{"speaker": "A", "text": "Hi"}], speakers=["A", "B"], label="Said", submit_btn=True)
        shown = gr.Textbox(label="Shown")
        gr.Button("Read").click(lambda text: str(text), said, shown, api_visibility="undocumented")
        listen(said)
    return demo


@dialogue.act
def _(visitor):
    visitor.click("Read")
    visitor.sees("Hi")


@page()
def label():
    with gr.Blocks() as demo:
        shown = gr.Label({"cat": 0.7, "dog": 0.3}, num_top_classes=2, label="Shown")
        gr.Button("Other").click(lambda: {"dog": 0.9, "cat": 0.1}, None, shown, api_name="other")
        listen(shown)
    return demo


@label.act
def _(visitor):
    visitor.click("Other")
    visitor.sees("90%")
    visitor.hears("Label.change")
    visitor.page.locator("button.confidence-set").first.click()
    visitor.hears("Label.select")


@page()
def color_picker():
    with gr.Blocks() as demo:
        given, shown = gr.ColorPicker("#ff0000", label="Given"), gr.Textbox(label="Shown")
        gr.Button("Read").click(lambda color: color, given, shown, api_name="read")
        listen(given)
    return demo


@color_picker.act
def _(visitor):
    visitor.click("Read")
    visitor.sees("#ff0000")


@page()
def date_time():
    with gr.Blocks() as demo:
        day = gr.DateTime("2026-01-02 03:04:05", label="Day", type="string", timezone="UTC")
        shown = gr.Textbox(label="Shown")
        gr.Button("Read").click(lambda day: str(day), day, shown, api_name="read")
        listen(day)
    return demo


@date_time.act
def _(visitor):
    visitor.click("Read")
    visitor.sees("Shown=2026-01-02 03:04:05")


@page()
def param_viewer():
    told = {"size": {"type": "int", "description": "in *pixels*", "default": "3"}}
    with gr.Blocks() as demo:
        shown = gr.ParamViewer(told, header="Arguments", linkify=["int"])
        gr.Button("More").click(lambda: told | {"name": {"type": "str", "description": "of it", "default": None}},
                                None, shown, api_visibility="undocumented")
        listen(shown)
    return demo


@param_viewer.act
def _(visitor):
    visitor.click("More")
    visitor.sees("name")


@page(ask={"/tell": {"message": {"text": "Hi", "files": []}}})
def multimodal_textbox():
    with gr.Blocks() as demo:
        given = gr.MultimodalTextbox(label="Given", file_count="multiple", placeholder="Type", stop_btn=True)
        shown = gr.JSON(label="Shown")

        def tell(message):
            return {"text": message["text"], "sizes": [len(open(file, "rb").read()) for file in message["files"]]}

        given.submit(tell, given, shown, api_name="tell")
        listen(given)
    return demo


@multimodal_textbox.act
def _(visitor):
    visitor.upload(media("note.txt"))
    visitor.page.get_by_placeholder("Type").fill("Hello")
    visitor.page.get_by_placeholder("Type").press("Enter")
    visitor.sees("sizes")
    visitor.hears("MultimodalTextbox.submit")


EVERY = "for (const name of props.names) element.addEventListener('click', () => trigger(name, {value: name}));"


@page()
def html_events():
    names = ["apply", "copy", "delete", "download", "edit", "end", "key_up", "pause_recording", "retry", "undo"]
    with gr.Blocks() as demo:
        shown = gr.HTML("<button>Ten of them</button>", js_on_load=EVERY, names=names)
        listen(shown)
    return demo


@html_events.act
def _(visitor):
    visitor.click("Ten of them")
    visitor.hears("HTML.apply", "HTML.copy", "HTML.key_up", "HTML.retry", "HTML.undo")


@page()
def html():
    with gr.Blocks() as demo:
        gr.HTML("<p>plain <b>text</b></p>", label="Plain", show_label=True, container=True)
        given = gr.HTML(3, html_template="<i>${'*'.repeat(value)}</i>", css_template="i { color: red }", max_height=90)
        gr.Button("Five").click(lambda: 5, None, given, api_name="five")
        gr.HTML(f"<img src='/gradio_api/file={media('nothing.png')}' alt='Not there'>")
    return demo


@html.act
def _(visitor):
    visitor.click("Five")
    visitor.sees("*****")


@page()
def html_server_functions():
    def double(value: int) -> int:
        return 2 * value

    script = "element.querySelector('button').onclick = async () => { props.value = await server.double(21); }"
    with gr.Blocks() as demo:
        gr.HTML(1, html_template="<button>Ask</button> ${value}", js_on_load=script, server_functions=[double])
    return demo


@html_server_functions.act
def _(visitor):
    visitor.click("Ask")
    visitor.sees("42")
