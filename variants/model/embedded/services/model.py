"""The model. Replace this file first: give `load_model` something that has the members of `ChatModel`.

Plain Python without Gradio, so that it can be tested, reused and moved on its own.
"""

from services.embedded import EmbeddedModel
from services.protocol import ChatModel

NOTICE = "An embedded stand-in answers here, not a language model. Put yours into `services/model.py`."


def load_model(delay: float = 0.01) -> ChatModel:
    """Load the model, once a process: every visitor shares it, so it keeps nothing about any of them.

    Args:
        delay: Seconds between two tokens of the stand-in.

    """
    return EmbeddedModel(NOTICE, delay)
