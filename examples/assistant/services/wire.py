"""From the bytes of a server to typed pieces, for every shape in which OpenAI's chat completions are seen.

https://platform.openai.com/docs/api-reference/chat-streaming, and what other servers make of it.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Literal, cast

from services.causes import NO_ANSWER, RefusedError, fields, items, judge, words_of
from services.protocol import End, Piece, Source, Thinking, ToolCall

DONE = "[DONE]"
LONGEST_LINE = 8 * 2**20
"""Bytes of one event; a server that sends more sends no chat."""
OPEN, CLOSE = "<think>", "</think>"
REASONS: dict[str, Literal["stop", "length", "filter", "tools"]] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filter",
    "tool_calls": "tools",
    "function_call": "tools",
}
"""Every other reason is a complete answer."""


async def events(packets: AsyncIterator[bytes]) -> AsyncGenerator[str]:
    """Give the data of each event.

    A packet may end anywhere, in a character too. Comments, names and ids of events and pings say nothing here.
    """
    rest = b""
    async for packet in packets:
        *lines, rest = (rest + packet).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise RefusedError(NO_ANSWER, "an event without an end")
        for line in lines:
            if data := data_of(line):
                yield data
    if data := data_of(rest):
        yield data


def data_of(line: bytes) -> str:
    """Give what a line of a stream carries; empty if it is no data."""
    name, _, value = line.decode("utf-8", "replace").partition(":")
    return value.strip() if name == "data" else ""


def chunk_of(data: str) -> dict[str, Any]:
    """Read a chunk, or a whole answer.

    Raises:
        RefusedError: if it is none, or an error. A status may stand before it, so it is known by its words and code.

    """
    try:
        chunk: Any = json.loads(data)
    except ValueError:
        raise RefusedError(NO_ANSWER, f"no JSON: {words_of(data)}") from None
    if not isinstance(chunk, dict):
        raise RefusedError(NO_ANSWER, f"no object: {words_of(data)}")
    found = cast("dict[str, Any]", chunk)
    if found.get("error") or found.get("object") == "error":
        raise RefusedError(judge(None, found), words_of(found))
    return found


class Splitter:
    """Takes thinking out of the text of models that write it between tags at the start. Tags may come in parts."""

    def __init__(self) -> None:
        """Begin an answer."""
        self.held = ""
        self.state: Literal["start", "thinking", "gap", "text"] = "start"

    def split(self, text: str) -> Iterator[Piece]:
        """Take some more text, and give what is certain by now."""
        self.held += text
        if self.state == "start":
            begin = self.held.lstrip()
            if OPEN.startswith(begin[: len(OPEN)]) and len(begin) < len(OPEN):
                return
            self.state = "thinking" if begin.startswith(OPEN) else "text"
            self.held = begin[len(OPEN) :] if self.state == "thinking" else self.held
        if self.state == "thinking":
            thought, tag, after = self.held.partition(CLOSE)
            # Without the tag, its beginning may be at the end.
            keep = 0 if tag else next((n for n in range(len(CLOSE) - 1, 0, -1) if thought.endswith(CLOSE[:n])), 0)
            self.held = after if tag else thought[len(thought) - keep :]
            self.state = "gap" if tag else "thinking"
            if thought := thought[: len(thought) - keep]:
                yield Thinking(thought)
        if self.state == "gap":
            self.held = self.held.lstrip()
            self.state = "text" if self.held else "gap"
        if self.state == "text":
            yield from self.rest()

    def rest(self) -> Iterator[Piece]:
        """Give what was held back."""
        if self.held:
            yield Thinking(self.held) if self.state == "thinking" else self.held
        self.held = ""


class Reader:
    """Reads one answer, chunk by chunk; a whole answer is one chunk."""

    def __init__(self) -> None:
        """Begin an answer."""
        self.splitter = Splitter()
        self.calls: dict[int, dict[str, str]] = {}
        self.reason: str | None = None
        self.tokens: int | None = None

    def read(self, chunk: dict[str, Any]) -> Iterator[Piece]:
        """Give the pieces in a chunk. Some carry no choice: statistics at the end, filters at the start."""
        tokens = fields(chunk.get("usage")).get("completion_tokens")
        if isinstance(tokens, int):
            self.tokens = tokens
        for url in items(chunk.get("citations")):
            if isinstance(url, str):
                yield Source(url)
        choice = fields((items(chunk.get("choices")) or [None])[0])
        self.reason = choice.get("finish_reason") or self.reason
        said = fields(choice.get("delta") or choice.get("message"))
        thought = said.get("reasoning_content") or said.get("reasoning")
        if isinstance(thought, str):
            yield Thinking(thought)
        for part in parts_of(said.get("content")):
            yield from self.splitter.split(part) if isinstance(part, str) else [part]
        yield from parts_of(said.get("refusal"))
        for note in items(said.get("annotations")):
            cited = fields(fields(note).get("url_citation"))
            if cited.get("url"):
                yield Source(cited["url"], cited.get("title") or "")
        self.note_calls(items(said.get("tool_calls")))

    def note_calls(self, calls: list[Any]) -> None:
        """Put the parts of calls together, which come one by one."""
        for number, part in enumerate(map(fields, calls)):
            index = part.get("index")
            call = self.calls.setdefault(number if index is None else index, {"id": "", "name": "", "arguments": ""})
            call["id"] = part.get("id") or call["id"]
            function = fields(part.get("function"))
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""

    def end(self) -> Iterator[Piece]:
        """Give what is left, and why the answer ends."""
        yield from self.splitter.rest()
        for number, call in self.calls.items():
            yield ToolCall(call["name"], call["arguments"] or "{}", id=call["id"] or f"call-{number}")
        yield End(REASONS.get(self.reason or "", "stop"), self.tokens)


def parts_of(content: Any) -> Iterator[str | Thinking]:  # noqa: ANN401 (what a server sent)
    """Give the parts of a message: it is a text, nothing, or a list of texts and thoughts."""
    if isinstance(content, str) and content:
        yield content
    for part in map(fields, items(content)):
        if part.get("type") == "thinking":
            yield from (Thinking(text) for text in parts_of(part.get("thinking")) if isinstance(text, str))
        elif text := part.get("text"):
            yield text
