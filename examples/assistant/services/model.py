"""The model. Replace this file first: give `load_model` something that has the members of `ChatModel`.

Plain Python without Gradio, so that it can be tested, reused and moved on its own.
"""

from services.embedded import EmbeddedModel
from services.protocol import ChatModel
from services.remote import RemoteModel
from utils.settings import Settings

NOTICE = (
    "An embedded stand-in answers here, not a language model. "
    "Set `APP_MODEL_URL` or `APP_MODEL_KEY` to ask an OpenAI-compatible server."
)


def load_model(settings: Settings) -> ChatModel:
    """Load the model, once a process: every visitor shares it, so it keeps nothing about any of them.

    Raises:
        SystemExit: one line that says what to set.

    """
    has_server = bool(settings.model_url or settings.model_key.get_secret_value())
    if settings.model == "openai" and not has_server:
        raise SystemExit("APP_MODEL: openai needs APP_MODEL_URL or APP_MODEL_KEY. See .env.example.")
    if settings.model != "embedded" and has_server:
        return RemoteModel(settings)
    return EmbeddedModel(NOTICE, settings.embedded_delay)
