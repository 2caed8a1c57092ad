"""What the app asks of a model. Anything that has these three members will do: no base class, no registry."""

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, Protocol, TypedDict

from services.errors import InputError


class Message(TypedDict):
    """One message of a conversation, in the form that language models take."""

    role: Literal["system", "user", "assistant"]
    content: str


class ChatModel(Protocol):
    """Writes an answer piece by piece."""

    @property
    def notice(self) -> str:
        """What visitors should know about this model, as Markdown; empty if there is nothing to say."""
        ...

    def warm_up(self) -> None:
        """Load what takes long. Called once in a thread at the start; the app reports ready when it has returned."""
        ...

    def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
        """Answer the last message.

        The generator is closed when the user presses Stop or leaves: release what the answer holds in a `finally`.

        Args:
            messages: The conversation, oldest first; instructions come as a first message of the role `system`.
            max_tokens: Where to stop at the latest.

        Raises:
            ModelUnavailableError: if trying again later may help. Its text is shown to the user.

        """
        ...


class ModelUnavailableError(InputError):
    """The model cannot answer at the moment, through no fault of the user."""

    title = "The model does not answer"
