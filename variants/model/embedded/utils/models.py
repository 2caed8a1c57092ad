"""From the settings to the model that answers."""

from services.model import load_model
from services.protocol import ChatModel
from utils.settings import Settings


def build_model(settings: Settings) -> ChatModel:
    """Build the model, once a process: every visitor shares it."""
    return load_model(settings.embedded_delay)
