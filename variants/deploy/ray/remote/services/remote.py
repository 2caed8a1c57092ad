"""The way to the model where it runs elsewhere: questions and answers are JSON over HTTP.

A question is sent again when the model is full, restarts or cannot be reached, so what is asked here must be pure
computation: asking twice gives the same answer and changes nothing.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio.to_thread
import numpy as np
import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError

from services.errors import InputError

log = logging.getLogger("app.model")

Item = TypeVar("Item")
Result = TypeVar("Result")

PASSING = (500, 502, 503, 504)
"""Answers after which it is worth asking again."""
FULL = "Queue is full. Try again in a moment."
UNREACHABLE = "The model cannot be reached. Try again in a minute."
SLOW = "The model took too long. Try again, or ask for less."


class ModelUnavailableError(InputError):
    """The model cannot answer at the moment, through no fault of the user."""

    title = "The model does not answer"


@dataclass(frozen=True)
class ModelServer:
    """Where the model answers, and how long to wait for it."""

    url: str
    """Such as `http://127.0.0.1:8000/v1`."""
    key: str = ""
    """What the endpoint wants to see."""
    connections: int = 2
    """Questions under way at once."""
    connect_timeout: float = 5
    timeout: float = 60
    """Seconds that an answer may take."""
    retries: int = 4
    """Further tries when the model is full, restarts or cannot be reached."""
    request_kb: int = 16_384
    """Size of the largest question."""


class Remote:
    """One client for all visitors; it keeps connections open between questions. Safe to use from many threads."""

    def __init__(self, server: ModelServer) -> None:
        """Note whom to ask; nothing is sent yet."""
        self.url = server.url.rstrip("/")
        self.limit_kb = server.request_kb
        self.http = urllib3.PoolManager(
            maxsize=server.connections,
            headers={"content-type": "application/json"}
            | ({"authorization": f"Bearer {server.key}"} if server.key else {}),
            timeout=urllib3.Timeout(connect=server.connect_timeout, read=server.timeout),
            retries=urllib3.Retry(
                server.retries,
                allowed_methods=None,
                status_forcelist=PASSING,
                raise_on_status=False,
                redirect=0,
                backoff_factor=0.2,
                backoff_jitter=0.2,
            ),
        )

    def ask(self, what: str, question: object) -> Any:  # noqa: ANN401
        """Send a question and give the answer.

        Args:
            what: The last part of the path, such as `predict`.
            question: What becomes JSON; arrays become lists.

        Raises:
            ModelUnavailableError: if trying again later may help. Its text is shown to the user.
            InputError: if the question is larger than the model takes, or the model refuses it with a reason.

        """
        body = json.dumps(question, default=np.ndarray.tolist).encode()
        if len(body) > self.limit_kb * 1000:
            size = f"{len(body) // 1000:,} kB"
            raise InputError(f"This is {size}; the model takes at most {self.limit_kb:,} kB. Ask for less.")
        try:
            answer = self.http.request("POST", f"{self.url}/{what}", body=body)
        except HTTPError as error:
            log.warning("the model failed: %r", error)
            reason = error.reason if isinstance(error, MaxRetryError) else error
            raise ModelUnavailableError(SLOW if isinstance(reason, ReadTimeoutError) else UNREACHABLE) from error
        if answer.status in PASSING:
            log.warning("the model failed: %s %s", answer.status, answer.data[:200])
            raise ModelUnavailableError(FULL if b'"queue_full"' in answer.data else UNREACHABLE)
        if answer.status == 422 and b'"refused"' in answer.data:  # noqa: PLR2004
            raise InputError(answer.json()["error"]["message"])
        if answer.status != 200:  # noqa: PLR2004
            raise RuntimeError(f"{self.url}/{what} answered {answer.status}: {answer.data[:200]!r}")
        return answer.json()

    async def map(self, function: Callable[[list[Item]], list[Result]], items: list[Item]) -> list[Result]:
        """Stand in for `Pool.map`: let the model call its function of the same name."""
        answer = await anyio.to_thread.run_sync(self.ask, function.__name__, {"items": items})
        return answer["results"]

    def warm_up(self) -> None:
        """Say who answers. The model is not asked: it may start later than this app."""
        log.info("the model is at %s", self.url)

    def close(self) -> None:
        """Let go of connections."""
        self.http.clear()
