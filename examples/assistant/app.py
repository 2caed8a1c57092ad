"""The user interface: a conversation with a model."""

import utils  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
from collections.abc import AsyncGenerator
from contextlib import aclosing

import gradio as gr
from fastapi import FastAPI

from services.model import load_model
from services.protocol import ChatModel
from utils import server
from utils.chat import finish
from utils.errors import boundary
from utils.history import Turn, to_messages
from utils.preprocess import to_prompt, to_token_limit
from utils.settings import Settings, get_settings, queue_options
from utils.throttle import throttled
from utils.validation import first_input

EXAMPLES = [
    ["Summarise in three points what makes a good meeting. Be brief. Do not repeat me."],
    ["How many words are in this sentence?"],
    ["Quote this:\nRoses are red,\nviolets are blue."],
]


def build_demo(settings: Settings, model: ChatModel | None = None) -> gr.ChatInterface:
    """Build the page and wire its one public event; tests bring a model of their own."""
    answering = model or load_model(settings)

    @boundary
    async def chat(message: str, history: list[Turn], instructions: str, max_tokens: float) -> AsyncGenerator[str]:
        """Answer a message in the light of the conversation so far."""
        messages = to_messages(message, history, instructions, settings)
        pieces = answering.stream(messages, to_token_limit(max_tokens, settings))
        async with aclosing(throttled(pieces)) as answers:
            async for answer in answers:
                yield answer.text

    validator = first_input(lambda text: to_prompt(text, settings))
    demo = gr.ChatInterface(
        chat,
        chatbot=gr.Chatbot(label="Conversation", height="60vh", buttons=["copy"]),
        textbox=gr.Textbox(label="Message", placeholder="Write a message", submit_btn="Send", stop_btn="Stop"),
        additional_inputs=[
            gr.Textbox("", label="Instructions", info="How the model should answer", lines=2),
            gr.Slider(1, settings.max_tokens, settings.max_tokens, step=1, label="Longest answer, in tokens"),
        ],
        additional_inputs_accordion=gr.Accordion("Options", open=False),
        examples=EXAMPLES,
        cache_examples=False,
        title=settings.title,
        description=answering.notice or None,
        save_history=True,
        validator=validator,
        api_name="chat",
        flagging_mode="never",
        analytics_enabled=False,
        delete_cache=(settings.file_ttl, settings.file_ttl),
    )
    finish(demo, settings, validator)
    demo.queue(**queue_options(settings))
    return demo


def create_app() -> FastAPI:
    """Build the application that any ASGI server can run: `uvicorn app:create_app --factory`."""
    return server.create_app(demo, get_settings(), warm_up=model.warm_up)


model = load_model(get_settings())
demo = build_demo(get_settings(), model)

if __name__ == "__main__":
    server.serve(create_app(), get_settings())
