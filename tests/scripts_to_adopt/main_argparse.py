import argparse

import gradio as gr


def build(suffix):
    with gr.Blocks() as page:
        say = gr.Textbox(label="Say")
        louder = gr.Textbox(label="Louder")
        say.submit(lambda text: text.upper() + suffix, say, louder, api_name="answer")
    return page


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suffix", default="")
    parser.add_argument("--port", type=int, default=7860)
    options = parser.parse_args()
    build(options.suffix).launch(server_port=options.port)


main()
