"""Pictures, bodies, and what is drawn."""

import gradio as gr
import numpy as np
from PIL import Image

from ..kit import asset, listen, media, page


@page()
def image():
    with gr.Blocks() as demo:
        given = gr.Image(sources=["upload", "clipboard"], type="filepath", label="Given")
        turned = gr.Image(label="Turned", format="png", buttons=["download", "fullscreen"])
        given.upload(lambda path: Image.open(path).rotate(180), given, turned, api_name="turn")
        listen(given, skip=("stream",))
    return demo


@image.act
def _(visitor):
    visitor.upload(media("picture.png"))
    visitor.hears("Image.upload", "Image.change", "Image.input")
    visitor.takes("img", 2)
    visitor.click("Remove Image") if visitor.has("Remove Image") else visitor.click("Clear")
    visitor.hears("Image.clear")


@page()
def image_numbers():
    return gr.Interface(lambda picture: 255 - picture, gr.Image(media("picture.png"), label="In"),
                        gr.Image(label="Out", format="png"), api_name="invert", flagging_mode="never")


@image_numbers.act
def _(visitor):
    visitor.click("Submit")
    visitor.takes("img", 2)


@page()
def selected_image():
    with gr.Blocks() as demo:
        shown, where = gr.Image(media("picture.png"), label="Shown", interactive=False), gr.Textbox(label="Where")

        def place(event: gr.SelectData):
            return "somewhere" if len(event.index) == 2 else "nowhere"

        shown.select(place, None, where, api_visibility="undocumented")
    return demo


@selected_image.act
def _(visitor):
    visitor.page.locator("img").first.click()
    visitor.sees("Where=somewhere")


@page()
def image_slider():
    with gr.Blocks() as demo:
        pair = gr.ImageSlider((media("picture.png"), media("other.png")), label="Pair", slider_position=30)
        gr.Button("Swap").click(lambda: (asset("other.png"), asset("picture.png")), None, pair, api_name="swap")
        listen(pair)
    return demo


@image_slider.act
def _(visitor):
    visitor.click("Swap")
    visitor.hears("ImageSlider.change")


@page()
def annotated_image():
    with gr.Blocks() as demo:
        mask = np.zeros((48, 64))
        mask[10:20, 10:30] = 1
        shown = gr.AnnotatedImage((media("picture.png"), [((2, 2, 20, 20), "box"), (mask, "area")]), label="Shown")
        gr.Button("More").click(lambda: (asset("other.png"), [((0, 0, 9, 9), "corner")]), None, shown, api_name="more")
        listen(shown)
    return demo


@annotated_image.act
def _(visitor):
    visitor.click("More")
    visitor.sees("corner")
    visitor.hears("AnnotatedImage.change")
    visitor.click("corner")
    visitor.hears("AnnotatedImage.select")


@page()
def gallery():
    with gr.Blocks() as demo:
        shown = gr.Gallery([(media("picture.png"), "one"), (media("other.png"), "two")], label="Shown", columns=2)
        gr.Button("Film").click(lambda: [asset("film.mp4"), asset("picture.png")], None, shown, api_name="film")
        listen(shown)
    return demo


@gallery.act
def _(visitor):
    visitor.page.locator("button.thumbnail-item").first.click()
    visitor.hears("Gallery.select", "Gallery.preview_open")
    visitor.click("Close") if visitor.has("Close") else visitor.page.keyboard.press("Escape")
    visitor.hears("Gallery.preview_close")
    visitor.click("Film")
    visitor.hears("Gallery.change")


@page()
def uploaded_gallery():
    with gr.Blocks() as demo:
        given, count = gr.Gallery(label="Given", interactive=True, type="pil"), gr.Number(label="Count")
        given.upload(lambda pictures: len(pictures), given, count, api_name="count")
        listen(given)
    return demo


@uploaded_gallery.act
def _(visitor):
    visitor.upload(media("picture.png"), media("other.png"))
    visitor.sees("Count=2")
    visitor.hears("Gallery.upload", "Gallery.change")


@page()
def image_editor():
    with gr.Blocks() as demo:
        start = {"background": media("picture.png"), "layers": [], "composite": None}
        given = gr.ImageEditor(start, label="Given", type="pil", brush=gr.Brush(colors=["#ff0000"]), canvas_size=(64, 48))
        size = gr.Textbox(label="Size")
        gr.Button("Measure").click(lambda drawn: str(drawn["background"].size), given, size, api_name="measure")
        listen(given)
    return demo


@image_editor.act
def _(visitor):
    visitor.page.locator("canvas").first.wait_for()
    visitor.click("Measure")
    visitor.sees("Size=(")


@page()
def sketchpad():
    with gr.Blocks() as demo:
        listen(gr.Sketchpad(label="Draw", canvas_size=(80, 80)))
    return demo


@sketchpad.act
def _(visitor):
    visitor.draws(1)


@page()
def paint():
    with gr.Blocks() as demo:
        listen(gr.Paint(label="Paint", layers=gr.LayerOptions(allow_additional_layers=False), canvas_size=(80, 80)))
    return demo


@page()
def image_mask():
    with gr.Blocks() as demo:
        listen(gr.ImageMask(media("picture.png"), label="Mask", eraser=gr.Eraser()))
    return demo


@page()
def model_3d():
    """Not shown in the browser, where it would be drawn without a graphics card for a minute."""
    with gr.Blocks() as demo:
        shown = gr.Model3D(label="Body", clear_color=(0, 0, 0, 0), display_mode="wireframe")
        gr.Button("Again").click(lambda: asset("body.obj"), None, shown, api_name="again")
        listen(shown)
    return demo
