"""The model. Replace this file first: give `load_model` something that has the members of `ChatModel`.

Plain Python without Gradio, so that it can be tested, reused and moved on its own.
"""

from services.embedded import EmbeddedModel
from services.protocol import ChatModel
from utils.settings import Settings

NOTICE = "An embedded stand-in answers here, not a language model. Put yours into `services/model.py`."


def load_model(settings: Settings) -> ChatModel:
    """Load the model, once a process: every visitor shares it, so it keeps nothing about any of them."""
    return EmbeddedModel(NOTICE, settings.embedded_delay)
