"""A language model behind any server that speaks OpenAI's chat completions.

https://platform.openai.com/docs/api-reference/chat; Ollama, vLLM, llama.cpp and most hosts offer the same. What they
send is read in `wire.py`, and what they refuse is looked up in `causes.py`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from copy import copy
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import openai

from services.causes import (
    BROKE_OFF,
    NO_ANSWER,
    NO_CONNECTION,
    NO_SYSTEM_ROLE,
    TOO_SLOW,
    WRONG_ADDRESS,
    WRONG_NAME,
    RefusedError,
    judge,
    words_of,
)
from services.lengths import Lengths
from services.protocol import Message, Notice, Piece, ToolCall
from services.tools import Toolbox
from services.wire import DONE, Reader, chunk_of, events

log = logging.getLogger("app.model")

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class ModelServer:
    """Where a language model answers, and how long to wait for it."""

    name: str
    url: str = ""
    """Such as `http://localhost:11434/v1`; empty means OpenAI's own."""
    key: str = ""
    limit_field: str = "max_tokens"
    """What the server calls the longest answer."""
    connect_timeout: float = 5
    first_token_timeout: float = 120
    """Seconds from the question to the first token: a server may load the model first."""
    timeout: float = 60
    """Seconds between two tokens."""
    retries: int = 2
    """Further tries when the server is busy or refuses the connection, until its answer has begun."""
    names: tuple[str, ...] = ()
    """All models that visitors may choose from; empty if there is only the one."""


class RemoteModel:
    """One client for all visitors; it keeps connections open between answers."""

    def __init__(self, server: ModelServer, tools: Toolbox | None = None) -> None:
        """Note whom to ask; nothing is sent yet."""
        self.server, self.tools = server, tools
        self.names = server.names
        self.notice = "" if len(self.names) > 1 else f"`{server.name}` answers here."
        self.without_system: set[str] = set()
        """Models that have refused a system role."""
        self.client = openai.AsyncOpenAI(
            # Both are always given: the client would look for them in the environment.
            base_url=server.url or OPENAI_URL,
            api_key=server.key or "none",
            # Silence is measured in tokens, by `patient`: a server that only sends signs of life is silent too.
            timeout=openai.Timeout(None, connect=server.connect_timeout),
            max_retries=0,  # `tried` does it, and tells the visitor
        )
        self.lengths = Lengths(self.client, server.connect_timeout)

    def named(self, name: str) -> "RemoteModel":
        """Give another model of the same server, over the same connections."""
        other = copy(self)
        other.server = replace(self.server, name=name)
        return other

    async def context_tokens(self) -> int:
        """Tell what the model can read and write together, if its server does; 0 if not."""
        return await self.lengths.of(self.server.name)

    def warm_up(self) -> None:
        """Say who answers. The server is not asked: it may start later than this app."""
        log.info("%s answers at %s", self.server.name, self.client.base_url)

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[Piece]:
        """Pass the server's answer on as it comes, and run the tools that it asks for."""
        talk: list[Any] = list(messages)
        try:
            for turn in range(self.tools.rounds + 1 if self.tools else 1):
                calls: list[ToolCall] = []
                tools = self.tools.specs if self.tools and turn < self.tools.rounds else []
                async with aclosing(self.tried(talk, max_tokens, tools)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, ToolCall):
                            calls.append(piece)
                        yield piece
                if not (self.tools and calls):
                    return
                talk.append(self.tools.asked(calls))
                for call in calls:
                    done = await self.tools.run(call)
                    talk.append({"role": "tool", "tool_call_id": call.id, "content": done.result})
                    yield done
        except RefusedError as error:
            raise error.cause.kind(error.cause.said) from error

    async def tried(self, talk: list[Any], max_tokens: int, tools: list[Any]) -> AsyncGenerator[Piece]:
        """Ask, and ask again where that may help and nothing has been said yet."""
        begun, tries = False, 0
        deadline = time.monotonic() + self.server.first_token_timeout
        while True:
            request = self.request(talk, max_tokens, tools)
            try:
                async with aclosing(self.patient(self.once(request), deadline)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except RefusedError as error:
                log.warning("the model server failed: %s (%s)", error.cause.said, error)
                if error.cause in {WRONG_NAME, WRONG_ADDRESS}:
                    await self.name_models()
                if error.cause is NO_SYSTEM_ROLE and self.server.name not in self.without_system:
                    self.without_system.add(self.server.name)
                    continue
                wait = 2.0**tries if error.wait is None else error.wait
                # A server that says it is loading is asked until a first token would be too late anyway.
                tries += not (error.cause.is_loading and self.server.retries)
                is_late = time.monotonic() + wait > deadline
                if begun or is_late or not error.cause.again or tries > self.server.retries:
                    raise
                text = error.cause.said.split(". ")[0]
                yield Notice(f"{text}. Next try in {wait:.0f} s.")
                await asyncio.sleep(wait)
            else:
                return

    async def patient(self, pieces: AsyncGenerator[Piece], deadline: float) -> AsyncGenerator[Piece]:
        """Wait no longer than the settings say: for the first piece until `deadline`, and then for each next one."""
        seconds = max(0.0, deadline - time.monotonic())
        async with aclosing(pieces):
            while True:
                try:
                    async with asyncio.timeout(seconds):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise RefusedError(TOO_SLOW, f"no token within {seconds:.0f} s") from None
                yield piece
                seconds = self.server.timeout

    async def once(self, request: dict[str, Any]) -> AsyncGenerator[Piece]:
        """Send one request and read its answer, in whatever form it comes."""
        reader, is_whole = Reader(), False
        with judged():
            # Leaving the block closes the connection, which is how the server learns that the user pressed Stop.
            async with self.client.chat.completions.with_streaming_response.create(**request, stream=True) as answer:
                kind = answer.headers.get("content-type", "")
                if "html" in kind:
                    raise RefusedError(NO_ANSWER, f"a page: {words_of((await answer.read()).decode(errors='replace'))}")
                if "json" in kind:  # the stream was ignored, or this is an error
                    is_whole = True
                    for piece in reader.read(chunk_of((await answer.read()).decode(errors="replace"))):
                        yield piece
                else:
                    async for data in events(answer.iter_bytes()):
                        is_whole = data == DONE
                        if is_whole:
                            break
                        for piece in reader.read(chunk_of(data)):
                            yield piece
        if not (is_whole or reader.reason):
            raise RefusedError(BROKE_OFF, "the stream ends without an end")
        for piece in reader.end():
            yield piece

    def request(self, talk: list[Any], max_tokens: int, tools: list[Any]) -> dict[str, Any]:
        """Make the body of a request; a model without a system role gets the instructions in the first message."""
        if self.server.name in self.without_system and talk[0]["role"] == "system":
            first = talk[1] | {"content": f"{talk[0]['content']}\n\n{talk[1]['content']}"}
            talk = [first, *talk[2:]]
        messages = [written(message) for message in talk]
        body = {"model": self.server.name, "messages": messages, self.server.limit_field: max_tokens}
        return body | ({"tools": tools} if tools else {})

    async def name_models(self) -> None:
        """Tell the operator which models the server has: the name in the settings is none of them."""
        try:
            async with asyncio.timeout(self.server.connect_timeout):
                names = [model.id async for model in self.client.models.list()]
        except Exception as error:  # noqa: BLE001 (it is only advice)
            log.warning("the names of its models are not to be had either: %s", type(error).__name__)
        else:
            log.warning("APP_MODEL_NAME is %s; the server has: %s", self.server.name, ", ".join(names[:20]))


def written(message: dict[str, Any]) -> dict[str, Any]:
    """Write a message as the protocol wants it: with pictures, it has parts.

    https://platform.openai.com/docs/guides/images-vision
    """
    if not message.get("pictures"):
        return message
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in message["pictures"]]
    text = [{"type": "text", "text": message["content"]}] if message["content"] else []
    return {"role": message["role"], "content": [*pictures, *text]}


@contextmanager
def judged() -> Generator[None]:
    """Find the cause of what goes wrong with a request.

    Raises:
        RefusedError: for everything that a server or a network may do.

    """
    try:
        yield
    except openai.APIStatusError as error:
        cause = judge(error.status_code, error.body)
        words = f"{error.status_code} {words_of(error.body)}"
        raise RefusedError(cause, words, seconds_to_wait(error.response.headers)) from None
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        refused = isinstance(error.__cause__ or error, (httpx2.ConnectError, httpx2.ConnectTimeout))
        raise RefusedError(NO_CONNECTION if refused else BROKE_OFF, repr(error.__cause__ or error)) from None


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`, which is a number of seconds or a date; None if it is not there or not to be understood."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        text = headers["retry-after"]
        if text.replace(".", "", 1).isdecimal():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (KeyError, ValueError):
        return None
