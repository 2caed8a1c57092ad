"""The model. Replace this file first: give `load_model` something that has the members of `ChatModel`.

Plain Python without Gradio, so that it can be tested, reused and moved on its own.
"""

from services.embedded import EmbeddedModel
from services.protocol import ChatModel
from services.remote import ModelServer, RemoteModel
from services.tools import Toolbox

NOTICE = (
    "An embedded stand-in answers here, not a language model. "
    "Set `APP_MODEL_URL` or `APP_MODEL_KEY` to ask an OpenAI-compatible server."
)


def load_model(server: ModelServer | None, delay: float = 0.01, tools: Toolbox | None = None) -> ChatModel:
    """Load the model, once a process: every visitor shares it, so it keeps nothing about any of them.

    Args:
        server: Where a language model answers; without one the stand-in does.
        delay: Seconds between two tokens of the stand-in.
        tools: What the server's model may call.

    """
    return RemoteModel(server, tools) if server else EmbeddedModel(NOTICE, delay)
