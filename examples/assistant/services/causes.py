"""What a model server says when it refuses, and what is said to the visitor: one table for all servers.

Every server has words of its own for the same thing. `source` of a row says where they were seen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from services.errors import InputError
from services.protocol import ModelUnavailableError, TooLongError

TOO_LONG = "This is more text than the model can read. Shorten it, or start anew."
NOT_SET_UP = "The model is not set up rightly, and trying again will not help. Tell whoever runs this app."


@dataclass(frozen=True)
class Cause:
    """A row of the table."""

    said: str
    """To the visitor."""
    status: tuple[int, ...] = ()
    """HTTP statuses, or codes in an error object; none means any."""
    words: str = ""
    """A regular expression that finds it in the server's words; empty means any."""
    source: str = ""
    again: bool = False
    """Whether the same request may succeed a little later, although nobody changed anything."""
    is_loading: bool = False
    """The server starts: it is asked again for as long as a first token may take."""
    is_secret: bool = False
    """The server's words may hold a part of the key, and go nowhere."""
    kind: type[InputError] = ModelUnavailableError


NO_PICTURES = Cause(
    "This model does not take the picture. Take it out, or ask another model.",
    words=r"does not support (the )?(image|vision|multimodal)|image.?(url|input)s? (is|are) (only|not) supported"
    r"|not a multimodal model|missing data required for image|unknown variant `image_url`"
    r"|at most \d+ (image|picture)|no endpoints found that support image",
    kind=InputError,
    source="OpenAI 'image_url is only supported by certain models', vLLM 'is not a multimodal model' and 'At most 1 "
    "image(s) may be provided', llama.cpp 'image input is not supported', Ollama 'does not support image input' and "
    "'missing data required for image input', DeepSeek 'unknown variant', OpenRouter 'No endpoints found'",
)
NO_SYSTEM_ROLE = Cause(
    "This model takes no instructions of its own. Leave them empty.",
    words=r"system (role|message|prompt)s? (is |are )?not (supported|allowed)|only user and assistant roles",
    kind=InputError,
    source="chat templates of Gemma and Mistral behind vLLM and TGI",
)
WRONG_NAME = Cause(
    NOT_SET_UP,
    words=r"model_not_found|model .*(does not exist|not found)|not found.*model",
    source="OpenAI, vLLM, Ollama",
)
WRONG_ADDRESS = Cause(
    NOT_SET_UP, status=(404, 405), source="an address without /v1; a name that a server does not know"
)
CAUSES = (
    Cause(
        TOO_LONG,
        words=r"context.?(length|size|window|limit)|maximum context|contextwindow|max_new_tokens|prompt is too long"
        r"|(input|prompt) (is )?(too long|length)|reduce the length|exceeds? the (model|available|maximum)",
        kind=TooLongError,
        source="vLLM (both shapes), llama.cpp exceed_context_size_error, LiteLLM ContextWindowExceededError, "
        "OpenAI context_length_exceeded, Ollama 'exceeds the available', TGI 'inputs tokens + max_new_tokens', "
        "Gemini 'exceeds the maximum', Anthropic 'exceed context limit'",
    ),
    Cause(TOO_LONG, status=(413,), kind=TooLongError, source="nginx and other proxies in front of a server"),
    NO_PICTURES,
    NO_SYSTEM_ROLE,
    Cause(
        "The model's filter refuses this. Say it in other words.",
        words=r"content_filter|content management policy|ResponsibleAIPolicyViolation",
        kind=InputError,
        source="Azure OpenAI",
    ),
    Cause(NOT_SET_UP, words=r"insufficient_quota|exceeded your current quota|billing|credits", source="OpenAI, hosts"),
    Cause(NOT_SET_UP, status=(402,), source="OpenRouter, hosts"),
    Cause(NOT_SET_UP, status=(401,), is_secret=True, source="all; OpenAI repeats a part of the key"),
    Cause(
        NOT_SET_UP, words=r"incorrect api key|invalid.?api.?key|authenticat", is_secret=True, source="OpenAI, LiteLLM"
    ),
    Cause(NOT_SET_UP, status=(403,), source="a model that this key may not use; company proxies"),
    WRONG_NAME,
    WRONG_ADDRESS,
    Cause(
        "Queue is full. Try again in a moment.", words=r"queue_full", again=True, source="Ray Serve in front of a model"
    ),
    Cause(
        "The model is restarting. Try again in a moment.", words=r"model is restarting", again=True, source="Ray Serve"
    ),
    Cause(
        "The model is loading. Try again in a minute.",
        words=r"loading model|model is (still )?(loading|starting)|currently loading",
        again=True,
        is_loading=True,
        source="llama.cpp 503 unavailable_error, Hugging Face",
    ),
    Cause("The model has too much to do. Try again in a minute.", status=(429, 503, 529), again=True, source="all"),
    Cause(
        "The model ran out of memory. Ask for less, or try again.", words=r"out of memory|OOM", source="vLLM, Ollama"
    ),
    Cause("The model took too long. Try again, or ask for less.", status=(408, 504, 524), source="proxies"),
    Cause("The model failed. Try again in a minute.", status=tuple(range(500, 600)), source="all"),
    Cause(NOT_SET_UP, status=tuple(range(400, 500)), source="a field that the server does not know, such as the limit"),
)
"""The first row that fits counts."""
UNKNOWN = Cause("The model failed. Try again in a minute.", source="an error object without a status")
NO_CONNECTION = Cause("The model cannot be reached. Try again in a minute.", again=True, source="refused connections")
BROKE_OFF = Cause(
    "The answer broke off: the model cannot be reached. Try again in a minute.", source="lost connections"
)
TOO_SLOW = Cause("The model took too long. Try again, or ask for less.", source="APP_MODEL_TIMEOUT and its siblings")
NO_ANSWER = Cause(NOT_SET_UP, source="a page instead of an answer: a wrong address, a proxy that asks to sign in")


class RefusedError(Exception):
    """The server gave no answer, for a cause of the table."""

    def __init__(self, cause: Cause, words: str = "", wait: float | None = None) -> None:
        """Note the server's own words, which are for the operator, and the seconds that it wants us to wait."""
        super().__init__("" if cause.is_secret else words)
        self.cause = cause
        self.wait = wait


def judge(status: int | None, body: object) -> Cause:
    """Find the cause of a refusal, from the status (or the code in an error object) and what else the server said."""
    words = words_of(body)
    codes = {status, *codes_of(body)}
    for cause in CAUSES:
        if cause.status and not codes & set(cause.status):
            continue
        if cause.words and not re.search(cause.words, words, re.IGNORECASE):
            continue
        return cause
    return UNKNOWN


def words_of(body: object) -> str:
    """Join what is readable in an error, whatever its shape, in at most 500 characters."""
    return " ".join(" ".join(texts_of(body)).split())[:500]


def fields(value: object) -> dict[str, Any]:
    """Give an object as it came, and an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Give a list as it came, and an empty one for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def texts_of(body: object) -> Iterator[str]:
    """Give all texts in a body: `{"error": {...}}`, `{"error": "..."}`, `{"message": ...}`, `{"detail": [...]}`."""
    if isinstance(body, str):
        yield body
    elif found := fields(body):
        for name, value in found.items():
            if name != "input":  # FastAPI and vLLM repeat the request there: what visitors wrote is not for the log
                yield from texts_of(value)
    else:
        for value in items(body):
            yield from texts_of(value)


def codes_of(body: object) -> set[int]:
    """Find statuses in an error object; LiteLLM writes them as text."""
    inner = fields(body).get("error", body)
    code = str(fields(inner).get("code", ""))
    return {int(code)} if code.isdecimal() else set()
