"""Your own settings. `get_settings()` gives them together with those of `server/settings.py`, typed.

A field `longest_answer: int = 500` is read from `APP_LONGEST_ANSWER`, from a line in `.env` or from a file in
`secrets/`. A wrong value ends the start in one line. Put each field into `.env.example` too: a test holds the two
together.
"""

from functools import cache
from typing import Literal

from pydantic import Field, SecretStr

from server.settings import ServerSettings, read_settings


class Settings(ServerSettings):
    """What this app adds to the settings of the server."""

    # Looks
    accent: str = Field(default="#0f766e", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour of what can be clicked, while `APP_THEME` is `default`; `utils/theme.py` mixes the rest of it."""

    # Model
    model_concurrency: int = Field(default=64, ge=1)
    """Answers that are written side by side; each costs little here, so set what the model can take."""
    max_prompt_chars: int = Field(default=8000, ge=1)
    """Longest message of a user, in characters."""
    max_tokens: int = Field(default=512, ge=1)
    """Longest answer that a user may ask for."""
    context_tokens: int = Field(default=0, ge=0)
    """What the model can read and write together, in tokens; 0 means what its server tells, if it does.

    In a conversation the oldest messages go first; a prompt that is longer is refused.
    """
    instructions: str = ""
    """How the model should answer, always: the operator's. Visitors neither see nor replace them."""
    embedded_delay: float = Field(default=0.01, ge=0)
    """Seconds between two tokens of the embedded model."""
    model: Literal["auto", "embedded", "openai"] = "auto"
    """`auto` asks the server if `model_url` or `model_key` is set, and the embedded model if neither is."""
    model_url: str = ""
    """Where an OpenAI-compatible server answers, such as `http://localhost:11434/v1`; empty means OpenAI's own."""
    model_key: SecretStr = SecretStr("")
    model_name: str = "gpt-4.1-mini"
    models: list[str] = Field(default_factory=list)
    """Names of models that visitors may choose from; empty means `model_name` alone."""
    model_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls the longest answer. OpenAI's reasoning models want `max_completion_tokens`."""
    model_connect_timeout: float = Field(default=5, gt=0)
    model_first_token_timeout: float = Field(default=120, gt=0)
    """Seconds from the question to the first token; a server may have to load the model first."""
    model_timeout: float = Field(default=60, gt=0)
    """Seconds between two tokens."""
    model_retries: int = Field(default=2, ge=0)
    """Further tries when the server is busy or refuses the connection, until its answer has begun."""
    model_tools: bool = False
    """Whether the model may call the functions of `services/tools.py`; the server has to know tools."""
    max_history_messages: int = Field(default=40, ge=0)
    max_history_chars: int = Field(default=32_000, ge=0)
    """How much of a conversation the model gets to see; the oldest messages go first."""
    uploads: bool = False
    """Whether visitors may attach files: texts, PDFs and, if `upload_pictures` says so, pictures."""
    upload_files: int = Field(default=5, ge=1)
    """Files of one message; `max_upload_mb` and `max_pixels` bound each of them."""
    upload_chars: int = Field(default=20_000, ge=1)
    """What the texts of one message may have together. Later turns see them as far as `max_history_chars` allows."""
    upload_pages: int = Field(default=50, ge=1)
    """Pages of a PDF."""
    upload_pictures: int = Field(default=0, ge=0)
    """Pictures that the model takes in one request, those of earlier turns included; 0 if it sees none."""


@cache
def get_settings() -> Settings:
    """Read the settings once; each that is wrong is a line, and the end of the start."""
    return read_settings(Settings)
