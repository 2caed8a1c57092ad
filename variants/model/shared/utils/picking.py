"""What a model may have beside the members of `ChatModel`: others of the same kind, and a length.

Several models, of which the visitor picks one: whatever has `names`, and `named(name)` that gives the model.
"""

from typing import Protocol, cast

import gradio as gr

from services.errors import InputError
from services.protocol import ChatModel


class Several(Protocol):
    """What a model may have beside the members of `ChatModel`."""

    @property
    def names(self) -> tuple[str, ...]:
        """What there is to choose from, the usual one first."""
        ...

    def named(self, name: str) -> ChatModel:
        """Give the model of this name."""
        ...


def names_of(model: ChatModel) -> tuple[str, ...]:
    """Tell what there is to choose from; nothing if there is one model alone."""
    names = tuple(getattr(model, "names", ()))
    return names if len(names) > 1 else ()


def picker(model: ChatModel) -> list[gr.Dropdown]:
    """Make the input with which visitors choose, if there is a choice."""
    names = names_of(model)
    return [gr.Dropdown(list(names), value=names[0], label="Model")] if names else []


def picked(model: ChatModel, name: str) -> ChatModel:
    """Give the model that a visitor has chosen.

    Raises:
        InputError: if it is not offered; programs may send anything.

    """
    names = names_of(model)
    if not names:
        return model
    if name not in names:
        raise InputError(f"There is no model of this name. Choose from: {', '.join(names)}.")
    return cast("Several", model).named(name)


class Bounded(Protocol):
    """What a model may have beside the members of `ChatModel`, too."""

    async def context_tokens(self) -> int:
        """Tell what it can read and write together, in tokens; 0 if it does not know."""
        ...


async def context_of(model: ChatModel, told: int) -> int:
    """Give what a model can read and write together: what the settings say, or else the model, or 0."""
    return told or (await cast("Bounded", model).context_tokens() if hasattr(model, "context_tokens") else 0)
