"""From the settings to the model that answers."""

from services.model import load_model
from services.protocol import ChatModel
from utils.settings import Settings


def build_model(settings: Settings) -> ChatModel:
    return load_model(settings.vendor_url, settings.vendor_key.get_secret_value())
