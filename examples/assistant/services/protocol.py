"""What the app asks of a model. Anything that has these three members will do: no base class, no registry."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, NotRequired, Protocol, TypedDict

from services.errors import InputError


class Message(TypedDict):
    """One message of a conversation, in the form that language models take."""

    role: Literal["system", "user", "assistant"]
    content: str
    pictures: NotRequired[list[str]]
    """What a visitor has attached, as `data:` addresses; only where the settings of a chat say that its model sees."""


@dataclass(frozen=True)
class Thinking:
    """A piece of what the model thinks before it answers. It is shown folded, and never sent back to the model."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model asks for, shown as a step."""

    name: str
    arguments: str = "{}"
    """As JSON."""
    result: str = ""
    """What the tool gave; empty as long as it runs, or where nobody runs it."""
    id: str = ""
    """Two pieces with the same id are one step, the second with its result."""


@dataclass(frozen=True)
class Source:
    """Where something in the answer comes from, shown as a link below it."""

    url: str
    title: str = ""


@dataclass(frozen=True)
class Notice:
    """Why nothing comes yet; shown until something does."""

    text: str


@dataclass(frozen=True)
class End:
    """Why the answer ends: it is complete, at its limit, held back by a filter, or waits for tools."""

    reason: Literal["stop", "length", "filter", "tools"] = "stop"
    tokens: int | None = None
    """What the model has written, if it tells."""


Piece = str | Thinking | ToolCall | Source | Notice | End
"""What an answer is made of; text is a plain `str`, and a model that gives nothing else is fine."""


class ChatModel(Protocol):
    """Writes an answer piece by piece."""

    @property
    def notice(self) -> str:
        """What visitors should know about this model, as Markdown; empty if there is nothing to say."""
        ...

    def warm_up(self) -> None:
        """Load what takes long. Called once in a thread at the start; the app reports ready when it has returned."""
        ...

    def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[Piece]:
        """Answer the last message.

        The generator is closed when the user presses Stop or leaves: release what the answer holds in a `finally`.

        Args:
            messages: The conversation, oldest first; instructions come as a first message of the role `system`.
            max_tokens: Where to stop at the latest.

        Raises:
            ModelUnavailableError: if trying again later may help. Its text is shown to the user.
            TooLongError: if it cannot read so much. A chat then asks again with fewer of the earlier messages.

        """
        ...


class ModelUnavailableError(InputError):
    """The model cannot answer at the moment, through no fault of the user."""

    title = "The model does not answer"


class TooLongError(InputError):
    """The messages are more than the model can read."""
