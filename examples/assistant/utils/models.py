"""From the settings to the model that answers."""

from services.model import load_model
from services.protocol import ChatModel
from services.remote import ModelServer
from services.tools import Toolbox
from utils.settings import Settings


def build_model(settings: Settings) -> ChatModel:
    """Build the model, once a process: every visitor shares it.

    Raises:
        SystemExit: one line that says what to set.

    """
    key = settings.model_key.get_secret_value()
    has_server = bool(settings.model_url or key)
    if settings.model == "openai" and not has_server:
        raise SystemExit("APP_MODEL: openai needs APP_MODEL_URL or APP_MODEL_KEY. See .env.example.")
    if settings.model == "embedded" or not has_server:
        return load_model(None, settings.embedded_delay)
    server = ModelServer(
        url=settings.model_url,
        key=key,
        name=settings.models[0] if settings.models else settings.model_name,
        names=tuple(settings.models),
        limit_field=settings.model_limit_field,
        connect_timeout=settings.model_connect_timeout,
        first_token_timeout=settings.model_first_token_timeout,
        timeout=settings.model_timeout,
        retries=settings.model_retries,
    )
    return load_model(server, settings.embedded_delay, Toolbox() if settings.model_tools else None)
