"""What `gr.ChatInterface` decides for itself and gives no argument for."""

import gradio as gr

from server.gradio_adapter import events
from server.gradio_chat import chat_handler, free_after_failure, runs
from server.queueing import light_slots, slots
from utils.settings import Settings


def finish(demo: gr.ChatInterface, settings: Settings) -> None:
    """Give every event of a chat its limit, free the box after a failure, and keep programs from all but the named one.

    A chat brings some thirty events of its own. Gradio leaves them open to programs, and gives the page and the named
    event separate limits. Its button to share a conversation would send that to another site.
    """
    demo.chatbot.buttons = ["copy"]
    free_after_failure(demo)
    handler = chat_handler(demo)
    for event in events(demo).values():
        limit = slots("model", settings.model_concurrency) if runs(event, handler) else light_slots(settings)
        event.concurrency_id, event.concurrency_limit = limit["concurrency_id"], limit["concurrency_limit"]
        if event.api_name != demo.api_name:
            event.api_visibility = "private"
