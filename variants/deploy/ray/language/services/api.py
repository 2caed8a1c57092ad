"""The model as other programs see it: OpenAI's chat completions, of which this is the part that models share.

https://platform.openai.com/docs/api-reference/chat. Plain FastAPI, so that it can be tested without Ray.
"""

import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.chat.chat_completion_chunk import ChoiceDelta
from pydantic import BaseModel, Field

from services.endpoint import EndpointOptions, create_endpoint
from services.protocol import End, Message, Piece, Thinking

Stream = Callable[[Sequence[Message], int], AsyncGenerator[Piece]]
"""As `ChatModel.stream`."""


class ChatMessage(BaseModel):
    """One message; pydantic reads no `TypedDict` of Python 3.11."""

    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(BaseModel):
    """What is read of a request; fields that this model has no use for, such as a temperature, are let pass."""

    messages: list[ChatMessage] = Field(min_length=1)
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    """The newer name of the same."""
    stream: bool = False


class Answer:
    """One answer in the two forms that it may have."""

    def __init__(self, name: str, limit: int) -> None:
        """Begin an answer of at most `limit` tokens by the model `name`."""
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())
        self.name = name
        self.limit = limit
        self.tokens = 0
        self.end: End | None = None

    @property
    def reason(self) -> Literal["stop", "length"]:
        """Tell why the answer ended: the model says so, or has written as much as it may."""
        is_cut = self.end.reason == "length" if self.end else self.tokens >= self.limit
        return "length" if is_cut else "stop"

    def delta(self, piece: Piece | None) -> ChoiceDelta | None:
        """Make of a piece what goes into a chunk; tools and sources have no place in this protocol's streams."""
        if isinstance(piece, End):
            self.end = piece
        if not isinstance(piece, str | Thinking):
            return None
        self.tokens += 1
        # What thinking models call it, although OpenAI's schema does not.
        if isinstance(piece, Thinking):
            return ChoiceDelta.model_validate({"reasoning_content": piece.text})
        return ChoiceDelta(content=piece)

    def chunk(self, delta: ChoiceDelta, reason: Literal["stop", "length"] | None = None) -> str:
        """Write one event of a stream."""
        choice = ChunkChoice(index=0, delta=delta, finish_reason=reason)
        kind = "chat.completion.chunk"
        chunk = ChatCompletionChunk(id=self.id, created=self.created, model=self.name, object=kind, choices=[choice])
        return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"

    async def lines(self, first: Piece | None, rest: AsyncGenerator[Piece]) -> AsyncGenerator[str]:
        """Write a stream, and close the model's when the reader has gone."""
        async with aclosing(rest):
            yield self.chunk(ChoiceDelta(role="assistant", content=""))
            if delta := self.delta(first):
                yield self.chunk(delta)
            async for piece in rest:
                if delta := self.delta(piece):
                    yield self.chunk(delta)
            yield self.chunk(ChoiceDelta(), self.reason)
            yield "data: [DONE]\n\n"

    async def whole(self, first: Piece | None, rest: AsyncGenerator[Piece]) -> Response:
        """Wait for the end."""
        async with aclosing(rest):
            deltas = [self.delta(piece) for piece in [first, *[piece async for piece in rest]]]
        text = "".join(delta.content or "" for delta in deltas if delta)
        choice = Choice(
            index=0,
            message=ChatCompletionMessage(role="assistant", content=text),
            finish_reason=self.reason,
        )
        # Pieces of the answer; what the question takes, only the model could tell.
        usage = CompletionUsage(prompt_tokens=0, completion_tokens=self.tokens, total_tokens=self.tokens)
        kind = "chat.completion"
        answer = ChatCompletion(
            id=self.id, created=self.created, model=self.name, object=kind, choices=[choice], usage=usage
        )
        return Response(answer.model_dump_json(exclude_none=True), media_type="application/json")


def create_api(stream: Stream, options: EndpointOptions, most: int, name: str) -> FastAPI:
    """Build the endpoint around a model of this name, whose answers have at most `most` tokens."""
    app = create_endpoint(options)

    @app.post("/v1/chat/completions")
    async def complete(request: ChatRequest) -> Response:  # pyright: ignore[reportUnusedFunction]
        limit = max(1, min(request.max_tokens or request.max_completion_tokens or most, most))
        pieces = stream([Message(role=each.role, content=each.content) for each in request.messages], limit)
        # The first piece before the status: a model that is full or dies can still be said to be, and asked again.
        first = await anext(pieces, None)
        answer = Answer(name, limit)
        if not request.stream:
            return await answer.whole(first, pieces)
        return StreamingResponse(answer.lines(first, pieces), media_type="text/event-stream")

    return app
