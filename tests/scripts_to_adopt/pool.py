import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import gradio as gr

pool = None


def shout(text):
    return text.upper()


def handler(text):
    global pool
    if pool is None:
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    return pool.submit(shout, text).result()


demo = gr.Interface(handler, gr.Textbox(label="Say"), gr.Textbox(label="Louder"), api_name="answer")

if __name__ == "__main__":
    demo.launch()
