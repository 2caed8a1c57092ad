"""How events follow each other, fail, wait and stop."""

import time

import gradio as gr

from ..kit import asset, media, page


@page()
def stream():
    with gr.Blocks() as demo:
        shown = gr.Textbox(label="Shown")

        def count():
            for number in range(4):
                time.sleep(0.05)
                yield " ".join(str(each) for each in range(number + 1))

        gr.Button("Count").click(count, None, shown, api_name="count")
    return demo


@stream.act
def _(visitor):
    visitor.click("Count")
    visitor.sees("Shown=0 1 2 3")


@page()
def async_stream_that_is_cancelled():
    import asyncio

    with gr.Blocks() as demo:
        shown = gr.Textbox(label="Shown")

        async def count():
            while True:
                await asyncio.sleep(0.05)
                yield "going"

        running = gr.Button("Go").click(count, None, shown, api_visibility="undocumented")
        gr.Button("Halt").click(lambda: "halted", None, gr.Textbox(label="State"), cancels=running, api_name="halt")
    return demo


@async_stream_that_is_cancelled.act
def _(visitor):
    visitor.click("Go")
    visitor.sees("Shown=going")
    visitor.click("Halt")
    visitor.sees("State=halted")


@page()
def progress():
    with gr.Blocks() as demo:
        shown = gr.Textbox(label="Shown")

        def work(bar=gr.Progress(track_tqdm=False)):
            for _ in bar.tqdm(range(3), desc="Working"):
                time.sleep(0.05)
            return "done"

        gr.Button("Work").click(work, None, shown, api_name="work", show_progress="full")
    return demo


@progress.act
def _(visitor):
    visitor.click("Work")
    visitor.sees("Shown=done")


@page()
def chains():
    def fails(text):
        raise gr.Error("It cannot be", duration=None, title="Wrong")

    with gr.Blocks() as demo:
        a, b, c = gr.Textbox("x", label="A"), gr.Textbox(label="B"), gr.Textbox(label="C")
        go, bad = gr.Button("Go"), gr.Button("Bad")
        go.click(lambda text: text + "1", a, b, api_name="first").then(lambda text: text + "2", b, c, api_name="second")
        bad.click(fails, a, b, api_name="bad").success(lambda: "never", None, c, api_visibility="undocumented").failure(
            lambda: "failed", None, c, api_visibility="undocumented")
    return demo


@chains.act
def _(visitor):
    visitor.click("Go")
    visitor.sees("C=x12")
    visitor.click("Bad")
    visitor.sees("It cannot be")


@page()
def toasts():
    def tell():
        gr.Info("Good to know", duration=None)
        gr.Warning("Take care", duration=None)
        gr.Success("Well done", duration=None)
        return "told"

    with gr.Blocks() as demo:
        gr.Button("Tell").click(tell, None, gr.Textbox(label="Said"), api_name="tell")
    return demo


@toasts.act
def _(visitor):
    visitor.click("Tell")
    visitor.sees("Good to know", "Take care", "Well done", "Said=told")


@page()
def unexpected_error():
    with gr.Blocks() as demo:
        gr.Button("Break").click(lambda: 1 / 0, None, gr.Number(label="Never"), api_name="break")
    return demo


@unexpected_error.act
def _(visitor):
    visitor.click("Break")
    visitor.sees("Error")


@page(show_error=True)
def shown_error():
    with gr.Blocks() as demo:
        gr.Button("Break").click(lambda: {}["a secret"], None, gr.Number(label="Never"), api_name="break")
    return demo


@shown_error.act
def _(visitor):
    visitor.click("Break")
    visitor.sees("Error")


@page()
def validator():
    def check(name):
        return gr.validate(len(name) > 2, "Too short")

    with gr.Blocks() as demo:
        name, hello = gr.Textbox(label="Name"), gr.Textbox(label="Hello")
        name.submit(lambda name: f"Hello {name}", name, hello, validator=check, api_name="greet")
    return demo


@validator.act
def _(visitor):
    visitor.fill("Name", "A")
    visitor.press("Name", "Enter")
    visitor.sees("Too short")
    visitor.fill("Name", "Ada")
    visitor.press("Name", "Enter")
    visitor.sees("Hello=Hello Ada")


@page()
def batches():
    with gr.Blocks() as demo:
        word, shown = gr.Textbox("loud", label="Word"), gr.Textbox(label="Shown")
        gr.Button("Shout").click(lambda words: [[word.upper() for word in words]], word, shown, batch=True,
                                 max_batch_size=4, api_name="shout")
    return demo


@batches.act
def _(visitor):
    visitor.click("Shout")
    visitor.sees("Shown=LOUD")


@page()
def without_a_queue():
    with gr.Blocks() as demo:
        word, shown = gr.Textbox("loud", label="Word"), gr.Textbox(label="Shown")
        gr.Button("Shout").click(str.upper, word, shown, queue=False, api_name="shout")
    return demo


@without_a_queue.act
def _(visitor):
    visitor.click("Shout")
    visitor.sees("Shown=LOUD")


@page()
def rendered_later():
    with gr.Blocks() as demo:
        many, chosen = gr.Number(1, label="Many", precision=0), gr.Textbox(label="Chosen")

        @gr.render(many, triggers=[many.submit, demo.load])
        def buttons(many):
            for each in range(many):
                gr.Button(f"Number {each}", key=each).click(lambda each=each: str(each), None, chosen)

    return demo


@rendered_later.act
def _(visitor):
    visitor.fill("Many", "3")
    visitor.press("Many", "Enter")
    visitor.click("Number 2")
    visitor.sees("Chosen=2")


@page()
def script_of_an_event():
    with gr.Blocks() as demo:
        a, b = gr.Textbox("x", label="A"), gr.Textbox(label="B")
        gr.Button("Here").click(None, a, b, js="(a) => a + ' in the browser'")
        gr.Button("Both").click(lambda a: f"{a} at the server", a, b, js="(a) => a.repeat(2)", api_name="both")
    return demo


@script_of_an_event.act
def _(visitor):
    visitor.click("Here")
    visitor.sees("B=x in the browser")
    visitor.click("Both")
    visitor.sees("B=xx at the server")


@page()
def events_of_the_page():
    with gr.Blocks() as demo:
        shown, times = gr.Textbox(label="Shown"), gr.Textbox(value=lambda: "of each visit", label="Each")

        def arrive(request: gr.Request):
            return f"{request.query_params.get('from', 'nowhere')} {bool(request.session_hash)}"

        demo.load(arrive, None, shown, api_visibility="undocumented")
        demo.unload(lambda: None)
        asked = gr.Textbox(label="Asked")
        gr.on([asked.submit, times.submit], lambda: "either", None, gr.Textbox(label="On"), api_visibility="undocumented")
    return demo


@events_of_the_page.act
def _(visitor):
    visitor.sees("Shown=nowhere True", "Each=of each visit")
    visitor.press("Asked", "Enter")
    visitor.sees("On=either")


@page()
def examples():
    with gr.Blocks() as demo:
        word, picture, shown = gr.Textbox(label="Word"), gr.Image(label="Picture"), gr.Textbox(label="Shown")
        rows = [["first", media("picture.png")], ["second", media("other.png")]]
        gr.Examples(rows, [word, picture], shown, lambda word, picture: f"{word} {picture.shape}", cache_examples=True,
                    cache_mode="eager", examples_per_page=1, label="Rows", preload=False, api_visibility="private")
    return demo


@examples.act
def _(visitor):
    visitor.page.get_by_text("first", exact=True).click()
    visitor.sees("Word=first", "Shown=first (48, 64, 3)")


@page()
def lazy_examples():
    with gr.Blocks() as demo:
        word, shown = gr.Textbox(label="Word"), gr.File(label="Shown")
        gr.Examples([["a"], ["b"]], word, shown, lambda word: asset("note.txt"), cache_examples=True, cache_mode="lazy",
                    preload=False, api_visibility="private")
    return demo


@lazy_examples.act
def _(visitor):
    visitor.page.get_by_text("b", exact=True).last.click()
    visitor.sees("note", ".txt")


@page()
def private_events():
    with gr.Blocks() as demo:
        word, shown = gr.Textbox("loud", label="Word"), gr.Textbox(label="Shown")
        gr.Button("Shout").click(str.upper, word, shown, api_visibility="private")
        gr.Button("Skip").click(lambda: gr.skip(), None, shown, api_name="skip")
    return demo


@private_events.act
def _(visitor):
    visitor.click("Shout")
    visitor.sees("Shown=LOUD")


@page()
def functions_for_programs():
    def add(a: int, b: int = 2) -> int:
        """Add two numbers."""
        return a + b

    def pieces(n: int) -> list[str]:
        yield [str(n)]

    with gr.Blocks() as demo:
        gr.Markdown("Only for programs")
        gr.api(add, api_name="add", api_description="It adds.")
        gr.api(pieces, api_name="pieces")
    return demo


@page(ask={"/slow": {"text": "a"}})
def cached_answers():
    calls = []

    @gr.cache
    def slow(text):
        calls.append(text)
        return f"{text} after {len(calls)}"

    with gr.Blocks() as demo:
        text, shown = gr.Textbox("b", label="Text"), gr.Textbox(label="Shown")
        gr.Button("Ask").click(slow, text, shown, api_name="slow")
    return demo


@cached_answers.act
def _(visitor):
    visitor.click("Ask")
    visitor.sees("Shown=b after 1")


@page()
def every_few_moments():
    start = time.monotonic()

    def later():
        return "later" if time.monotonic() - start > 0.3 else "now"

    with gr.Blocks() as demo:
        gr.Textbox(later, every=0.2, label="Shown")
    return demo


@every_few_moments.act
def _(visitor):
    visitor.sees("Shown=later")
