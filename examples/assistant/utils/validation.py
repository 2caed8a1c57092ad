"""Refusing bad input before it waits in the queue."""

from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr

from server.errors import translated
from services.errors import InputError

Value = TypeVar("Value")


def first_input(check: Callable[[Value], object]) -> Callable[..., Any]:
    """Make an event's `validator` that holds its first input against `check`, which raises `InputError`."""

    # Gradio shows whatever a validator raises, so it stands behind the error boundary, although it is no event.
    @translated("validate")
    def validate(value: Value, *others: object) -> Any:  # noqa: ANN401
        try:
            check(value)
        except InputError as error:
            verdict = gr.validate(is_valid=False, message=str(error))
        else:
            verdict = gr.validate(is_valid=True, message="")
        # Gradio wants a list with a verdict for each input, but the verdict itself where there is one input.
        return [verdict, *[gr.validate(is_valid=True, message="") for _ in others]] if others else verdict

    return validate
