"""A page with everything that the examples do not use. It is copied into a rendered project to run there."""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
import asyncio
import time

import gradio as gr
from fastapi import FastAPI

from server import application, running
from server.queueing import queue_options
from utils.settings import get_settings

PROGRESS = gr.Progress()


async def count():
    """Count until somebody cancels."""
    number = 0
    while True:
        number += 1
        yield str(number)
        await asyncio.sleep(0.05)


def work(progress=PROGRESS):
    """Say how far it is."""
    for _ in progress.tqdm(range(20), desc="Working"):
        time.sleep(0.1)
    return "done"


with gr.Blocks(analytics_enabled=False) as demo:
    with gr.Row():
        number, chosen = gr.Number(0, label="How many", precision=0), gr.Textbox(label="Chosen")

        @gr.render(number, triggers=[number.submit])
        def buttons(many):
            for each in range(int(many)):
                gr.Button(f"Number {each}").click(lambda each=each: str(each), None, chosen)

    with gr.Row():
        batch, batched = gr.Button("Batch"), gr.Textbox("batched", label="Batched")
        batch.click(lambda texts: [[text.upper() for text in texts]], batched, batched, batch=True, max_batch_size=4)
    with gr.Row():
        begin, cancel = gr.Button("Count"), gr.Button("Cancel")
        counted, cancelled = gr.Textbox(label="Counted"), gr.Textbox("0", label="Cancelled")
        running_count = begin.click(count, None, counted)
        cancel.click(lambda times: str(int(times) + 1), cancelled, cancelled, cancels=running_count)
    with gr.Row():
        start, worked = gr.Button("Work"), gr.Textbox(label="Worked")
        start.click(work, None, worked)
    with gr.Row():
        sound, heard = gr.Audio(sources=["microphone"], streaming=True), gr.Textbox("0", label="Heard")
        sound.stream(lambda piece, so_far: str(int(so_far) + 1), [sound, heard], heard, stream_every=0.5)
    with gr.Row():
        film, seen = gr.Image(sources=["webcam"], streaming=True), gr.Textbox("0", label="Seen")
        film.stream(lambda frame, so_far: str(int(so_far) + 1), [film, seen], seen, stream_every=0.5)
demo.queue(**queue_options(get_settings()))


def create_app() -> FastAPI:
    """Build the application."""
    return application.create_app(demo, get_settings())


if __name__ == "__main__":
    running.serve(create_app(), get_settings())
