"""The shortest Gradio app, to compare the time of its start with."""

import gradio as gr

gr.Interface(lambda text: text, "text", "text").launch()
