"""One function, one `gr.Interface`, every default: how a first Gradio app is written.

Run as `python -m benchmarks.apps.naive <task>`; Gradio takes the port from GRADIO_SERVER_PORT.
"""

import sys
from collections.abc import Iterator

import gradio as gr

from benchmarks.apps import work


def stream(text: str) -> Iterator[str]:
    """Show the answer as it grows."""
    result = text
    for token in work.stream():
        result += token
        yield result


def device(text: str) -> str:
    """Use the accelerator for one sample at a time."""
    return work.device([text])[0]


TASKS = {"predict": work.nothing, "stream": stream, "count": work.count, "device": device}

demo = gr.Interface(
    fn=TASKS[sys.argv[1]],
    inputs=gr.Textbox(label="Input"),
    outputs=gr.Textbox(label="Output"),
    flagging_mode="never",
    api_name="predict",
)

if __name__ == "__main__":
    demo.launch()
