"""The user interface: a conversation with a model."""

import server  # noqa: F401  (first: it prepares the process for Gradio)

# isort: split
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import gradio as gr
from fastapi import FastAPI

from server import application, running
from server.errors import boundary
from server.queueing import light_slots, queue_options, slots
from services.protocol import ChatModel
from utils.attaching import Attachments, Said, examples, message_box
from utils.chat import finish
from utils.fitting import fitted
from utils.history import HistoryBounds, Turn, to_talk
from utils.models import build_model
from utils.picking import context_of, picked, picker
from utils.preprocess import to_token_limit
from utils.settings import Settings, get_settings
from utils.showing import FORMULAS, Shown, to_shown
from utils.theme import build_theme
from utils.validation import first_input

GREETING = "### What can I do for you?\nAsk below, or take one of these."
EXAMPLES = [
    ["Summarise in three points what makes a good meeting. Be brief. Do not repeat me."],
    ["Move our meeting to Thursday, politely."],
    ["Explain $E = mc^2$ to a child of twelve."],
]


def build_demo(settings: Settings, model: ChatModel | None = None) -> gr.ChatInterface:
    """Build the page and wire its one public event; tests bring a model of their own."""
    answering = model or build_model(settings)
    bounds = HistoryBounds(settings.max_history_messages, settings.max_history_chars)
    attachments = Attachments(settings)

    @boundary
    async def chat(
        message: Said, history: list[Turn], instructions: str, max_tokens: float, name: str = ""
    ) -> AsyncGenerator[Shown]:
        """Answer a message in the light of the conversation so far."""
        chosen, limit = picked(answering, name), to_token_limit(max_tokens, settings.max_tokens)
        rules = [settings.instructions, instructions]
        sent = await attachments.read(message)
        history = await attachments.seen(history, sent)
        room = replace(bounds, tokens=await context_of(chosen, settings.context_tokens)).minus(limit)
        talk = to_talk(sent.message, history, rules, settings.max_prompt_chars, room)
        async with aclosing(fitted(chosen, talk, limit)) as answers:
            async for answer, is_shortened in answers:
                yield to_shown(answer, limit, is_shortened=is_shortened, files=sent.files)

    validator = first_input(attachments.read_now)
    demo = gr.ChatInterface(
        chat,
        chatbot=gr.Chatbot(
            label="Conversation",
            elem_id="conversation",
            buttons=["copy"],
            placeholder=GREETING,
            latex_delimiters=FORMULAS,
            reasoning_tags=[],
        ),
        textbox=message_box(settings),
        multimodal=settings.uploads,
        additional_inputs=[
            gr.Textbox("", label="Instructions", info="How the model should answer", lines=2),
            gr.Slider(1, settings.max_tokens, settings.max_tokens, step=1, label="Longest answer, in tokens"),
            *picker(answering),
        ],
        additional_inputs_accordion=gr.Accordion("Options", open=False),
        editable=not settings.uploads,  # Gradio's page cannot edit a message with files; Undo gives it back
        examples=examples(EXAMPLES, settings),
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
    asks_model = slots("model", settings.model_concurrency)
    finish(demo, asks_model, light_slots(settings), validator, settings.max_request_kb * 500)
    demo.queue(**queue_options(settings))
    return demo


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application that any ASGI server can run: `uvicorn app:create_app --factory`.

    Tests bring settings of their own. Hooks for styles, routes and start-up are arguments of `application.create_app`.
    """
    page = build_demo(settings) if settings else demo
    settings = settings or get_settings()
    return application.create_app(page, settings, theme=build_theme(settings), warm_up=model.warm_up)


model = build_model(get_settings())
demo = build_demo(get_settings(), model)

if __name__ == "__main__":
    running.serve(create_app(), get_settings())
