"""From the settings to the model behind Ray Serve."""

from services.remote import ModelServer, Remote
from utils.settings import Settings


def remote_model(settings: Settings) -> Remote | None:
    """Give the way to the model that `APP_MODEL_URL` names, or None where it runs in this process."""
    if not settings.model_url:
        return None
    server = ModelServer(
        url=settings.model_url,
        key=settings.model_key.get_secret_value(),
        connections=settings.model_concurrency,
        connect_timeout=settings.model_connect_timeout,
        timeout=settings.model_timeout,
        retries=settings.model_retries,
        request_kb=settings.model_request_kb,
    )
    return Remote(server)
