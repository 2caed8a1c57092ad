"""What people reported of pages that worked in one place and not in another, built anew with other data."""

import gradio as gr

from ..kit import asset, media, page


@page()
def plot_before_a_second_tab():
    """As in gradio-app/gradio#1915: a plot in the first tab, and the second one stayed empty."""
    with gr.Blocks() as demo, gr.Tabs():
        with gr.TabItem("Winter"):
            gr.Plot()
            gr.Button("Snow")
        with gr.TabItem("Summer"):
            gr.Image(media("picture.png"), label="Sun")
            gr.Button("Swim")
    return demo


@plot_before_a_second_tab.act
def _(visitor):
    visitor.page.get_by_role("tab", name="Summer").click()
    visitor.sees("Swim")
    visitor.takes("img", 1)


@page()
def second_page_that_renders_and_loads():
    """As in gradio-app/gradio#11842: routes with `gr.render`, `gr.on` and `load` of their own did not come up."""
    with gr.Blocks() as demo:
        city, shown = gr.Textbox(label="City"), gr.Textbox(label="Shown")

        @gr.on([city.submit], inputs=city, outputs=shown, api_name="visit")
        def visit(city):
            return f"To {city}!"

        @gr.render(shown, triggers=[shown.change])
        def letters(city):
            for number, letter in enumerate(city):
                gr.Textbox(letter, label=f"Letter {number}")

    with demo.route("Count") as second:
        number = gr.Number(label="Number")
        second.load(lambda: 41, None, number, api_visibility="undocumented")
        gr.Button("Next").click(lambda number: number + 1, number, number, api_name="next")
    return demo


@second_page_that_renders_and_loads.act
def _(visitor):
    visitor.fill("City", "Ur")
    visitor.press("City", "Enter")
    visitor.sees("Letter 3=U")
    visitor.page.get_by_role("link", name="Count").click()
    visitor.arrives()
    visitor.sees("Number=41")
    visitor.click("Next")


@page()
def page_in_a_frame_of_its_own():
    """Reports as HTML in a frame, made by hand in a text: what gradio-app/gradio#4939 ended in."""
    frame = "<iframe srcdoc='<p>A report</p><script>parent.reached = 1</script>' title='Report'></iframe>"
    with gr.Blocks() as demo:
        gr.HTML(frame)
    return demo


@page()
def event_after_an_event_without_a_handler():
    """As in gradio-app/gradio#8164: `click()` without a function, and what follows on it."""
    with gr.Blocks() as demo:
        shown = gr.Textbox(label="Shown")
        gr.Button("Go").click().success(lambda: "went", None, shown, api_name="go")
    return demo


@page(ask={"/speak": {}})
def speech_in_pieces_of_mp3():
    """As in gradio-app/gradio#8177: pieces of a sound as files, which play before the last one is there."""
    with gr.Blocks() as demo:
        sound = gr.Audio(streaming=True, autoplay=True, label="Speech")

        def speak():
            for name in ("tone.mp3", "tone.mp3", "tone.mp3"):
                yield asset(name)

        gr.Button("Speak").click(speak, None, sound, api_name="speak")
    return demo


@speech_in_pieces_of_mp3.act
def _(visitor):
    visitor.click("Speak")
    visitor.fetches("playlist.m3u8")
